#pragma once

#include "exec/operators.hpp"
#include "plan/scope.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace saturn::sql {

/// What one SELECT or VALUES of a compound comes to.
struct CorePlan {
  Query query;
  std::vector<SortKey> order;  ///< still to be done, over the query's slots
  std::uint32_t width = 0;     ///< result columns and sort keys
};

/// One SELECT without its compound, from the inside out: joins, aggregation, HAVING, the result
/// columns, DISTINCT, ORDER BY. What ORDER BY needs beyond the result columns is computed with
/// them, in slots behind them. Used once: `bind` (core_binder.cpp) resolves names, `plan`
/// (core_planner.cpp) makes operators; in between conditions may be added (flatten.cpp).
class CorePlanner {
 public:
  CorePlanner(CompileContext& context, const ast::SelectCore& core,
              const List<ast::OrderTerm>* order_by, const CteEnv* ctes, Boundary* boundary)
      : context_(context), core_(core), order_by_(order_by) {
    scope_.boundary = boundary;
    scope_.ctes = ctes;
  }
  Result<void> bind();      // SUSPENDS
  Result<CorePlan> plan();  // SUSPENDS
  /// After `bind`: what `plan` will give, without its root.
  Query& shape() noexcept { return shape_; }

  /// Whether a query around this one, of which `condition` is one and whose relation number
  /// `relation` is this SELECT, may ask for it here as well as there. With `merges_rows` rows that
  /// are equal become one on the way.
  bool accepts(const ExprNode& condition, std::size_t relation, bool merges_rows) const;
  /// Takes an accepted condition over.
  void add_condition(const ExprNode& condition);

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

  Result<void> add_star_item(std::size_t relation, std::size_t column, std::uint32_t position);
  Result<void> expand_star(std::string_view only_table, std::uint32_t position);
  Result<void> bind_items();
  Result<void> bind_where();
  Result<void> bind_group_by();
  Result<void> bind_order_by();
  Result<OrderItem> bind_order_term(std::size_t number, const ast::OrderTerm& term, bool unused);
  void note_shape();
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

  // flatten.cpp
  template <typename Visit>
  void for_each_expr(const Visit& visit);
  void flatten();
  bool is_plain() const;
  bool can_take_over(std::size_t relation);
  void take_over(std::size_t relation);
  ExprPtr take_item(std::size_t number, bool outer_join);
  void forget_unused_columns();

  CompileContext& context_;
  const ast::SelectCore& core_;
  const List<ast::OrderTerm>* order_by_;
  Scope scope_;
  std::vector<JoinCondition> conditions_;
  std::vector<Item> items_;
  std::vector<ExprPtr> group_by_;
  ExprPtr having_;
  std::vector<OrderItem> order_;
  Query shape_;
  bool in_order_ = false;
};

}  // namespace saturn::sql
