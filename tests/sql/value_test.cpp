#include "value/affinity.hpp"
#include "value/arithmetic.hpp"
#include "value/compare.hpp"
#include "value/number.hpp"
#include "value/pattern.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace saturn;
using namespace saturn::sql;

namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

std::string shown(double v) {
  std::string out;
  append_real(out, v);
  return out;
}

Value cast_of(const Value& v, std::string_view type) {
  ValueArena arena;
  return Value(cast(v.ref(), affinity_of_type(type), arena));
}

Value stored(const Value& v, Affinity affinity) {
  ValueArena arena;
  return Value(apply_affinity(v.ref(), affinity, arena));
}

}  // namespace

TEST_CASE("reals print with 15 digits and always a point") {
  CHECK(shown(1.0) == "1.0");
  CHECK(shown(-0.0) == "0.0");
  CHECK(shown(0.1) == "0.1");
  CHECK(shown(1e20) == "1.0e+20");
  CHECK(shown(1e15) == "1.0e+15");
  CHECK(shown(123456789012345.0) == "123456789012345.0");
  CHECK(shown(1.0 / 3) == "0.333333333333333");
  CHECK(shown(-1.5e-7) == "-1.5e-07");
  CHECK(shown(0.0001) == "0.0001");
  CHECK(shown(1e300) == "1.0e+300");
  CHECK(shown(5e-324) == "4.94065645841247e-324");
  CHECK(shown(1906250990995.375) == "1906250990995.38");
  CHECK(shown(730253715489054.5) == "730253715489055.0");
  CHECK(shown(0.9999999999999999) == "1.0");
  CHECK(shown(HUGE_VAL) == "Inf");
  CHECK(shown(-HUGE_VAL) == "-Inf");
}

TEST_CASE("declared types have SQLite's affinities") {
  CHECK(affinity_of_type("") == Affinity::blob);
  CHECK(affinity_of_type("BigInt") == Affinity::integer);
  CHECK(affinity_of_type("CHARINT") == Affinity::integer);
  CHECK(affinity_of_type("varchar(10)") == Affinity::text);
  CHECK(affinity_of_type("BLOB") == Affinity::blob);
  CHECK(affinity_of_type("double precision") == Affinity::real);
  CHECK(affinity_of_type("FLOATING POINT") == Affinity::integer);
  CHECK(affinity_of_type("DECIMAL(10,5)") == Affinity::numeric);
  CHECK(affinity_of_type("STRING") == Affinity::numeric);
}

TEST_CASE("CAST takes the longest numeric prefix") {
  CHECK(cast_of("12abc", "integer") == Value(12));
  CHECK(cast_of("  -7 ", "integer") == Value(-7));
  CHECK(cast_of("1e3", "integer") == Value(1));
  CHECK(cast_of("9223372036854775808", "integer") == Value(kMax));
  CHECK(cast_of("-9223372036854775809", "integer") == Value(kMin));
  CHECK(cast_of(1e300, "integer") == Value(kMax));
  CHECK(cast_of(-1.9, "integer") == Value(-1));
  CHECK(cast_of("1.5e2x", "real") == Value(150.0));
  CHECK(cast_of("1e", "real") == Value(1.0));
  CHECK(cast_of(".", "real") == Value(0.0));
  CHECK(cast_of("1e400", "real") == Value(HUGE_VAL));
  CHECK(cast_of("1e-400", "real") == Value(0.0));
  CHECK(cast_of("1e3", "numeric") == Value(1000));
  CHECK(cast_of("1.5x", "numeric") == Value(1.5));
  CHECK(cast_of(1.0, "numeric") == Value(1.0));
  CHECK(cast_of("", "numeric") == Value(0));
  CHECK(cast_of(1.0, "text") == Value("1.0"));
  CHECK(cast_of(12, "blob") == Value(Value::Blob{"12"}));
  CHECK(cast_of(Value(), "text") == Value());
}

TEST_CASE("columns store by affinity") {
  CHECK(stored("12", Affinity::integer) == Value(12));
  CHECK(stored("12x", Affinity::integer) == Value("12x"));
  CHECK(stored("1e2", Affinity::numeric) == Value(100));
  CHECK(stored(" 1.5 ", Affinity::numeric) == Value(1.5));
  CHECK(stored(3.0, Affinity::integer) == Value(3));
  CHECK(stored(3, Affinity::real) == Value(3.0));
  CHECK(stored(3.5, Affinity::text) == Value("3.5"));
  CHECK(stored(Value::Blob{"1"}, Affinity::integer) == Value(Value::Blob{"1"}));
  CHECK(stored("9223372036854775808", Affinity::integer) == Value(9223372036854775808.0));
}

TEST_CASE("storage classes have one order, and integers compare with reals exactly") {
  CHECK(compare(ValueRef(), ValueRef::integer(0)) < 0);
  CHECK(compare(ValueRef::real(1e300), ValueRef::text("")) < 0);
  CHECK(compare(ValueRef::text("z"), ValueRef::blob("a")) < 0);
  CHECK(compare(ValueRef::integer(kMax), ValueRef::real(9223372036854775808.0)) < 0);
  CHECK(compare(ValueRef::integer(9007199254740993), ValueRef::real(9007199254740992.0)) > 0);
  CHECK(compare(ValueRef::real(1.5), ValueRef::integer(1)) > 0);
  CHECK(compare(ValueRef::real(-1.5), ValueRef::integer(-1)) < 0);
  CHECK(compare(ValueRef::text("a"), ValueRef::text("A")) > 0);
  CHECK(compare(ValueRef::text("aB"), ValueRef::text("Ab"),
                Collation::of(Collation::Kind::nocase, TextEncoding::utf8)) == 0);
  CHECK(compare(ValueRef::text("a  "), ValueRef::text("a"),
                Collation::of(Collation::Kind::rtrim, TextEncoding::utf8)) == 0);
  CHECK(Collation::find("noCase", TextEncoding::utf8) ==
        &Collation::of(Collation::Kind::nocase, TextEncoding::utf8));
  CHECK(Collation::find("unicode", TextEncoding::utf8) == nullptr);
}

TEST_CASE("comparisons convert by affinity") {
  ValueArena arena;
  CHECK(comparison_affinity(Affinity::integer, Affinity::text) == Affinity::numeric);
  CHECK(comparison_affinity(Affinity::text, Affinity::none) == Affinity::text);
  CHECK(comparison_affinity(Affinity::text, Affinity::blob) == Affinity::blob);
  ValueRef a = ValueRef::integer(12);
  ValueRef b = ValueRef::text("12.0");
  apply_comparison_affinity(a, b, Affinity::numeric, arena);
  CHECK(compare(a, b) == 0);
}

TEST_CASE("integer arithmetic overflows into reals") {
  const auto i = [](std::int64_t v) { return ValueRef::integer(v); };
  CHECK(Value(add(i(kMax), i(1))) == Value(9223372036854775808.0));
  CHECK(Value(multiply(i(kMax), i(2))) == Value(18446744073709551616.0));
  CHECK(Value(divide(i(kMin), i(-1))) == Value(9223372036854775808.0));
  CHECK(Value(remainder(i(kMin), i(-1))) == Value(0));
  CHECK(Value(negate(i(kMin))) == Value(9223372036854775808.0));
  CHECK(divide(i(1), i(0)).is_null());
  CHECK(remainder(i(1), ValueRef::real(0.5)).is_null());
  CHECK(Value(remainder(ValueRef::real(7.9), i(3))) == Value(1.0));
  CHECK(Value(add(ValueRef::text("12abc"), i(1))) == Value(13));
  CHECK(Value(shift_left(i(1), i(-64))) == Value(0));
  CHECK(Value(shift_right(i(-1), i(70))) == Value(-1));
  CHECK(Value(shift_left(i(1), i(63))) == Value(kMin));
  CHECK(Value(bit_not(i(0))) == Value(-1));
}

TEST_CASE("LIKE and GLOB match as SQLite's") {
  CHECK(like("A%c", "abbbC"));
  CHECK(like("%", ""));
  CHECK_FALSE(like("_", ""));
  CHECK(like("_", "ä"));
  CHECK_FALSE(like("Ä", "ä"));
  CHECK(like("10\\%", "10%", '\\'));
  CHECK_FALSE(like("10\\%", "100", '\\'));
  CHECK_FALSE(like("a\\", "a\\", '\\'));
  CHECK(like("%a%b%", "xxaxxbxx"));
  CHECK(glob("a*[0-9]", "abc5"));
  CHECK(glob("[^a]", "b"));
  CHECK(glob("[]]", "]"));
  CHECK(glob("[a-]", "-"));
  CHECK_FALSE(glob("[a", "a"));
  CHECK_FALSE(glob("A", "a"));
}
