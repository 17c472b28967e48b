#include "script.hpp"
#include "sqlite_engine.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace saturn;
using namespace saturn::slt;

namespace {

std::vector<Record> parsed(std::string_view script) {
  auto records = parse(script, "sqlite");
  REQUIRE(records);
  return std::move(*records);
}

constexpr std::string_view kScript = R"(# a comment
hash-threshold 8

statement ok
CREATE TABLE t(a INTEGER, b TEXT, c REAL)

statement ok
INSERT INTO t VALUES(2,'two',2.5),(1,'',NULL),
 (3,'a' || char(9),0.12345)

statement error
INSERT INTO nowhere VALUES(1)

skipif sqlite
statement error
SELECT 1

onlyif mysql # its own dialect
query I nosort
SELECT 7 DIV 2
----
3

query ITR nosort
SELECT a, b, c FROM t ORDER BY a
----
1
(empty)
NULL
2
two
2.500
3
a@
0.123

query I valuesort label-1
SELECT a FROM t UNION ALL SELECT a FROM t
----
6 values hashing to 45de3842a5fc5d2df5721ac6e8f43865
)";

}  // namespace

TEST_CASE("a script's records are those of its engine", "[slt]") {
  const auto records = parsed(kScript);
  REQUIRE(records.size() == 5);
  CHECK(records[1].sql ==
        "INSERT INTO t VALUES(2,'two',2.5),(1,'',NULL),\n (3,'a' || char(9),0.12345)");
  CHECK(records[2].kind == Record::Kind::statement_error);
  CHECK(records[3].line == 24);
  CHECK(records[3].types == "ITR");
  CHECK(records[3].expected.size() == 9);
  CHECK(records[4].sort == Sort::values);
  CHECK(records[4].expected_count == 6);
}

TEST_CASE("the judge passes a true script and fails a false one", "[slt]") {
  auto records = parsed(kScript);
  {
    auto judge = make_sqlite_engine();
    const Outcome outcome = run(records, *judge, 10);
    for (const Failure& failure : outcome.failures)
      UNSCOPED_INFO(failure.line << ": " << failure.why);
    CHECK(outcome.passed == 5);
    CHECK(outcome.failed == 0);
  }
  records[2].kind = Record::Kind::statement_ok;
  records[3].expected[4] = "three";
  records[4].hash[0] = 'f';
  auto judge = make_sqlite_engine();
  const Outcome outcome = run(records, *judge, 2);
  CHECK(outcome.passed == 2);
  CHECK(outcome.failed == 3);
  REQUIRE(outcome.failures.size() == 2);
  CHECK(outcome.failures[0].why.starts_with("no such table: nowhere"));
  CHECK(outcome.failures[1].why.starts_with("value 5: expected 'three', got 'two'"));
}

TEST_CASE("a malformed record is an error with its line", "[slt]") {
  for (const char* script : {"\nstatement maybe\nSELECT 1\n", "\nquery XY\n", "\nquery\n",
                             "\nquery I upside-down\n", "\nquestion\n", "\nskipif\n"}) {
    auto records = parse(script, "sqlite");
    REQUIRE(!records);
    CHECK(records.error().message().starts_with("line 2: "));
  }
}

TEST_CASE("reals print with sixteen significant digits at most", "[slt]") {
  const auto print = [](double v) { return print_value('R', ValueRef::real(v), 0, v); };
  CHECK(print(-9223372036854775808.0) == "-9223372036854776000.000");
  CHECK(print(18446744073709551616.0) == "18446744073709550000.000");
  CHECK(print(1234567890123456.5) == "1234567890123456.000");
  CHECK(print(0.0005) == "0.001");
  CHECK(print(-2.5) == "-2.500");
}
