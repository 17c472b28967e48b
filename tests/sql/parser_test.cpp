#include "parser/parser.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace saturn;
using namespace saturn::sql;

namespace {

struct Outcome {
  std::string message;  ///< empty: accepted
  std::int64_t position = -1;
  std::size_t statements = 0;
};

Outcome parse_all(std::string_view sql) {
  Arena arena;
  Outcome out;
  std::size_t start = 0;
  while (start < sql.size()) {
    auto parsed = parse_next(sql.substr(start), arena);
    if (!parsed) return {parsed.error().message(), parsed.error().position(), out.statements};
    if (parsed->stmt != nullptr) ++out.statements;
    REQUIRE(parsed->consumed > 0);
    start += parsed->consumed;
  }
  return out;
}

/// A shape of an expression: every operator in parentheses.
std::string shape(const ast::Expr* expr) {
  using namespace ast;
  if (const auto* literal = as_if<Literal>(expr)) return std::string(literal->text);
  if (const auto* column = as_if<Column>(expr)) return std::string(column->name);
  if (const auto* collate = as_if<Collate>(expr)) {
    return "(" + shape(collate->operand) + " collate " + std::string(collate->collation) + ")";
  }
  if (const auto* unary = as_if<Unary>(expr)) {
    static constexpr const char* kNames[] = {"+", "-", "~", "not", "isnull", "notnull"};
    return std::string("(") + kNames[static_cast<int>(unary->op)] + " " + shape(unary->operand) +
           ")";
  }
  if (const auto* binary = as_if<Binary>(expr)) {
    static constexpr const char* kNames[] = {
        "or", "and", "=",  "<>", "is", "isnot", "<", "<=", ">",  ">=", "&",
        "|",  "<<",  ">>", "+",  "-",  "*",     "/", "%",  "||", "->", "->>"};
    return "(" + shape(binary->left) + " " + kNames[static_cast<int>(binary->op)] + " " +
           shape(binary->right) + ")";
  }
  if (const auto* like = as_if<Like>(expr)) {
    std::string out =
        "(" + shape(like->left) + (like->negated ? " not like " : " like ") + shape(like->pattern);
    if (like->escape != nullptr) out += " escape " + shape(like->escape);
    return out + ")";
  }
  if (const auto* between = as_if<Between>(expr)) {
    return "(" + shape(between->operand) + (between->negated ? " not" : "") + " between " +
           shape(between->low) + " " + shape(between->high) + ")";
  }
  return "?";
}

std::string shape_of(const std::string& text) {
  Arena arena;
  const std::string sql = "SELECT " + text;
  auto parsed = parse_next(sql, arena);
  if (!parsed) return parsed.error().message();
  const auto& select = *ast::as<ast::SelectStmt>(*parsed->stmt).select;
  return shape(select.cores[0]->columns[0].expr);
}

std::string repeat(std::string_view piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

}  // namespace

TEST_CASE("operators bind as in SQLite") {
  CHECK(shape_of("1+2*3") == "(1 + (2 * 3))");
  CHECK(shape_of("1-2-3") == "((1 - 2) - 3)");
  CHECK(shape_of("a or b and c") == "(a or (b and c))");
  CHECK(shape_of("not a = b and c") == "((not (a = b)) and c)");
  CHECK(shape_of("1 + not 2 = 3") == "(1 + (not (2 = 3)))");
  CHECK(shape_of("a = b < c") == "(a = (b < c))");
  CHECK(shape_of("a < b & c + d * e || f") == "(a < (b & (c + (d * (e || f)))))");
  CHECK(shape_of("-a collate nocase") == "((- a) collate nocase)");
  CHECK(shape_of("a || b collate nocase") == "(a || (b collate nocase))");
  CHECK(shape_of("-a -> 'x' ->> 'y'") == "(((- a) -> x) ->> y)");
  CHECK(shape_of("a between 1 and 2 and c") == "((a between 1 2) and c)");
  CHECK(shape_of("a between 1 or 2 and c") == "incomplete input");
  CHECK(shape_of("a not between 1 = 2 and 3 = 4") == "((a not between (1 = 2) 3) = 4)");
  CHECK(shape_of("a = b not like c escape d || e") == "((a = b) not like c escape (d || e))");
  CHECK(shape_of("a is not null") == "(a isnot null)");
  CHECK(shape_of("a is not distinct from b") == "(a is b)");
  CHECK(shape_of("a = b not null") == "(notnull (a = b))");
  CHECK(shape_of("~a << 2 == 3 <> 4") == "((((~ a) << 2) = 3) <> 4)");
}

TEST_CASE("literals lose quotes and separators") {
  CHECK(shape_of("1_000.5_0e1_0") == "1000.50e10");
  CHECK(shape_of("0xF_f") == "0xFf");
  CHECK(shape_of("'it''s'") == "it's");
  CHECK(shape_of("\"a\"\"b\"") == "a\"b");
  CHECK(shape_of("[a b]") == "a b");
  CHECK(shape_of("x'00fF'") == "00fF");
  CHECK(shape_of("1__0") == "unrecognized token: \"1__0\"");
  CHECK(shape_of("1_") == "unrecognized token: \"1_\"");
  CHECK(shape_of("12abc") == "unrecognized token: \"12abc\"");
  CHECK(shape_of("x'0'") == "unrecognized token: \"x'0'\"");
  CHECK(shape_of("'open") == "unrecognized token: \"'open\"");
}

TEST_CASE("keywords fall back to identifiers") {
  for (const char* sql :
       {"SELECT key, replace(a, 'b', 'c'), left FROM temp AS view", "SELECT window FROM t window",
        "SELECT over, filter FROM t", "SELECT max(a) over, sum(b) filter FROM t", "SELECT 1 desc",
        "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY b)",
        "SELECT count(*) FILTER (WHERE a) OVER (PARTITION BY b) FROM t", "SELECT glob FROM t",
        "SELECT 1 offset", "SELECT indexed FROM t"}) {
    INFO(sql);
    CHECK(parse_all(sql).message == "");
  }
  CHECK(parse_all("SELECT a FROM table").message == "near \"table\": syntax error");
  CHECK(parse_all("SELECT 1 FROM t x left").message == "incomplete input");
}

TEST_CASE("errors carry SQLite's text and the byte") {
  const auto check = [](const std::string& sql, const std::string& message, std::int64_t at) {
    INFO(sql);
    const Outcome out = parse_all(sql);
    CHECK(out.message == message);
    CHECK(out.position == at);
  };
  check("SELEC 1", "near \"SELEC\": syntax error", 0);
  check("SELECT 1 +", "incomplete input", 10);
  check("SELECT 1 + ;", "near \";\": syntax error", 11);
  check("SELECT (1", "incomplete input", 9);
  check("SELECT ?0", "variable number must be between ?1 and ?32766", 7);
  check("SELECT ?32767", "variable number must be between ?1 and ?32766", 7);
  check("SELECT 1 ORDER BY 1 UNION SELECT 2", "ORDER BY clause should come after UNION not before",
        -1);
  check("SELECT * FROM a ON 1", "a JOIN clause is required before ON", -1);
  check("SELECT * FROM a OUTER JOIN b", "unknown join type: OUTER", -1);
  check("VALUES (1), (2, 3)", "all VALUES must have the same number of terms", -1);
  check("SELECT !1", "unrecognized token: \"!\"", 7);
}

TEST_CASE("selects of every form parse") {
  for (const char* sql :
       {"WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x+1 FROM c LIMIT 5) SELECT * FROM c",
        "WITH a AS MATERIALIZED (SELECT 1), b AS NOT MATERIALIZED (SELECT 2) SELECT * FROM a, b",
        "SELECT DISTINCT t.*, a AS b FROM main.t AS t NATURAL LEFT OUTER JOIN u",
        "SELECT * FROM a LEFT JOIN (b CROSS JOIN c) ON a.x = b.x FULL JOIN d USING (y, z)",
        "SELECT * FROM json_each('[]') j, t INDEXED BY i, u NOT INDEXED",
        "SELECT (1, 2) < (3, 4), (SELECT 1), EXISTS (SELECT 1), a IN (), a NOT IN (1, 2)",
        "SELECT a IN t, a IN s.t, a IN f(1), a IN (SELECT 1)",
        "SELECT CASE a WHEN 1 THEN 2 ELSE 3 END, CAST(a AS VARCHAR(10, -2)), CAST(a AS)",
        "SELECT ?, ?3, :a, @b, $c::d(e f), #x",
        "SELECT group_concat(DISTINCT a ORDER BY b DESC NULLS LAST) FROM t GROUP BY 1 HAVING 2",
        "SELECT sum(a) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t",
        "SELECT 1 EXCEPT SELECT 2 INTERSECT SELECT 3 ORDER BY 1 LIMIT 1, 2",
        "EXPLAIN QUERY PLAN SELECT 1 -- end", "/* a */ ; ; SELECT 1; SELECT 2 /* open"}) {
    INFO(sql);
    const std::string text(sql);
    const bool bad_variable = text.find("(e f)") != std::string::npos;
    CHECK(parse_all(sql).message == (bad_variable ? "unrecognized token: \"$c::d(e\"" : ""));
  }
  CHECK(parse_all("SELECT 1;; SELECT 2; ").statements == 2);
}

TEST_CASE("parameters are numbered once") {
  Arena arena;
  auto parsed = parse_next("SELECT ?, :a, ?5, :b, :a, $c::d(e)", arena);
  REQUIRE(parsed);
  CHECK(parsed->parameter_count == 7);
  REQUIRE(parsed->named.size() == 4);
  CHECK(parsed->named[0]->number == 2);
  CHECK(parsed->named[2]->name == ":b");
  CHECK(parsed->named[2]->number == 6);
  CHECK(parsed->named[3]->name == "$c::d(e)");
}

TEST_CASE("hostile depth ends in an error") {
  CHECK(parse_all("SELECT 1" + repeat("+1", 999)).message == "");
  CHECK(parse_all("SELECT 1" + repeat("+1", 1000)).message ==
        "Expression tree is too large (maximum depth 1000)");
  CHECK(parse_all("SELECT " + repeat("(", 100'000)).message == "parser stack overflow");
  CHECK(parse_all("SELECT --1").message == "incomplete input");
  CHECK(parse_all("SELECT " + repeat("- ", 100'000)).message == "parser stack overflow");
  CHECK(parse_all("SELECT * FROM " + repeat("(", 100'000)).message == "parser stack overflow");
  CHECK(parse_all(repeat("SELECT (", 100'000)).message == "parser stack overflow");
  CHECK(parse_all(repeat("WITH a AS (", 100'000)).message == "parser stack overflow");
  CHECK(parse_all("SELECT " + repeat("(", 100) + "1" + repeat(")", 100)).message == "");
}

TEST_CASE("statements of every kind parse") {
  for (const char* sql :
       {"INSERT OR IGNORE INTO s.t AS u (a, b) VALUES (1, 2) ON CONFLICT (a) WHERE b DO UPDATE SET "
        "a = 1, (b, c) = (2, 3) WHERE 1 ON CONFLICT DO NOTHING RETURNING *, a AS b",
        "REPLACE INTO t DEFAULT VALUES RETURNING a", "WITH c AS (SELECT 1) INSERT INTO t SELECT 1",
        "UPDATE OR FAIL t AS u INDEXED BY i SET a = 1 FROM v, w WHERE 1 RETURNING a",
        "WITH c AS (SELECT 1) DELETE FROM t NOT INDEXED WHERE a RETURNING *",
        "CREATE TEMP TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY DESC ON CONFLICT FAIL "
        "AUTOINCREMENT, b VARCHAR(10) NOT NULL DEFAULT -1 COLLATE nocase, c DEFAULT (1 + 2) "
        "CHECK (c > 1) UNIQUE, d REFERENCES u(x) ON DELETE SET NULL ON UPDATE NO ACTION NOT "
        "DEFERRABLE INITIALLY DEFERRED CONSTRAINT n NULL, e GENERATED ALWAYS AS (a + 1) STORED, "
        "f INT AS (1), g DEFAULT x, PRIMARY KEY (a, b COLLATE nocase DESC), CONSTRAINT k UNIQUE "
        "(a) CHECK (1), FOREIGN KEY (a) REFERENCES u DEFERRABLE) STRICT, WITHOUT ROWID",
        "CREATE TABLE t AS SELECT 1", "CREATE UNIQUE INDEX s.i ON t (a, lower(b) DESC) WHERE c",
        "CREATE VIEW v (a, b) AS SELECT 1, 2",
        "CREATE VIRTUAL TABLE t USING fts5(a, b = 'c,d', e(f, g))",
        "CREATE TRIGGER r INSTEAD OF UPDATE OF a, b ON t FOR EACH ROW WHEN new.a BEGIN "
        "INSERT INTO t VALUES (1); UPDATE t SET a = 1; DELETE FROM t; "
        "SELECT RAISE(ABORT, 'no'); END",
        "DROP TABLE IF EXISTS s.t; DROP VIEW v; DROP INDEX i; DROP TRIGGER r",
        "ALTER TABLE t RENAME TO u; ALTER TABLE t RENAME a TO b; ALTER TABLE t DROP COLUMN a; "
        "ALTER TABLE t ADD COLUMN a INT DEFAULT 1",
        "BEGIN; BEGIN EXCLUSIVE TRANSACTION x; BEGIN READONLY; COMMIT; END TRANSACTION; ROLLBACK",
        "SAVEPOINT a; RELEASE SAVEPOINT a; ROLLBACK TRANSACTION TO SAVEPOINT a",
        "ATTACH DATABASE 'x' AS y; DETACH y; VACUUM; VACUUM main INTO 'x'; ANALYZE a.b; REINDEX",
        "PRAGMA a; PRAGMA s.a = on; PRAGMA a(-1); PRAGMA a = 'x'; EXPLAIN DELETE FROM t"}) {
    INFO(sql);
    CHECK(parse_all(sql).message == "");
  }
}

TEST_CASE("statements refuse what SQLite refuses") {
  const auto check = [](const std::string& sql, const std::string& message) {
    INFO(sql);
    CHECK(parse_all(sql).message == message);
  };
  check("CREATE TABLE t (a,)", "near \")\": syntax error");
  check("CREATE TABLE t (a, CHECK (1),)", "near \")\": syntax error");
  check("CREATE TABLE t (CHECK (1))", "near \"CHECK\": syntax error");
  check("CREATE TABLE t (a) FAST", "unknown table option: FAST");
  check("CREATE TABLE t (a", "incomplete input");
  check("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END; SELECT", "incomplete input");
  check("CREATE TRIGGER r AFTER INSERT ON t BEGIN END", "near \"END\": syntax error");
  check("CREATE INDEX i ON t (a NULLS LAST)", "unsupported use of NULLS LAST");
  check("CREATE VIEW v AS SELECT ?", "parameters are not allowed in views");
  check("INSERT INTO t", "incomplete input");
  check("UPDATE t SET a == 1 + WHERE", "near \"WHERE\": syntax error");
  check("DELETE FROM t LIMIT 1", "near \"LIMIT\": syntax error");
  check("PRAGMA a = SELECT", "near \"SELECT\": syntax error");
}

TEST_CASE("every prefix of a statement ends in an error or a tree") {
  const std::string sql =
      "CREATE TRIGGER r AFTER UPDATE OF a ON t WHEN (a, b) IN (SELECT 1, x'00') BEGIN INSERT INTO "
      "t "
      "SELECT CASE a WHEN 1 THEN CAST(:a AS INT) END FROM u LEFT JOIN v USING (w) ON CONFLICT (a) "
      "DO "
      "UPDATE SET (a, b) = (1_0, 2) WHERE sum(a) FILTER (WHERE 1) OVER (ROWS 1 PRECEDING); END";
  for (std::size_t size = 0; size < sql.size(); ++size) {
    Arena arena;
    CHECK_FALSE((parse_next(sql.substr(0, size), arena) && size > 0));
  }
}
