#include "plan/copy_tree.hpp"

#include "exec/recode_node.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

template <typename Node>
const Node& as(const ExprNode& expr) noexcept {
  return static_cast<const Node&>(expr);
}

ExprPtr copy_slot(const SlotNode& of) {
  auto slot = std::make_unique<SlotNode>(of.slot);
  slot->relation = of.relation;
  slot->column = of.column;
  return slot;
}

ExprPtr copy_outer(const OuterNode& of) {
  auto outer = std::make_unique<OuterNode>(of.cell);
  outer->of_changed_row = of.of_changed_row;
  return outer;
}

ExprPtr copy_in_list(const InListNode& of, std::vector<ExprPtr> children) {
  ExprPtr operand = std::move(children[0]);
  children.erase(children.begin());
  return std::make_unique<InListNode>(of.negated, std::move(operand), std::move(children),
                                      *of.order);
}

ExprPtr copy_like(const LikeNode& of, std::vector<ExprPtr>& children) {
  ExprPtr escape = children.size() > 2 ? std::move(children[2]) : ExprPtr();
  return std::make_unique<LikeNode>(of.op, std::move(children[0]), std::move(children[1]),
                                    std::move(escape));
}

ExprPtr copy_case(std::vector<ExprPtr> children) {
  ExprPtr otherwise;
  if (children.size() % 2 == 1) {
    otherwise = std::move(children.back());
    children.pop_back();
  }
  return std::make_unique<CaseNode>(std::move(children), std::move(otherwise));
}

/// The node over copies of its children; null where there is no copy.
ExprPtr copy_node(const ExprNode& expr, std::vector<ExprPtr> children) {
  const auto child = [&](std::size_t n) { return std::move(children[n]); };
  switch (expr.kind) {
    case NodeKind::constant:
      return std::make_unique<ConstantNode>(Value(as<ConstantNode>(expr).value));
    case NodeKind::parameter:
      return std::make_unique<ParameterNode>(as<ParameterNode>(expr).number);
    case NodeKind::slot: return copy_slot(as<SlotNode>(expr));
    case NodeKind::outer: return copy_outer(as<OuterNode>(expr));
    case NodeKind::unary: return std::make_unique<UnaryNode>(as<UnaryNode>(expr).op, child(0));
    case NodeKind::arithmetic:
      return std::make_unique<ArithmeticNode>(as<ArithmeticNode>(expr).op, child(0), child(1));
    case NodeKind::comparison: {
      const auto& of = as<ComparisonNode>(expr);
      return std::make_unique<ComparisonNode>(of.op, child(0), child(1), *of.order);
    }
    case NodeKind::logical:
      return std::make_unique<LogicalNode>(as<LogicalNode>(expr).conjunction, child(0), child(1));
    case NodeKind::concat: return std::make_unique<ConcatNode>(child(0), child(1));
    case NodeKind::like: return copy_like(as<LikeNode>(expr), children);
    case NodeKind::in_list: return copy_in_list(as<InListNode>(expr), std::move(children));
    case NodeKind::function: {
      const auto& of = as<FunctionNode>(expr);
      return std::make_unique<FunctionNode>(of.function, std::move(children), of.order());
    }
    case NodeKind::cast: return std::make_unique<CastNode>(child(0), expr.affinity);
    case NodeKind::real: return std::make_unique<RealNode>(child(0));
    case NodeKind::collate: return std::make_unique<CollateNode>(child(0), *expr.collation);
    case NodeKind::recode: {
      const auto& of = as<RecodeNode>(expr);
      return std::make_unique<RecodeNode>(child(0), of.mode, of.encoding);
    }
    case NodeKind::case_when: return copy_case(std::move(children));
    case NodeKind::coalesce: return std::make_unique<CoalesceNode>(std::move(children));
    case NodeKind::in_subquery:
    case NodeKind::exists:
    case NodeKind::scalar_subquery:
    case NodeKind::raise:
    case NodeKind::window:
    case NodeKind::aggregate: break;
  }
  return nullptr;
}

}  // namespace

ExprPtr copy_tree(const ExprNode& expr) {
  std::vector<ExprPtr> children;
  for (const ExprPtr& child : expr.children) {
    children.push_back(copy_tree(*child));
    if (!children.back()) return nullptr;
  }
  ExprPtr copy = copy_node(expr, std::move(children));
  if (!copy) return nullptr;
  copy->affinity = expr.affinity;
  copy->collation = expr.collation;
  copy->explicit_collation = expr.explicit_collation;
  copy->tables = expr.tables;
  copy->subtypes = expr.subtypes;
  return copy;
}

bool is_simple(const ExprNode& expr) noexcept {
  switch (expr.kind) {
    case NodeKind::constant:
    case NodeKind::parameter:
    case NodeKind::slot:
    case NodeKind::unary:
    case NodeKind::comparison:
    case NodeKind::logical:
    case NodeKind::in_list: break;
    default: return false;
  }
  return std::all_of(expr.children.begin(), expr.children.end(),
                     [](const ExprPtr& child) { return is_simple(*child); });
}

}  // namespace saturn::sql
