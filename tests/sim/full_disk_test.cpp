#include "disk.hpp"

#include <deque>

using namespace saturn;
using sim::Beside;
using sim::Disk;
using sim::on_fiber;
using sim::Opened;
using sim::rows;
using storage::Synchronous;
using storage::WriteState;

namespace {

constexpr std::uint64_t kSeeds = 30;

WriteState::Kind state_of(Opened& opened) { return opened.database().storage().write_state().kind; }

}  // namespace

TEST_CASE("a full disk refuses commits, serves readers, and takes commits when it has space") {
  for (const Synchronous mode : {Synchronous::off, Synchronous::normal, Synchronous::full}) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      INFO("seed " << seed << ", synchronous " << static_cast<int>(mode));
      on_fiber([&] {
        Disk disk(seed);
        {
          Opened opened = disk.open(mode).value();
          REQUIRE(opened.run("CREATE TABLE t(a, b)"));
          // The log is full from its start, or in its midst.
          if (seed % 2 == 0) REQUIRE(opened.run("PRAGMA wal_checkpoint(TRUNCATE)"));
          REQUIRE(opened.run("INSERT INTO t VALUES (1, NULL)"));
          if (seed % 3 == 0) REQUIRE(opened.run("PRAGMA wal_checkpoint(RESTART)"));
          disk.vfs->set_faults({.seed = seed, .full_ppm = 1'000'000});
          for (int attempt = 0; attempt < 3; ++attempt) {
            const Result<void> refused = opened.run("INSERT INTO t VALUES (2, randomblob(20000))");
            REQUIRE(refused.code() == Code::full);
            CHECK(refused.message() == "database or disk is full");
            CHECK(state_of(opened) == WriteState::Kind::full);
            CHECK(rows(opened) == "1");
          }
          disk.vfs->set_faults({.seed = seed});
          if (seed % 5 != 0) {
            REQUIRE(opened.run("INSERT INTO t VALUES (3, NULL)"));
            CHECK(state_of(opened) == WriteState::Kind::ready);
            CHECK(rows(opened) == "1 3");
          }
        }
        if (mode == Synchronous::full) REQUIRE(disk.vfs->power_cut());
        Opened opened = disk.open().value();
        CHECK(rows(opened) == (seed % 5 != 0 ? "1 3" : "1"));
        CHECK(opened.ask("PRAGMA integrity_check") == "ok");
      });
    }
  }
}

TEST_CASE("a disk that is still full after a restart is read") {
  on_fiber([] {
    Disk disk;
    {
      Opened opened = disk.open().value();
      REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
      disk.vfs->set_faults({.full_ppm = 1'000'000});
      CHECK(opened.run("INSERT INTO t VALUES (2)").code() == Code::full);
    }
    Opened opened = disk.open().value();
    CHECK(rows(opened) == "1");
    CHECK(opened.run("INSERT INTO t VALUES (2)").code() == Code::full);
    disk.vfs->set_faults({});
    REQUIRE(opened.run("INSERT INTO t VALUES (3)"));
    CHECK(rows(opened) == "1 3");
  });
}

TEST_CASE("what builds on a commit that found no space fails with it, and shows nothing of it") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed " << seed);
    on_fiber([&] {
      Disk disk(seed);
      Opened opened = disk.open().value();
      REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b)"));
      REQUIRE(opened.run("INSERT INTO t VALUES (1, randomblob(30000))"));
      disk.vfs->set_faults({.seed = seed, .full_ppm = 1'000'000, .yield_ppm = 1'000'000});

      constexpr int kWriters = 6;
      Code codes[kWriters] = {};
      {
        std::deque<Beside> writers;
        for (int i = 0; i < kWriters; ++i) {
          writers.emplace_back([&, i] {
            sql::Session session(opened.shared());
            const std::string row = std::to_string(10 + i);
            Result<void> ran = session.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (" + row +
                                               ", randomblob(9000)); DELETE FROM t WHERE a > 90");
            if (ran) ran = session.execute("UPDATE t SET b = randomblob(5000)");
            if (ran) ran = session.execute(i % 2 == 0 ? "COMMIT" : "SELECT * FROM t; COMMIT");
            codes[i] = ran.code();
          });
        }
      }
      for (const Code code : codes) CHECK(code == Code::full);
      disk.vfs->set_faults({.seed = seed});
      CHECK(rows(opened) == "1");
      REQUIRE(opened.run("INSERT INTO t VALUES (2, NULL)"));
      CHECK(rows(opened) == "1 2");
      CHECK(opened.ask("PRAGMA integrity_check") == "ok");
    });
  }
}

TEST_CASE("a transaction on a commit that found no space is refused when there is space again") {
  on_fiber([] {
    Disk disk;
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, NULL)"));
    sql::Session first(opened.shared());
    sql::Session second(opened.shared());
    REQUIRE(first.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (2, NULL)"));
    // The commit's write waits for up to a millisecond before it fails.
    disk.vfs->set_faults({.full_ppm = 1'000'000, .delay_ppm = 1'000'000});
    Result<void> committed;
    Beside committer([&] { committed = first.execute("COMMIT"); });
    io::yield();
    REQUIRE(second.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (3, NULL)"));
    REQUIRE_FALSE(committer.is_done());
    committer.wait();
    CHECK(committed.code() == Code::full);
    disk.vfs->set_faults({});
    CHECK(second.execute("COMMIT").code() == Code::full);
    CHECK(second.autocommit());
    CHECK(rows(opened) == "1");
    REQUIRE(opened.run("INSERT INTO t VALUES (4, NULL)"));
    CHECK(rows(opened) == "1 4");
  });
}

TEST_CASE(
    "a transaction on a commit that found no space is told so, and not that it sees too little") {
  on_fiber([] {
    Disk disk;
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE t(a)"));
    sql::Session first(opened.shared());
    sql::Session second(opened.shared());
    REQUIRE(first.execute("BEGIN IMMEDIATE; CREATE TABLE u(a); INSERT INTO u VALUES (1)"));
    disk.vfs->set_faults({.full_ppm = 1'000'000, .delay_ppm = 1'000'000});
    Beside committer([&] { static_cast<void>(first.execute("COMMIT")); });
    io::yield();
    REQUIRE(second.execute("BEGIN IMMEDIATE"));
    REQUIRE_FALSE(committer.is_done());
    committer.wait();
    // The table's pages are gone with the commit that made it.
    CHECK(second.execute("INSERT INTO u VALUES (2)").code() == Code::full);
    static_cast<void>(second.execute("ROLLBACK"));
    disk.vfs->set_faults({});
    REQUIRE(opened.run("CREATE TABLE u(b)"));
  });
}

TEST_CASE("on a full disk the log starts over in the room that it has") {
  on_fiber([] {
    Disk disk;
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 0)"));
    REQUIRE(opened.run("PRAGMA wal_checkpoint(TRUNCATE)"));
    disk.vfs->set_room(40'000);
    Result<void> written;
    int commits = 0;
    while (written) {
      written = opened.run("UPDATE t SET b = b + 1");
      if (written) ++commits;
    }
    CHECK(written.code() == Code::full);
    CHECK(commits > 3);
    CHECK(opened.ask("SELECT b FROM t") == std::to_string(commits));
    // What was refused started a checkpoint; these need no more room than the log has by now.
    for (int i = 0; i < 100; ++i) io::yield();
    for (int i = 0; i < 5; ++i) REQUIRE(opened.run("UPDATE t SET b = b + 1"));
    CHECK(opened.ask("SELECT b FROM t") == std::to_string(commits + 5));
    REQUIRE(opened.close());
    Opened again = disk.open().value();
    CHECK(again.ask("SELECT b FROM t") == std::to_string(commits + 5));
  });
}

TEST_CASE("a log that finds no space and cannot be cut off breaks") {
  on_fiber([] {
    Disk disk;
    Opened opened = disk.open().value();
    REQUIRE(opened.run("CREATE TABLE t(a); INSERT INTO t VALUES (1)"));
    disk.vfs->set_faults({.full_ppm = 1'000'000, .sync_error_ppm = 1'000'000});
    // Seed 1 writes a part of the frames, which then cannot be taken back for sure.
    CHECK_FALSE(opened.run("INSERT INTO t VALUES (randomblob(9000))"));
    disk.vfs->set_faults({});
    const Result<void> refused = opened.run("INSERT INTO t VALUES (2)");
    REQUIRE_FALSE(refused);
    CHECK(refused.message().find("opened again") != std::string::npos);
    CHECK(state_of(opened) == WriteState::Kind::broken);
    CHECK(rows(opened) == "1");
  });
}
