#include "base/text.hpp"
#include "plan/join_planner.hpp"

#include <algorithm>
#include <utility>

// Which indexes of a relation a query may use: a partial one where the conditions imply its WHERE,
// one on expressions by the trees of these expressions over the relation's slots.

namespace saturn::sql {
namespace {

/// Whether a condition that is true tells that `operand` is not NULL.
bool refuses_null(const ExprNode& condition, const ExprNode& operand) {
  const auto is_child = [&](std::size_t child) {
    return same_tree(*condition.children[child], operand);
  };
  switch (condition.kind) {
    case NodeKind::comparison: {
      const ast::BinaryOp op = static_cast<const ComparisonNode&>(condition).op;
      if (op == ast::BinaryOp::is || op == ast::BinaryOp::is_not) return false;
      return is_child(0) || is_child(1);
    }
    case NodeKind::like: return is_child(0);
    case NodeKind::in_list: return is_child(0);
    default: return false;
  }
}

/// x of `x NOTNULL` or `x IS NOT NULL`; null for anything else.
const ExprNode* not_null_operand(const ExprNode& expr) {
  if (expr.kind == NodeKind::unary) {
    const bool not_null = static_cast<const UnaryNode&>(expr).op == ast::UnaryOp::not_null;
    return not_null ? expr.children[0].get() : nullptr;
  }
  if (expr.kind != NodeKind::comparison) return nullptr;
  const ExprNode& right = *expr.children[1];
  const bool is_null = right.kind == NodeKind::constant &&
                       static_cast<const ConstantNode&>(right).value.ref().is_null();
  const ast::BinaryOp op = static_cast<const ComparisonNode&>(expr).op;
  return is_null && op == ast::BinaryOp::is_not ? expr.children[0].get() : nullptr;
}

/// Whether `wanted` is true wherever `condition` is.
bool implies(const ExprNode& condition, const ExprNode& wanted) {
  if (same_tree(condition, wanted)) return true;
  if (wanted.kind == NodeKind::logical && !static_cast<const LogicalNode&>(wanted).conjunction) {
    return implies(condition, *wanted.children[0]) || implies(condition, *wanted.children[1]);
  }
  const ExprNode* const operand = not_null_operand(wanted);
  return operand != nullptr && refuses_null(condition, *operand);
}

}  // namespace

/// An expression of the schema over the slots of a relation. A column that the query does not use
/// gets a slot that is nobody's: such an expression equals none of the query.
Result<ExprPtr> JoinPlanner::bind_own(std::size_t relation, const ast::Expr& expr) {
  const Relation& r = scope_.relations[relation];
  Scope alone;
  Relation& own = alone.relations.emplace_back();
  own.name = r.table->name;
  own.table = r.table;
  own.columns = r.columns;
  for (Relation::Column& column : own.columns) {
    column.hidden = false;
    column.merged.clear();
    column.superseded = false;
  }
  own.slots = r.slots;
  alone.slot_count = scope_.slot_count;
  // Whoever asks what the statement's names mean does not mean those of the schema.
  NameTracker* const names = std::exchange(context_.names, nullptr);
  Binder binder(context_, alone,
                BindRules{.subqueries = false, .stored = true, .clause = "an index"});
  auto bound = binder.bind(expr);
  context_.names = names;
  return bound;
}

/// Whether the conditions let no row of the relation pass that a partial index lacks.
Result<bool> JoinPlanner::is_implied(std::size_t relation, const ast::Expr& where) {
  std::vector<ExprPtr> parts;
  split_conjunction(TRY(bind_own(relation, where)), parts);
  return std::all_of(parts.begin(), parts.end(), [&](const ExprPtr& part) {
    return std::any_of(conditions_.begin(), conditions_.end(), [&](const JoinCondition& known) {
      return known.after < 0 && usable_for(known, relation) && implies(*known.expr, *part);
    });
  });
}

Result<void> JoinPlanner::find_indexes() {
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    const Relation& relation = scope_.relations[r];
    if (relation.table == nullptr) continue;
    for (const auto& index : relation.table->indexes) {
      if (relation.indexed == ast::Indexed::none && !index->clustered) continue;
      if (relation.indexed == ast::Indexed::by && !equals_nocase(index->name, relation.index)) {
        continue;
      }
      if (index->where != nullptr && relation.right_join) continue;  // all rows are asked for
      if (index->where != nullptr) {
        const bool usable = TRY(is_implied(r, *index->where));
        if (!usable) continue;
      }
      UsableIndex usable{index.get(), {}};
      usable.exprs.resize(index->columns.size());
      for (std::size_t i = 0; i < index->columns.size(); ++i) {
        const IndexColumn& column = index->columns[i];
        if (column.column != IndexColumn::kExpression) continue;
        usable.exprs[i] = TRY(bind_own(r, *column.expr));
        info_[r].indexed_exprs = true;
      }
      info_[r].indexes.push_back(std::move(usable));
    }
  }
  return {};
}

}  // namespace saturn::sql
