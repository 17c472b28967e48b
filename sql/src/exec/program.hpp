#pragma once

#include "exec/batch.hpp"
#include "exec/operator.hpp"
#include "exec/runtime.hpp"

#include <memory>
#include <string>
#include <vector>

namespace saturn::sql {

struct ResultColumn {
  std::string name;
  std::string decltype_text;  ///< the declared type of the table column it is; else empty
};

/// How a statement meets the transaction.
enum class Access : std::uint8_t {
  none,  ///< needs no transaction of the database (BEGIN, most pragmas)
  read,
  write,
};

/// A compiled statement of any kind. Life: `start`, `next` until it answers null, `finish`; again
/// and again. `finish` may come at any time after `start`. The caller has opened the transaction in
/// `runtime.transaction`, and takes the statement's changes back when `start` or `next` fails.
/// By the time `next` answers null all changes are made.
class Program {
 public:
  virtual ~Program() = default;
  virtual Result<void> start(Runtime& runtime) = 0;         // SUSPENDS
  virtual Result<const Batch*> next(Runtime& runtime) = 0;  // SUSPENDS
  virtual void finish(Runtime& runtime) noexcept = 0;

  /// The plan, for EXPLAIN QUERY PLAN; null when there is none to show.
  virtual const Operator* plan() const noexcept { return nullptr; }
  /// Adds what it is made of, for EXPLAIN: its parts, but not itself.
  virtual void list(Listing&) const {}

  /// Slot n of the batches is column n.
  std::vector<ResultColumn> columns;
  Access access = Access::read;
  /// An INSERT, UPDATE or DELETE: changes() takes runtime.affected_rows.
  bool counts_changes = false;
  /// What sqlite3_stmt_readonly says; mostly `access != write`.
  bool readonly = true;
};

/// Runs a program that another one has, drops its rows, and finishes it. // SUSPENDS
Result<void> run_to_end(Program& program, Runtime& runtime);

using ProgramPtr = std::unique_ptr<Program>;

/// A program for what is done in one go and yields at most a few rows: `work` runs in the first
/// `next` and fills `rows`.
class ImmediateProgram : public Program {
 public:
  Result<void> start(Runtime& runtime) override;
  Result<const Batch*> next(Runtime& runtime) override;
  void finish(Runtime& runtime) noexcept override;

 protected:
  /// Appends result rows, each with `columns.size()` values. // SUSPENDS
  virtual Result<void> work(Runtime& runtime, std::vector<Row>& rows) = 0;

 private:
  std::vector<Row> rows_;
  std::size_t shown_ = 0;
  bool done_ = false;
  std::vector<ColumnBuffer> buffers_;
  Batch batch_;
};

}  // namespace saturn::sql
