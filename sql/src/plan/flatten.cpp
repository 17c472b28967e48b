#include "base/limits.hpp"
#include "plan/bound_query.hpp"
#include "plan/copy_tree.hpp"

#include <algorithm>

// Subqueries, views and CTEs in FROM that are no more than a join: their tables take their place,
// and what they compute stands where it is asked for. So conditions on them find indexes, joins
// with them are ordered as one, and columns that nobody asks for are not read. And conditions that
// other subqueries can take over (https://www.sqlite.org/optoverview.html, sections 11 and 12).

namespace saturn::sql {
namespace {

std::uint64_t bit(std::size_t relation) noexcept { return std::uint64_t{1} << relation; }

const SlotNode& slot_of(const ExprNode& expr) noexcept {
  return static_cast<const SlotNode&>(expr);
}

/// Calls `visit(ExprPtr&)` for every column of a relation in the tree, which it may replace or
/// change; then all nodes know anew what they read.
template <typename Visit>
void for_each_column(ExprPtr& expr, const Visit& visit) {
  if (expr->kind == NodeKind::slot) {
    if (slot_of(*expr).relation >= 0) visit(expr);
    return;
  }
  if (expr->children.empty()) return;
  std::uint64_t tables = 0;
  for (ExprPtr& child : expr->children) {
    for_each_column(child, visit);
    tables |= child->tables;
    expr->volatile_result |= child->volatile_result;
    expr->reads_outer |= child->reads_outer;
    expr->expensive |= child->expensive;
  }
  expr->tables = tables;
}

/// Whether all columns of relation `relation` in the tree fulfil `test(column)`.
template <typename Test>
bool all_columns(const ExprNode& expr, std::size_t relation, const Test& test) {
  if (expr.kind == NodeKind::slot && slot_of(expr).relation == static_cast<int>(relation)) {
    return test(static_cast<std::size_t>(slot_of(expr).column));
  }
  return std::all_of(expr.children.begin(), expr.children.end(),
                     [&](const ExprPtr& child) { return all_columns(*child, relation, test); });
}

/// Whether values that are equal by its collation are equal for every condition: 'a' is not 'A'.
bool tells_apart(const ExprNode& expr) noexcept {
  return expr.collation == nullptr || expr.collation->kind == Collation::Kind::binary;
}

}  // namespace

template <typename Visit>
void CorePlanner::for_each_expr(const Visit& visit) {
  const auto one = [&](ExprPtr& expr) {
    if (expr) visit(expr);
  };
  for (Item& item : items_) one(item.expr);
  for (JoinCondition& condition : conditions_) one(condition.expr);
  for (ExprPtr& term : group_by_) one(term);
  one(having_);
  for (OrderItem& order : order_) one(order.expr);
  for (Relation& relation : scope_.relations) {
    for (ExprPtr& argument : relation.arguments) one(argument);
  }
}

/// Whether it is a join and conditions on it, nothing else.
bool CorePlanner::is_plain() const {
  if (core_.distinct || is_aggregate() || has_windows() || !order_.empty()) return false;
  if (scope_.relations.empty() || scope_.last_right_join() >= 0) return false;
  return std::none_of(items_.begin(), items_.end(),
                      [](const Item& item) { return item.expr->volatile_result; }) &&
         std::none_of(conditions_.begin(), conditions_.end(),
                      [](const JoinCondition& c) { return c.expr->volatile_result; });
}

/// Whether the tables of a relation that is a query can stand here in its place.
bool CorePlanner::can_take_over(std::size_t relation) {
  const Relation& outer = scope_.relations[relation];
  if (!outer.query) return false;
  const CorePlanner* inner = outer.query->plain();
  if (inner == nullptr || !inner->is_plain()) return false;
  const std::size_t tables = inner->scope_.relations.size();
  if (scope_.relations.size() + tables - 1 > limits::kJoinTablesMax) return false;
  // What runs for each row of another query does not join again what it can keep.
  const bool correlated = scope_.boundary != nullptr && !scope_.boundary->correlations.empty();
  if (correlated && tables > 1) return false;
  std::vector<std::size_t> uses(inner->items_.size());
  for_each_expr([&](ExprPtr& expr) {
    for_each_column(expr, [&](ExprPtr& column) {
      if (slot_of(*column).relation != static_cast<int>(relation)) return;
      ++uses[static_cast<std::size_t>(slot_of(*column).column)];
    });
  });
  for (std::size_t i = 0; i < uses.size(); ++i) {
    const ExprNode& item = *inner->items_[i].expr;
    if (uses[i] > 1 && !copy_tree(item)) return false;
  }
  if (!outer.outer_join) return true;
  const Table* table = inner->scope_.relations[0].table;
  return tables == 1 && table != nullptr && !table->without_rowid;
}

/// What a result column computes, for the query around: what has no copy is moved, as it is read
/// once. Behind a LEFT JOIN it is NULL where its table, the only one, has no row.
ExprPtr CorePlanner::take_item(std::size_t number, bool outer_join) {
  ExprPtr& item = items_[number].expr;
  ExprPtr value = copy_tree(*item);
  if (!value) value = std::move(item);
  if (!outer_join || value->kind == NodeKind::slot) return value;
  std::vector<ExprPtr> no_row;
  no_row.push_back(std::make_unique<UnaryNode>(
      ast::UnaryOp::is_null, Binder::column_of(scope_, 0, SlotNode::kRowidColumn)));
  no_row.push_back(std::make_unique<ConstantNode>(Value()));
  return std::make_unique<CaseNode>(std::move(no_row), std::move(value));
}

/// Puts the tables of relation number `at` in its place, and what it computes where it is read.
void CorePlanner::take_over(std::size_t at) {
  const std::unique_ptr<BoundQuery> query = std::move(scope_.relations[at].query);
  CorePlanner& inner = *query->plain();
  const bool outer_join = scope_.relations[at].outer_join;
  const std::size_t added = inner.scope_.relations.size() - 1;
  const Slot first_slot = scope_.slot_count;
  const auto move_inner = [&](ExprPtr& column) {
    auto& slot = static_cast<SlotNode&>(*column);
    slot.relation += static_cast<int>(at);
    slot.slot = static_cast<Slot>(slot.slot + first_slot);
    slot.tables = bit(static_cast<std::size_t>(slot.relation));
  };
  const auto move_outer = [&](ExprPtr& column) {
    auto& slot = static_cast<SlotNode&>(*column);
    if (slot.relation > static_cast<int>(at)) {
      slot.relation += static_cast<int>(added);
      slot.tables = bit(static_cast<std::size_t>(slot.relation));
    }
    if (slot.relation != static_cast<int>(at)) return;
    ExprPtr value = inner.take_item(static_cast<std::size_t>(slot.column), outer_join);
    for_each_column(value, move_inner);
    value->affinity = slot.affinity;
    value->collation = slot.collation;
    value->explicit_collation = slot.explicit_collation;
    value->subtypes = slot.subtypes;
    column = std::move(value);
  };
  for_each_expr([&](ExprPtr& expr) { for_each_column(expr, move_outer); });

  for (JoinCondition& condition : conditions_) {
    if (condition.outer_relation > static_cast<int>(at)) {
      condition.outer_relation += static_cast<int>(added);
    }
  }
  for (JoinCondition& condition : inner.conditions_) {
    for_each_column(condition.expr, move_inner);
    if (condition.outer_relation >= 0) condition.outer_relation += static_cast<int>(at);
    if (outer_join) condition.outer_relation = static_cast<int>(at);
    conditions_.push_back(std::move(condition));
  }
  for (Relation& relation : inner.scope_.relations) {
    for (ExprPtr& argument : relation.arguments) {
      if (argument) for_each_column(argument, move_inner);
    }
    for (Slot& slot : relation.slots) {
      if (slot != kNoSlot) slot = static_cast<Slot>(slot + first_slot);
    }
    relation.outer_join = relation.outer_join || outer_join;
    relation.keep_place = relation.keep_place || scope_.relations[at].keep_place;
  }
  scope_.slot_count = static_cast<Slot>(scope_.slot_count + inner.scope_.slot_count);
  auto& relations = scope_.relations;
  const auto place = relations.erase(relations.begin() + static_cast<std::ptrdiff_t>(at));
  relations.insert(place, std::make_move_iterator(inner.scope_.relations.begin()),
                   std::make_move_iterator(inner.scope_.relations.end()));
}

/// Columns that only a subquery's own result had a use for are not read.
void CorePlanner::forget_unused_columns() {
  std::vector<bool> used(scope_.slot_count);
  for_each_expr([&](ExprPtr& expr) {
    for_each_column(expr, [&](ExprPtr& column) { used[slot_of(*column).slot] = true; });
  });
  for (Relation& relation : scope_.relations) {
    for (Slot& slot : relation.slots) {
      if (slot != kNoSlot && !used[slot]) slot = kNoSlot;
    }
  }
}

void CorePlanner::flatten() {
  if (scope_.last_right_join() >= 0 || !context_.has(Rule::flatten)) return;
  bool changed = false;
  for (std::size_t r = 0; r < scope_.relations.size();) {
    if (can_take_over(r)) {
      // A query has taken over what it can, so that there is none below it to look at.
      const std::size_t tables = scope_.relations[r].query->plain()->scope_.relations.size();
      take_over(r);
      r += tables;
      changed = true;
    } else {
      ++r;
    }
  }
  if (changed) forget_unused_columns();
}

bool CorePlanner::accepts(const ExprNode& condition, std::size_t relation, bool merges_rows) const {
  if (has_windows() || condition.volatile_result || !is_simple(condition)) return false;
  const bool groups = is_aggregate();
  return all_columns(condition, relation, [&](std::size_t column) {
    const ExprNode& item = *items_[column].expr;
    if (item.volatile_result || item.uses_aggregate || !copy_tree(item)) return false;
    if ((groups || merges_rows || core_.distinct) && !tells_apart(item)) return false;
    return !groups || std::any_of(group_by_.begin(), group_by_.end(), [&](const ExprPtr& key) {
      return same_tree(*key, item) && tells_apart(*key);
    });
  });
}

void CorePlanner::add_condition(const ExprNode& condition) {
  ExprPtr own = copy_tree(condition);
  for_each_column(own, [&](ExprPtr& column) {
    ExprPtr item = copy_tree(*items_[static_cast<std::size_t>(slot_of(*column).column)].expr);
    item->collation = column->collation;
    item->explicit_collation = column->explicit_collation;
    column = std::move(item);
  });
  // Made anew, comparisons go by the affinities of these columns.
  std::vector<ExprPtr> parts;
  split_conjunction(copy_tree(*own), parts);
  const int after = scope_.last_right_join();
  for (ExprPtr& part : parts) conditions_.push_back({std::move(part), -1, after});
}

}  // namespace saturn::sql
