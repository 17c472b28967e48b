#pragma once

#include "catalog/schemas.hpp"
#include "exec/program.hpp"
#include "plan/compile.hpp"

#include <memory>
#include <string>
#include <vector>

namespace saturn::sql {

/// Statements that run for one row of a table, and see it as OLD and NEW: the body of a trigger, or
/// what a foreign key does to other tables. A row is as `TableWriter` has it.
///
/// Compiled when it is first run, so that programs that fire each other may be nested as deep as
/// they go; `compile` does it at once. It has a run of its own: what its statements keep within a
/// run is never taken for what the statement that fired it keeps.
class RowProgram {
 public:
  /// `identity` tells the program from others that are running (null for none). `conflict` is the
  /// OR clause of the firing statement, which outranks those of the body. The statements and
  /// `when` (may be null) must outlive this.
  /// `database` has what runs: the trigger's, which is another than the table's for one of temp.
  RowProgram(const CompileContext& context, const Table& table, DatabaseNo database,
             const void* identity, ast::Conflict conflict, const ast::Expr* when,
             std::vector<const ast::Stmt*> body);
  /// The same with a statement as text.
  static Result<std::unique_ptr<RowProgram>> from_text(const CompileContext& context,
                                                       const Table& table, std::string text);
  ~RowProgram();

  /// In comparisons OLD and NEW have their columns' affinities from now on.
  void use_affinities() noexcept { frame_.has_affinities = true; }
  /// Which of OLD and NEW there are; both unless told.
  void set_rows(bool has_old, bool has_new) noexcept;
  Result<void> compile();  // SUSPENDS
  /// Of the compiled program.
  const DatabaseUse& use() const noexcept { return runtime_.use; }

  /// Runs it; either row may be null. False after RAISE(IGNORE): the change is to be dropped. The
  /// session's change counters are afterwards what they were, but for the total. // SUSPENDS
  Result<bool> run(Runtime& outer, const ValueRef* old_row, const ValueRef* new_row);
  /// Runs its one SELECT: the integer in the first column of the first row, 0 without one.
  Result<std::int64_t> count(Runtime& outer, const ValueRef* old_row, const ValueRef* new_row);

  /// For EXPLAIN: its condition and statements, as far as they are compiled.
  void list(Listing& listing) const;

 private:
  Result<void> prepare_run(Runtime& outer, const ValueRef* old_row, const ValueRef* new_row);
  Result<bool> condition_holds();
  Result<void> run_body(std::int64_t* counted);
  Result<void> run_statement(Program& program, std::int64_t* counted);

  const Schemas& schemas_;
  const Table& table_;
  const ast::Expr* const when_;
  std::vector<const ast::Stmt*> body_;
  std::string text_;
  Arena arena_;
  NameTracker* const names_;
  Runtime runtime_;
  std::vector<ValueRef> old_row_;
  std::vector<ValueRef> new_row_;
  TriggerFrame frame_;
  ExprPtr condition_;
  std::vector<ProgramPtr> programs_;
  bool compiled_ = false;
};

}  // namespace saturn::sql
