#pragma once

#include "dml/row_program.hpp"
#include "storage/btree.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace saturn::sql {

/// The foreign keys that one table's rows take part in, as children and as parents
/// (https://www.sqlite.org/foreignkeys.html).
///
/// Violations are counted, not searched for: a change that leaves a child without its parent counts
/// one up, a change that takes such a child away or gives it a parent one down. An immediate key's
/// count must be back at 0 at the end of the statement, a deferred key's at COMMIT
/// (`SessionState::violations`). What would only count down is skipped while there is nothing to
/// count down from.
class ForeignKeys {
 public:
  /// Fails with "foreign key mismatch" where a parent's columns are no key. // SUSPENDS
  /// Without `context.triggers`, where a table is dropped, such keys have no parents instead. Only
  /// what the statement may touch: of an UPDATE the keys with columns in `updated` (-1: the
  /// rowid), and parents only where rows go or change.
  /// `looks`: keys of children must be well made though rows are only inserted.
  Result<void> compile(CompileContext& context, const Table& table, std::span<const int> updated,
                       bool removes, bool updates, bool looks);

  Result<void> before_insert(Runtime& runtime, const ValueRef* row);  // SUSPENDS
  Result<void> after_insert(Runtime& runtime, const ValueRef* row);   // SUSPENDS
  Result<void> before_update(Runtime& runtime, const ValueRef* old_row,
                             const ValueRef* new_row);  // SUSPENDS
  Result<void> after_update(Runtime& runtime, const ValueRef* old_row,
                            const ValueRef* new_row);                 // SUSPENDS
  Result<void> before_remove(Runtime& runtime, const ValueRef* row);  // SUSPENDS
  Result<void> after_remove(Runtime& runtime, const ValueRef* row);   // SUSPENDS
  /// For EXPLAIN.
  void list(Listing& listing) const;
  /// Whether removing a row has to do with any key.
  bool concern_removal() const noexcept { return !parents_.empty() || !children_.empty(); }

  /// A key of `parent` as a foreign key means it.
  struct ParentKey {
    const Table* table = nullptr;        ///< null: there is none, and no row has its parent
    const Index* index = nullptr;        ///< null: the rowid
    std::vector<std::uint32_t> columns;  ///< of the child, in the order of the index's key
  };
  /// "no such table" or "foreign key mismatch" where there is no such key.
  static Result<ParentKey> find_parent_key(const Schemas& schemas, const Table& child,
                                           const ForeignKey& key);
  /// Whether the parent has the row that a child asks for; true when a column is NULL. // SUSPENDS
  static Result<bool> has_parent(storage::PageSource& source, const ParentKey& key,
                                 const ValueRef* child_row, ValueArena& arena);

 private:
  /// The table is the child.
  struct AsChild {
    const ForeignKey* key = nullptr;
    ParentKey parent;
  };
  /// The table is the parent.
  struct AsParent {
    const ForeignKey* key = nullptr;
    const Table* child = nullptr;
    std::vector<int> columns;  ///< of this table, in the order of the key
    std::unique_ptr<RowProgram> count_old;
    std::unique_ptr<RowProgram> count_new;
    std::unique_ptr<RowProgram> on_delete;
    std::unique_ptr<RowProgram> on_update;
  };

  Result<void> add_parent(CompileContext& context, const Table& child, const ForeignKey& key,
                          bool removes, bool changes, bool looks);
  bool touches(std::span<const int> updated, int column) const noexcept;
  static std::int64_t& violations(Runtime& runtime, const ForeignKey& key) noexcept;
  Result<bool> check_child(Runtime& runtime, const AsChild& child, const ValueRef* row);
  bool keeps_parent(const AsChild& child, const ValueRef* a, const ValueRef* b) const noexcept;
  bool key_changed(const AsParent& parent, const ValueRef* a, const ValueRef* b) const noexcept;
  Result<void> lose_children(Runtime& runtime, AsParent& parent, ast::Action action,
                             const ValueRef* old_row, const ValueRef* new_row);
  Result<void> gain_children(Runtime& runtime, AsParent& parent, const ValueRef* old_row,
                             const ValueRef* new_row);
  ValueRef value_of(const ValueRef* row, int column) const noexcept;

  const Table* table_ = nullptr;
  std::vector<AsChild> children_;
  std::vector<AsParent> parents_;
  ValueArena arena_;
};

}  // namespace saturn::sql
