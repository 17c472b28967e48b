#include "dml/upsert_target.hpp"

#include "base/text.hpp"
#include "exec/nodes.hpp"

#include <algorithm>
#include <vector>

namespace saturn::sql {
namespace {

/// A term of the target, or a column of an index, over the table's rows.
struct KeyTerm {
  ExprPtr expr;
  const Collation* collation = nullptr;  ///< null: any
};

class KeyFinder {
 public:
  KeyFinder(CompileContext& context, const Table& table, std::string_view name)
      : context_(context), table_(table) {
    rows_.relations.push_back({&table, name, 0});
    own_.relations.push_back({&table, table.name, 0});
  }

  Result<void> add_target(const ast::Upsert& upsert) {
    for (const ast::OrderTerm& term : upsert.target) {
      if (term.nulls != ast::NullsOrder::unspecified) {
        return Error(Code::error, cat("unsupported use of NULLS ",
                                      term.nulls == ast::NullsOrder::first ? "FIRST" : "LAST"));
      }
      target_.push_back(split(TRY(bind_row_expr(context_, rows_, *term.expr, true))));
    }
    if (upsert.target_where != nullptr) {
      where_ = TRY(bind_row_expr(context_, rows_, *upsert.target_where, true));
    }
    return {};
  }

  bool is_rowid() const noexcept {
    return target_.size() == 1 && target_[0].collation == nullptr && is_rowid(*target_[0].expr);
  }

  Result<bool> means(const Index& index) const {
    if (!index.unique || index.columns.size() != target_.size()) return false;
    if (index.where != nullptr) {
      if (where_ == nullptr) return false;
      const ExprPtr own = TRY(bind_row_expr(context_, own_, *index.where, false));
      if (!same_tree(*own, *where_)) return false;
    }
    for (const IndexColumn& column : index.columns) {
      const KeyTerm key = TRY(key_of(column));
      const bool named = std::any_of(target_.begin(), target_.end(),
                                     [&](const KeyTerm& term) { return fits(term, key); });
      if (!named) return false;
    }
    return true;
  }

 private:
  static KeyTerm split(ExprPtr expr) {
    if (expr->kind != NodeKind::collate) return {std::move(expr)};
    const Collation* const collation = expr->collation;
    return {std::move(expr->children[0]), collation};
  }

  bool is_rowid(const ExprNode& expr) const noexcept {
    if (table_.without_rowid || expr.kind != NodeKind::slot) return false;
    const Slot slot = static_cast<const SlotNode&>(expr).slot;
    return slot == table_.columns.size() || static_cast<int>(slot) == table_.rowid_column;
  }

  Result<KeyTerm> key_of(const IndexColumn& column) const {
    if (column.column == IndexColumn::kExpression) {
      KeyTerm key = split(TRY(bind_row_expr(context_, own_, *column.expr, false)));
      key.collation = column.collation;
      return key;
    }
    return KeyTerm{std::make_unique<SlotNode>(static_cast<Slot>(column.column)), column.collation};
  }

  /// As in SQLite the rowid is no column of an index here, even where it has a column's name.
  bool fits(const KeyTerm& term, const KeyTerm& key) const {
    if (term.collation != nullptr && term.collation != key.collation) return false;
    if (is_rowid(*term.expr)) return false;
    if (key.expr->kind != NodeKind::slot) return same_tree(*term.expr, *key.expr);
    return term.expr->kind == NodeKind::slot && static_cast<const SlotNode&>(*term.expr).slot ==
                                                    static_cast<const SlotNode&>(*key.expr).slot;
  }

  CompileContext& context_;
  const Table& table_;
  RowScope rows_;
  RowScope own_;  ///< for expressions of indexes, which know the table by its own name
  std::vector<KeyTerm> target_;
  ExprPtr where_;
};

}  // namespace

Result<const Index*> find_upsert_key(CompileContext& context, const Table& table,
                                     std::string_view name, const ast::Upsert& upsert,
                                     std::string_view which) {
  KeyFinder finder(context, table, name);
  TRY(finder.add_target(upsert));
  if (finder.is_rowid()) return static_cast<const Index*>(nullptr);
  for (const auto& index : table.indexes) {
    const bool meant = TRY(finder.means(*index));
    if (meant) return static_cast<const Index*>(index.get());
  }
  return Error(Code::error, cat(which, "ON CONFLICT clause does not match any PRIMARY KEY or ",
                                "UNIQUE constraint"));
}

}  // namespace saturn::sql
