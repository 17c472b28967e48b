#include "disk.hpp"

#include "storage/backup.hpp"

#include <random>

// Backups beside everything that changes the file and the log under them.

using namespace saturn;
using sim::Disk;
using sim::on_fiber;
using sim::Opened;
using storage::Backup;

namespace {

/// What a table holds, as one text.
constexpr const char* kContent =
    "SELECT group_concat(a || ':' || hex(b)) FROM (SELECT * FROM t ORDER BY a)";

std::unique_ptr<Backup> begin(Opened& opened) {
  return opened.database().storage().begin_backup().value();
}

/// Reads up to `pages` more pages. False at the end.
bool read_some(Backup& backup, std::size_t pages, std::vector<std::uint8_t>& out) {
  const std::size_t had = out.size();
  out.resize(had + pages * backup.page_size());
  const std::size_t got = backup.read(MutableByteSpan(out).subspan(had)).value();
  out.resize(had + got);
  return got != 0;
}

/// The copy as a database of its own, which must be sound.
std::string content_of(const std::vector<std::uint8_t>& bytes) {
  Disk disk;
  REQUIRE(disk.base->open("t.db", {.create = true}).value()->write(0, bytes));
  Opened copy = disk.open().value();
  CHECK(copy.ask("PRAGMA integrity_check") == "ok");
  return copy.ask(kContent);
}

std::string random_change(std::mt19937_64& random) {
  const std::string key = std::to_string(random() % 60);
  switch (random() % 8) {
    case 0: return "DELETE FROM t WHERE a % 7 = " + std::to_string(random() % 7);
    case 1: return "DELETE FROM t WHERE a > 20; VACUUM";
    case 2: return "PRAGMA wal_checkpoint(TRUNCATE)";
    case 3: return "PRAGMA wal_checkpoint";
    default:
      return "REPLACE INTO t VALUES (" + key + ", randomblob(" + std::to_string(random() % 9000) +
             "))";
  }
}

}  // namespace

TEST_CASE(
    "a backup is the snapshot it began with, whatever is written, checkpointed and cut off "
    "meanwhile") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed);
    on_fiber([&] {
      std::mt19937_64 random(seed);
      Disk disk(seed);
      disk.options.storage.checkpoint_pages = random() % 2 == 0 ? 0 : 8;
      Opened opened = disk.open(Disk::Synchronous::full, random() % 2 == 0 ? 1024 : 4096).value();
      REQUIRE(opened.run("PRAGMA auto_vacuum = " + std::to_string(random() % 3)));
      REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
      for (int i = 0; i < 30; ++i) REQUIRE(opened.run(random_change(random)));

      struct Running {
        std::unique_ptr<Backup> backup;
        std::string expected;
        std::vector<std::uint8_t> bytes;
      };
      std::vector<Running> running;
      for (int step = 0; step < 40 || !running.empty(); ++step) {
        if (step < 40 && running.size() < limits::kBackupsMax && random() % 4 == 0) {
          running.push_back({begin(opened), opened.ask(kContent), {}});
        }
        if (step < 40) REQUIRE(opened.run(random_change(random)));
        for (int turns = static_cast<int>(random() % 8); turns > 0; --turns) io::yield();
        if (running.empty()) continue;
        const auto one = running.begin() + static_cast<std::ptrdiff_t>(random() % running.size());
        if (read_some(*one->backup, 1 + random() % 12, one->bytes)) continue;
        CHECK(one->bytes.size() ==
              std::uint64_t{one->backup->page_count()} * one->backup->page_size());
        CHECK(content_of(one->bytes) == one->expected);
        running.erase(one);
      }
      CHECK(opened.ask("PRAGMA integrity_check") == "ok");
      REQUIRE(opened.close());
    });
  }
}

TEST_CASE("a slow backup keeps neither commits waiting nor the log from starting over") {
  on_fiber([] {
    constexpr std::uint32_t kCheckpoint = 50;
    Disk disk;
    disk.options.storage.checkpoint_pages = kCheckpoint;
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
    for (int i = 0; i < 40; ++i) REQUIRE(opened.run("INSERT INTO t(b) VALUES (randomblob(3000))"));
    const std::string expected = opened.ask(kContent);
    const std::unique_ptr<Backup> backup = begin(opened);
    std::uint64_t most = 0;
    for (int i = 0; i < 3000; ++i) {
      REQUIRE(
          opened.run("UPDATE t SET b = randomblob(3000) WHERE a = " + std::to_string(1 + i % 40)));
      most = std::max(most, opened.database().storage().stats().log_bytes);
      io::yield();
    }
    INFO("the log had up to " << most / 4120 << " frames");
    CHECK(most / 4120 < 8 * kCheckpoint);
    std::vector<std::uint8_t> bytes;
    while (read_some(*backup, 5, bytes)) {
    }
    CHECK(content_of(bytes) == expected);
  });
}

TEST_CASE("what is kept for a backup is bounded: checkpoints wait until it has been taken") {
  on_fiber([] {
    constexpr std::uint32_t kPageSize = 65'536;
    constexpr auto kPages = static_cast<int>(limits::kBackupKeptBytesMax / kPageSize) + 100;
    Disk disk;
    Opened opened = disk.open(Disk::Synchronous::full, kPageSize).value();
    REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
    REQUIRE(
        opened.run("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < " +
                   std::to_string(kPages) + ") INSERT INTO t SELECT i, zeroblob(60000) FROM n"));
    REQUIRE(opened.run("PRAGMA wal_checkpoint(TRUNCATE)"));
    std::unique_ptr<Backup> backup = begin(opened);
    REQUIRE(opened.run("UPDATE t SET b = zeroblob(60001)"));
    CHECK(opened.ask("PRAGMA wal_checkpoint(FULL)") == "1");
    CHECK(opened.ask("SELECT count(*), min(length(b)) FROM t") == std::to_string(kPages));
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < 200 * std::size_t{kPageSize}) REQUIRE(read_some(*backup, 16, bytes));
    CHECK(opened.ask("PRAGMA wal_checkpoint(FULL)") == "0");
    while (read_some(*backup, 16, bytes)) {
    }
    backup.reset();
    Disk other;
    REQUIRE(other.base->open("t.db", {.create = true}).value()->write(0, bytes));
    Opened copy = other.open().value();
    CHECK(copy.ask("SELECT count(*) FROM t WHERE length(b) = 60000") == std::to_string(kPages));
  });
}

TEST_CASE("a backup goes to a file in place of another, and not over one that is open") {
  on_fiber([] {
    Disk disk;
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, x'0102')"));
    storage::Database& storage = opened.database().storage();
    CHECK(storage::write_backup(storage, *disk.vfs, "t.db", 0).code() == Code::busy);
    {
      auto target = sql::Database::open(*disk.vfs, "copy.db", disk.options).value();
      sql::Session session(target);
      REQUIRE(session.execute("CREATE TABLE other(x)"));
      CHECK(storage::write_backup(storage, *disk.vfs, "copy.db", 0).code() == Code::busy);
    }
    // It was not closed: its log must not be played into the copy.
    REQUIRE(disk.base->exists("copy.db-wal").value());
    REQUIRE(storage::write_backup(storage, *disk.vfs, "copy.db", 0));
    REQUIRE(disk.vfs->power_cut());
    Opened copy(sql::Database::open(*disk.vfs, "copy.db", disk.options).value());
    CHECK(copy.ask(kContent) == "1:0102");
  });
}

TEST_CASE("a backup whose file cannot be written whole is no database") {
  on_fiber([] {
    Disk disk;
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, zeroblob(50000))"));
    REQUIRE(opened.run("PRAGMA wal_checkpoint"));
    disk.vfs->set_room(20'000);
    CHECK(storage::write_backup(opened.database().storage(), *disk.vfs, "copy.db", 0).code() ==
          Code::full);
    std::uint8_t first = 1;
    const auto file = disk.base->open("copy.db", {.read_only = true}).value();
    CHECK(file->read(0, {&first, 1}).value() == 1);
    CHECK(first == 0);
  });
}

TEST_CASE("a throttle lets so many bytes through a second") {
  on_fiber([] {
    storage::Throttle throttle(1'000'000);
    CHECK(throttle.portion(1 << 20) <= 200'000);
    const auto begin = io::Clock::now();
    for (int i = 0; i < 10; ++i) throttle.take(20'000);
    CHECK(io::Clock::now() - begin >= std::chrono::milliseconds(200));
  });
}
