#include "disk.hpp"

// Reading ahead, from the log and from the file, and what it leaves in the cache.

using namespace saturn;
using sim::Disk;
using sim::on_fiber;
using sim::Opened;

namespace {

std::string number(std::uint64_t n) { return std::to_string(n); }

/// `t(a, b)` with rows of a few to a page, every third of them changed since the last checkpoint.
void make_table(Disk& disk, int rows) {
  Opened opened = disk.open().value();
  REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b, c); CREATE INDEX i ON t(c)"));
  REQUIRE(opened.run("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < " +
                     std::to_string(rows) +
                     ") INSERT INTO t SELECT i, randomblob(900), i * 7919 % " +
                     std::to_string(rows) + " FROM n"));
  REQUIRE(opened.run(
      "CREATE TABLE keys(a); INSERT INTO keys SELECT a FROM t ORDER BY a * 7919 % 3001"));
  REQUIRE(opened.run(
      "PRAGMA wal_checkpoint(TRUNCATE); UPDATE t SET b = randomblob(901) WHERE a % 3 = 0"));
}

}  // namespace

TEST_CASE("what is read ahead is what is read, from the log as from the file") {
  constexpr int kRows = 3000;
  Disk disk;
  on_fiber([&] {
    make_table(disk, kRows);
    disk.options.storage.cache_bytes = 16 << 20;
    for (const std::string query :
         {"SELECT count(*) FROM (SELECT b FROM t WHERE length(b) = 901 ORDER BY a)",
          "SELECT count(*) FROM (SELECT b FROM t WHERE length(b) = 901 ORDER BY a DESC)",
          "SELECT count(*) FROM t INDEXED BY i WHERE c >= 0 AND length(b) = 901",
          "SELECT count(*) FROM t WHERE a IN (SELECT a FROM keys) AND length(b) = 901",
          "SELECT count(*) FROM keys CROSS JOIN t ON t.a = keys.a WHERE length(b) = 901"}) {
      INFO(query);
      Opened opened = disk.open().value();
      CHECK(opened.ask(query) == number(kRows / 3));
      const auto stats = opened.database().storage().stats();
      // Hardly a page was looked for that had not been read by then.
      CHECK(stats.pages_read > 700);
      CHECK(stats.cache_misses < stats.pages_read / 4);
    }
  });
}

TEST_CASE("read errors of what is read ahead show where the page is read, and the next try works") {
  Disk disk;
  on_fiber([&] {
    make_table(disk, 600);
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      Opened opened = disk.open().value();
      disk.vfs->set_faults({.seed = seed, .read_error_ppm = 20'000});
      static_cast<void>(opened.ask("SELECT sum(length(b)) FROM t"));
      disk.vfs->set_faults({});
      CHECK(opened.ask("SELECT sum(length(b)) FROM t") == number(600 * 900 + 200));
    }
  });
}

TEST_CASE("a scan of a table larger than the cache leaves there what is in use") {
  Disk disk;
  on_fiber([&] {
    make_table(disk, 4000);  // more than three times the cache of 1 MiB
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE hot(a INTEGER PRIMARY KEY, b)"));
    for (int i = 0; i < 30; ++i)
      REQUIRE(opened.run("INSERT INTO hot VALUES (NULL, randomblob(2500))"));
    const std::string hot = "SELECT count(*) FROM hot WHERE length(b) = 2500";
    for (int i = 0; i < 3; ++i) CHECK(opened.ask(hot) == "30");
    const auto misses = [&] { return opened.database().storage().stats().cache_misses; };
    std::uint64_t missed = 0;
    for (int i = 0; i < 20; ++i) {
      // A fifth of the table, and then the hot one again.
      const std::string low = std::to_string(i % 5 * 800);
      CHECK(opened.ask("SELECT count(*) FROM t WHERE a > " + low + " AND a <= " + low +
                       " + 800 AND length(b) > 0") == "800");
      const std::uint64_t before = misses();
      CHECK(opened.ask(hot) == "30");
      missed += misses() - before;
    }
    INFO("misses: " << missed);
    CHECK(missed < 20);
  });
}
