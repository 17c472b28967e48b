#include "disk.hpp"

#include <array>
#include <cerrno>
#include <deque>
#include <iostream>
#include <set>
#include <utility>

// Each single operation fails once, in every way that a disk has, while several sessions write and
// one reads: what every one of them was told is so.

using namespace saturn;
using namespace sim;
using storage::LogSync;
using storage::WriteState;

namespace {

constexpr int kWriters = 4;
constexpr int kTransfers = 8;
constexpr int kAccounts = 10;
constexpr int kTotal = kAccounts * 100;

struct Reference {
  const char* name;
  std::uint32_t page_size;
  std::uint32_t checkpoint_pages;
  LogSync log_sync;
  Disk::Synchronous synchronous;
};

constexpr Reference kReferences[] = {
    {"checkpoints all the time", 512, 6, LogSync::fdatasync, Disk::Synchronous::full},
    {"durable writes", 1024, 30, LogSync::dsync, Disk::Synchronous::full},
    {"normal", 1024, 6, LogSync::fdatasync, Disk::Synchronous::normal},
};

constexpr io::Strike kStrikes[] = {{.sys_errno = EIO}, {.sys_errno = ENOSPC}, {.short_read = true}};

enum class Ending : std::uint8_t { close, kill, power_cut };

/// A transfer by its writer and number.
using Transfer = std::pair<int, int>;

class Run {
 public:
  Run(const Reference& reference, std::uint64_t operation)
      : reference_(reference), disk_(operation + 1), ending_(static_cast<Ending>(operation % 3)) {
    disk_.options.storage.checkpoint_pages = reference.checkpoint_pages;
    disk_.options.storage.log_sync = reference.log_sync;
  }

  /// What was struck; nothing when there are fewer operations.
  std::optional<io::IoKind> run(std::uint64_t operation, const io::Strike& strike) {
    make();
    {
      Opened opened = open();
      disk_.vfs->set_faults({.seed = operation + 1, .yield_ppm = 300'000});
      disk_.vfs->strike_at(disk_.vfs->operations() + operation, strike);
      work(opened);
      disk_.vfs->set_faults({});
      if (!disk_.vfs->struck()) return {};
      look(opened);
      if (ending_ == Ending::close && !opened.close()) CHECK(disk_.vfs->struck());
    }
    if (ending_ == Ending::kill) disk_.vfs->kill();
    if (ending_ == Ending::power_cut) REQUIRE(disk_.vfs->power_cut());
    Opened opened = open();
    check(opened, reference_.synchronous == Disk::Synchronous::full || ending_ != Ending::power_cut,
          true);
    REQUIRE(opened.run("INSERT INTO log VALUES (99, 99, '')"));
    return disk_.vfs->struck();
  }

 private:
  Opened open() { return disk_.open(reference_.synchronous, reference_.page_size).value(); }

  /// Closes it again, so that the sessions find nothing in the cache.
  void make() {
    Opened opened = open();
    REQUIRE(opened.run("CREATE TABLE account(id INTEGER PRIMARY KEY, amount, filler)"));
    REQUIRE(opened.run("CREATE TABLE log(writer, number, filler, PRIMARY KEY (writer, number))"));
    REQUIRE(
        opened.run("WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < 9) "
                   "INSERT INTO account SELECT i, 100, randomblob(300) FROM n"));
    REQUIRE(opened.close());
  }

  bool is_broken(Opened& opened) const {
    return opened.database().storage().write_state().kind == WriteState::Kind::broken;
  }

  void work(Opened& opened) {
    int writing = kWriters;
    std::deque<Beside> sessions;
    for (int writer = 0; writer < kWriters; ++writer) {
      sessions.emplace_back([&, writer] {
        sql::Session session(opened.shared(), {.yields = false});
        for (int number = 1; number <= kTransfers; ++number) {
          const auto told = transfer(session, writer, number);
          // The log may have what could not be synced.
          if (told == Told::failed_in_commit && is_broken(opened))
            in_doubt_.insert({writer, number});
        }
        --writing;
      });
    }
    sessions.emplace_back([&] {
      sql::Session session(opened.shared(), {.yields = false});
      while (writing > 0) {
        sum_up(session);
        io::yield();
      }
    });
  }

  enum class Told : std::uint8_t { done, refused, failed_in_commit };

  Told transfer(sql::Session& session, int writer, int number) {
    const auto account = [&](int salt) {
      return std::to_string((writer * 7 + number * salt) % kAccounts);
    };
    Result<void> done = session.execute(
        "BEGIN IMMEDIATE; UPDATE account SET amount = amount - 1, filler = randomblob(300) WHERE "
        "id = " +
        account(3) + "; UPDATE account SET amount = amount + 1 WHERE id = " + account(5) +
        "; INSERT INTO log VALUES (" + std::to_string(writer) + ", " + std::to_string(number) +
        ", randomblob(400))");
    const bool handed_over = done.has_value();
    if (done) done = session.execute("COMMIT");
    if (!session.autocommit()) static_cast<void>(session.execute("ROLLBACK"));
    if (!done) return handed_over ? Told::failed_in_commit : Told::refused;
    acknowledged_.insert({writer, number});
    return Told::done;
  }

  void sum_up(sql::Session& session) {
    auto statement = session.prepare("SELECT sum(amount), count(*) FROM account");
    if (!statement) return;
    const auto more = (*statement)->step();
    if (!more) return;
    if ((*statement)->column(0).as_integer() != kTotal) ++wrong_sums_;
  }

  /// In the process that was struck: readers are served, and writers unless the state says why not.
  void look(Opened& opened) {
    CHECK(wrong_sums_ == 0);
    check(opened, true, false);
    const bool broken = is_broken(opened);
    const Result<void> written = opened.run("UPDATE account SET filler = ''");
    CHECK(written.has_value() == !broken);
    if (broken) CHECK(written.message().find("opened again") != std::string::npos);
  }

  /// `all`: all that was acknowledged must be there. `doubt`: of what failed in its commit some may
  /// be.
  void check(Opened& opened, bool all, bool doubt) {
    CHECK(opened.ask("PRAGMA integrity_check") == "ok");
    CHECK(opened.ask("SELECT sum(amount) FROM account") == std::to_string(kTotal));
    for (int writer = 0; writer < kWriters; ++writer) {
      for (int number = 1; number <= kTransfers; ++number) {
        INFO("transfer " << number << " of writer " << writer);
        const bool is_there =
            opened.ask("SELECT count(*) FROM log WHERE writer = " + std::to_string(writer) +
                       " AND number = " + std::to_string(number)) == "1";
        const bool is_acknowledged = acknowledged_.contains({writer, number});
        if (is_acknowledged && all) CHECK(is_there);
        if (!is_acknowledged && !(doubt && in_doubt_.contains({writer, number})))
          CHECK_FALSE(is_there);
      }
    }
  }

  const Reference& reference_;
  Disk disk_;
  const Ending ending_;
  std::set<Transfer> acknowledged_;
  std::set<Transfer> in_doubt_;
  int wrong_sums_ = 0;
};

}  // namespace

TEST_CASE("each single operation fails once under several sessions: each was told what is so") {
  std::array<std::uint64_t, io::kIoKinds> struck{};
  for (const Reference& reference : kReferences) {
    for (const io::Strike& strike : kStrikes) {
      bool more = true;
      for (std::uint64_t operation = 0; more; ++operation) {
        INFO(reference.name << ", errno " << strike.sys_errno << ", operation " << operation);
        on_fiber([&] {
          Run run(reference, operation);
          const std::optional<io::IoKind> kind = run.run(operation, strike);
          more = kind.has_value();
          if (more) ++struck[static_cast<std::size_t>(*kind)];
        });
      }
    }
  }
  for (std::size_t kind = 0; kind < io::kIoKinds; ++kind) {
    if (struck[kind] == 0) continue;
    std::cout << io::io_kind_name(static_cast<io::IoKind>(kind)) << ' ' << struck[kind] << "  ";
  }
  std::cout << '\n';
  for (const io::IoKind kind : {io::IoKind::read, io::IoKind::write, io::IoKind::sync}) {
    CHECK(struck[static_cast<std::size_t>(kind)] > 50);
  }
}
