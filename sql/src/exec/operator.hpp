#pragma once

#include "base/result.hpp"
#include "exec/batch.hpp"
#include "exec/runtime.hpp"

#include <memory>
#include <string>
#include <vector>

namespace saturn::sql {

/// A physical operator: a tree of them computes a query, each pulling batches from those below.
/// Life: `open`, `next` until it answers null, `close`; then again. `close` may come at any time
/// after `open` and must drop every cursor and page, since the transaction may end after it.
class Operator {
 public:
  virtual ~Operator() = default;

  /// Starts a run. Inputs may be different from the last run's: parameters, outer rows. // SUSPENDS
  virtual Result<void> open() = 0;
  /// The next batch, never an empty one; null at the end. // SUSPENDS
  virtual Result<const Batch*> next() = 0;
  virtual void close() noexcept = 0;

  /// One line of EXPLAIN QUERY PLAN ("SCAN t", "SEARCH t USING INDEX i (a=?)"); empty for an
  /// operator that is not shown.
  virtual std::string describe() const = 0;
  /// The inputs, for EXPLAIN.
  virtual std::vector<Operator*> inputs() const = 0;
};

using OperatorPtr = std::unique_ptr<Operator>;

}  // namespace saturn::sql
