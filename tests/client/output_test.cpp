#include "output.hpp"

#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

using saturn::Value;
using saturn::ValueRef;
using namespace saturn::shell;

namespace {

const bool kHasJudge = std::system("sqlite3 -version >/dev/null 2>&1") == 0;

/// What `sqlite3` prints for these statements.
std::string judge(const std::string& input) {
  char name[] = "/tmp/saturn-output-XXXXXX";
  const int file = ::mkstemp(name);
  REQUIRE(file >= 0);
  std::FILE* out = ::fdopen(file, "wb");
  std::fwrite(input.data(), 1, input.size(), out);
  std::fclose(out);
  std::FILE* pipe = ::popen((std::string("sqlite3 -batch -init /dev/null < ") + name).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string answer;
  char buffer[4096];
  while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) {
    answer.append(buffer, got);
  }
  ::pclose(pipe);
  std::remove(name);
  return answer;
}

std::string printed(Format format, const std::vector<std::string>& columns,
                    const std::vector<saturn::Row>& rows) {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    Printer printer(format, file);
    printer.begin(columns);
    for (const saturn::Row& row : rows) {
      std::vector<ValueRef> values;
      for (const Value& v : row) values.push_back(v.ref());
      printer.row(values);
    }
    printer.end();
  }
  std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  REQUIRE(std::fread(text.data(), 1, text.size(), file) == text.size());
  std::fclose(file);
  return text;
}

std::string select_text(const std::vector<std::string>& columns,
                        const std::vector<saturn::Row>& rows) {
  std::string sql;
  for (const saturn::Row& row : rows) {
    sql += sql.empty() ? "SELECT " : " UNION ALL SELECT ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) sql += ", ";
      append_literal(sql, row[i].ref());
      sql += " AS " + quoted_name(columns[i]);
    }
  }
  return sql + ";\n";
}

Value random_value(std::mt19937& random) {
  static const std::vector<std::string> kTexts = {"",           "plain",     "it's",
                                                  "say \"hi\"", "a,b",       "a|b",
                                                  "two\nlines", "tab\there", "\xc3\xa9t\xc3\xa9",
                                                  "end\n",      " blank ",   "back\\slash",
                                                  "\x01",       "NULL",      "three\nlines\nhere"};
  switch (random() % 6) {
    case 0: return {};
    case 1: return static_cast<std::int64_t>(random()) - (std::int64_t{1} << 31);
    case 2: return static_cast<double>(random() % 100'000) / 128;
    case 3: {
      // At most 15 digits: versions of sqlite3 differ in how they round the sixteenth.
      char digits[40];
      std::snprintf(
          digits, sizeof digits, "%.14e",
          std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 200) - 100));
      return std::strtod(digits, nullptr);
    }
    case 4: return Value::Blob{kTexts[random() % kTexts.size()]};
    default: return kTexts[random() % kTexts.size()];
  }
}

}  // namespace

TEST_CASE("rows print as sqlite3 prints them") {
  if (!kHasJudge) {
    WARN("skipped: no sqlite3");
    return;
  }
  const char* given = std::getenv("SATURN_TEST_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::atol(given)) : std::random_device{}();
  INFO("SATURN_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  const std::vector<std::string> columns = {"a", "long name", "b,\"c\""};
  std::vector<saturn::Row> rows;
  for (int i = 0; i < 60; ++i) {
    rows.push_back({random_value(random), random_value(random), random_value(random)});
  }
  struct Case {
    std::string mode;
    bool headers;
    std::string null_text;
  };
  for (const Case& c : std::vector<Case>{{"list", false, ""},
                                         {"list", true, "nil"},
                                         {"csv", true, ""},
                                         {"csv", false, "nil"},
                                         {"tabs", true, ""},
                                         {"line", false, "nil"},
                                         {"table", true, ""},
                                         {"column", true, ""}}) {
    Format format;
    REQUIRE(set_mode(format, c.mode));
    format.headers = c.headers;
    format.headers_set = true;
    format.null_text = c.null_text;
    const std::string commands = ".mode " + c.mode + "\n.headers " + (c.headers ? "on" : "off") +
                                 "\n.nullvalue '" + c.null_text + "'\n";
    // Table and column mode measure a whole result: one row at a time is judged as well.
    for (std::size_t at = 0; at < rows.size(); at += 4) {
      const std::vector<saturn::Row> some(rows.begin() + static_cast<std::ptrdiff_t>(at),
                                          rows.begin() + static_cast<std::ptrdiff_t>(at) + 4);
      INFO(c.mode << " " << c.headers << ":\n" << select_text(columns, some));
      REQUIRE(printed(format, columns, some) == judge(commands + select_text(columns, some)));
    }
  }
}

TEST_CASE("literals of quote, insert and json mode read back as the same values") {
  const double third = 1.0 / 3;
  const std::vector<saturn::Row> rows = {
      {0.1, third, 1e300, -0.0},
      {1e15, 5e-324, std::numeric_limits<double>::infinity(), Value()},
      {"it's", Value::Blob{std::string("\0\xff", 2)}, std::int64_t{-9223372036854775807}, 100.0}};
  Format format;
  REQUIRE(set_mode(format, "quote"));
  const std::string text = printed(format, {"a", "b", "c", "d"}, rows);
  CHECK(text.find("0.1,0.3333333333333333,1e+300,-0.0\n") == 0);
  CHECK(text.find("'it''s',X'00ff',-9223372036854775807,100.0\n") != std::string::npos);
  CHECK(text.find(",1e999,NULL\n") != std::string::npos);

  REQUIRE(set_mode(format, "json"));
  CHECK(printed(format, {"a\"b", "c"}, {{"x\n\x01\"", Value()}, {0.1, 1}}) ==
        "[{\"a\\\"b\":\"x\\n\\u0001\\\"\",\"c\":null},\n{\"a\\\"b\":0.1,\"c\":1}]\n");

  REQUIRE(set_mode(format, "insert"));
  format.insert_table = "t";
  CHECK(printed(format, {"a"}, {{"x"}}) == "INSERT INTO t VALUES('x');\n");
}

TEST_CASE("a result without rows prints nothing") {
  for (const char* mode : {"list", "csv", "json", "table", "column", "line", "quote", "tabs"}) {
    Format format;
    REQUIRE(set_mode(format, mode));
    format.headers = true;
    CHECK(printed(format, {"a"}, {}).empty());
  }
  Format format;
  CHECK_FALSE(set_mode(format, "no such mode"));
}
