#pragma once

#include "catalog/schema.hpp"
#include "exec/expr.hpp"
#include "plan/compile.hpp"

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace saturn::sql {

inline constexpr int kRowidTarget = -1;

/// What INSERT, UPDATE or DELETE names: a table, or a view with INSTEAD OF triggers.
struct DmlTarget {
  const Table* table = nullptr;  ///< of a view: `view` below
  bool is_view = false;
  std::unique_ptr<Table> view;   ///< a view's columns, as a table would have them
  const Table* owner = nullptr;  ///< whose triggers fire: the table or view of the schema
  std::string_view name;         ///< alias or name, as expressions use it
};

/// SQLite's error for what is not there or cannot be changed. // SUSPENDS
Result<DmlTarget> find_target(CompileContext& context, const ast::Target& target,
                              ast::TriggerEvent event);

/// "table t has no column named x"; else its number, kRowidTarget for the rowid.
Result<int> target_column(const CompileContext& context, const Table& table, std::string_view name,
                          std::uint32_t at);

/// A view's columns as a table's. // SUSPENDS
Result<std::unique_ptr<Table>> shape_of_view(CompileContext& context, const Table& view);

/// The OR clause that counts: that of a trigger's firing statement first.
ast::Conflict effective_conflict(const CompileContext& context, ast::Conflict own) noexcept;

/// One column that SET gives a value.
struct SetColumn {
  int target = 0;  ///< as `target_column` has it
  const ast::Expr* value = nullptr;
};
/// SET's terms in their order, those of several columns taken apart.
Result<std::vector<SetColumn>> resolve_set(CompileContext& context, const Table& table,
                                           const List<ast::Assignment>& assignments);
/// The targets alone.
std::vector<int> set_targets(std::span<const SetColumn> columns);

/// Puts a value into a row as `TableWriter` has it.
void put(const Table& table, int target, ValueRef value, ValueRef* row) noexcept;

/// Makes whole numbers in a view's REAL columns reals: so its triggers and RETURNING see what is
/// given to them.
void show_reals(const Table& view, ValueRef* row) noexcept;

/// Plans what UPDATE and DELETE visit: the rows of the target, joined with `from`, for which
/// `where` (or null) is true. The batches have the row's key first (`Table::key_width` values; all
/// columns of a view), then the values of `exprs`. // SUSPENDS
Result<Query> plan_target_rows(CompileContext& context, const DmlTarget& target,
                               const ast::Target& named, const List<ast::Source*>& from,
                               const ast::Expr* where, std::span<const ast::Expr* const> exprs,
                               const CteEnv* ctes);

/// Rows that RETURNING gives, kept until all changes are made.
class Returning {
 public:
  /// The columns may be qualified by the table's own name, not by the statement's alias for it.
  Result<void> compile(CompileContext& context, const Table& table,
                       const List<ast::ResultColumn>& columns, const CteEnv* ctes);
  bool wanted() const noexcept { return !bound_.exprs.empty(); }
  const std::vector<ResultColumn>& columns() const noexcept { return bound_.columns; }
  void clear();
  /// `row` as `TableWriter` has it. // SUSPENDS
  Result<void> add(Runtime& runtime, const ValueRef* row);
  /// The next batch of what was added; null at the end.
  const Batch* next();
  /// For EXPLAIN.
  void list(Listing& listing) const;

 private:
  BoundColumns bound_;
  std::unique_ptr<class RowStore> rows_;
  std::vector<ValueRef> values_;
  ValueArena arena_;
  Batch in_;
  Batch out_;
  std::vector<ColumnBuffer> buffers_;
  std::size_t shown_ = 0;
};

}  // namespace saturn::sql
