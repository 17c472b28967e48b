#include "plan/aggregation.hpp"

#include "exec/recode_node.hpp"

#include <algorithm>

namespace saturn::sql {

Aggregation::Aggregation(std::vector<ExprPtr> keys, const Collation& binary)
    : keys_(std::move(keys)), binary_(binary) {}

std::unique_ptr<SlotNode> Aggregation::slot_like(const ExprNode& expr) const {
  auto slot = std::make_unique<SlotNode>(0);
  slot->affinity = expr.affinity;
  slot->collation = expr.collation;
  slot->explicit_collation = expr.explicit_collation;
  slot->subtypes = expr.subtypes;
  slot->tables = 1;  // a value of a row, though of no relation
  return slot;
}

Result<void> Aggregation::replace_call(ExprPtr& expr) {
  std::size_t number = 0;
  while (number < calls_.size() && !same_tree(*calls_[number], *expr)) ++number;
  auto slot = slot_like(*expr);
  call_slots_.push_back({slot.get(), number});
  if (number == calls_.size()) calls_.push_back(std::move(expr));
  expr = std::move(slot);
  return {};
}

Result<void> Aggregation::rewrite(ExprPtr& expr) {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    if (!same_tree(*keys_[i], *expr)) continue;
    auto slot = slot_like(*expr);
    slot->slot = static_cast<Slot>(i);
    key_slots_.push_back({slot.get(), i});
    expr = std::move(slot);
    return {};
  }
  if (expr->kind == NodeKind::aggregate) return replace_call(expr);
  if (expr->kind == NodeKind::slot) {
    std::size_t number = 0;
    while (number < bare_.size() && !same_tree(*bare_[number], *expr)) ++number;
    auto slot = slot_like(*expr);
    bare_slots_.push_back({slot.get(), number});
    if (number == bare_.size()) bare_.push_back(std::move(expr));
    expr = std::move(slot);
    return {};
  }
  std::size_t rewritten = expr->children.size();
  if (expr->kind == NodeKind::window) {
    // A constant in a frame stays one, even if it is a key too.
    const WindowNode::Parts& parts = static_cast<const WindowNode&>(*expr).parts;
    const int offsets = (parts.has_start_offset ? 1 : 0) + (parts.has_end_offset ? 1 : 0);
    for (int i = 0; i < offsets && expr->children[rewritten - 1]->constant(); ++i) --rewritten;
  }
  for (std::size_t i = 0; i < rewritten; ++i) TRY(rewrite(expr->children[i]));
  expr->uses_aggregate = false;
  return {};
}

/// With a lone min() or max() a key is read from the row of the extreme like any bare column, where
/// equal values may differ: 'a' and 'A' under NOCASE, 1 and 1.0.
void Aggregation::read_keys_bare() {
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const ExprNode& key = *keys_[i];
    const bool binary = key.collation == nullptr || key.collation->kind == Collation::Kind::binary;
    const bool alike = key.affinity == Affinity::integer || key.affinity == Affinity::real ||
                       (key.affinity == Affinity::text && binary);
    if (key.kind != NodeKind::slot || alike) continue;
    bool placed = false;
    for (Placed& slot : key_slots_) {
      if (slot.number != i) continue;
      placed = true;
      bare_slots_.push_back({slot.node, bare_.size()});
    }
    if (!placed) continue;
    const auto& of = static_cast<const SlotNode&>(key);
    auto copy = slot_like(key);
    copy->slot = of.slot;
    copy->relation = of.relation;
    copy->column = of.column;
    copy->tables = of.tables;
    bare_.push_back(std::move(copy));
  }
}

AggregateOperator::Parts Aggregation::finish() {
  AggregateOperator::Parts parts;
  const std::size_t keys = keys_.size();
  const auto is_extreme = [](const ExprPtr& call) {
    const std::string_view name = static_cast<const AggregateNode&>(*call).function.name;
    return name == "min" || name == "max";
  };
  if (std::count_if(calls_.begin(), calls_.end(), is_extreme) == 1) read_keys_bare();
  for (ExprPtr& key : keys_) {
    parts.key_collations.push_back(key->collation != nullptr ? key->collation : &binary_);
  }
  parts.keys = std::move(keys_);
  for (const Placed& placed : call_slots_) {
    placed.node->slot = static_cast<Slot>(keys + placed.number);
  }
  for (const Placed& placed : bare_slots_) {
    placed.node->slot = static_cast<Slot>(keys + calls_.size() + placed.number);
  }
  int extremes = 0;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    auto& node = static_cast<AggregateNode&>(*calls_[i]);
    AggregateOperator::Call call;
    call.function = &node.function;
    call.collation = &binary_;
    call.distinct = node.distinct;
    if (node.has_filter) {
      call.filter = std::move(node.children.back());
      node.children.pop_back();
    }
    for (std::size_t k = node.directions.size(); k-- > 0;) {
      call.order.push_back(std::move(node.children.back()));
      node.children.pop_back();
    }
    std::reverse(call.order.begin(), call.order.end());
    for (std::size_t k = 0; k < call.order.size(); ++k) {
      const Collation* collation = call.order[k]->collation;
      call.order_keys.push_back({static_cast<Slot>(node.children.size() + k),
                                 node.directions[k].descending, node.directions[k].nulls_last,
                                 collation != nullptr ? collation : &binary_});
    }
    for (const ExprPtr& child : node.children) {
      if (child->collation != nullptr) {
        call.collation = child->collation;
        break;
      }
    }
    call.arguments = std::move(node.children);
    if (node.distinct && call.arguments[0]->kind == NodeKind::recode) {
      call.recode = static_cast<const RecodeNode&>(*call.arguments[0]).mode;
      call.arguments[0] = std::move(call.arguments[0]->children[0]);
    }
    if (node.function.name == "min" || node.function.name == "max") {
      ++extremes;
      parts.extreme = static_cast<int>(i);
    }
    parts.calls.push_back(std::move(call));
  }
  if (extremes != 1) parts.extreme = -1;
  parts.bare = std::move(bare_);
  return parts;
}

}  // namespace saturn::sql
