#include "plan/copy_tree.hpp"
#include "plan/scope.hpp"

#include <algorithm>
#include <bit>
#include <optional>
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

/// The alternatives that compare the same operand with values, as one IN: `x = 1 OR y = 2 OR x = 3`
/// is `x IN (1, 3) OR y = 2`.
class EqualityMerger {
 public:
  /// Takes the alternative over if it is such a comparison, of an operand that has been seen.
  bool take(ExprPtr& alternative) {
    const std::optional<Equality> found = equality_in(*alternative);
    if (!found) return false;
    ExprNode& node = *alternative;
    for (Group& group : groups_) {
      if (group.order != found->order || !same_tree(**group.operand, *node.children[found->side])) {
        continue;
      }
      group.values.push_back(std::move(node.children[1 - found->side]));
      return true;
    }
    groups_.push_back({&alternative, &node.children[found->side], found->side, found->order, {}});
    return false;
  }

  /// Puts the INs where the first of their comparisons stood.
  void finish() {
    for (Group& group : groups_) {
      if (group.values.empty()) continue;
      ExprNode& first = **group.place;
      ExprPtr operand = std::move(first.children[group.side]);
      group.values.insert(group.values.begin(), std::move(first.children[1 - group.side]));
      *group.place = std::make_unique<InListNode>(false, std::move(operand),
                                                  std::move(group.values), *group.order);
    }
  }

 private:
  struct Equality {
    std::size_t side = 0;  ///< of the operand
    const Collation* order = nullptr;
  };
  struct Group {
    ExprPtr* place;
    ExprPtr* operand;
    std::size_t side;
    const Collation* order;
    std::vector<ExprPtr> values;
  };

  /// `operand = value` that IN compares alike: by the operand's affinity and collation.
  static std::optional<Equality> equality_in(const ExprNode& expr) {
    if (expr.kind != NodeKind::comparison) return std::nullopt;
    const auto& node = static_cast<const ComparisonNode&>(expr);
    if (node.op != ast::BinaryOp::eq || node.volatile_result) return std::nullopt;
    for (const std::size_t side : {0U, 1U}) {
      const ExprNode& operand = *node.children[side];
      const ExprNode& value = *node.children[1 - side];
      if (operand.kind != NodeKind::slot || !value.run_constant()) continue;
      const bool alike = node.applied == comparison_affinity(operand.affinity, Affinity::none) &&
                         (operand.collation == nullptr || operand.collation == node.order);
      if (alike) return Equality{side, node.order};
    }
    return std::nullopt;
  }

  std::vector<Group> groups_;
};

ExprPtr merge_equalities(ExprPtr expr) {
  std::vector<ExprPtr*> alternatives;
  collect_parts(expr, false, alternatives);
  EqualityMerger merger;
  std::vector<ExprPtr*> left;
  for (ExprPtr* alternative : alternatives) {
    if (!merger.take(*alternative)) left.push_back(alternative);
  }
  merger.finish();
  if (left.size() == alternatives.size()) return expr;
  ExprPtr any;
  for (ExprPtr* alternative : left) any = combined(std::move(any), std::move(*alternative), false);
  return any;
}

}  // namespace

void split_conjunction(ExprPtr expr, std::vector<ExprPtr>& out, RuleSet rules) {
  const auto is_either = [&] {
    return expr->kind == NodeKind::logical && !static_cast<LogicalNode&>(*expr).conjunction;
  };
  if (is_either() && rules.has(Rule::or_to_in)) expr = merge_equalities(std::move(expr));
  if (is_either() && rules.has(Rule::or_factors)) {
    factor_disjunction(expr, out);
    imply_for_each_relation(expr, out);
  }
  if (expr->kind == NodeKind::logical && static_cast<LogicalNode&>(*expr).conjunction) {
    ExprPtr right = std::move(expr->children[1]);
    split_conjunction(std::move(expr->children[0]), out, rules);
    split_conjunction(std::move(right), out, rules);
    return;
  }
  out.push_back(std::move(expr));
}

}  // namespace saturn::sql
