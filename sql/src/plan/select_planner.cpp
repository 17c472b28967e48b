#include "base/limits.hpp"
#include "base/text.hpp"
#include "exec/count_operator.hpp"
#include "exec/operators.hpp"
#include "io/fiber.hpp"
#include "parser/ast_equal.hpp"
#include "plan/aggregation.hpp"
#include "plan/scope.hpp"
#include "plan/windows.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <unordered_set>

// A SELECT, from the inside out: joins, aggregation, HAVING, the result columns, DISTINCT, ORDER
// BY, LIMIT. What ORDER BY needs beyond the result columns is computed with them, in slots behind
// them.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

std::string ordinal(std::size_t n) {
  const std::size_t tens = n % 100;
  const char* suffix = tens >= 11 && tens <= 13 ? "th"
                       : n % 10 == 1            ? "st"
                       : n % 10 == 2            ? "nd"
                       : n % 10 == 3            ? "rd"
                                                : "th";
  return cat(n, suffix);
}

/// `ORDER BY 2`: the number, from 1; nothing when the expression is no integer literal.
std::optional<std::int64_t> as_ordinal(const ast::Expr& expr) {
  const ast::Expr* inner = &expr;
  bool negative = false;
  while (const auto* collate = ast::as_if<ast::Collate>(inner)) inner = collate->operand;
  while (const auto* unary = ast::as_if<ast::Unary>(inner)) {
    if (unary->op == ast::UnaryOp::minus)
      negative = !negative;
    else if (unary->op != ast::UnaryOp::plus)
      return std::nullopt;
    inner = unary->operand;
  }
  const auto* literal = ast::as_if<ast::Literal>(inner);
  if (literal == nullptr || literal->literal != ast::LiteralKind::integer) return std::nullopt;
  const ParsedInteger parsed = parse_integer(literal->text);
  // As in SQLite, what does not fit 32 bits is a constant like any other.
  if (!parsed.fits || parsed.value > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return negative ? -parsed.value : parsed.value;
}

/// The column's name in `column COLLATE x`; else nothing.
std::string name_below_collate(const ast::Expr& expr) {
  const ast::Expr* inner = &expr;
  while (const auto* collate = ast::as_if<ast::Collate>(inner)) inner = collate->operand;
  const auto* column = ast::as_if<ast::Column>(inner);
  return column != nullptr && inner != &expr ? std::string(column->name) : std::string();
}

SortKey sort_key(Slot slot, const ast::OrderTerm& term, const Collation& collation) {
  SortKey key;
  key.slot = slot;
  key.descending = term.order == ast::SortOrder::desc;
  key.nulls_last = term.nulls == ast::NullsOrder::unspecified ? key.descending
                                                              : term.nulls == ast::NullsOrder::last;
  key.collation = &collation;
  return key;
}

/// What one SELECT or VALUES of a compound comes to.
struct CorePlan {
  Query query;
  std::vector<SortKey> order;  ///< still to be done, over the query's slots
  std::uint32_t width = 0;     ///< result columns and sort keys
};

class CorePlanner {
 public:
  CorePlanner(CompileContext& context, const ast::SelectCore& core,
              const List<ast::OrderTerm>* order_by, const CteEnv* ctes, Boundary* boundary)
      : context_(context), core_(core), order_by_(order_by) {
    scope_.boundary = boundary;
    scope_.ctes = ctes;
  }
  Result<CorePlan> plan();

 private:
  struct Item {
    ExprPtr expr;
    ResultColumn column;
    std::string table_name = {};  ///< as `Query::table_names`; empty: the column's name
  };
  struct OrderItem {
    std::size_t item = 0;                  ///< which result column, or
    ExprPtr expr;                          ///< an expression of its own
    const Collation* collation = nullptr;  ///< `ORDER BY 1 COLLATE x`
  };

  Result<void> expand_star(std::string_view only_table, std::uint32_t position);
  Result<void> bind_items();
  Result<void> bind_where();
  Result<void> bind_group_by();
  Result<void> bind_order_by();
  Result<OrderItem> bind_order_term(std::size_t number, const ast::OrderTerm& term, bool unused);
  bool settles_order(const OrderItem& order) const;
  void name_item(Item& item, const ast::ResultColumn& column);
  bool is_aggregate() const;
  bool has_windows() const;
  OperatorPtr plan_windows(OperatorPtr source, Slot width);
  Result<OperatorPtr> plan_source();
  void split_having();
  Result<OperatorPtr> plan_aggregation(Slot& width);
  const Table* counted_table(const AggregateOperator::Parts& parts) const;
  static const Index* narrowest_index(const Table& table);
  bool is_never_null(const SlotNode& column) const;
  Result<OperatorPtr> plan_extreme(AggregateOperator::Parts& parts);
  WantedOrder wanted_order() const;
  bool groups_are_in_order(const AggregateOperator::Parts& parts) const;

  CompileContext& context_;
  const ast::SelectCore& core_;
  const List<ast::OrderTerm>* order_by_;
  Scope scope_;
  std::vector<JoinCondition> conditions_;
  std::vector<Item> items_;
  std::vector<ExprPtr> group_by_;
  ExprPtr having_;
  std::vector<OrderItem> order_;
  bool in_order_ = false;
};

Result<void> CorePlanner::expand_star(std::string_view only_table, std::uint32_t position) {
  bool found = false;
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    const Relation& relation = scope_.relations[r];
    found = found || !ast::present(only_table) || equals_nocase(relation.name, only_table);
    for (std::size_t c = 0; c < relation.columns.size(); ++c) {
      const Relation::Column column = relation.columns[c];
      if (ast::present(only_table) && !equals_nocase(relation.qualifier(column), only_table)) {
        continue;
      }
      found = true;
      if (context_.names != nullptr && ast::present(only_table) && !relation.aliased) {
        context_.names->table_named(relation.table, only_table);
      }
      if (column.argument || (column.hidden && !ast::present(only_table))) continue;
      TRY(check_full_name(scope_, 0, r, c, position));
      Item item;
      item.column.name = std::string(column.name);
      item.column.decltype_text = std::string(column.decltype_text);
      item.expr = Binder::visible_column(scope_, r, static_cast<int>(c));
      items_.push_back(std::move(item));
    }
  }
  if (found) return {};
  if (ast::present(only_table)) return at(position, cat("no such table: ", only_table));
  return at(position, "no tables specified");
}

void CorePlanner::name_item(Item& item, const ast::ResultColumn& column) {
  if (const auto* slot = item.expr->kind == NodeKind::slot
                             ? static_cast<const SlotNode*>(item.expr.get())
                             : nullptr) {
    const Relation& relation = scope_.relations[static_cast<std::size_t>(slot->relation)];
    int number = slot->column;
    if (number == SlotNode::kRowidColumn && relation.table != nullptr) {
      number = relation.table->rowid_column;
    }
    if (number >= 0) {
      item.column.name = std::string(relation.columns[static_cast<std::size_t>(number)].name);
      item.column.decltype_text =
          std::string(relation.columns[static_cast<std::size_t>(number)].decltype_text);
    } else {
      item.column.name = "rowid";
      item.column.decltype_text = "INTEGER";
    }
    const auto* reference = ast::as_if<ast::Column>(column.expr);
    if (reference != nullptr && slot->column == SlotNode::kRowidColumn && number < 0) {
      item.column.name = std::string(reference->name);
    }
  } else {
    item.column.name = std::string(column.text);
  }
  if (ast::present(column.alias)) item.column.name = std::string(column.alias);
}

Result<void> CorePlanner::bind_items() {
  for (const ast::ResultColumn& column : core_.columns) {
    if (column.expr == nullptr) {
      TRY(expand_star(column.star_table, column.at));
      continue;
    }
    Binder binder(context_, scope_,
                  BindRules{.aggregates = true, .windows = true, .clause = "the result"});
    Item item;
    item.expr = TRY(binder.bind(*column.expr));
    name_item(item, column);
    if (!ast::present(column.alias)) item.table_name = name_below_collate(*column.expr);
    items_.push_back(std::move(item));
  }
  if (items_.size() > limits::kColumnsMax) {
    return at(core_.at, "too many columns in result set");
  }
  return {};
}

Result<void> CorePlanner::bind_where() {
  if (core_.where == nullptr) return {};
  Binder binder(context_, scope_, BindRules{.aliases = true, .clause = "WHERE"});
  ExprPtr where = TRY(binder.bind(*core_.where));
  std::vector<ExprPtr> parts;
  split_conjunction(std::move(where), parts);
  const int after = scope_.last_right_join();
  for (ExprPtr& part : parts) conditions_.push_back({std::move(part), -1, after});
  return {};
}

Result<void> CorePlanner::bind_group_by() {
  if (core_.group_by.size() > limits::kColumnsMax) {
    return at(core_.at, "too many terms in GROUP BY clause");
  }
  std::size_t number = 0;
  for (const ast::Expr* term : core_.group_by) {
    ++number;
    const ast::Expr* expr = term;
    if (const auto place = as_ordinal(*term)) {
      if (*place < 1 || static_cast<std::size_t>(*place) > items_.size()) {
        return at(term->at,
                  cat(ordinal(number), " GROUP BY term out of range - should be between 1 and ",
                      items_.size()));
      }
      // Stars have no expression to bind again: then the item is a plain column.
      std::size_t item = static_cast<std::size_t>(*place) - 1;
      if (items_[item].expr->uses_aggregate) {
        return at(term->at, "aggregate functions are not allowed in the GROUP BY clause");
      }
      if (core_.columns.size() == items_.size()) expr = core_.columns[item].expr;
      if (core_.columns.size() != items_.size() || expr == nullptr) {
        const auto& slot = static_cast<const SlotNode&>(*items_[item].expr);
        if (items_[item].expr->kind != NodeKind::slot) {
          return at(term->at, "GROUP BY ordinals beside * are not supported yet");
        }
        group_by_.push_back(
            Binder::column_of(scope_, static_cast<std::size_t>(slot.relation), slot.column));
        continue;
      }
    }
    Binder binder(context_, scope_, BindRules{.aliases = true, .clause = "GROUP BY"});
    ExprPtr bound = TRY(binder.bind(*expr));
    group_by_.push_back(std::move(bound));
  }
  if (core_.having == nullptr) return {};
  Binder binder(context_, scope_,
                BindRules{.aggregates = true, .aliases = true, .clause = "HAVING"});
  having_ = TRY(binder.bind(*core_.having));
  bool aggregates = !group_by_.empty();
  for (const Item& item : items_) aggregates = aggregates || item.expr->uses_aggregate;
  if (!aggregates) return at(core_.having->at, "HAVING clause on a non-aggregate query");
  return {};
}

Result<CorePlanner::OrderItem> CorePlanner::bind_order_term(std::size_t number,
                                                            const ast::OrderTerm& term,
                                                            bool unused) {
  OrderItem order;
  if (const auto place = as_ordinal(*term.expr)) {
    if (*place < 1 || static_cast<std::size_t>(*place) > items_.size()) {
      return at(term.expr->at,
                cat(ordinal(number), " ORDER BY term out of range - should be between 1 and ",
                    items_.size()));
    }
    order.item = static_cast<std::size_t>(*place) - 1;
    if (const auto* collate = ast::as_if<ast::Collate>(term.expr)) {
      order.collation = Collation::find(collate->collation, context_.encoding());
      if (order.collation == nullptr) {
        return at(term.expr->at, cat("no such collation sequence: ", collate->collation));
      }
    }
    return order;
  }
  if (const auto* name = ast::as_if<ast::Column>(term.expr);
      name != nullptr && !ast::present(name->table)) {
    std::size_t item = 0;
    for (const ast::ResultColumn& column : core_.columns) {
      if (column.expr == nullptr) break;  // beyond a star the places differ
      if (ast::present(column.alias) && equals_nocase(column.alias, name->name)) {
        order.item = item;
        return order;
      }
      ++item;
    }
  }
  const bool aggregates = is_aggregate() || (unused && scope_.relations.empty());
  Binder binder(context_, scope_,
                BindRules{.aggregates = aggregates,
                          .windows = true,
                          .aliases = true,
                          .unused = unused,
                          .clause = "ORDER BY"});
  ExprPtr bound = TRY(binder.bind(*term.expr));
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (!bound->volatile_result && same_tree(*items_[i].expr, *bound) &&
        bound->kind != NodeKind::collate) {
      order.item = i;
      return order;
    }
  }
  order.expr = std::move(bound);
  return order;
}

Result<void> CorePlanner::bind_order_by() {
  if (order_by_ == nullptr) return {};
  if (order_by_->size() > limits::kColumnsMax) {
    return at(core_.at, "too many terms in ORDER BY clause");
  }
  // A single row needs no order.
  bool settled = scope_.relations.empty() || (is_aggregate() && group_by_.empty());
  std::size_t number = 0;
  for (const ast::OrderTerm& term : *order_by_) {
    OrderItem order = TRY(bind_order_term(++number, term, settled));
    if (settled) continue;
    settled = settles_order(order);
    order_.push_back(std::move(order));
  }
  return {};
}

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
  bool fits = parts.keys.empty() && parts.calls.size() == 1 && parts.extreme == 0 &&
              !parts.calls[0].filter && scope_.relations.size() == 1 &&
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
  scope_.aliases = &core_.columns;  // ON may name them too
  TRY(bind_from(context_, scope_, core_.from, conditions_));
  scope_.windows = &core_.windows;
  TRY(bind_items());
  TRY(bind_where());
  TRY(bind_group_by());
  TRY(bind_order_by());
  CorePlan plan;
  for (Item& item : items_) {
    plan.query.table_names.push_back(item.table_name.empty() ? item.column.name : item.table_name);
    plan.query.columns.push_back(std::move(item.column));
    plan.query.affinities.push_back(item.expr->affinity);
    plan.query.kinds.push_back(value_kinds(*item.expr));
    plan.query.explicit_collations.push_back(item.expr->explicit_collation);
    const bool rowid = item.expr->kind == NodeKind::slot &&
                       static_cast<const SlotNode&>(*item.expr).column == SlotNode::kRowidColumn;
    plan.query.collated.push_back(item.expr->collation != nullptr && !rowid);
    plan.query.collations.push_back(item.expr->collation != nullptr ? item.expr->collation
                                                                    : &context_.binary());
  }
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

Result<CorePlan> plan_values(CompileContext& context, const ast::SelectCore& core,
                             const CteEnv* ctes, Boundary* boundary) {
  Scope scope;
  scope.boundary = boundary;
  scope.ctes = ctes;
  Binder binder(context, scope, BindRules{.clause = "VALUES"});
  CorePlan plan;
  std::vector<std::vector<ExprPtr>> rows;
  for (const List<ast::Expr*>& row : core.rows) {
    if (row.size() != core.rows[0].size()) {
      return at(core.at, "all VALUES must have the same number of terms");
    }
    std::vector<ExprPtr> bound;
    for (const ast::Expr* expr : row) bound.push_back(TRY(binder.bind(*expr)));
    rows.push_back(std::move(bound));
  }
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    plan.query.columns.push_back({cat("column", i + 1), ""});
    std::vector<Affinity> affinities;
    std::vector<std::uint8_t> kinds;
    for (const std::vector<ExprPtr>& row : rows) {
      affinities.push_back(row[i]->affinity);
      kinds.push_back(value_kinds(*row[i]));
    }
    plan.query.affinities.push_back(compound_affinity(affinities, kinds));
    plan.query.collated.push_back(false);
    plan.query.kinds.push_back(0);
    for (const std::uint8_t k : kinds) plan.query.kinds.back() |= k;
    plan.query.last_affinities.push_back(affinities.back());
    plan.query.collations.push_back(&context.binary());
  }
  plan.width = static_cast<std::uint32_t>(rows[0].size());
  plan.query.root = std::make_unique<ValuesOperator>(context.runtime, std::move(rows));
  return plan;
}

Result<CorePlan> plan_core(CompileContext& context, const ast::SelectCore& core,
                           const List<ast::OrderTerm>* order_by, const CteEnv* ctes,
                           Boundary* boundary) {
  if (core.is_values) return plan_values(context, core, ctes, boundary);
  return CorePlanner(context, core, order_by, ctes, boundary).plan();
}

}  // namespace

std::vector<std::string> names_as_table(const Query& query, std::span<const std::string> given) {
  std::vector<std::string> names;
  std::unordered_set<std::string, NocaseHash, NocaseEqual> taken;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    std::string name = i < given.size()               ? given[i]
                       : i < query.table_names.size() ? query.table_names[i]
                                                      : query.columns[i].name;
    for (std::size_t n = 1; !taken.insert(name).second; ++n) {
      // The number that a name has already makes room for another.
      const std::size_t end = name.find_last_not_of("0123456789");
      const bool numbered = end != std::string::npos && end > 0 && name[end] == ':';
      name = cat(std::string_view(name).substr(0, numbered ? end : name.size()), ":", n);
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::string_view compound_name(ast::CompoundOp op) noexcept {
  switch (op) {
    case ast::CompoundOp::union_all: return "UNION ALL";
    case ast::CompoundOp::except: return "EXCEPT";
    case ast::CompoundOp::intersect: return "INTERSECT";
    default: return "UNION";
  }
}

namespace {

/// The place of the column that one of a compound's SELECTs has for this very expression.
std::optional<std::size_t> written_alike(const ast::Select& select, const ast::Expr& expr) {
  for (const ast::SelectCore* core : select.cores) {
    std::size_t place = 0;
    for (const ast::ResultColumn& result : core->columns) {
      if (result.expr == nullptr) break;  // beyond a star the places differ
      if (ast::same_expr(*result.expr, expr)) return place;
      ++place;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<SortKey>> compound_order(const ast::Select& select, const Query& query) {
  if (select.order_by.size() > limits::kColumnsMax) {
    return Error(Code::error, "too many terms in ORDER BY clause");
  }
  std::vector<SortKey> keys;
  std::size_t number = 0;
  for (const ast::OrderTerm& term : select.order_by) {
    ++number;
    const ast::Expr* expr = term.expr;
    const Collation* collation = nullptr;
    if (const auto* collate = ast::as_if<ast::Collate>(expr)) {
      collation = Collation::find(collate->collation, query.collations[0]->encoding);
      if (collation == nullptr) {
        return at(expr->at, cat("no such collation sequence: ", collate->collation));
      }
      expr = collate->operand;
    }
    std::size_t column = query.columns.size();
    if (const auto place = as_ordinal(*expr)) {
      if (*place < 1 || static_cast<std::size_t>(*place) > query.columns.size()) {
        return at(expr->at,
                  cat(ordinal(number), " ORDER BY term out of range - should be between 1 and ",
                      query.columns.size()));
      }
      column = static_cast<std::size_t>(*place) - 1;
    } else if (const auto* name = ast::as_if<ast::Column>(expr)) {
      for (std::size_t i = 0; i < query.columns.size() && column == query.columns.size(); ++i) {
        if (equals_nocase(query.columns[i].name, name->name)) column = i;
      }
      // A name may also be that of a column in one of the other SELECTs.
      for (const ast::SelectCore* core : select.cores) {
        std::size_t i = 0;
        for (const ast::ResultColumn& result : core->columns) {
          if (column != query.columns.size() || result.expr == nullptr) break;
          const auto* inner = ast::as_if<ast::Column>(result.expr);
          const std::string_view known = ast::present(result.alias) ? result.alias
                                         : inner != nullptr         ? inner->name
                                                                    : std::string_view();
          if (equals_nocase(known, name->name)) column = i;
          ++i;
        }
      }
    }
    if (column == query.columns.size()) column = written_alike(select, *expr).value_or(column);
    if (column == query.columns.size()) {
      return at(expr->at,
                cat(ordinal(number), " ORDER BY term does not match any column in the result set"));
    }
    keys.push_back(sort_key(static_cast<Slot>(column), term,
                            collation != nullptr ? *collation : *query.collations[column]));
  }
  return keys;
}

namespace {

/// The SELECTs of a compound, each of as many columns as the first.
Result<std::vector<CorePlan>> plan_cores(CompileContext& context, const ast::Select& select,
                                         const CteEnv* ctes, Boundary* boundary) {
  std::vector<CorePlan> cores;
  for (std::size_t i = 0; i < select.cores.size(); ++i) {
    const ast::SelectCore& core = *select.cores[i];
    cores.push_back(TRY(plan_core(context, core, nullptr, ctes, boundary)));
  }
  // As in SQLite, of two that differ the last ones are named.
  for (std::size_t i = select.cores.size(); i-- > 1;) {
    const ast::SelectCore& core = *select.cores[i];
    if (cores[i].query.columns.size() == cores[i - 1].query.columns.size()) continue;
    if (core.is_values && select.cores[i - 1]->is_values) {
      return at(core.at, "all VALUES must have the same number of terms");
    }
    return at(core.at, cat("SELECTs to the left and right of ", compound_name(core.op),
                           " do not have the same number of result columns"));
  }
  return cores;
}

/// Gives the first SELECT's columns the affinities and collations that they have in the compound,
/// and the kinds of values that any of the SELECTs may give.
void merge_columns(std::vector<CorePlan>& cores) {
  Query& first = cores[0].query;
  for (std::size_t c = 0; c < first.columns.size(); ++c) {
    std::vector<Affinity> affinities;
    std::vector<std::uint8_t> kinds;
    for (const CorePlan& core : cores) {
      affinities.push_back(core.query.affinities[c]);
      kinds.push_back(core.query.kinds[c]);
    }
    first.affinities[c] = compound_affinity(affinities, kinds);
    for (const std::uint8_t k : kinds) first.kinds[c] |= k;
    first.read_as_real.push_back(affinities[0] == Affinity::real &&
                                 first.affinities[c] == Affinity::real &&
                                 std::any_of(affinities.begin(), affinities.end(),
                                             [](Affinity a) { return a != Affinity::real; }));
    // The collation is that of the first SELECT that has one.
    const auto collated = std::find_if(
        cores.begin(), cores.end(), [&](const CorePlan& core) { return core.query.collated[c]; });
    if (collated != cores.end()) first.collations[c] = collated->query.collations[c];
  }
}

Result<CorePlan> plan_compound(CompileContext& context, const ast::Select& select,
                               const CteEnv* ctes, Boundary* boundary) {
  std::vector<CorePlan> cores = TRY(plan_cores(context, select, ctes, boundary));
  if (cores.size() > 1) {
    const Query& last = cores.back().query;
    std::vector<Affinity> last_affinities =
        last.last_affinities.empty() ? last.affinities : last.last_affinities;
    merge_columns(cores);
    cores[0].query.last_affinities = std::move(last_affinities);
  }
  CorePlan plan = std::move(cores[0]);
  std::vector<OperatorPtr> appended;
  const auto close_append = [&] {
    if (appended.empty()) return;
    appended.insert(appended.begin(), std::move(plan.query.root));
    plan.query.root = std::make_unique<AppendOperator>(std::move(appended));
    appended.clear();
  };
  for (std::size_t i = 1; i < select.cores.size(); ++i) {
    const ast::CompoundOp op = select.cores[i]->op;
    if (op == ast::CompoundOp::union_all) {
      appended.push_back(std::move(cores[i].query.root));
      continue;
    }
    close_append();
    plan.query.root =
        std::make_unique<SetOperator>(context.runtime, op, std::move(plan.query.root),
                                      std::move(cores[i].query.root), plan.query.collations);
  }
  close_append();
  plan.width = static_cast<std::uint32_t>(plan.query.columns.size());
  plan.order = TRY(compound_order(select, plan.query));
  return plan;
}

}  // namespace

Result<void> add_limit(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                       Boundary* boundary, SortOperator* sort, Query& query) {
  if (select.limit == nullptr) return {};
  Scope scope;
  scope.boundary = boundary;
  scope.ctes = ctes;
  Binder binder(context, scope, BindRules{.clause = "LIMIT"});
  ExprPtr limit = TRY(binder.bind(*select.limit));
  ExprPtr offset;
  if (select.offset != nullptr) offset = TRY(binder.bind(*select.offset));
  auto limited = std::make_unique<LimitOperator>(context.runtime, std::move(query.root),
                                                 std::move(limit), std::move(offset));
  if (sort != nullptr) {
    sort->set_limit([above = limited.get()] { return above->rows_needed(); });
  }
  query.root = std::move(limited);
  return {};
}

Result<Query> plan_query(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                         Boundary* boundary) {
  if (io::stack_left() < limits::kFiberStackReserve) {
    return at(select.at, "query is nested too deeply");
  }
  CteEnv env{ctes, select.with, {}};
  if (select.with != nullptr) {
    for (std::size_t i = 0; i < select.with->ctes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (equals_nocase(select.with->ctes[i]->name, select.with->ctes[j]->name)) {
          return at(select.with->ctes[i]->at,
                    cat("duplicate WITH table name: ", select.with->ctes[i]->name));
        }
      }
    }
    ctes = &env;
  }
  const bool single = select.cores.size() == 1 && !select.cores[0]->is_values;
  CorePlan plan =
      TRY(single ? plan_core(context, *select.cores[0], &select.order_by, ctes, boundary)
                 : plan_compound(context, select, ctes, boundary));
  SortOperator* sort = nullptr;
  if (!plan.order.empty()) {
    auto sorted = std::make_unique<SortOperator>(context.runtime, std::move(plan.query.root),
                                                 std::move(plan.order), plan.width);
    sort = sorted.get();
    plan.query.root = std::move(sorted);
  }
  TRY(add_limit(context, select, ctes, boundary, sort, plan.query));
  return std::move(plan.query);
}

Result<Query> plan_select(CompileContext& context, const ast::Select& select, const CteEnv* ctes) {
  Boundary alone;
  return plan_query(context, select, ctes, &alone);
}

}  // namespace saturn::sql
