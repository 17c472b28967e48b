// Compares values, conversions and operators with SQLite's own on random values.
// Usage: sql-value-judge [seed]

#include <cstdio>

#ifndef SATURN_HAVE_SQLITE

int main() {
  std::fputs("SKIPPED: libsqlite3 is absent, nothing judged the value semantics\n", stderr);
  return 77;
}

#else

#include "functions/function.hpp"
#include "value/affinity.hpp"
#include "value/arithmetic.hpp"
#include "value/compare.hpp"
#include "value/number.hpp"
#include "value/pattern.hpp"

#include <sqlite3.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

using namespace saturn;
using namespace saturn::sql;

namespace {

std::string show(ValueRef v) {
  ValueArena arena;
  constexpr const char* kNames[] = {"null", "integer", "real", "text", "blob"};
  char exact[64] = "";
  if (v.is_real()) {
    std::snprintf(exact, sizeof(exact), " %.17g", v.as_real());
  }
  return std::string(kNames[static_cast<int>(v.type())]) + " " + std::string(to_text(v, arena)) +
         exact;
}

Value column(sqlite3_stmt* statement) {
  const auto bytes = [&] {
    const void* p = sqlite3_column_blob(statement, 0);
    const auto n = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
    return n == 0 ? std::string() : std::string(static_cast<const char*>(p), n);
  };
  switch (sqlite3_column_type(statement, 0)) {
    case SQLITE_INTEGER: return Value(std::int64_t{sqlite3_column_int64(statement, 0)});
    case SQLITE_FLOAT: return Value(sqlite3_column_double(statement, 0));
    case SQLITE_TEXT: return Value(bytes());
    case SQLITE_BLOB: return Value(Value::Blob{bytes()});
    default: return {};
  }
}

void bind(sqlite3_stmt* statement, int index, ValueRef v) {
  const auto n = static_cast<int>(v.bytes().size());
  switch (v.type()) {
    case Type::null: sqlite3_bind_null(statement, index); break;
    case Type::integer: sqlite3_bind_int64(statement, index, v.as_integer()); break;
    case Type::real: sqlite3_bind_double(statement, index, v.as_real()); break;
    case Type::text:
      sqlite3_bind_text(statement, index, v.bytes().data(), n, SQLITE_TRANSIENT);
      break;
    case Type::blob:
      n == 0 ? sqlite3_bind_zeroblob(statement, index, 0)
             : sqlite3_bind_blob(statement, index, v.bytes().data(), n, SQLITE_TRANSIENT);
      break;
  }
}

using Operator = std::function<ValueRef(ValueRef, ValueRef, ValueArena&)>;
struct Case {
  const char* sql;
  Operator ours;
};

/// The nearest real with 15 digits: 3.40 does not print or read the 16th and 17th exactly.
Value rounded(double v) {
  std::string text;
  append_real(text, v);
  return Value(parse_real(text).value);
}

/// Equal, but for the last bits of reals that a function computed.
bool alike(const Value& a, const Value& b) {
  if (a.type() != Type::real || b.type() != Type::real) {
    return a == b;
  }
  const double x = a.ref().as_real();
  const double y = b.ref().as_real();
  return x == y || std::fabs(x - y) <= 1e-13 * std::fabs(x);
}

Value random_value(std::mt19937_64& random) {
  const auto pick = [&](std::uint64_t n) { return random() % n; };
  constexpr const char* kTexts[] = {"",
                                    "0",
                                    " 12 ",
                                    "1e5",
                                    "1.5",
                                    "-3.25e2x",
                                    "abc",
                                    "ABC",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "+7",
                                    ".5",
                                    "5.",
                                    "1e",
                                    "-",
                                    "0x10",
                                    "1e400",
                                    "a_c",
                                    "a  ",
                                    "a%",
                                    "-0.0",
                                    "12ab",
                                    "\n3",
                                    "ä",
                                    "ÄB",
                                    "[a-c]*",
                                    "a",
                                    "A*"};
  switch (pick(8)) {
    case 0: return {};
    case 1: return Value(static_cast<std::int64_t>(pick(21)) - 10);
    case 2: return Value(static_cast<std::int64_t>(random()) >> pick(64));
    case 3:  // at most 15 digits: 3.40 rounds ties otherwise than 3.50
      return Value(static_cast<double>(static_cast<std::int64_t>(random()) >> (27 + pick(37))) / 8);
    case 4:
      return rounded(
          std::ldexp(static_cast<double>(random() >> 11), static_cast<int>(pick(90)) - 110));
    case 5: return Value(Value::Blob{kTexts[pick(std::size(kTexts))]});
    default: return Value(kTexts[pick(std::size(kTexts))]);
  }
}

template <ValueRef (*F)(ValueRef, ValueRef) noexcept>
ValueRef operate(ValueRef a, ValueRef b, ValueArena&) {
  return F(a, b);
}

ValueRef truth(ValueRef a, ValueRef b, auto test) {
  return a.is_null() || b.is_null() ? ValueRef() : ValueRef::integer(test() ? 1 : 0);
}

template <Affinity A>
ValueRef casted(ValueRef a, ValueRef, ValueArena& arena) {
  return cast(a, A, arena);
}

const Case kCases[] = {
    {"?1 + ?2", operate<add>},
    {"?1 - ?2", operate<subtract>},
    {"?1 * ?2", operate<multiply>},
    {"?1 / ?2", operate<divide>},
    {"?1 % ?2", operate<remainder>},
    {"?1 & ?2", operate<bit_and>},
    {"?1 | ?2", operate<bit_or>},
    {"?1 << ?2", operate<shift_left>},
    {"?1 >> ?2", operate<shift_right>},
    {"?1 || ?2",
     [](ValueRef a, ValueRef b, ValueArena& arena) { return concatenate(a, b, arena).value(); }},
    {"-?1", [](ValueRef a, ValueRef, ValueArena&) { return negate(a); }},
    {"~?1", [](ValueRef a, ValueRef, ValueArena&) { return bit_not(a); }},
    {"?1 < ?2", [](ValueRef a, ValueRef b,
                   ValueArena&) { return truth(a, b, [&] { return compare(a, b) < 0; }); }},
    {"?1 = ?2 COLLATE NOCASE",
     [](ValueRef a, ValueRef b, ValueArena&) {
       return truth(a, b, [&] {
         return compare(a, b, Collation::of(Collation::Kind::nocase, TextEncoding::utf8)) == 0;
       });
     }},
    {"?1 <= ?2 COLLATE RTRIM",
     [](ValueRef a, ValueRef b, ValueArena&) {
       return truth(a, b, [&] {
         return compare(a, b, Collation::of(Collation::Kind::rtrim, TextEncoding::utf8)) <= 0;
       });
     }},
    {"?1 = CAST(?2 AS INTEGER)",
     [](ValueRef a, ValueRef b, ValueArena& arena) {
       b = cast(b, Affinity::integer, arena);
       apply_comparison_affinity(a, b, Affinity::integer, arena);
       return truth(a, b, [&] { return compare(a, b) == 0; });
     }},
    {"?1 > CAST(?2 AS TEXT)",
     [](ValueRef a, ValueRef b, ValueArena& arena) {
       b = cast(b, Affinity::text, arena);
       apply_comparison_affinity(a, b, Affinity::text, arena);
       return truth(a, b, [&] { return compare(a, b) > 0; });
     }},
    {"CAST(?1 AS TEXT) LIKE CAST(?2 AS TEXT)",
     [](ValueRef a, ValueRef b, ValueArena& arena) {
       return truth(a, b, [&] { return like(to_text(b, arena), to_text(a, arena)); });
     }},
    {"CAST(?1 AS TEXT) GLOB CAST(?2 AS TEXT)",
     [](ValueRef a, ValueRef b, ValueArena& arena) {
       return truth(a, b, [&] { return glob(to_text(b, arena), to_text(a, arena)); });
     }},
    {"CAST(?1 AS TEXT)", casted<Affinity::text>},
    {"CAST(?1 AS INTEGER)", casted<Affinity::integer>},
    {"CAST(?1 AS REAL)", casted<Affinity::real>},
    {"CAST(?1 AS NUMERIC)", casted<Affinity::numeric>},
    {"CAST(?1 AS BLOB)", casted<Affinity::blob>},
};

/// Functions of 3.40, called with the first 1 to 3 of the random values.
struct FunctionCase {
  const char* name;
  int arguments;
  bool small_integers = false;
};
const FunctionCase kFunctionCases[] = {
    {"abs", 1},          {"char", 2},         {"coalesce", 2},    {"hex", 1},    {"ifnull", 2},
    {"iif", 3},          {"instr", 2},        {"length", 1},      {"like", 2},   {"lower", 1},
    {"ltrim", 1},        {"ltrim", 2},        {"max", 3},         {"min", 3},    {"nullif", 2},
    {"replace", 3},      {"round", 1},        {"round", 2, true}, {"rtrim", 2},  {"sign", 1},
    {"substr", 2, true}, {"substr", 3, true}, {"trim", 2},        {"typeof", 1}, {"unicode", 1},
    {"upper", 1},        {"acos", 1},         {"atan2", 2},       {"ceil", 1},   {"floor", 1},
    {"ln", 1},           {"log", 1},          {"log", 2},         {"log2", 1},   {"mod", 2},
    {"pow", 2},          {"radians", 1},      {"degrees", 1},     {"sqrt", 1},   {"tanh", 1},
    {"trunc", 1},
};

int judge_function(sqlite3* database, const FunctionCase& test, std::mt19937_64& random) {
  constexpr const char* kParameters[] = {"", "?1", "?1, ?2", "?1, ?2, ?3"};
  const std::string sql =
      std::string("SELECT ") + test.name + "(" + kParameters[test.arguments] + ")";
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
    std::printf("%s: %s\n", sql.c_str(), sqlite3_errmsg(database));
    return 0;  // built without the mathematical functions
  }
  const Function* function = FunctionRegistry::find(test.name, test.arguments).value();
  int failures = 0;
  for (int i = 0; i < 3000 && failures < 4; ++i) {
    Value values[] = {random_value(random), random_value(random), random_value(random)};
    if (test.small_integers) {  // 3.40 cuts these to 32 bits
      values[1] = Value(static_cast<std::int64_t>(random() % 21) - 10);
      values[2] = Value(static_cast<std::int64_t>(random() % 21) - 10);
    }
    if (std::string_view(test.name) == "round") {
      // 3.40 rounds to 16 digits first, which shows wherever a decimal tie is none in binary.
      values[1] = Value(0);
    }
    if (std::string_view(test.name) == "replace") {
      // 3.40 gives a number back as it is where there is nothing to replace.
      if (values[0].ref().is_numeric()) values[0] = Value("0.5");
    }
    std::vector<ValueRef> arguments;
    for (int k = 0; k < test.arguments; ++k) {
      arguments.push_back(values[k].ref());
      bind(statement, k + 1, values[k].ref());
    }
    const bool failed = sqlite3_step(statement) != SQLITE_ROW;
    const Value theirs = failed ? Value(sqlite3_errmsg(database)) : column(statement);
    sqlite3_reset(statement);
    ValueArena arena;
    const SessionCounters counters;
    FunctionContext context{arena, counters};
    auto result = function->scalar(context, arguments);
    const Value ours = result ? Value(*result) : Value(result.error().message());
    if (!alike(ours, theirs) || failed == result.has_value()) {
      ++failures;
      std::printf("%s with", sql.c_str());
      for (const ValueRef v : arguments) {
        std::printf(" [%s]", show(v).c_str());
      }
      std::printf(": SQLite has %s, we have %s\n", show(theirs.ref()).c_str(),
                  show(ours.ref()).c_str());
    }
  }
  sqlite3_finalize(statement);
  return failures;
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t seed =
      argc > 1 ? std::strtoull(argv[1], nullptr, 10) : std::random_device{}();
  std::printf("seed %llu, SQLite %s\n", static_cast<unsigned long long>(seed),
              sqlite3_libversion());
  std::mt19937_64 random(seed);
  sqlite3* database = nullptr;
  sqlite3_open(":memory:", &database);
  int failures = 0;
  for (const Case& test : kCases) {
    sqlite3_stmt* statement = nullptr;
    const std::string sql = std::string("SELECT ") + test.sql;
    if (sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK) {
      std::printf("%s: %s\n", test.sql, sqlite3_errmsg(database));
      return 1;
    }
    for (int i = 0; i < 3000 && failures < 40; ++i) {
      const Value a = random_value(random);
      const Value b = random_value(random);
      bind(statement, 1, a.ref());
      bind(statement, 2, b.ref());
      sqlite3_step(statement);
      const Value theirs = column(statement);
      sqlite3_reset(statement);
      ValueArena arena;
      const Value ours(test.ours(a.ref(), b.ref(), arena));
      if (ours != theirs) {
        ++failures;
        std::printf("%s with %s, %s: SQLite has %s, we have %s\n", test.sql, show(a.ref()).c_str(),
                    show(b.ref()).c_str(), show(theirs.ref()).c_str(), show(ours.ref()).c_str());
      }
    }
    sqlite3_finalize(statement);
  }
  for (const FunctionCase& test : kFunctionCases) {
    failures += judge_function(database, test, random);
  }
  sqlite3_close(database);
  return failures == 0 ? 0 : 1;
}

#endif
