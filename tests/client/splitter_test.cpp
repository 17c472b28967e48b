#include "splitter.hpp"

#include <catch2/catch.hpp>

#include <sqlite3.h>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

using saturn::shell::Splitter;

namespace {

bool complete(const std::string& sql) {
  Splitter splitter;
  return splitter.feed(sql) && !splitter.blank();
}

/// Line by line, as the shell reads.
bool complete_by_lines(const std::string& sql) {
  Splitter splitter;
  bool done = false;
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t end = sql.find('\n', at);
    const std::size_t size = end == std::string::npos ? sql.size() - at : end + 1 - at;
    done = splitter.feed(std::string_view(sql).substr(at, size));
    at += size;
  }
  return done && !splitter.blank();
}

}  // namespace

TEST_CASE("a statement ends at a semicolon outside of quotes and comments") {
  CHECK(complete("SELECT 1;"));
  CHECK(complete("SELECT 1; -- and no more"));
  CHECK(complete("SELECT 1; /* no more */ "));
  CHECK(complete("SELECT ';', \"a;b\", [c;d], `e;f`;"));
  CHECK_FALSE(complete("SELECT 1"));
  CHECK_FALSE(complete("SELECT 'it;"));
  CHECK_FALSE(complete("SELECT 1 -- ;"));
  CHECK_FALSE(complete("SELECT 1 /* ;"));
  CHECK_FALSE(complete("SELECT 1; /* open"));
  CHECK_FALSE(complete("SELECT [a;"));
}

TEST_CASE("a trigger ends at the semicolon after its END") {
  const std::string body = "TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM u;";
  for (const char* create : {"CREATE ", "create temp ", "CREATE TEMPORARY ", "EXPLAIN CREATE ",
                             "EXPLAIN QUERY PLAN CREATE /* x */ "}) {
    CHECK_FALSE(complete(create + body));
    CHECK_FALSE(complete(create + body + " END"));
    CHECK_FALSE(complete(create + body + " END x;"));
    CHECK(complete(create + body + " END;"));
    CHECK(complete(create + body + "; end -- so\n;"));
  }
  CHECK(complete("CREATE TABLE trigger(a);"));
}

TEST_CASE("blanks, comments and lone semicolons are no statement") {
  Splitter splitter;
  CHECK(splitter.feed("  -- nothing\n /* here */ ;\n"));
  CHECK(splitter.blank());
  const auto lone = Splitter::first_statement(" ; SELECT 1;");
  CHECK(lone.size == 2);
  CHECK(lone.is_blank);
  const auto first = Splitter::first_statement("SELECT ';'; SELECT 2;");
  CHECK(first.size == 11);
  CHECK_FALSE(first.is_blank);
  const auto last = Splitter::first_statement("SELECT 2");
  CHECK(last.size == 8);
  CHECK_FALSE(last.is_blank);
}

TEST_CASE("random texts are complete exactly when sqlite3_complete says so") {
  const char* given = std::getenv("SATURN_TEST_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::atol(given)) : std::random_device{}();
  INFO("SATURN_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> parts = {
      ";",          ";",       ";\n",     " ",   "\n",    "CREATE",  " create ", "TEMP",
      "temporary",  "TRIGGER", "trigger", "END", " end ", "EXPLAIN", "BEGIN",    "x",
      "x1",         "$",       "é",       "'",   "''",    "\"",      "`",        "[",
      "]",          "--",      "-",       "/*",  "*/",    "/",       "*",        "/**/",
      "query plan", "(",       "1",       ".",   "\t",    "\r\n",    "endx",     "_end"};
  int complete_texts = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string sql;
    const std::size_t count = 1 + random() % 14;
    for (std::size_t i = 0; i < count; ++i) {
      sql += parts[random() % parts.size()];
      if (random() % 3 == 0) sql += ' ';
    }
    Splitter splitter;
    splitter.feed(sql);
    // A text without a statement is complete for SQLite when there is a lone `;` in it.
    if (splitter.blank()) continue;
    const bool expected = sqlite3_complete(sql.c_str()) != 0;
    complete_texts += expected ? 1 : 0;
    INFO(sql);
    REQUIRE(complete(sql) == expected);
    REQUIRE(complete_by_lines(sql) == expected);
  }
  CHECK(complete_texts > 1000);
}
