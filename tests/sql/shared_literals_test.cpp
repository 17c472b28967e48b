#include "session/shared_literals.hpp"

#include <catch2/catch.hpp>

namespace saturn::sql {
namespace {

std::string key_of(std::string_view sql) {
  StatementShape shape;
  return shape.read(sql) ? shape.key() : std::string();
}

/// The parameters' numbers that the literals of a statement get, and what they hold.
struct Shared {
  std::vector<std::uint32_t> parameters;
  std::vector<Value> values;
};

Shared share(std::string_view sql) {
  StatementShape shape;
  REQUIRE(shape.read(sql));
  Arena arena;
  const Parsed parsed = parse_next(sql, arena).value();
  const Schemas schemas({{"main", nullptr}, {"temp", nullptr}});
  const SharedLiterals literals = share_literals(parsed, shape, schemas, arena);
  Shared shared{literals.parameters, {}};
  shared.values.resize(literals.count);
  literals.bind(shape, shared.values);
  return shared;
}

using Numbers = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("texts that differ in literals have one shape") {
  CHECK(key_of("SELECT a FROM t WHERE b = 1") == key_of("SELECT a FROM t WHERE b = 4711"));
  CHECK(key_of("SELECT a FROM t WHERE b = 'x'") == key_of("SELECT a FROM t WHERE b = 'it''s';"));
  CHECK(key_of("insert into t values (1, 2.5e3)") == key_of("insert into t values (7, 1.)"));
  CHECK(key_of("SELECT a FROM t WHERE b = 1") != key_of("SELECT a FROM t WHERE b = '1'"));
  CHECK(key_of("SELECT a FROM t WHERE b = 1") != key_of("SELECT a FROM t WHERE b = 1.0"));
  CHECK(key_of("SELECT a FROM t1 WHERE b = 1") != key_of("SELECT a FROM t2 WHERE b = 1"));
  CHECK(key_of("SELECT \"a 1\" FROM t WHERE b = 1") != key_of("SELECT \"a 2\" FROM t WHERE b = 1"));
}

TEST_CASE("texts that are out of the ordinary have no shape") {
  for (const char* sql : {"SELECT 1 FROM t WHERE a = ?",
                          "SELECT 1 FROM t WHERE a = :a",
                          "SELECT 1; SELECT 2",
                          "SELECT x'00', 1",
                          "SELECT 1 -- one",
                          "SELECT /* one */ 1",
                          "SELECT 0x10",
                          "SELECT 1_000",
                          "SELECT .5",
                          "SELECT 'x",
                          "SELECT \"x 1",
                          "SELECT a FROM t",
                          "CREATE TABLE t(a DEFAULT 1)",
                          "EXPLAIN SELECT 1",
                          "WITH c AS (SELECT 1) SELECT 1",
                          "PRAGMA cache_size = 1",
                          "selected 1",
                          "SELECT 1e",
                          "SELECT 1x",
                          ""}) {
    INFO(sql);
    CHECK(key_of(sql).empty());
  }
}

TEST_CASE("a literal that is only a value becomes a parameter") {
  CHECK(share("INSERT INTO t VALUES (1, 'x', -2.5)").parameters == Numbers{1, 2, 3});
  CHECK(share("INSERT INTO t VALUES (1 + 1, abs(2), 3)").parameters == Numbers{1, 2, 0, 3});
  CHECK(share("SELECT a FROM t WHERE b < ('x' || '~')").parameters == Numbers{1, 2});
  CHECK(share("SELECT a FROM t WHERE b = 1 AND (2 < c OR d BETWEEN 3 AND 4)").parameters ==
        Numbers{1, 2, 3, 4});
  CHECK(share("UPDATE t SET a = 1, b = b + 2, c = abs(3) WHERE d <> 4").parameters ==
        Numbers{1, 2, 0, 3});
  CHECK(share("DELETE FROM t WHERE a >= 'x'").parameters == Numbers{1});
}

TEST_CASE("a literal that is more than a value stays what it is") {
  CHECK(share("SELECT 5, a FROM t WHERE b = 1").parameters == Numbers{0, 1});
  CHECK(share("SELECT a FROM t WHERE b = 1 ORDER BY 1 LIMIT 2").parameters == Numbers{1, 0, 0});
  CHECK(share("SELECT a FROM t WHERE b LIKE 'x%' AND c = 1").parameters == Numbers{0, 1});
  CHECK(share("SELECT a FROM t WHERE likelihood(b = 1, 0.5)").parameters == Numbers{0, 0});
  CHECK(share("SELECT a FROM t WHERE b IN (1, 2) AND 3 = 3").parameters == Numbers{0, 0, 0, 0});
  CHECK(share("SELECT a FROM t WHERE b = -9223372036854775808").parameters == Numbers{0});
  CHECK(share("INSERT INTO t VALUES (-0.0, -1.0, 0.0)").parameters == Numbers{0, 1, 2});
}

TEST_CASE("parameters hold what the literals say") {
  const Shared shared =
      share("INSERT INTO t VALUES (12, 9223372036854775808, 1.5e2, 'it''s', '''', '')");
  const std::vector<Value> expected{
      Value(12), Value(9223372036854775808.0), Value(150.0), Value("it's"), Value("'"), Value("")};
  CHECK(shared.values == expected);
}

TEST_CASE("a shape accepts texts whose other literals are the same") {
  StatementShape first;
  REQUIRE(first.read("SELECT a, 5 FROM t WHERE b = 1"));
  Arena arena;
  const Parsed parsed = parse_next("SELECT a, 5 FROM t WHERE b = 1", arena).value();
  const Schemas schemas({{"main", nullptr}, {"temp", nullptr}});
  const SharedLiterals literals = share_literals(parsed, first, schemas, arena);
  StatementShape other;
  REQUIRE(other.read("SELECT a, 5 FROM t WHERE b = 2"));
  CHECK(literals.accepts(other));
  REQUIRE(other.read("SELECT a, 6 FROM t WHERE b = 1"));
  CHECK_FALSE(literals.accepts(other));
}

TEST_CASE("a negative zero keeps its sign") {
  StatementShape first;
  REQUIRE(first.read("INSERT INTO t VALUES (-1.5, 1.5)"));
  Arena arena;
  const Parsed parsed = parse_next("INSERT INTO t VALUES (-1.5, 1.5)", arena).value();
  const Schemas schemas({{"main", nullptr}, {"temp", nullptr}});
  const SharedLiterals literals = share_literals(parsed, first, schemas, arena);
  StatementShape other;
  REQUIRE(other.read("INSERT INTO t VALUES (-2.5, 0.0)"));
  CHECK(literals.accepts(other));
  REQUIRE(other.read("INSERT INTO t VALUES (-0.0, 0.0)"));
  CHECK_FALSE(literals.accepts(other));
  REQUIRE(other.read("INSERT INTO t VALUES (-0.0e5, 0.0)"));
  CHECK_FALSE(literals.accepts(other));
}

}  // namespace saturn::sql
