#include "exec/nodes.hpp"

#include <algorithm>

// Subqueries in expressions. Each run of one takes what it needs of its plan, which is opened for
// the rows of a batch and closed at its end. The outcome is kept, and used again for as long as the
// outer values are the same: for the whole run when there are none.

namespace saturn::sql {
namespace {

/// Closes the plan whatever happened.
class OpenPlan {
 public:
  explicit OpenPlan(Operator& root) : root_(root) {}
  ~OpenPlan() { root_.close(); }
  OpenPlan(const OpenPlan&) = delete;
  OpenPlan& operator=(const OpenPlan&) = delete;

 private:
  Operator& root_;
};

}  // namespace

/// The runs of a plan for the rows of one batch, closed at their end whatever happened.
class SubqueryNode::Runs {
 public:
  explicit Runs(Operator& root) : root_(root) {}
  ~Runs() {
    if (open_) root_.close();
  }
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  /// Starts the next run, and answers its first batch. // SUSPENDS
  Result<const Batch*> first() {
    if (open_) {
      TRY(root_.reopen());
    } else {
      open_ = true;
      TRY(root_.open());
    }
    return root_.next();
  }

 private:
  Operator& root_;
  bool open_ = false;
};

Result<void> SubqueryNode::eval_outer(EvalContext& context, Selection selection,
                                      std::size_t first_child) {
  outer_.resize(plan.cells.size());
  for (std::size_t k = 0; k < plan.cells.size(); ++k) {
    TRY(children[first_child + k]->eval(context, selection, outer_[k].get()));
  }
  if (last_run_ != context.runtime.run) {
    last_run_ = context.runtime.run;
    last_cells_.clear();
    fresh_ = true;
  }
  return {};
}

void SubqueryNode::set_cells(RowIndex row) noexcept {
  for (std::size_t k = 0; k < plan.cells.size(); ++k) *plan.cells[k] = outer_[k].get()[row];
}

bool SubqueryNode::cells_repeat() {
  bool repeat = !fresh_ && !volatile_result;
  for (std::size_t k = 0; repeat && k < plan.cells.size(); ++k) {
    const ValueRef now = *plan.cells[k];
    const ValueRef then = last_cells_[k].ref();
    repeat = now.type() == then.type() && compare(now, then) == 0;
  }
  if (repeat) return true;
  fresh_ = false;
  last_cells_.clear();
  for (const auto& cell : plan.cells) last_cells_.emplace_back(*cell);
  return false;
}

Result<void> ScalarSubqueryNode::compute(Runs& runs) {
  result_ = Value();
  subtype_ = 0;
  const Batch* batch = TRY(runs.first());
  if (batch == nullptr) return {};
  const ValueRef v = batch->columns[column_][batch->selection.rows[0]];
  result_ = Value(v);
  subtype_ = v.subtype();
  return {};
}

Result<void> ScalarSubqueryNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  if (selection.count == 0) return {};
  TRY(eval_outer(context, selection, 0));
  Runs runs(*plan.root);
  if (plan.cells.empty() && !volatile_result) {
    if (!cells_repeat()) TRY(forget_on_error(compute(runs)));
    ValueRef v = result_.ref();
    v.set_subtype(subtype_);
    for (const RowIndex row : selection) out[row] = v;
    return {};
  }
  for (const RowIndex row : selection) {
    set_cells(row);
    if (!cells_repeat()) TRY(forget_on_error(compute(runs)));
    out[row] = context.arena.copy(result_.ref());
    out[row].set_subtype(subtype_);
  }
  return {};
}

Result<void> ExistsNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(eval_outer(context, selection, 0));
  Runs runs(*plan.root);
  for (const RowIndex row : selection) {
    set_cells(row);
    if (!cells_repeat()) {
      auto batch = runs.first();
      if (!batch) fresh_ = true;
      result_ = TRY(std::move(batch)) != nullptr;
    }
    out[row] = ValueRef::integer(result_ ? 1 : 0);
  }
  return {};
}

InSubqueryNode::InSubqueryNode(bool n, ExprPtr operand, SubPlan p, Affinity column_affinity,
                               const Collation& in_order)
    : SubqueryNode(NodeKind::in_subquery, std::move(p)),
      negated(n),
      applied(comparison_affinity(operand->affinity, column_affinity)),
      order(&in_order),
      set_(*order) {
  children.push_back(std::move(operand));
}

Result<void> InSubqueryNode::fill_set() {
  set_.clear();
  ValueArena arena;
  OpenPlan open(*plan.root);
  TRY(plan.root->open());
  for (;;) {
    const Batch* batch = TRY(plan.root->next());
    if (batch == nullptr) return {};
    arena.reset();
    for (const RowIndex row : batch->selection) {
      ValueRef v = batch->columns[0][row];
      if (v.is_null()) {
        set_.add_null();
        continue;
      }
      v = with_comparison_affinity(v, applied, arena);
      set_.add(v);
    }
  }
}

Result<const ValueSet*> InSubqueryNode::values(EvalContext& context) {
  TRY(eval_outer(context, Selection{}, 1));
  if (!cells_repeat()) TRY(forget_on_error(fill_set()));
  return static_cast<const ValueSet*>(&set_);
}

Result<void> InSubqueryNode::eval(EvalContext& context, Selection selection, ValueRef* out) {
  TRY(children[0]->eval(context, selection, out));
  TRY(eval_outer(context, selection, 1));
  for (const RowIndex row : selection) {
    set_cells(row);
    if (!cells_repeat()) TRY(forget_on_error(fill_set()));
    ValueRef v = out[row];
    if (set_.size() == 0 && !set_.has_null()) {
      out[row] = ValueRef::integer(negated ? 1 : 0);
      continue;
    }
    if (v.is_null()) continue;
    v = with_comparison_affinity(v, applied, context.arena);
    if (set_.contains(v)) {
      out[row] = ValueRef::integer(negated ? 0 : 1);
    } else {
      out[row] = set_.has_null() ? ValueRef() : ValueRef::integer(negated ? 1 : 0);
    }
  }
  return {};
}

}  // namespace saturn::sql
