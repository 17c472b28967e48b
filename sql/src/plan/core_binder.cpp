#include "base/limits.hpp"
#include "base/text.hpp"
#include "plan/core_planner.hpp"
#include "plan/order_term.hpp"

#include <algorithm>

// The names of a SELECT: its result columns, and the expressions of its clauses.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

/// The column's name in `column COLLATE x`; else nothing.
std::string name_below_collate(const ast::Expr& expr) {
  const ast::Expr* inner = &expr;
  while (const auto* collate = ast::as_if<ast::Collate>(inner)) inner = collate->operand;
  const auto* column = ast::as_if<ast::Column>(inner);
  return column != nullptr && inner != &expr ? std::string(column->name) : std::string();
}

}  // namespace

/// Adds one of the columns that `*` stands for.
Result<void> CorePlanner::add_star_item(std::size_t relation, std::size_t column,
                                        std::uint32_t position) {
  TRY(check_star_name(scope_, relation, column, position));
  const Relation::Column& source = scope_.relations[relation].columns[column];
  Item item;
  item.column.name = std::string(source.name);
  item.column.decltype_text = std::string(source.decltype_text);
  item.expr = Binder::visible_column(scope_, relation, static_cast<int>(column));
  items_.push_back(std::move(item));
  return {};
}

Result<void> CorePlanner::expand_star(std::string_view only_table, std::uint32_t position) {
  bool found = false;
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    const Relation& relation = scope_.relations[r];
    found = found || !ast::present(only_table) || equals_nocase(relation.name, only_table);
    for (const auto& [from, column] : relation.leading) {
      if (!ast::present(only_table))
        TRY(add_star_item(from, static_cast<std::size_t>(column), position));
    }
    for (std::size_t c = 0; c < relation.columns.size(); ++c) {
      const Relation::Column& column = relation.columns[c];
      if (ast::present(only_table) && !equals_nocase(relation.qualifier(column), only_table)) {
        continue;
      }
      found = true;
      if (context_.names != nullptr && ast::present(only_table) && !relation.aliased) {
        context_.names->table_named(relation.table, only_table);
      }
      const bool elsewhere = !ast::present(only_table) && (column.hidden || column.leading);
      if (!column.argument && !elsewhere) TRY(add_star_item(r, c, position));
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
  BindRules rules{.aggregates = true, .windows = true, .clause = "the result"};
  if (const ast::Select* exists =
          scope_.boundary != nullptr ? scope_.boundary->existence : nullptr) {
    rules.existence =
        std::find(exists->cores.begin(), exists->cores.end(), &core_) != exists->cores.end();
  }
  for (const ast::ResultColumn& column : core_.columns) {
    if (column.expr == nullptr) {
      TRY(expand_star(column.star_table, column.at));
      continue;
    }
    Binder binder(context_, scope_, rules);
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
  split_conjunction(std::move(where), parts, context_.runtime.session.rules);
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

/// What the query's columns are; before they are rewritten.
void CorePlanner::note_shape() {
  for (const Item& item : items_) {
    const ExprNode& expr = *item.expr;
    shape_.table_names.push_back(item.table_name.empty() ? item.column.name : item.table_name);
    shape_.columns.push_back(item.column);
    shape_.affinities.push_back(expr.affinity);
    shape_.kinds.push_back(value_kinds(expr));
    shape_.explicit_collations.push_back(expr.explicit_collation);
    const bool rowid = expr.kind == NodeKind::slot &&
                       static_cast<const SlotNode&>(expr).column == SlotNode::kRowidColumn;
    shape_.collated.push_back(expr.collation != nullptr && !rowid);
    shape_.collations.push_back(expr.collation != nullptr ? expr.collation : &context_.binary());
  }
}

Result<void> CorePlanner::bind() {
  scope_.aliases = &core_.columns;  // ON may name them too
  TRY(bind_from(context_, scope_, core_.from, conditions_));
  scope_.windows = &core_.windows;
  TRY(bind_items());
  TRY(bind_where());
  TRY(bind_group_by());
  TRY(bind_order_by());
  note_shape();
  flatten();
  return {};
}

}  // namespace saturn::sql
