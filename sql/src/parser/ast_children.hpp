#pragma once

#include "parser/ast.hpp"

namespace saturn::sql::ast {

/// Calls `visit(const Expr&)` for the expressions right below `expr`, in the order of the text.
/// Does not go into subqueries.
template <typename Visit>
void for_each_child(const Expr& expr, Visit&& visit) {
  const auto one = [&](const Expr* child) {
    if (child != nullptr) visit(*child);
  };
  const auto all = [&](const List<Expr*>& list) {
    for (const Expr* child : list) one(child);
  };
  switch (expr.kind) {
    case ExprKind::literal:
    case ExprKind::variable:
    case ExprKind::column:
    case ExprKind::exists:
    case ExprKind::subquery: break;
    case ExprKind::unary: one(as<Unary>(expr).operand); break;
    case ExprKind::binary:
      one(as<Binary>(expr).left);
      one(as<Binary>(expr).right);
      break;
    case ExprKind::like:
      one(as<Like>(expr).left);
      one(as<Like>(expr).pattern);
      one(as<Like>(expr).escape);
      break;
    case ExprKind::between:
      one(as<Between>(expr).operand);
      one(as<Between>(expr).low);
      one(as<Between>(expr).high);
      break;
    case ExprKind::in:
      one(as<In>(expr).operand);
      all(as<In>(expr).list);
      break;
    case ExprKind::row: all(as<Row>(expr).items); break;
    case ExprKind::function:
      all(as<Function>(expr).arguments);
      for (const OrderTerm& term : as<Function>(expr).order_by) one(term.expr);
      one(as<Function>(expr).filter);
      break;
    case ExprKind::cast: one(as<Cast>(expr).operand); break;
    case ExprKind::collate: one(as<Collate>(expr).operand); break;
    case ExprKind::case_when:
      one(as<Case>(expr).operand);
      for (const WhenThen& branch : as<Case>(expr).branches) {
        one(branch.when);
        one(branch.then);
      }
      one(as<Case>(expr).otherwise);
      break;
    case ExprKind::raise: one(as<Raise>(expr).message); break;
  }
}

}  // namespace saturn::sql::ast
