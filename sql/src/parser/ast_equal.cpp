#include "parser/ast_equal.hpp"

#include "base/text.hpp"
#include "parser/ast_children.hpp"

#include <vector>

namespace saturn::sql::ast {
namespace {

bool same_column(const Column& a, const Column& b) {
  const bool both = present(a.table) && present(b.table);
  return equals_nocase(a.name, b.name) && (!both || equals_nocase(a.table, b.table));
}

bool same_call(const Function& a, const Function& b) {
  const bool plain = a.over == nullptr && b.over == nullptr && a.order_by.empty() &&
                     b.order_by.empty() && (a.filter == nullptr) == (b.filter == nullptr);
  return plain && equals_nocase(a.name, b.name) && a.distinct == b.distinct && a.star == b.star;
}

bool same_in(const In& a, const In& b) {
  const auto is_list = [](const In& in) { return in.select == nullptr && !present(in.table); };
  return is_list(a) && is_list(b) && a.negated == b.negated;
}

/// The same but for what is below.
bool same_node(const Expr& a, const Expr& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case ExprKind::literal:
      return as<Literal>(a).literal == as<Literal>(b).literal &&
             as<Literal>(a).text == as<Literal>(b).text;
    case ExprKind::variable: return as<Variable>(a).number == as<Variable>(b).number;
    case ExprKind::column: return same_column(as<Column>(a), as<Column>(b));
    case ExprKind::unary: return as<Unary>(a).op == as<Unary>(b).op;
    case ExprKind::binary: return as<Binary>(a).op == as<Binary>(b).op;
    case ExprKind::like:
      return as<Like>(a).op == as<Like>(b).op && as<Like>(a).negated == as<Like>(b).negated;
    case ExprKind::between: return as<Between>(a).negated == as<Between>(b).negated;
    case ExprKind::in: return same_in(as<In>(a), as<In>(b));
    case ExprKind::function: return same_call(as<Function>(a), as<Function>(b));
    case ExprKind::cast: return equals_nocase(as<Cast>(a).type, as<Cast>(b).type);
    case ExprKind::collate:
      return equals_nocase(as<Collate>(a).collation, as<Collate>(b).collation);
    case ExprKind::case_when:
      return (as<Case>(a).operand == nullptr) == (as<Case>(b).operand == nullptr) &&
             (as<Case>(a).otherwise == nullptr) == (as<Case>(b).otherwise == nullptr);
    case ExprKind::row: return true;
    case ExprKind::exists:
    case ExprKind::subquery:
    case ExprKind::raise: return false;
  }
  return false;
}

}  // namespace

bool same_expr(const Expr& a, const Expr& b) {
  if (!same_node(a, b)) return false;
  std::vector<const Expr*> left;
  std::vector<const Expr*> right;
  for_each_child(a, [&](const Expr& child) { left.push_back(&child); });
  for_each_child(b, [&](const Expr& child) { right.push_back(&child); });
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!same_expr(*left[i], *right[i])) return false;
  }
  return true;
}

}  // namespace saturn::sql::ast
