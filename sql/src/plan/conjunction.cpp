#include "plan/scope.hpp"

#include <algorithm>
#include <utility>

// Conditions, cut at their ANDs.

namespace saturn::sql {
namespace {

void collect_parts(ExprPtr& expr, bool conjunction, std::vector<ExprPtr*>& out) {
  if (expr->kind == NodeKind::logical &&
      static_cast<LogicalNode&>(*expr).conjunction == conjunction) {
    collect_parts(expr->children[0], conjunction, out);
    collect_parts(expr->children[1], conjunction, out);
  } else {
    out.push_back(&expr);
  }
}

/// (a AND x) OR (a AND y) holds exactly when a AND (x OR (a AND y)) does: what every branch of an
/// OR asks for is moved out of the first one, where joins and indexes can use it.
void factor_disjunction(ExprPtr& expr, std::vector<ExprPtr>& out) {
  std::vector<ExprPtr*> branches;
  collect_parts(expr, false, branches);
  if (branches.size() < 2) return;
  std::vector<ExprPtr*> first;
  collect_parts(*branches[0], true, first);
  for (ExprPtr* candidate : first) {
    if ((*candidate)->volatile_result || (*candidate)->constant()) continue;
    bool everywhere = true;
    for (std::size_t b = 1; b < branches.size() && everywhere; ++b) {
      std::vector<ExprPtr*> parts;
      collect_parts(*branches[b], true, parts);
      everywhere = std::any_of(parts.begin(), parts.end(),
                               [&](ExprPtr* part) { return same_tree(**part, **candidate); });
    }
    if (!everywhere) continue;
    out.push_back(std::exchange(*candidate, std::make_unique<ConstantNode>(Value(1))));
  }
}

}  // namespace

void split_conjunction(ExprPtr expr, std::vector<ExprPtr>& out) {
  if (expr->kind == NodeKind::logical && !static_cast<LogicalNode&>(*expr).conjunction) {
    factor_disjunction(expr, out);
  }
  if (expr->kind == NodeKind::logical && static_cast<LogicalNode&>(*expr).conjunction) {
    ExprPtr right = std::move(expr->children[1]);
    split_conjunction(std::move(expr->children[0]), out);
    split_conjunction(std::move(right), out);
    return;
  }
  out.push_back(std::move(expr));
}

}  // namespace saturn::sql
