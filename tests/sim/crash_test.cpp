#include "disk.hpp"

#include <array>

using namespace saturn;
using sim::at_every_operation;
using sim::Disk;
using sim::for_seeds;
using sim::on_fiber;
using sim::Opened;
using sim::rows;
using storage::Synchronous;

namespace {

void cut(Disk& disk) { REQUIRE(disk.vfs->power_cut()); }

/// Opens the database, which must be sound.
Opened reopen(Disk& disk, Synchronous synchronous = Synchronous::full) {
  auto opened = disk.open(synchronous);
  REQUIRE(opened);
  REQUIRE(opened->ask("PRAGMA integrity_check") == "ok");
  return std::move(*opened);
}

/// `t(a, b)` with the rows 1 to `last`, in the file.
void make_table(Disk& disk, int last) {
  Opened opened = reopen(disk);
  REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
  for (int i = 1; i <= last; ++i) {
    REQUIRE(opened.run("INSERT INTO t VALUES (" + std::to_string(i) + ", randomblob(300))"));
  }
  REQUIRE(opened.close());
}

}  // namespace

TEST_CASE("a database whose creation was cut short is an empty one") {
  for (const std::uint32_t page_size : {512U, 4096U, 65'536U}) {
    at_every_operation(
        [](Disk&) {},
        [&](Disk& disk) { static_cast<void>(disk.open(Synchronous::full, page_size)); },
        [](Disk& disk) {
          Opened opened = reopen(disk);
          CHECK(opened.ask("SELECT count(*) FROM sqlite_schema") == "0");
          REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
          CHECK(rows(opened) == "1");
        });
  }
}

TEST_CASE("a change of the page size that was cut short leaves a database") {
  for (const std::string size : {"512", "65536"}) {
    at_every_operation([](Disk& disk) { reopen(disk); },
                       [&](Disk& disk) {
                         auto opened = disk.open();
                         if (opened) static_cast<void>(opened->run("PRAGMA page_size = " + size));
                       },
                       [&](Disk& disk) {
                         Opened opened = reopen(disk);
                         const std::string now = opened.ask("PRAGMA page_size");
                         CHECK((now == "4096" || now == size));
                         REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
                         CHECK(rows(opened) == "1");
                       });
  }
}

TEST_CASE("a log that another database has left does not come back into a new one") {
  at_every_operation(
      [](Disk& disk) {
        {
          Opened opened = reopen(disk);
          REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
        }
        REQUIRE(disk.vfs->remove("t.db"));
        REQUIRE(disk.vfs->sync_directory("t.db"));
      },
      [](Disk& disk) { static_cast<void>(disk.open()); },
      [](Disk& disk) {
        Opened opened = reopen(disk);
        CHECK(opened.ask("SELECT count(*) FROM sqlite_schema") == "0");
      });
}

TEST_CASE("what a killed process has left is durable before anybody sees it") {
  at_every_operation(
      [](Disk&) {},
      [](Disk& disk) {
        auto opened = disk.open();
        if (!opened) return;
        static_cast<void>(opened->run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
      },
      [](Disk& disk) {
        std::string seen;
        {
          Opened opened = reopen(disk);
          REQUIRE(opened.run("CREATE TABLE IF NOT EXISTS t(a)"));
          REQUIRE(opened.run("INSERT INTO t VALUES (2)"));
          seen = rows(opened);
        }
        cut(disk);
        Opened opened = reopen(disk);
        CHECK(rows(opened) == seen);
      },
      false);
}

TEST_CASE("the first commit with full makes durable what off and normal have left out") {
  for_seeds([](Disk& disk) {
    {
      Opened opened = reopen(disk, Synchronous::off);
      REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
      REQUIRE(opened.run("PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES (2)"));
      REQUIRE(opened.run("PRAGMA synchronous = NORMAL; INSERT INTO t VALUES (3)"));
      REQUIRE(opened.run("PRAGMA synchronous = FULL; INSERT INTO t VALUES (4)"));
    }
    cut(disk);
    Opened opened = reopen(disk);
    CHECK(rows(opened) == "1 2 3 4");
  });
}

TEST_CASE("a log that was emptied with off does not come back when its database was opened since") {
  for_seeds([](Disk& disk) {
    {
      Opened opened = reopen(disk);
      REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
    }
    {
      Opened opened = reopen(disk, Synchronous::off);
      REQUIRE(opened.run("INSERT INTO t VALUES (2); PRAGMA wal_checkpoint(TRUNCATE)"));
    }
    {
      Opened opened = reopen(disk);
      CHECK(rows(opened) == "1 2");
    }
    cut(disk);
    Opened opened = reopen(disk);
    CHECK(rows(opened) == "1 2");
  });
}

TEST_CASE("a checkpoint with normal makes durable what off has left out") {
  for_seeds([](Disk& disk) {
    {
      Opened opened = reopen(disk, Synchronous::off);
      REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
      REQUIRE(opened.run("PRAGMA wal_checkpoint(TRUNCATE)"));
      REQUIRE(opened.run("PRAGMA synchronous = NORMAL; PRAGMA wal_checkpoint"));
    }
    cut(disk);
    Opened opened = reopen(disk);
    CHECK(rows(opened) == "1");
  });
}

TEST_CASE("a checkpoint copies nothing that normal has not synced, also when full is on by then") {
  at_every_operation([](Disk& disk) { make_table(disk, 40); },
                     [](Disk& disk) {
                       auto opened = disk.open(Synchronous::normal);
                       if (!opened) return;
                       if (!opened->run("UPDATE t SET b = randomblob(300)")) return;
                       if (!opened->run("PRAGMA synchronous = FULL")) return;
                       static_cast<void>(opened->run("PRAGMA wal_checkpoint"));
                     },
                     [](Disk& disk) {
                       Opened opened = reopen(disk);
                       CHECK(opened.ask("SELECT count(*) FROM t") == "40");
                     });
}

TEST_CASE("what stands in the log behind the last commit does not become valid again") {
  on_fiber([] {
    Disk disk;
    make_table(disk, 0);
    constexpr std::uint64_t kSecondFrame = 32 + (24 + 4096);
    {
      Opened opened = reopen(disk, Synchronous::normal);
      for (int i = 1; i <= 3; ++i) {
        REQUIRE(opened.run("INSERT INTO t VALUES (" + std::to_string(i) + ", NULL)"));
      }
    }
    // The disk has lost the second of three commits.
    {
      auto log = disk.base->open("t.db-wal", {}).value();
      const std::array<std::uint8_t, 4096> zeros{};
      REQUIRE(log->write(kSecondFrame + 24, zeros));
    }
    {
      Opened opened = reopen(disk, Synchronous::normal);
      CHECK(rows(opened) == "1");
      REQUIRE(opened.run("INSERT INTO t VALUES (2, NULL)"));
    }
    Opened opened = reopen(disk);
    CHECK(rows(opened) == "1 2");
  });
}

TEST_CASE("a failed sync of the log in a checkpoint stops the writes, not the readers") {
  on_fiber([] {
    Disk disk;
    make_table(disk, 1);
    Opened opened = reopen(disk, Synchronous::normal);
    REQUIRE(opened.run("INSERT INTO t VALUES (2, NULL)"));
    CHECK(opened.database().storage().write_state().kind == storage::WriteState::Kind::ready);
    disk.vfs->set_faults({.sync_error_ppm = 1'000'000});
    CHECK(opened.run("PRAGMA wal_checkpoint").code() == Code::ioerr_fsync);
    disk.vfs->set_faults({});
    const Result<void> refused = opened.run("INSERT INTO t VALUES (3, NULL)");
    REQUIRE_FALSE(refused);
    CHECK(refused.message().find("opened again") != std::string::npos);
    CHECK(opened.database().storage().write_state().kind == storage::WriteState::Kind::broken);
    CHECK(rows(opened) == "1 2");
  });
}
