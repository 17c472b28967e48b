// Queries in queries: as deep as a fiber's stack allows, and an error beyond.

#include "base/text.hpp"
#include "io/worker.hpp"
#include "sql/session.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace saturn;
using namespace saturn::sql;

namespace {

std::string repeat(std::string_view part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

/// The last statement's first value as text, or its error.
std::string answer(const std::string& script) {
  return io::run([&] {
    auto database = Database::open_memory(TextEncoding::utf8).value();
    std::string said;
    {
      Session session(database);
      std::string_view rest = script;
      while (!rest.empty()) {
        std::size_t used = 0;
        auto statement = session.prepare(rest, &used);
        if (!statement) return std::string(statement.error().message());
        if (*statement == nullptr) break;
        const Result<bool> row = (*statement)->step();
        if (!row) return std::string(row.error().message());
        if (*row) said = cat((*statement)->column(0).as_integer());
        rest.remove_prefix(used);
      }
    }
    REQUIRE(database->close());
    return said;
  });
}

std::string views(int count) {
  std::string script = "CREATE VIEW v0 AS SELECT 1 AS a;";
  for (int i = 1; i < count; ++i) {
    script += cat("CREATE VIEW v", i, " AS SELECT a + 1 AS a FROM v", i - 1, ";");
  }
  return script + cat("SELECT a FROM v", count - 1);
}

}  // namespace

// A sanitizer's frames are several times as large as others.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kDeep = 25;
#else
constexpr int kDeep = 100;
#endif

TEST_CASE("queries nest deeply") {
  CHECK(answer(cat("SELECT ", repeat("(", 5 * kDeep), "7", repeat(")", 5 * kDeep))) == "7");
  CHECK(answer(cat("SELECT ", repeat("(SELECT ", kDeep), "7", repeat(")", kDeep))) == "7");
  CHECK(answer(cat("SELECT a FROM ", repeat("(SELECT a FROM ", kDeep), "(SELECT 7 AS a)",
                   repeat(")", kDeep))) == "7");
  CHECK(answer(views(kDeep)) == cat(kDeep));
}

TEST_CASE("queries that nest too deeply are an error") {
  CHECK(answer(views(1700)) == "query is nested too deeply");
  CHECK(answer(cat("SELECT ", repeat("(", 3000), "7", repeat(")", 3000))) ==
        "parser stack overflow");
  CHECK(answer("CREATE VIEW a AS SELECT 1 AS x; CREATE VIEW b AS SELECT x FROM a; DROP VIEW a;"
               "CREATE VIEW a AS SELECT x FROM b; SELECT * FROM a") ==
        "view a is circularly defined");
}
