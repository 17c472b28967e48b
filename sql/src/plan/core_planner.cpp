#include "plan/core_planner.hpp"

#include "exec/count_operator.hpp"
#include "plan/aggregation.hpp"
#include "plan/order_term.hpp"
#include "plan/windows.hpp"

#include <algorithm>

namespace saturn::sql {

/// Whether no two rows are equal by this term: the rowid, where there is one table only.
bool CorePlanner::settles_order(const OrderItem& order) const {
  if (scope_.relations.size() != 1 || core_.distinct || is_aggregate()) return false;
  const ExprNode& expr = order.expr ? *order.expr : *items_[order.item].expr;
  return scope_.relations[0].table != nullptr && expr.kind == NodeKind::slot &&
         static_cast<const SlotNode&>(expr).column == SlotNode::kRowidColumn;
}

bool CorePlanner::is_aggregate() const {
  if (!group_by_.empty() || having_) return true;
  for (const Item& item : items_) {
    if (item.expr->uses_aggregate) return true;
  }
  for (const OrderItem& order : order_) {
    if (order.expr && order.expr->uses_aggregate) return true;
  }
  return false;
}

bool CorePlanner::has_windows() const {
  const auto uses = [](const ExprPtr& expr) { return expr && expr->uses_window; };
  return std::any_of(items_.begin(), items_.end(), [&](const Item& i) { return uses(i.expr); }) ||
         std::any_of(order_.begin(), order_.end(),
                     [&](const OrderItem& o) { return uses(o.expr); });
}

/// Window functions come after everything but DISTINCT and ORDER BY.
OperatorPtr CorePlanner::plan_windows(OperatorPtr source, Slot width) {
  if (!source) {
    source = std::make_unique<ProjectOperator>(context_.runtime, nullptr, std::vector<ExprPtr>{});
  }
  const bool plain_order = std::none_of(order_.begin(), order_.end(), [&](const OrderItem& order) {
    return (order.expr ? order.expr : items_[order.item].expr)->uses_window;
  });
  WindowPlanner planner(context_.runtime, width);
  for (Item& item : items_) planner.take(item.expr);
  for (OrderItem& order : order_) {
    if (order.expr) planner.take(order.expr);
  }
  std::vector<WindowPlanner::Term> terms;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const ExprNode* expr =
        order_[i].expr ? order_[i].expr.get() : items_[order_[i].item].expr.get();
    const Collation* collation =
        order_[i].collation != nullptr ? order_[i].collation : expr->collation;
    terms.push_back({expr, sort_key(0, (*order_by_)[i],
                                    collation != nullptr ? *collation : context_.binary())});
  }
  in_order_ = plain_order && planner.gives_order(terms);
  return planner.plan(std::move(source));
}

/// The terms of ORDER BY as columns, as long as they are columns.
WantedOrder CorePlanner::wanted_order() const {
  WantedOrder wanted;
  if (has_windows()) return wanted;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const ExprNode* expr =
        order_[i].expr ? order_[i].expr.get() : items_[order_[i].item].expr.get();
    const Collation* collation =
        order_[i].collation != nullptr ? order_[i].collation : expr->collation;
    if (expr->kind == NodeKind::collate) expr = expr->children[0].get();
    const ast::OrderTerm& term = (*order_by_)[i];
    const bool descending = term.order == ast::SortOrder::desc;
    const bool plain_nulls = term.nulls == ast::NullsOrder::unspecified ||
                             (term.nulls == ast::NullsOrder::last) == descending;
    if (expr->kind != NodeKind::slot || !plain_nulls) return {};
    wanted.terms.push_back({static_cast<const SlotNode*>(expr),
                            collation != nullptr ? collation : &context_.binary(), descending});
  }
  return wanted;
}

Result<OperatorPtr> CorePlanner::plan_source() {
  if (scope_.relations.empty() && conditions_.empty()) return OperatorPtr();
  const WantedOrder wanted = wanted_order();
  return plan_joins(context_, scope_, std::move(conditions_),
                    wanted.terms.empty() ? nullptr : &wanted, &in_order_);
}

/// The table of which nothing but count(*) is asked for; null when there is more to the query.
const Table* CorePlanner::counted_table(const AggregateOperator::Parts& parts) const {
  if (!context_.has(Rule::count_entries)) return nullptr;
  if (!parts.keys.empty() || !parts.bare.empty() || parts.calls.empty()) return nullptr;
  if (scope_.relations.size() != 1 || !conditions_.empty()) return nullptr;
  const auto counts_rows = [](const AggregateOperator::Call& call) {
    return call.function->name == "count" && call.arguments.empty() && !call.filter &&
           call.order.empty();
  };
  if (!std::all_of(parts.calls.begin(), parts.calls.end(), counts_rows)) return nullptr;
  const Relation& relation = scope_.relations.front();
  const bool plain = relation.indexed == ast::Indexed::unspecified && !relation.is_target;
  return plain && relation.table != nullptr && relation.table->kind == TableKind::table
             ? relation.table
             : nullptr;
}

/// An index that has an entry for every row, with fewer values than the row has; or null.
const Index* CorePlanner::narrowest_index(const Table& table) {
  const Index* best = nullptr;
  std::size_t least = table.columns.size();
  for (const auto& index : table.indexes) {
    if (index->clustered || index->where != nullptr || index->entry_width() >= least) continue;
    best = index.get();
    least = index->entry_width();
  }
  return best;
}

/// Whether a column of a table is never NULL.
bool CorePlanner::is_never_null(const SlotNode& column) const {
  const Table* table = scope_.relations[static_cast<std::size_t>(column.relation)].table;
  if (table == nullptr || table->kind == TableKind::view) return false;
  if (column.column == SlotNode::kRowidColumn || column.column == table->rowid_column) return true;
  return table->columns[static_cast<std::size_t>(column.column)].not_null;
}

/// A lone min() or max() of a column: the first row in an index's order is enough. NULLs are passed
/// over, but where other columns are shown: those are of some row even if all values are NULL. The
/// greatest value comes before them, and the least one is looked for among all rows.
Result<OperatorPtr> CorePlanner::plan_extreme(AggregateOperator::Parts& parts) {
  WantedOrder wanted;
  bool fits = context_.has(Rule::min_max) && parts.keys.empty() && parts.calls.size() == 1 &&
              parts.extreme == 0 && !parts.calls[0].filter && scope_.relations.size() == 1 &&
              parts.calls[0].arguments[0]->kind == NodeKind::slot;
  if (fits) {
    const auto* column = static_cast<const SlotNode*>(parts.calls[0].arguments[0].get());
    const bool is_max = parts.calls[0].function->name == "max";
    const bool passes_nulls = parts.bare.empty() || is_never_null(*column);
    fits = passes_nulls || is_max;
    if (fits) wanted.terms.push_back({column, parts.calls[0].collation, is_max});
    if (passes_nulls) {
      auto copy =
          Binder::column_of(scope_, static_cast<std::size_t>(column->relation), column->column);
      conditions_.push_back(
          {std::make_unique<UnaryNode>(ast::UnaryOp::not_null, std::move(copy)), -1});
    }
  }
  bool in_order = false;
  OperatorPtr source;
  if (!scope_.relations.empty() || !conditions_.empty()) {
    source = TRY(
        plan_joins(context_, scope_, std::move(conditions_), fits ? &wanted : nullptr, &in_order));
  }
  if (!source) {
    source = std::make_unique<ProjectOperator>(context_.runtime, nullptr, std::vector<ExprPtr>{});
  }
  if (!fits || !in_order) return source;
  return OperatorPtr(std::make_unique<LimitOperator>(
      context_.runtime, std::move(source), std::make_unique<ConstantNode>(Value(1)), nullptr));
}

bool CorePlanner::groups_are_in_order(const AggregateOperator::Parts& parts) const {
  if (order_.empty() || order_.size() > parts.keys.size()) return false;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const ExprNode& expr = order_[i].expr ? *order_[i].expr : *items_[order_[i].item].expr;
    const ast::OrderTerm& term = (*order_by_)[i];
    const bool descending = term.order == ast::SortOrder::desc;
    if (descending != parts.descending[i] || term.nulls != ast::NullsOrder::unspecified) {
      return false;
    }
    // By now an expression that is a key is the key's slot.
    if (order_[i].collation != nullptr && order_[i].collation != parts.key_collations[i]) {
      return false;
    }
    if (expr.kind != NodeKind::slot || static_cast<const SlotNode&>(expr).slot != i) return false;
  }
  return true;
}

/// With GROUP BY, what of HAVING is the same for all groups is a condition of the rows, as in
/// SQLite.
void CorePlanner::split_having() {
  if (group_by_.empty() || !having_) return;
  std::vector<ExprPtr> parts;
  split_conjunction(std::move(having_), parts);
  for (ExprPtr& part : parts) {
    if (part->constant()) {
      conditions_.push_back({std::move(part), -1, scope_.last_right_join()});
    } else if (having_) {
      having_ = std::make_unique<LogicalNode>(true, std::move(having_), std::move(part));
    } else {
      having_ = std::move(part);
    }
  }
}

/// `width`: the slots of its rows.
Result<OperatorPtr> CorePlanner::plan_aggregation(Slot& width) {
  split_having();
  Aggregation aggregation(std::move(group_by_), context_.binary());
  for (Item& item : items_) TRY(aggregation.rewrite(item.expr));
  if (having_) TRY(aggregation.rewrite(having_));
  for (OrderItem& order : order_) {
    if (order.expr) TRY(aggregation.rewrite(order.expr));
  }
  AggregateOperator::Parts parts = aggregation.finish();
  // As in SQLite, groups come in the direction of as many terms of ORDER BY.
  parts.descending.resize(parts.keys.size());
  for (std::size_t i = 0; order_.size() == parts.keys.size() && i < order_.size(); ++i) {
    parts.descending[i] = (*order_by_)[i].order == ast::SortOrder::desc;
  }
  in_order_ = groups_are_in_order(parts);
  width = static_cast<Slot>(parts.keys.size() + parts.calls.size() + parts.bare.size());
  OperatorPtr op;
  if (const Table* table = counted_table(parts)) {
    op = std::make_unique<CountOperator>(context_.runtime, *table, narrowest_index(*table), width);
  } else {
    OperatorPtr source = TRY(plan_extreme(parts));
    op = std::make_unique<AggregateOperator>(context_.runtime, std::move(source), std::move(parts));
  }
  if (having_) {
    op = std::make_unique<FilterOperator>(context_.runtime, std::move(op), std::move(having_));
  }
  return op;
}

Result<CorePlan> CorePlanner::plan() {
  CorePlan plan;
  plan.query = std::move(shape_);
  std::vector<const Collation*> order_collations;
  for (const OrderItem& order : order_) {
    order_collations.push_back(order.collation != nullptr ? order.collation
                               : order.expr               ? order.expr->collation
                                                          : items_[order.item].expr->collation);
  }
  const bool windows = has_windows();
  const bool aggregate = is_aggregate();
  Slot width = 0;
  OperatorPtr source = TRY(aggregate ? plan_aggregation(width) : plan_source());
  if (!aggregate) width = scope_.slot_count;
  if (windows) source = plan_windows(std::move(source), width);
  std::vector<ExprPtr> outputs;
  for (Item& item : items_) outputs.push_back(std::move(item.expr));
  if (!in_order_) {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      Slot slot = static_cast<Slot>(order_[i].item);
      if (order_[i].expr) {
        slot = static_cast<Slot>(outputs.size());
        outputs.push_back(std::move(order_[i].expr));
      }
      const Collation* collation = order_collations[i];
      plan.order.push_back(
          sort_key(slot, (*order_by_)[i], collation != nullptr ? *collation : context_.binary()));
    }
  }
  plan.width = static_cast<std::uint32_t>(outputs.size());
  OperatorPtr op =
      std::make_unique<ProjectOperator>(context_.runtime, std::move(source), std::move(outputs));
  if (core_.distinct) {
    op = std::make_unique<DistinctOperator>(context_.runtime, std::move(op),
                                            static_cast<std::uint32_t>(plan.query.columns.size()),
                                            plan.query.collations);
  }
  plan.query.root = std::move(op);
  return plan;
}

}  // namespace saturn::sql
