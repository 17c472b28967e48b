#pragma once

#include "base/result.hpp"
#include "exec/batch.hpp"
#include "exec/runtime.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace saturn::sql {

class Listing;

/// What an operator did in one run, those below it included; for EXPLAIN ANALYZE.
struct OperatorFigures {
  std::uint64_t rows = 0;                      ///< handed on
  std::uint64_t loops = 0;                     ///< times it was opened
  std::uint64_t pages = 0;                     ///< asked for, from the cache or not
  std::uint64_t cache_misses = 0;              ///< pages from the file or the log, ahead or not
  std::chrono::steady_clock::duration time{};  ///< what passed until it answered
};

/// A physical operator: a tree of them computes a query, each pulling batches from those below.
/// Life: `open`, `next` until it answers null, `close`; then again. `close` may come at any time
/// after `open` and must drop every cursor and page, since the transaction may end after it.
class Operator {
 public:
  virtual ~Operator() = default;

  /// Starts a run. Inputs may be different from the last run's: parameters, outer rows. // SUSPENDS
  Result<void> open() { return measured_ == nullptr ? start() : open_measured(); }
  /// As `close` and then `open`, for the next of many short runs without anything in between:
  /// cursors may stay where they are. // SUSPENDS
  Result<void> reopen() { return measured_ == nullptr ? restart() : reopen_measured(); }
  /// Whoever asks will seldom want more than so many rows of a run.
  virtual void expect_rows(std::uint32_t) noexcept {}
  /// The next batch, never an empty one; null at the end. // SUSPENDS
  Result<const Batch*> next() { return measured_ == nullptr ? produce() : next_measured(); }
  virtual void close() noexcept = 0;

  /// One line of EXPLAIN QUERY PLAN ("SCAN t", "SEARCH t USING INDEX i (a=?)"); empty for an
  /// operator that is not shown.
  virtual std::string describe() const = 0;
  /// The inputs, for EXPLAIN QUERY PLAN and EXPLAIN ANALYZE.
  virtual std::vector<Operator*> inputs() const = 0;
  /// Adds the operator with all that it is made of, for EXPLAIN.
  virtual void list(Listing& listing) const = 0;

  /// From now on the operator and its inputs count what they do; `runtime` is that of their runs.
  void measure(const Runtime& runtime) const;
  /// Null when it was not measured.
  const OperatorFigures* figures() const noexcept {
    return measured_ == nullptr ? nullptr : &measured_->figures;
  }

 protected:
  virtual Result<void> start() = 0;            // SUSPENDS
  virtual Result<const Batch*> produce() = 0;  // SUSPENDS
  /// What `reopen` does. // SUSPENDS
  virtual Result<void> restart() {
    close();
    return start();
  }

 private:
  struct Measured {
    const Runtime& runtime;
    OperatorFigures figures;
  };
  class Reading;
  Result<void> open_measured();
  Result<void> reopen_measured();
  Result<const Batch*> next_measured();

  mutable std::unique_ptr<Measured> measured_;  ///< null but for EXPLAIN ANALYZE
};

using OperatorPtr = std::unique_ptr<Operator>;

}  // namespace saturn::sql
