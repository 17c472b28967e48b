#include "plan/copy_tree.hpp"
#include "plan/scope.hpp"

#include <algorithm>
#include <bit>
#include <utility>

// Conditions, cut at their ANDs.

namespace saturn::sql {
namespace {

/// Of an OR that more relations are to learn from.
constexpr std::size_t kBranchesMax = 16;

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

ExprPtr combined(ExprPtr left, ExprPtr right, bool conjunction) {
  if (!left) return right;
  return std::make_unique<LogicalNode>(conjunction, std::move(left), std::move(right));
}

/// What a branch of an OR asks of the relation `table` (a bit) alone; null: nothing.
ExprPtr asked_of(ExprPtr& branch, std::uint64_t table) {
  std::vector<ExprPtr*> parts;
  collect_parts(branch, true, parts);
  ExprPtr all;
  for (ExprPtr* part : parts) {
    if ((*part)->tables != table || (*part)->volatile_result || (*part)->reads_outer) continue;
    if (!is_simple(**part)) continue;
    ExprPtr copy = copy_tree(**part);
    if (copy) all = combined(std::move(all), std::move(copy), true);
  }
  return all;
}

/// (a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4) holds only where a.x = 1 OR a.x = 3 does: what
/// every branch of an OR asks of one relation thins out its rows before they are joined.
void imply_for_each_relation(ExprPtr& expr, std::vector<ExprPtr>& out) {
  if (std::popcount(expr->tables) < 2) return;
  std::vector<ExprPtr*> branches;
  collect_parts(expr, false, branches);
  if (branches.size() < 2 || branches.size() > kBranchesMax) return;
  for (std::uint64_t rest = expr->tables; rest != 0; rest &= rest - 1) {
    const std::uint64_t table = rest & -rest;
    ExprPtr any;
    for (ExprPtr* branch : branches) {
      ExprPtr asked = asked_of(*branch, table);
      if (!asked) {
        any.reset();
        break;
      }
      any = combined(std::move(any), std::move(asked), false);
    }
    if (any) out.push_back(std::move(any));
  }
}

}  // namespace

void split_conjunction(ExprPtr expr, std::vector<ExprPtr>& out) {
  if (expr->kind == NodeKind::logical && !static_cast<LogicalNode&>(*expr).conjunction) {
    factor_disjunction(expr, out);
    imply_for_each_relation(expr, out);
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
