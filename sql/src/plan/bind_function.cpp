#include "base/text.hpp"
#include "plan/recode.hpp"
#include "plan/scope.hpp"
#include "plan/windows.hpp"
#include "value/number.hpp"

#include <algorithm>

// Calls of functions: scalars, aggregates and window functions.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

/// Whether a value of an enclosing query's row is read; NEW and OLD of a trigger are none.
bool reads_outer_query(const ExprNode& expr) noexcept {
  if (expr.kind == NodeKind::outer) return !static_cast<const OuterNode&>(expr).of_changed_row;
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [](const ExprPtr& child) { return reads_outer_query(*child); });
}

/// Whether a call that may belong to a query around this one does: its columns are all of those.
bool belongs_outside(const AggregateNode::Parts& parts) noexcept {
  bool reads_here = false;
  bool reads_outer = false;
  const auto look = [&](const ExprPtr& expr) {
    if (!expr) return;
    reads_here = reads_here || expr->tables != 0;
    reads_outer = reads_outer || reads_outer_query(*expr);
  };
  for (const ExprPtr& argument : parts.arguments) look(argument);
  for (const ExprPtr& term : parts.order) look(term);
  look(parts.filter);
  return !reads_here && reads_outer;
}

/// A literal with a point, from 0.0 to 1.0.
bool is_probability(const ast::Expr& expr) noexcept {
  const auto* literal = ast::as_if<ast::Literal>(&expr);
  return literal != nullptr && literal->literal == ast::LiteralKind::real &&
         parse_real(literal->text).value <= 1.0;
}

}  // namespace

Result<AggregateNode::Parts> Binder::bind_aggregate_parts(const ast::Function& call,
                                                          const Function& function) {
  Binder inner(context_, scope_,
               BindRules{.aggregates = false, .aliases = rules_.aliases, .clause = rules_.clause});
  AggregateNode::Parts parts;
  parts.distinct = call.distinct;
  parts.arguments = TRY(inner.bind_list(call.arguments));
  if (call.distinct && parts.arguments.size() != 1) {
    return at(call.at, "DISTINCT aggregates must have exactly one argument");
  }
  for (const ast::OrderTerm& term : call.order_by) {
    parts.order.push_back(TRY(inner.bind(*term.expr)));
    const bool descending = term.order == ast::SortOrder::desc;
    parts.directions.push_back({descending, term.nulls == ast::NullsOrder::unspecified
                                                ? descending
                                                : term.nulls == ast::NullsOrder::last});
  }
  if (call.filter != nullptr) parts.filter = TRY(inner.bind(*call.filter));
  recode_arguments(context_, function, parts.arguments);
  return parts;
}

/// An aggregate belongs to the innermost query of whose FROM it reads a column, or to its own when
/// it reads none at all; in a subquery its value is then one of the outer query's row.
Result<ExprPtr> Binder::place_aggregate(const ast::Function& call, const Function& function,
                                        bool of_subquery) {
  std::vector<std::size_t> known;
  for (Boundary* b = scope_.boundary; b != nullptr;
       b = b->outer != nullptr ? b->outer->boundary : nullptr) {
    known.push_back(b->correlations.size());
  }
  AggregateNode::Parts parts = TRY(bind_aggregate_parts(call, function));
  if (!belongs_outside(parts)) {
    if (of_subquery && !rules_.aggregates && rules_.clause == "GROUP BY") {
      return Error(Code::error, "aggregate functions are not allowed in the GROUP BY clause");
    }
    if (of_subquery && !rules_.aggregates) {
      return Error(Code::error, cat("misuse of aggregate: ", call.name, "()"));
    }
    return recode_result(context_, function,
                         std::make_unique<AggregateNode>(function, std::move(parts)));
  }
  // What was bound here is not needed after all, nor the outer values that it reads.
  parts = {};
  std::size_t level = 0;
  for (Boundary* b = scope_.boundary; b != nullptr;
       b = b->outer != nullptr ? b->outer->boundary : nullptr) {
    b->correlations.erase(b->correlations.begin() + static_cast<std::ptrdiff_t>(known[level++]),
                          b->correlations.end());
  }
  Boundary& boundary = *scope_.boundary;
  Binder outer(context_, *boundary.outer, *boundary.rules);
  Result<ExprPtr> placed = outer.place_aggregate(call, function, true);
  // Nobody asks for what EXISTS selects; but GROUP BY looks for aggregates in all of its keys.
  bool grouped = false;
  for (const Boundary* b = &boundary; b != nullptr && b->outer != nullptr; b = b->outer->boundary) {
    grouped = grouped || b->rules->clause == "GROUP BY";
  }
  if (!placed && rules_.existence && !grouped) {
    return ExprPtr(std::make_unique<ConstantNode>(Value()));
  }
  return outer_value(boundary, TRY(std::move(placed)));
}

Result<ExprPtr> Binder::bind_aggregate(const ast::Function& call, const Function& function) {
  if (!rules_.aggregates) {
    const bool of_order = rules_.clause == "ORDER BY";
    return at(call.at, cat("misuse of aggregate", of_order ? ": " : " function ", call.name, "()"));
  }
  return place_aggregate(call, function, false);
}

Result<ExprPtr> Binder::bind_window(const ast::Function& call, const Function& function) {
  if (function.window == WindowFunction::none && function.aggregate == nullptr) {
    return at(call.at, cat(call.name, "() may not be used as a window function"));
  }
  if (call.distinct) return at(call.at, "DISTINCT is not supported for window functions");
  if (!call.order_by.empty()) {
    return at(call.at, cat("ORDER BY may not be used with non-aggregate ", call.name, "()"));
  }
  if (call.filter != nullptr && function.aggregate == nullptr) {
    return at(call.at, "FILTER clause may only be used with aggregate window functions");
  }
  if (!rules_.windows) return at(call.at, cat("misuse of window function ", call.name, "()"));
  static const List<ast::WindowDef*> kNoWindows;
  const ast::WindowDef window =
      TRY(resolve_window(*call.over, scope_.windows != nullptr ? *scope_.windows : kNoWindows));
  BindRules rules = rules_;
  rules.windows = false;
  Binder inner(context_, scope_, rules);
  WindowNode::Parts parts;
  parts.function = &function;
  parts.children = TRY(inner.bind_list(call.arguments));
  parts.arguments = parts.children.size();
  recode_arguments(context_, function, parts.children);
  const auto add = [&](const ast::Expr* expr) -> Result<bool> {
    if (expr == nullptr) return false;
    parts.children.push_back(TRY(inner.bind(*expr)));
    return true;
  };
  parts.has_filter = TRY(add(call.filter));
  parts.partitions = window.partition_by.size();
  for (const ast::Expr* expr : window.partition_by) TRY(add(expr));
  for (const ast::OrderTerm& term : window.order_by) {
    TRY(add(term.expr));
    const bool descending = term.order == ast::SortOrder::desc;
    parts.order.push_back({descending, term.nulls == ast::NullsOrder::unspecified
                                           ? descending
                                           : term.nulls == ast::NullsOrder::last});
  }
  parts.unit = window.unit;
  parts.start = window.start;
  parts.end = window.end;
  parts.exclude = window.exclude;
  parts.has_start_offset = TRY(add(window.start_offset));
  parts.has_end_offset = TRY(add(window.end_offset));
  if ((parts.has_start_offset || parts.has_end_offset) && window.unit == ast::FrameUnit::range &&
      window.order_by.size() != 1) {
    return at(call.at, "RANGE with offset PRECEDING/FOLLOWING requires one ORDER BY expression");
  }
  return recode_result(context_, function, std::make_unique<WindowNode>(std::move(parts)));
}

Result<ExprPtr> Binder::bind_function(const ast::Function& call) {
  const int count = call.star ? 0 : static_cast<int>(call.arguments.size());
  auto found = FunctionRegistry::find(call.name, count);
  if (!found && call.over != nullptr && call.star && FunctionRegistry::find(call.name, 1)) {
    return at(call.at, cat(call.name, "() may not be used as a window function"));
  }
  if (!found) return std::move(found).error().at(call.at);
  const Function& function = **found;
  if (call.over != nullptr) return bind_window(call, function);
  if (function.window != WindowFunction::none) {
    return at(call.at, cat("misuse of window function ", call.name, "()"));
  }
  if (function.aggregate != nullptr) return bind_aggregate(call, function);
  if (call.star) {
    return at(call.at, cat("wrong number of arguments to function ", call.name, "()"));
  }
  if (!call.order_by.empty()) {
    return at(call.at, cat("ORDER BY may not be used with non-aggregate ", call.name, "()"));
  }
  if (call.filter != nullptr) {
    return at(call.at, cat("FILTER may not be used with non-aggregate ", call.name, "()"));
  }
  if (function.name == "likelihood" && !is_probability(*call.arguments[1])) {
    return at(call.at, "second argument to likelihood() must be a constant between 0.0 and 1.0");
  }
  std::vector<ExprPtr> arguments = TRY(bind_list(call.arguments));
  if (function.name == "coalesce" || function.name == "ifnull") {
    return ExprPtr(std::make_unique<CoalesceNode>(std::move(arguments)));
  }
  if (function.name == "iif" || function.name == "if") {
    ExprPtr otherwise;
    if (arguments.size() % 2 == 1) {
      otherwise = std::move(arguments.back());
      arguments.pop_back();
    }
    return ExprPtr(std::make_unique<CaseNode>(std::move(arguments), std::move(otherwise)));
  }
  ExprPtr node = this->call(function, std::move(arguments));
  if (node->volatile_result && scope_.boundary != nullptr) scope_.boundary->volatile_result = true;
  return node;
}

ExprPtr Binder::call(const Function& function, std::vector<ExprPtr> arguments) const {
  recode_arguments(context_, function, arguments);
  return recode_result(
      context_, function,
      std::make_unique<FunctionNode>(function, std::move(arguments), context_.binary()));
}

}  // namespace saturn::sql
