#include "disk.hpp"

#include <algorithm>
#include <chrono>
#include <deque>

using namespace saturn;
using namespace std::chrono_literals;
using sim::Beside;
using sim::Disk;
using sim::on_fiber;
using sim::Opened;

namespace {

/// "busy log checkpointed" of PRAGMA wal_checkpoint; what was copied as a part of the log.
struct Answer {
  bool busy = false;
  std::int64_t log = 0;
  std::int64_t copied = 0;
  bool operator==(const Answer&) const = default;
};

Answer checkpoint(sql::Session& session, const std::string& mode) {
  const auto statement = session.prepare("PRAGMA wal_checkpoint(" + mode + ")").value();
  REQUIRE(statement->step().value());
  return {statement->column(0).as_integer() != 0, statement->column(1).as_integer(),
          statement->column(2).as_integer()};
}

sql::SessionOptions timeout_of(std::uint32_t ms) {
  sql::SessionOptions options;
  options.busy_timeout_ms = ms;
  return options;
}

/// `t(a)`, made in one commit that is in the log.
Opened make_table(Disk& disk) {
  Opened opened = disk.open().value();
  REQUIRE(opened.run("CREATE TABLE t(a)"));
  return opened;
}

}  // namespace

TEST_CASE("wal_checkpoint answers as SQLite does") {
  for (const std::string mode : {"PASSIVE", "FULL", "RESTART", "TRUNCATE"}) {
    INFO(mode);
    const bool truncates = mode == "TRUNCATE";
    const bool waits = mode != "PASSIVE";
    on_fiber([&] {
      Disk disk;
      Opened opened = make_table(disk);
      sql::Session session(opened.shared(), timeout_of(20));
      sql::Session other(opened.shared(), timeout_of(20));
      const Answer first = checkpoint(session, mode);
      CHECK(first == (truncates ? Answer{} : Answer{false, first.log, first.log}));
      CHECK((first.log > 0) == !truncates);
      CHECK(checkpoint(session, mode) == first);
      // The next commit starts the log over.
      REQUIRE(opened.run("INSERT INTO t VALUES (1)"));
      CHECK(checkpoint(session, mode) == (truncates ? Answer{} : Answer{false, 1, 1}));

      // A reader of an older snapshot.
      REQUIRE(opened.run("INSERT INTO t VALUES (2)"));
      REQUIRE(other.execute("BEGIN; SELECT * FROM t"));
      REQUIRE(opened.run("INSERT INTO t VALUES (3); INSERT INTO t VALUES (4)"));
      CHECK(checkpoint(session, mode) == Answer{waits, 3, 1});
      REQUIRE(other.execute("COMMIT"));
      CHECK(checkpoint(session, mode) == (truncates ? Answer{} : Answer{false, 3, 3}));

      // A writer has its turn.
      REQUIRE(opened.run("INSERT INTO t VALUES (5)"));
      REQUIRE(other.execute("BEGIN IMMEDIATE"));
      CHECK(checkpoint(session, mode) == Answer{waits, 1, 1});
      REQUIRE(other.execute("COMMIT"));

      // In a transaction of one's own that has begun to read.
      REQUIRE(session.execute("BEGIN"));
      CHECK(checkpoint(session, "PASSIVE") == Answer{false, 1, 1});
      REQUIRE(session.execute("SELECT * FROM t"));
      const Result<void> refused = session.execute("PRAGMA wal_checkpoint(" + mode + ")");
      CHECK(refused.code() == Code::locked);
      CHECK(refused.message() == "database table is locked");
    });
  }
}

TEST_CASE("a full checkpoint waits for readers of older snapshots, and not for new ones") {
  on_fiber([] {
    Disk disk;
    Opened opened = make_table(disk);
    sql::Session old(opened.shared());
    sql::Session current(opened.shared());
    REQUIRE(old.execute("BEGIN; SELECT * FROM t"));
    REQUIRE(opened.run("INSERT INTO t VALUES (1)"));
    REQUIRE(current.execute("BEGIN; SELECT * FROM t"));
    Result<void> committed;
    Beside reader([&] {
      io::sleep_for(20ms);
      committed = old.execute("COMMIT");
    });
    sql::Session session(opened.shared(), timeout_of(10'000));
    const auto began = io::Clock::now();
    const Answer answer = checkpoint(session, "TRUNCATE");
    CHECK(answer == Answer{});
    CHECK(io::Clock::now() - began >= 20ms);
    CHECK(io::Clock::now() - began < 5s);
    reader.wait();
    CHECK(committed);
  });
}

TEST_CASE("a checkpoint leaves readers their part of a small cache") {
  on_fiber([] {
    // Sixteen pages of 64 KiB fit into the cache.
    Disk disk;
    Opened opened = disk.open(Disk::Synchronous::full, 65'536).value();
    REQUIRE(opened.run("CREATE TABLE t(a)"));
    for (int i = 0; i < 80; ++i) REQUIRE(opened.run("INSERT INTO t VALUES (zeroblob(60000))"));
    disk.vfs->set_faults({.yield_ppm = 1'000'000});
    Result<void> copied;
    Beside checkpointer([&] {
      sql::Session session(opened.shared());
      copied = session.execute("PRAGMA wal_checkpoint(FULL)");
    });
    while (!checkpointer.is_done()) {
      CHECK(opened.ask("SELECT count(*), sum(length(a)) FROM t") == "80");
      io::yield();
    }
    CHECK(copied);
  });
}

TEST_CASE("a checkpoint and a reader that wants to write do not wait for each other") {
  on_fiber([] {
    Disk disk;
    Opened opened = make_table(disk);
    sql::Session writer(opened.shared());
    sql::Session upgrader(opened.shared());
    REQUIRE(writer.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)"));
    REQUIRE(upgrader.execute("BEGIN; SELECT * FROM t"));
    Answer answer;
    Result<void> upgraded;
    Beside checkpointer([&] {
      sql::Session session(opened.shared(), timeout_of(10'000));
      answer = checkpoint(session, "FULL");
    });
    Beside second([&] {
      // Behind the checkpoint in the queue, on a snapshot that will be old by then.
      upgraded = upgrader.execute("INSERT INTO t VALUES (2)");
      static_cast<void>(upgrader.execute("ROLLBACK"));
    });
    const auto began = io::Clock::now();
    for (int i = 0; i < 10; ++i) io::yield();
    REQUIRE(writer.execute("COMMIT"));
    checkpointer.wait();
    second.wait();
    CHECK(upgraded.code() == Code::busy_snapshot);
    CHECK_FALSE(answer.busy);
    CHECK(answer.copied == answer.log);
    CHECK(io::Clock::now() - began < 3s);
  });
}

TEST_CASE("the log stays bounded though there is always a reader of an older snapshot") {
  on_fiber([] {
    constexpr std::uint32_t kCheckpoint = 50;
    constexpr int kCommits = 5000;
    Disk disk;
    Opened opened = make_table(disk);
    storage::Database& storage = opened.database().storage();
    storage.set_checkpoint_pages(kCheckpoint);
    bool stop = false;
    std::deque<Beside> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&, i] {
        // They overlap: each begins in the midst of another's snapshot.
        io::sleep_for(i * 2ms);
        while (!stop) {
          const auto reader = storage.begin_read().value();
          io::sleep_for(8ms);
        }
      });
    }
    std::uint64_t most = 0;
    for (int i = 0; i < kCommits; ++i) {
      REQUIRE(opened.run("INSERT INTO t VALUES (1)"));
      most = std::max(most, storage.stats().log_bytes);
      io::yield();
    }
    stop = true;
    readers.clear();
    const std::uint64_t frames = most / 4120;
    INFO("the log had up to " << frames << " frames");
    CHECK(frames > 4 * kCheckpoint);
    CHECK(frames < 8 * kCheckpoint);
  });
}
