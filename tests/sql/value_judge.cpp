// Compares values, conversions and operators with SQLite's own on random values.
// Usage: sql-value-judge [seed]

#include <cstdio>

#ifndef SATURN_HAVE_SQLITE

int main() {
  std::fputs("SKIPPED: libsqlite3 is absent, nothing judged the value semantics\n", stderr);
  return 77;
}

#else

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
      return Value(
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
       return truth(a, b, [&] { return compare(a, b, Collation::nocase()) == 0; });
     }},
    {"?1 <= ?2 COLLATE RTRIM",
     [](ValueRef a, ValueRef b, ValueArena&) {
       return truth(a, b, [&] { return compare(a, b, Collation::rtrim()) <= 0; });
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
  sqlite3_close(database);
  return failures == 0 ? 0 : 1;
}

#endif
