#include "plan/windows.hpp"

#include "base/text.hpp"

namespace saturn::sql {
namespace {

const ast::WindowDef* find(const List<ast::WindowDef*>& named, std::string_view name) {
  for (const ast::WindowDef* window : named) {
    if (equals_nocase(window->name, name)) return window;
  }
  return nullptr;
}

Error no_such_window(const ast::WindowDef& window, std::string_view name) {
  return Error(Code::error, cat("no such window: ", name)).at(window.at);
}

}  // namespace

Result<ast::WindowDef> resolve_window(const ast::WindowDef& window,
                                      const List<ast::WindowDef*>& named) {
  if (ast::present(window.reference)) {
    const ast::WindowDef* found = find(named, window.reference);
    if (found == nullptr) return no_such_window(window, window.reference);
    return resolve_window(*found, named);
  }
  ast::WindowDef whole = window;
  if (!ast::present(window.base)) return whole;
  const ast::WindowDef* found = find(named, window.base);
  if (found == nullptr || found == &window) return no_such_window(window, window.base);
  const ast::WindowDef base = TRY(resolve_window(*found, named));
  const auto overrides = [&](std::string_view what) {
    return Error(Code::error, cat("cannot override ", what, " of window: ", window.base))
        .at(window.at);
  };
  if (!window.partition_by.empty()) return overrides("PARTITION clause");
  if (!base.order_by.empty() && !window.order_by.empty()) return overrides("ORDER BY clause");
  if (base.has_frame) return overrides("frame specification");
  whole.partition_by = base.partition_by;
  if (whole.order_by.empty()) whole.order_by = base.order_by;
  return whole;
}

/// The group of calls with the same PARTITION BY and ORDER BY.
WindowPlanner::Group& WindowPlanner::group_for(WindowNode& node) {
  const WindowNode::Parts& parts = node.parts;
  for (Group& group : groups_) {
    bool same = group.parts.partition.size() == parts.partitions &&
                group.parts.order.size() == parts.order.size();
    for (std::size_t i = 0; same && i < parts.partitions; ++i) {
      same = same_tree(*group.parts.partition[i], *node.partition()[i]);
    }
    for (std::size_t i = 0; same && i < parts.order.size(); ++i) {
      const SortKey& key = group.parts.order_keys[i];
      same = key.descending == parts.order[i].descending &&
             key.nulls_last == parts.order[i].nulls_last &&
             same_tree(*group.parts.order[i], *node.order()[i]);
    }
    if (same) return group;
  }
  Group& group = groups_.emplace_back();
  auto* partition = const_cast<ExprPtr*>(node.partition());
  auto* order = const_cast<ExprPtr*>(node.order());
  for (std::size_t i = 0; i < parts.partitions; ++i) {
    group.parts.partition.push_back(std::move(partition[i]));
  }
  for (std::size_t i = 0; i < parts.order.size(); ++i) {
    SortKey key;
    key.descending = parts.order[i].descending;
    key.nulls_last = parts.order[i].nulls_last;
    key.collation = order[i]->collation != nullptr
                        ? order[i]->collation
                        : &Collation::binary(runtime_.session.encoding());
    group.parts.order_keys.push_back(key);
    group.parts.order.push_back(std::move(order[i]));
  }
  return group;
}

void WindowPlanner::take(ExprPtr& expr) {
  if (!expr->uses_window) return;
  if (expr->kind != NodeKind::window) {
    for (ExprPtr& child : expr->children) take(child);
    expr->uses_window = false;
    return;
  }
  auto& node = static_cast<WindowNode&>(*expr);
  Group& group = group_for(node);
  WindowOperator::Call call;
  call.function = node.parts.function;
  call.frame.unit = node.parts.unit;
  call.frame.start = node.parts.start;
  call.frame.end = node.parts.end;
  call.frame.exclude = node.parts.exclude;
  call.collation = &Collation::binary(runtime_.session.encoding());
  for (std::size_t i = 0; i < node.parts.arguments; ++i) {
    const Collation* collation = node.children[i]->collation;
    if (collation != nullptr && call.collation->kind == Collation::Kind::binary) {
      call.collation = collation;
    }
    call.arguments.push_back(std::move(node.children[i]));
  }
  if (node.parts.has_filter) call.filter = std::move(node.children[node.parts.arguments]);
  auto* offset = const_cast<ExprPtr*>(node.order()) + node.parts.order.size();
  if (node.parts.has_start_offset) call.frame.start_offset = std::move(*offset++);
  if (node.parts.has_end_offset) call.frame.end_offset = std::move(*offset);
  group.parts.calls.push_back(std::move(call));
  auto slot = std::make_unique<SlotNode>(0);
  slot->tables = 1;  // a value of a row, though of no relation
  slot->collation = node.collation;
  slot->explicit_collation = node.explicit_collation;
  group.slots.push_back(slot.get());
  expr = std::move(slot);
}

bool WindowPlanner::gives_order(std::span<const Term> terms) const {
  if (groups_.empty()) return false;
  const WindowOperator::Parts& last = groups_[0].parts;
  const std::size_t partitions = last.partition.size();
  if (terms.size() > partitions + last.order.size()) return false;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const bool of_partition = i < partitions;
    const ExprNode& expr = of_partition ? *last.partition[i] : *last.order[i - partitions];
    SortKey key;
    if (of_partition && expr.collation != nullptr) key.collation = expr.collation;
    if (!of_partition) key = last.order_keys[i - partitions];
    const SortKey& wanted = terms[i].key;
    if (!same_tree(expr, *terms[i].expr) || wanted.descending != key.descending ||
        wanted.nulls_last != key.nulls_last || wanted.collation != key.collation) {
      return false;
    }
  }
  return true;
}

OperatorPtr WindowPlanner::plan(OperatorPtr input) {
  Slot next = width_;
  for (std::size_t g = groups_.size(); g-- > 0;) {
    Group& group = groups_[g];
    group.parts.first_result = next;
    for (SlotNode* slot : group.slots) slot->slot = next++;
    input = std::make_unique<WindowOperator>(runtime_, std::move(input), std::move(group.parts));
  }
  return input;
}

}  // namespace saturn::sql
