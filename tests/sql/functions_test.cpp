#include "functions/function.hpp"

#include <catch2/catch.hpp>

#include <vector>

using namespace saturn;
using namespace saturn::sql;

namespace {

const SessionCounters kCounters{3, 7, 42};

Result<Value> call(std::string_view name, const Row& row) {
  ValueArena arena;
  FunctionContext context{arena, kCounters};
  std::vector<ValueRef> arguments;
  for (const Value& v : row) {
    arguments.push_back(v.ref());
  }
  const Function* function = TRY(FunctionRegistry::find(name, static_cast<int>(row.size())));
  return Value(TRY(function->scalar(context, arguments)));
}

Result<Value> aggregate(std::string_view name, const Row& column) {
  ValueArena arena;
  FunctionContext context{arena, kCounters};
  const Function* function = TRY(FunctionRegistry::find(name, 1));
  const auto state = function->aggregate();
  for (const Value& v : column) {
    const ValueRef argument = v.ref();
    TRY(state->step(context, Arguments(&argument, 1)));
  }
  return Value(TRY(state->finalize(context)));
}

struct Case {
  const char* name;
  Row arguments;
  Value expected;
};

}  // namespace

TEST_CASE("scalar functions give what sqlite3 gives") {
  const Case cases[] = {
      {"abs", {-5}, 5},
      {"abs", {"x"}, 0.0},
      {"coalesce", {Value(), 2, 3}, 2},
      {"concat", {"a", Value(), 1.5}, "a1.5"},
      {"concat_ws", {"-", "a", Value(), 1}, "a-1"},
      {"char", {72, 0x20ac}, "H\u20ac"},
      {"format",
       {"%05d|%-4d|%+d|%x|%#o|%,d", 42, 7, 3, 255, 8, 1234567},
       "00042|7   |+3|ff|010|1,234,567"},
      {"printf", {"%5.2s|%Q|%w|%c|%%", "hello", "it's", "a\"b", "xyz"}, "   he|'it''s'|a\"\"b|x|%"},
      {"format", {"%q|%s|%d", "a'b", Value(), "x"}, "a''b||0"},
      {"format", {"%.5d|% d", 42, 5}, "00042| 5"},
      {"hex", {"\u00e4"}, "C3A4"},
      {"unhex", {"61-62", "-"}, Value::Blob{"ab"}},
      {"unhex", {"6"}, Value()},
      {"iif", {0, "a", "b"}, "b"},
      {"if", {0, "a"}, Value()},
      {"instr", {"\u00e4bc", "c"}, 3},
      {"length", {"\u00e4b"}, 2},
      {"length", {12.5}, 4},
      {"octet_length", {"\u00e4b"}, 3},
      {"max", {1, "a", 3}, "a"},
      {"min", {1, Value()}, Value()},
      {"nullif", {1, 1.0}, Value()},
      {"quote", {"it's"}, "'it''s'"},
      {"quote", {Value::Blob{"\x01"}}, "X'01'"},
      {"replace", {"aXbX", "X", "--"}, "a--b--"},
      {"round", {2.5}, 3.0},
      {"round", {0.125, 2}, 0.13},
      {"round", {-99.995, 1}, -100.0},
      {"sign", {-3.5}, -1},
      {"substr", {"hello", -3, 2}, "ll"},
      {"substr", {"hello", 0, 3}, "he"},
      {"substr", {"hello", 4, -2}, "el"},
      {"trim", {"xxaxx", "x"}, "a"},
      {"typeof", {1.0}, "real"},
      {"unicode", {"\u20ac"}, 0x20ac},
      {"zeroblob", {2}, Value::Blob{std::string(2, '\0')}},
      {"changes", {}, 3},
      {"total_changes", {}, 7},
      {"last_insert_rowid", {}, 42},
      {"sqlite_version", {}, "3.50.4"},
      {"ceil", {1.2}, 2.0},
      {"ceil", {2}, 2},
      {"log", {2, 8}, 3.0},
      {"ln", {0}, Value()},
      {"pow", {2, 10}, 1024.0},
      {"LIKE", {"a!%", "a%", "!"}, 1},
  };
  for (const Case& test : cases) {
    INFO(test.name);
    auto result = call(test.name, test.arguments);
    REQUIRE(result);
    CHECK(*result == test.expected);
  }
}

TEST_CASE("functions fail with SQLite's texts") {
  CHECK(call("nope", {}).error().message() == "no such function: nope");
  CHECK(call("abs", {}).error().message() == "wrong number of arguments to function abs()");
  CHECK(call("abs", {INT64_MIN}).error().message() == "integer overflow");
  CHECK(call("like", {"a", "b", "xy"}).error().message() ==
        "ESCAPE expression must be a single character");
  CHECK(call("zeroblob", {2'000'000'000}).error().code() == Code::toobig);
}

TEST_CASE("aggregates skip NULL and sum exactly") {
  CHECK(*aggregate("sum", {}) == Value());
  CHECK(*aggregate("total", {}) == Value(0.0));
  CHECK(*aggregate("sum", {1, Value(), 2}) == Value(3));
  CHECK(*aggregate("sum", {1, 2.5}) == Value(3.5));
  CHECK(*aggregate("sum", {"1", "2"}) == Value(3));
  CHECK(*aggregate("sum", {"abc"}) == Value(0.0));
  CHECK(*aggregate("sum", {1e100, 1.0, -1e100}) == Value(1.0));
  CHECK(aggregate("sum", {INT64_MAX, 1}).error().message() == "integer overflow");
  CHECK(*aggregate("sum", {INT64_MAX, 1, 0.5}) == Value(9223372036854775808.0));
  CHECK(*aggregate("total", {INT64_MAX, 1}) == Value(9223372036854775808.0));
  CHECK(*aggregate("avg", {1, 2, Value()}) == Value(1.5));
  CHECK(*aggregate("count", {1, Value()}) == Value(1));
  CHECK(*aggregate("max", {1, "a", Value()}) == Value("a"));
  CHECK(*aggregate("min", {3, 1.5, Value()}) == Value(1.5));
  CHECK(*aggregate("group_concat", {"a", Value(), 2}) == Value("a,2"));
}
