#pragma once

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"
#include "base/value.hpp"
#include "catalog/schemas.hpp"
#include "exec/planned_sizes.hpp"
#include "exec/planned_values.hpp"
#include "functions/function.hpp"
#include "session/session_state.hpp"
#include "storage/database.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace saturn::sql {

/// What a failed statement takes back; set by whoever raises the error, before it does.
enum class OnError : std::uint8_t {
  abort,     ///< this statement's changes
  fail,      ///< nothing: what the statement has done so far stays
  rollback,  ///< the whole transaction
};

/// What a compiled statement asks for: the databases that it reads, and those that it changes.
struct DatabaseUse {
  DatabaseSet reads;
  DatabaseSet writes;

  DatabaseUse& operator|=(const DatabaseUse& other) noexcept {
    reads |= other.reads;
    writes |= other.writes;
    return *this;
  }
};

/// Pages that transactions have read so far.
struct PagesRead {
  std::uint64_t asked = 0;   ///< from the cache or not
  std::uint64_t loaded = 0;  ///< not from the cache, but from the file or the log
};

/// The transactions of a run, one a database, opened as they are asked for. They belong to whoever
/// started the run.
class Transactions {
 public:
  Transactions() = default;
  Transactions(const Transactions&) = delete;
  Transactions& operator=(const Transactions&) = delete;

  /// What all of them together have read so far.
  PagesRead pages_read() const noexcept {
    PagesRead pages;
    for (const storage::Transaction* open : open_) {
      if (open == nullptr) continue;
      pages.asked += open->pages_read();
      pages.loaded += open->pages_loaded();
    }
    return pages;
  }
  /// Null when the run has none of that database.
  storage::Transaction* find(DatabaseNo database) const noexcept { return open_[database]; }
  /// Sees to it that there is one of each database, and that those to be changed are writable.
  /// // SUSPENDS
  Result<void> require(const DatabaseUse& use) {
    const bool covered = covered_.reads.contains(use.reads) && covered_.writes.contains(use.writes);
    return covered ? Result<void>() : open(use);
  }

 protected:
  ~Transactions() = default;
  virtual Result<void> open(const DatabaseUse& use) = 0;
  void set(DatabaseNo database, storage::Transaction* transaction, bool writes) noexcept {
    open_[database] = transaction;
    covered_.reads.add(database);
    if (writes) covered_.writes.add(database);
  }
  void forget() noexcept {
    open_.fill(nullptr);
    covered_ = {};
  }

 private:
  std::array<storage::Transaction*, limits::kSessionDatabasesMax> open_{};
  DatabaseUse covered_;
};

/// Rows that somebody keeps until the end of a run, whatever is closed and opened in it.
class KeptRows {
 public:
  KeptRows(const KeptRows&) = delete;
  KeptRows& operator=(const KeptRows&) = delete;
  virtual void forget() noexcept = 0;

 protected:
  KeptRows() = default;
  ~KeptRows() = default;
};

/// One run of a compiled statement. The object lives as long as the statement, so that expressions
/// and operators may keep its address; its content is set when a run starts.
struct Runtime {
  explicit Runtime(SessionState& s) noexcept : session(s) {}
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  SessionState& session;
  Transactions* transactions = nullptr;  ///< borrowed for the run
  DatabaseUse use;                       ///< what compiling found to be needed
  PlannedSizes sizes;                    ///< that compiling has relied on
  PlannedValues values;                  ///< of parameters; that compiling has relied on
  std::vector<ValueRef> parameters;      ///< number n at n-1; NULL when unbound
  std::int64_t now_ms = 0;               ///< of 'now', since 1970; constant in a run
  std::uint64_t run = 0;                 ///< steps with every run: what is cached in one
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  std::int64_t affected_rows = 0;  ///< what changes() is to say of an INSERT, UPDATE or DELETE
  OnError on_error = OnError::abort;
  /// What is being computed must be the same at any time ("an index"): 'now' is an error then. Set
  /// with a `ScopedValue`.
  std::string_view pure_in = {};
  bool raised_ignore = false;  ///< the error is RAISE(IGNORE) of a trigger

  /// Has `rows` forgotten when the run ends.
  void keep(KeptRows& rows) { kept_.push_back(&rows); }
  void end_run() noexcept {
    for (KeptRows* rows : kept_) rows->forget();
    kept_.clear();
  }
  /// Of a database that is in `use`.
  storage::Transaction& transaction(DatabaseNo database) const noexcept {
    storage::Transaction* open = transactions->find(database);
    ASSERT(open != nullptr);
    return *open;
  }

  /// To be called at least once a batch and in every long loop: fails with `interrupt` when the
  /// statement was cancelled or its deadline has passed, and lets other fibers run. // SUSPENDS
  Result<void> poll();
  /// The same for work that goes by bytes: after every so many that were handled. // SUSPENDS
  Result<void> spend(std::size_t bytes) {
    spent_ += bytes;
    return spent_ < kSpentMax ? Result<void>() : look_around();
  }

 private:
  static constexpr std::size_t kSpentMax = 256U << 10;  ///< bytes, well below a millisecond's work

  Result<void> look_around();
  std::vector<KeptRows*> kept_;
  std::uint32_t polls_ = 0;
  std::size_t spent_ = 0;  ///< bytes, since the clock was looked at
  io::Clock::time_point slice_start_{};
};

}  // namespace saturn::sql
