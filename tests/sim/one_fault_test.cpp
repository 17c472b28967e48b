#include "client.hpp"
#include "disk.hpp"

#include <cerrno>
#include <iostream>
#include <span>

// Each single operation of a reference workload fails once, in every way that a disk has.

using namespace saturn;
using namespace sim;
using storage::WriteState;

namespace {

/// A workload: the same statements each time.
struct Reference {
  std::uint64_t seed;
  std::uint32_t page_size;
  std::uint32_t checkpoint_pages;
  int auto_vacuum;
  Synchronous synchronous;
  storage::LogSync log_sync;
  bool crashes;  ///< in its midst, instead of being closed
};

constexpr unsigned kTransactions = 12;
constexpr Reference kReferences[] = {
    {1, 1024, 4, 1, Synchronous::full, storage::LogSync::fdatasync, false},
    {2, 4096, 0, 0, Synchronous::full, storage::LogSync::dsync, true},
    {3, 512, 30, 2, Synchronous::normal, storage::LogSync::fdatasync, true},
};

/// The first reference meets all of them, each later one one less.
constexpr io::Strike kStrikes[] = {
    {.sys_errno = EIO}, {.sys_errno = ENOSPC}, {.short_read = true}, {.sys_errno = EDQUOT}};

enum class Ending : std::uint8_t { close, kill, power_cut };

class Run {
 public:
  Run(const Reference& reference, std::uint64_t operation, const io::Strike& strike)
      : reference_(reference),
        disk_(operation + 1),
        history_(State{}, *disk_.vfs),
        ending_(static_cast<Ending>(operation % 3)) {
    disk_.vfs->strike_at(operation, strike);
  }

  /// What was struck; null when the workload has fewer operations.
  std::optional<io::IoKind> struck() const { return disk_.vfs->struck(); }

  void run() {
    auto opened = open();
    // Whatever failed, it failed once.
    if (!opened) opened = open();
    REQUIRE(opened);
    std::shared_ptr<sql::Database> database = std::move(*opened);
    Result<void> worked = work(database);
    if (history_.violation()) FAIL(*history_.violation());
    if (!struck()) return;  // the workload has fewer operations
    if (!worked) INFO("the client was told: " << worked.message());
    const bool is_broken = go_on(database);
    if (ending_ == Ending::close) {
      Result<void> closed = database->close();
      if (!closed) CHECK(struck());
    }
    database.reset();
    if (ending_ == Ending::kill) disk_.vfs->kill();
    if (ending_ == Ending::power_cut) REQUIRE(disk_.vfs->power_cut());
    check_what_is_left(is_broken);
  }

 private:
  Result<std::shared_ptr<sql::Database>> open() {
    sql::DatabaseOptions options;
    options.storage.cache_bytes = limits::kCacheBytesMin;
    options.storage.checkpoint_pages = reference_.checkpoint_pages;
    options.storage.page_size = reference_.page_size;
    options.storage.synchronous = reference_.synchronous;
    options.storage.log_sync = reference_.log_sync;
    return sql::Database::open(*disk_.vfs, "t.db", options);
  }

  /// Until the first error, with a cold cache in between.
  Result<void> work(std::shared_ptr<sql::Database>& database) {
    for (const std::uint64_t half : {0, 1}) {
      {
        Client client(database, history_, counters_, reference_.seed * 2 + half, false);
        if (half == 0)
          TRY(client.run("PRAGMA auto_vacuum = " + std::to_string(reference_.auto_vacuum)));
        TRY(client.work(kTransactions));
      }
      if (half == 1) return {};
      Result<void> closed = reference_.crashes ? Result<void>() : database->close();
      database.reset();
      if (reference_.crashes) disk_.vfs->kill();
      if (!closed) CHECK(struck());
      auto again = open();
      if (!again) again = open();
      database = TRY(std::move(again));
    }
    return {};
  }

  /// The database serves readers, and writers unless it says that it does not. True when not.
  bool go_on(const std::shared_ptr<sql::Database>& database) {
    Client client(database, history_, counters_, 99, true);
    auto seen = client.read_all();
    REQUIRE(seen);
    const State& known = history_.state(history_.acknowledged());
    if (!(*seen == known)) FAIL("a reader sees something else: " << difference(known, *seen));
    const bool is_broken = database->storage().write_state().kind == WriteState::Kind::broken;
    State after = known;
    after.user_version = 4711;
    Result<Rows> written = client.run("PRAGMA user_version = 4711");
    if (is_broken) {
      REQUIRE_FALSE(written);
      CHECK(written.error().message().find("opened again") != std::string::npos);
      return true;
    }
    REQUIRE(written);
    history_.forget_after(history_.acknowledged());
    history_.acknowledge(history_.hand_over(std::move(after), reference_.synchronous));
    return false;
  }

  void check_what_is_left(bool is_broken) {
    auto opened = open();
    if (!opened) FAIL(opened.error().message());
    Client client(*opened, history_, counters_, 7, true);
    CHECK(client.run("PRAGMA integrity_check").value().at(0).at(0) == Value("ok"));
    const State seen = client.read_all().value();
    // The commit that broke the log may be there; one that found no space may not.
    const bool lost_by_cut = ending_ == Ending::power_cut;
    const std::size_t first = lost_by_cut ? history_.floor() : history_.acknowledged();
    const auto index = history_.find(seen, first);
    if (!index) FAIL("what is left is another: " << difference(history_.state(first), seen));
    if (!is_broken) CHECK(*index <= history_.acknowledged());
    REQUIRE(client.run("CREATE TABLE more(id, n, v)"));
  }

  const Reference& reference_;
  Disk disk_;
  History history_;
  Counters counters_;
  const Ending ending_;
};

}  // namespace

TEST_CASE("each single operation fails once with each errno: no loss, no crash") {
  std::array<std::uint64_t, io::kIoKinds> struck{};
  for (const Reference& reference : kReferences) {
    for (const io::Strike& strike : std::span(kStrikes).first(5 - reference.seed)) {
      bool more = true;
      for (std::uint64_t operation = 0; more; ++operation) {
        INFO("reference " << reference.seed << ", errno " << strike.sys_errno << ", operation "
                          << operation);
        on_fiber([&] {
          Run run(reference, operation, strike);
          run.run();
          const auto kind = run.struck();
          more = kind.has_value();
          if (more) ++struck[static_cast<std::size_t>(*kind)];
        });
      }
    }
  }
  for (std::size_t kind = 0; kind < io::kIoKinds; ++kind) {
    std::cout << io::io_kind_name(static_cast<io::IoKind>(kind)) << ' ' << struck[kind] << "  ";
    // Nothing here reserves room.
    CHECK((struck[kind] > 0 || kind == static_cast<std::size_t>(io::IoKind::allocate)));
  }
  std::cout << '\n';
}
