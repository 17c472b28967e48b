#include "disk.hpp"

#include <set>

// The log as a file: room ahead of the commits, and the ways to make it durable.

using namespace saturn;
using sim::at_every_operation;
using sim::Disk;
using sim::on_fiber;
using sim::Opened;
using sim::rows;
using storage::LogSync;
using storage::Synchronous;

namespace {

constexpr LogSync kWays[] = {LogSync::fdatasync, LogSync::dsync};

std::uint64_t log_size(Disk& disk) {
  return disk.base->open("t.db-wal", {.read_only = true}).value()->size().value();
}

}  // namespace

TEST_CASE("the log grows ahead of its commits, and never when it starts over") {
  for (const LogSync way : kWays) {
    on_fiber([&] {
      Disk disk;
      disk.options.storage.log_sync = way;
      Opened opened = disk.open().value();
      REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (0)"));
      std::set<std::uint64_t> sizes;
      for (int i = 0; i < 1000; ++i) {
        REQUIRE(opened.run("UPDATE t SET a = a + 1"));
        sizes.insert(log_size(disk));
      }
      // Twice as long each time up to 1 MiB, and then by 1 MiB: 4 MB of frames.
      CHECK(sizes.size() <= 14);
      REQUIRE(opened.run("PRAGMA wal_checkpoint(RESTART)"));
      for (int i = 0; i < 1000; ++i) REQUIRE(opened.run("UPDATE t SET a = a + 1"));
      CHECK(log_size(disk) == *sizes.rbegin());
      CHECK(rows(opened) == "2000");
    });
  }
}

TEST_CASE("a log with room behind its last commit is recovered and goes on") {
  for (const LogSync way : kWays) {
    at_every_operation(
        [&](Disk& disk) {
          disk.options.storage.log_sync = way;
          Opened opened = disk.open().value();
          REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
          REQUIRE(log_size(disk) > opened.database().storage().stats().log_bytes);
        },
        [](Disk& disk) {
          auto opened = disk.open();
          if (opened) static_cast<void>(opened->run("INSERT INTO t VALUES (2)"));
        },
        [](Disk& disk) {
          Opened opened = disk.open().value();
          const std::string seen = rows(opened);
          CHECK((seen == "1" || seen == "1 2"));
          REQUIRE(opened.run("INSERT INTO t VALUES (3)"));
          CHECK(rows(opened) == seen + " 3");
        });
  }
}

TEST_CASE("where the disk has no room for zeros the log takes what its frames need") {
  for (const LogSync way : kWays) {
    on_fiber([&] {
      Disk disk;
      disk.options.storage.log_sync = way;
      Opened opened = disk.open().value();
      REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (0)"));
      REQUIRE(opened.run("PRAGMA wal_checkpoint(TRUNCATE)"));
      constexpr int kFrames = 9;
      disk.vfs->set_room(32 + kFrames * (24 + 4096));
      for (int i = 0; i < kFrames; ++i) REQUIRE(opened.run("UPDATE t SET a = a + 1"));
      CHECK(opened.run("UPDATE t SET a = a + 1").code() == Code::full);
      CHECK(rows(opened) == "9");
    });
  }
}

TEST_CASE("a durable write covers only itself, so what normal has left out is synced before it") {
  at_every_operation(
      [](Disk& disk) {
        disk.options.storage.log_sync = LogSync::dsync;
        REQUIRE(disk.open().value().run("CREATE TABLE t(a)"));
      },
      [](Disk& disk) {
        auto opened = disk.open(Synchronous::normal);
        if (!opened || !opened->run("INSERT INTO t VALUES (1)")) return;
        if (!opened->run("PRAGMA synchronous = FULL; INSERT INTO t VALUES (2)")) return;
        if (!opened->run("INSERT INTO t VALUES (3)")) return;
        REQUIRE(disk.base->open("acknowledged", {.create = true}));
      },
      [](Disk& disk) {
        Opened opened = disk.open().value();
        const std::string seen = rows(opened);
        CHECK((seen.empty() || seen == "1" || seen == "1 2" || seen == "1 2 3"));
        if (disk.base->exists("acknowledged").value()) CHECK(seen == "1 2 3");
      });
}

TEST_CASE("the way to sync is measured where the log is going to be, and leaves no frame there") {
  on_fiber([] {
    Disk disk;
    disk.options.storage.log_sync = LogSync::automatic;
    for (int life = 1; life <= 3; ++life) {
      Opened opened = disk.open().value();
      REQUIRE(opened.run("CREATE TABLE IF NOT EXISTS t(a)"));
      REQUIRE(opened.run("INSERT INTO t VALUES (" + std::to_string(life) + ")"));
    }
    REQUIRE(disk.vfs->power_cut());
    Opened opened = disk.open().value();
    CHECK(rows(opened) == "1 2 3");
    REQUIRE(opened.close());
    CHECK_FALSE(disk.base->exists("t.db-wal").value());
    // A disk that is too full to be measured.
    disk.vfs->set_room(0);
    CHECK(rows(*std::make_unique<Opened>(disk.open().value())) == "1 2 3");
  });
}
