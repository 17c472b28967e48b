#include "exec/access.hpp"

#include <algorithm>

namespace saturn::sql {
SeekKeys::SeekKeys(Runtime& runtime, SeekSpec spec) : runtime_(runtime), spec_(std::move(spec)) {
  equal.resize(spec_.equal.size());
  columns_.resize(spec_.equal.size());
}

Result<void> SeekKeys::collect_in(EvalContext& left) {
  probes_.clear();
  probe_arena_.reset();
  const Affinity affinity = spec_.equal[static_cast<std::size_t>(spec_.in_key)].affinity;
  const Collation* order = &Collation::binary();
  if (spec_.in->kind == NodeKind::in_subquery) {
    auto& node = static_cast<InSubqueryNode&>(*spec_.in);
    order = node.order;
    const ValueSet* set = TRY(node.values(left));
    for (const ValueRef v : set->values())
      probes_.push_back(with_comparison_affinity(v, affinity, probe_arena_));
  } else {
    auto& node = static_cast<InListNode&>(*spec_.in);
    order = node.order;
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      const ValueRef v = TRY(eval_one(*node.children[i], runtime_, probe_arena_, left.batch));
      if (!v.is_null()) probes_.push_back(with_comparison_affinity(v, affinity, probe_arena_));
    }
  }
  const auto less = [&](ValueRef a, ValueRef b) {
    const int c = compare(a, b, *order);
    return spec_.backward ? c > 0 : c < 0;
  };
  std::sort(probes_.begin(), probes_.end(), less);
  const auto equal_values = [&](ValueRef a, ValueRef b) { return compare(a, b, *order) == 0; };
  probes_.erase(std::unique(probes_.begin(), probes_.end(), equal_values), probes_.end());
  return {};
}

Result<void> SeekKeys::bind(EvalContext& left, Selection selection) {
  for (std::size_t i = 0; i < spec_.equal.size(); ++i) {
    if (static_cast<int>(i) == spec_.in_key) continue;
    ValueRef* column = columns_[i].get();
    TRY(spec_.equal[i].expr->eval(left, selection, column));
    const Affinity affinity = spec_.equal[i].affinity;
    if (affinity <= Affinity::blob) continue;
    for (const RowIndex row : selection)
      column[row] = with_comparison_affinity(column[row], affinity, left.arena);
  }
  for (const auto& [expr, scratch] : {std::pair{&spec_.low, &low_}, {&spec_.high, &high_}}) {
    if (!*expr) continue;
    ValueRef* column = scratch->get();
    TRY((*expr)->eval(left, selection, column));
    for (const RowIndex row : selection) {
      column[row] = with_comparison_affinity(column[row], spec_.range_affinity, left.arena);
    }
  }
  if (spec_.in_key >= 0) TRY(collect_in(left));
  if (spec_.in_key < 0 && equal.size() == 1) rows_.assign(selection.begin(), selection.end());
  behind_ = 0;
  return {};
}

bool SeekKeys::load(RowIndex row) {
  next_ = 0;
  if (behind_ < rows_.size() && rows_[behind_] == row) ++behind_;
  for (std::size_t i = 0; i < equal.size(); ++i) {
    if (static_cast<int>(i) == spec_.in_key) continue;
    equal[i] = columns_[i].get()[row];
    if (equal[i].is_null() && !spec_.equal[i].null_safe) return false;
  }
  if (spec_.low) {
    low = low_.get()[row];
    if (low.is_null()) return false;
  }
  if (spec_.high) {
    high = high_.get()[row];
    if (high.is_null()) return false;
  }
  return true;
}

bool SeekKeys::next_probe() {
  if (spec_.in_key < 0) return next_++ == 0;
  if (next_ == probes_.size()) return false;
  equal[static_cast<std::size_t>(spec_.in_key)] = probes_[next_++];
  return true;
}

void SeekKeys::look_ahead(std::size_t most, std::vector<ValueRef>& values) {
  if (spec_.in_key == 0) {
    const std::size_t end = std::min(probes_.size(), next_ + most);
    values.insert(values.end(), probes_.begin() + static_cast<std::ptrdiff_t>(next_),
                  probes_.begin() + static_cast<std::ptrdiff_t>(end));
  } else if (spec_.in_key < 0 && equal.size() == 1) {
    const std::size_t end = std::min(rows_.size(), behind_ + most);
    for (std::size_t i = behind_; i < end; ++i) values.push_back(columns_[0].get()[rows_[i]]);
  }
}

}  // namespace saturn::sql
