#pragma once

#include "dml/row_program.hpp"

#include <memory>
#include <span>
#include <vector>

namespace saturn::sql {

/// The triggers of one table (or view) that one statement may fire.
class TriggerSet {
 public:
  /// `owner` has the triggers; its rows are those of `table`, which is another for a view only.
  /// `updated`: the columns that an UPDATE sets, -1 being the rowid. With `conflict`, the OR clause
  /// of the statement. Triggers that are running already are left out, unless PRAGMA
  /// recursive_triggers is on. // SUSPENDS
  Result<void> compile(CompileContext& context, const Table& table, const Table& owner,
                       ast::TriggerEvent event, std::span<const int> updated,
                       ast::Conflict conflict);
  /// Whether `owner` has a trigger for such a statement at all, one that is left out included.
  static bool exists(const CompileContext& context, const Table& table, const Table& owner,
                     ast::TriggerEvent event, std::span<const int> updated);
  bool empty() const noexcept { return triggers_.empty(); }
  bool any(ast::TriggerTime time) const noexcept;
  /// Fires those of `time`, the latest one made first; false after RAISE(IGNORE). // SUSPENDS
  Result<bool> fire(Runtime& runtime, ast::TriggerTime time, const ValueRef* old_row,
                    const ValueRef* new_row);
  /// For EXPLAIN.
  void list(Listing& listing) const;

 private:
  struct Fired {
    ast::TriggerTime time = ast::TriggerTime::before;
    const Trigger* trigger = nullptr;
    std::unique_ptr<RowProgram> program;
  };
  std::vector<Fired> triggers_;
};

}  // namespace saturn::sql
