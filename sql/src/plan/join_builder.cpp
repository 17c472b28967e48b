#include "plan/join_planner.hpp"

#include "base/text.hpp"
#include "exec/function_access.hpp"
#include "plan/table_columns.hpp"

#include <algorithm>
#include <cmath>

// From the planner's choices to operators.

namespace saturn::sql {
namespace {

ExprPtr conjunction(ExprPtr left, ExprPtr right) {
  if (!left) return right;
  if (!right) return left;
  return std::make_unique<LogicalNode>(true, std::move(left), std::move(right));
}

std::uint64_t bit(std::size_t relation) noexcept { return std::uint64_t{1} << relation; }

bool runs_subquery(const ExprNode& expr) noexcept {
  return expr.kind == NodeKind::in_subquery || expr.kind == NodeKind::exists ||
         expr.kind == NodeKind::scalar_subquery ||
         std::any_of(expr.children.begin(), expr.children.end(),
                     [](const ExprPtr& child) { return runs_subquery(*child); });
}

/// Whether computing it may fail where the query's other conditions would have left the row out:
/// JSON functions fail on what is no JSON.
bool may_fail(const ExprNode& expr) noexcept {
  if (expr.kind == NodeKind::function && static_cast<const FunctionNode&>(expr).function.subtypes) {
    return true;
  }
  return std::any_of(expr.children.begin(), expr.children.end(),
                     [](const ExprPtr& child) { return may_fail(*child); });
}

}  // namespace

/// The operand of the term's comparison that is not the column; the condition is used up with it
/// (when the column's side is taken too, or not needed).
ExprPtr JoinPlanner::take_value(const Term& term) {
  ExprNode& node = *conditions_[term.condition].expr;
  return std::move(node.children[term.slot_is_left ? 1 : 0]);
}

ExprPtr JoinPlanner::take_column(const Term& term) {
  ExprNode& node = *conditions_[term.condition].expr;
  return std::move(node.children[term.slot_is_left ? 0 : 1]);
}

SeekSpec JoinPlanner::take_seek(const Choice& choice) {
  SeekSpec spec;
  for (const std::size_t t : choice.equal) {
    const Term& term = terms_[t];
    SeekSpec::Key key;
    key.affinity = term.applied;
    key.null_safe = term.op == TermOp::is;
    if (term.op == TermOp::in) {
      spec.in_key = static_cast<int>(spec.equal.size());
      spec.in = std::move(conditions_[term.condition].expr);
    } else {
      key.expr = take_value(term);
      conditions_[term.condition].expr.reset();
    }
    spec.equal.push_back(std::move(key));
  }
  if (choice.low >= 0) {
    const Term& term = terms_[static_cast<std::size_t>(choice.low)];
    spec.low = take_value(term);
    spec.low_inclusive = term.op == TermOp::ge;
    spec.range_affinity = term.applied;
    conditions_[term.condition].expr.reset();
  }
  if (choice.high >= 0) {
    const Term& term = terms_[static_cast<std::size_t>(choice.high)];
    spec.high = take_value(term);
    spec.high_inclusive = term.op == TermOp::le;
    spec.range_affinity = term.applied;
    conditions_[term.condition].expr.reset();
  }
  return spec;
}

/// The conditions of WHERE (or of the ON of `outer_relation`) that can be computed from the
/// relations `placed`; with `only`, those that read no other relation than these. What runs a
/// subquery for each row waits, if it is of WHERE, until all joins have thinned the rows out, and
/// comes last.
ExprPtr JoinPlanner::take_conditions(std::uint64_t placed, int outer_relation, std::uint64_t only) {
  const std::size_t n = scope_.relations.size();
  const std::uint64_t everything = n == 64 ? ~std::uint64_t{0} : bit(n) - 1;
  const bool last = (placed & everything) == everything;
  ExprPtr all;
  const bool right_joins = scope_.last_right_join() >= 0;
  for (const bool expensive : {false, true}) {
    for (JoinCondition& condition : conditions_) {
      if (!condition.expr || condition.outer_relation != outer_relation) continue;
      if (condition.alternative >= 0) continue;
      if (condition.expr->expensive != expensive) continue;
      if (condition.after >= 0 && (placed & bit(static_cast<std::size_t>(condition.after))) == 0) {
        continue;
      }
      // An ON before a RIGHT JOIN cannot wait.
      const bool may_wait = outer_relation < 0 && (!right_joins || condition.after >= 0);
      if (expensive && may_wait && !last) continue;
      if ((condition.expr->tables & ~placed) != 0) continue;
      if (only != 0 && (condition.expr->tables != only || condition.expr->reads_outer ||
                        condition.expr->volatile_result || may_fail(*condition.expr))) {
        continue;
      }
      all = conjunction(std::move(all), std::move(condition.expr));
    }
  }
  return all;
}

/// Whether a condition is the same for all rows: of WHERE or an inner join's ON, reading none of
/// the relations, without anything random or a subquery.
bool JoinPlanner::is_asked_once(const JoinCondition& condition) const {
  return condition.expr && condition.outer_relation < 0 && condition.alternative < 0 &&
         condition.after == scope_.last_right_join() && condition.expr->tables == 0 &&
         !condition.expr->volatile_result && !runs_subquery(*condition.expr);
}

/// Takes those conditions. As in SQLite they are asked before the first row is read: they decide,
/// or fail, where there is no row too.
ExprPtr JoinPlanner::take_gate() {
  ExprPtr all;
  for (JoinCondition& condition : conditions_) {
    if (!is_asked_once(condition)) continue;
    all = conjunction(std::move(all), std::move(condition.expr));
  }
  return all;
}

std::vector<Slot> JoinPlanner::used_slots(std::size_t relation) const {
  std::vector<Slot> slots;
  for (const Slot slot : scope_.relations[relation].slots) {
    if (slot != kNoSlot) slots.push_back(slot);
  }
  return slots;
}

/// Where the columns that are used come from, `index` being the tree that is read (or null).
Result<JoinPlanner::Columns> JoinPlanner::wanted_columns(std::size_t relation, const Index* index) {
  const Relation& r = scope_.relations[relation];
  Columns columns;
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    if (r.slots[c] == kNoSlot) continue;
    const TableColumn& column = r.table->columns[c];
    WantedColumn wanted;
    wanted.slot = r.slots[c];
    wanted.real = column.affinity == Affinity::real;
    const int place = index == nullptr ? -1 : index->place_of(static_cast<int>(c));
    if (place >= 0) {
      wanted.column = static_cast<std::uint32_t>(place);
      if (index->clustered) wanted.absent = TRY(absent_value(context_, column));
      columns.from_index.push_back(wanted);
    } else if (!column.is_virtual()) {
      wanted.column = static_cast<std::uint32_t>(column.record_place);
      wanted.absent = TRY(absent_value(context_, column));
      columns.from_table.push_back(wanted);
    }
  }
  const auto by_place = [](const WantedColumn& a, const WantedColumn& b) {
    return a.column < b.column;
  };
  std::sort(columns.from_index.begin(), columns.from_index.end(), by_place);
  std::sort(columns.from_table.begin(), columns.from_table.end(), by_place);
  for (auto& [c, expr] : info_[relation].virtuals) {
    if (index != nullptr && index->place_of(static_cast<int>(c)) >= 0) continue;
    columns.computed.push_back({r.slots[c], r.table->columns[c].affinity, std::move(expr)});
  }
  return columns;
}

Result<std::unique_ptr<AccessPath>> JoinPlanner::tree_access(std::size_t relation,
                                                             const Choice& choice, bool backward) {
  if (choice.kind == Choice::Kind::either) return either_access(relation, choice);
  const Relation& r = scope_.relations[relation];
  SeekSpec spec = take_seek(choice);
  spec.backward = backward;
  const bool by_index = choice.kind == Choice::Kind::index;
  Columns columns = TRY(wanted_columns(relation, by_index ? choice.index : nullptr));
  const Slot rowid_slot = r.slots[r.rowid_place()];
  std::unique_ptr<AccessPath> access;
  if (by_index) {
    access = std::make_unique<IndexAccess>(context_.runtime, *choice.index, r.name, std::move(spec),
                                           std::move(columns.from_index),
                                           std::move(columns.from_table), rowid_slot);
  } else {
    access = std::make_unique<TableAccess>(context_.runtime, *r.table, r.name, std::move(spec),
                                           std::move(columns.from_table), rowid_slot);
  }
  if (columns.computed.empty()) return access;
  return std::unique_ptr<AccessPath>(std::make_unique<ComputedAccess>(
      context_.runtime, std::move(access), std::move(columns.computed)));
}

/// Whether what a choice looks for depends on a row of an enclosing query.
bool JoinPlanner::reads_outer(const Choice& choice) const {
  const auto term_reads = [&](std::size_t t) { return terms_[t].reads_outer; };
  const auto bound_reads = [&](int t) { return t >= 0 && term_reads(static_cast<std::size_t>(t)); };
  return std::any_of(choice.equal.begin(), choice.equal.end(), term_reads) ||
         bound_reads(choice.low) || bound_reads(choice.high) ||
         std::any_of(choice.ways.begin(), choice.ways.end(),
                     [&](const Choice& way) { return reads_outer(way); });
}

/// All rows of a relation that its own conditions let pass, in the scope's slots.
Result<OperatorPtr> JoinPlanner::relation_rows(std::size_t relation, bool& constant) {
  Relation& r = scope_.relations[relation];
  constant = true;
  const int outer = r.outer_join || r.right_join ? static_cast<int>(relation) : -1;
  // Every row of a RIGHT JOIN's right side comes out in the end.
  const auto own_conditions = [&] {
    return r.right_join ? ExprPtr() : take_conditions(bit(relation), outer, bit(relation));
  };
  if (r.derived) {
    constant = r.derived_constant;
    std::vector<std::pair<Slot, Slot>> moves;
    for (std::size_t c = 0; c < r.columns.size(); ++c) {
      if (r.slots[c] != kNoSlot) moves.emplace_back(static_cast<Slot>(c), r.slots[c]);
    }
    OperatorPtr rows = std::make_unique<RenameOperator>(std::move(r.derived), std::move(moves),
                                                        scope_.slot_count, cat("SCAN ", r.label));
    ExprPtr filter = own_conditions();
    if (!filter) return rows;
    return OperatorPtr(
        std::make_unique<FilterOperator>(context_.runtime, std::move(rows), std::move(filter)));
  }
  JoinOperator::Parts parts;
  parts.right_slots = used_slots(relation);
  parts.slot_count = scope_.slot_count;
  if (r.function != nullptr) {
    for (const ExprPtr& argument : r.arguments) {
      constant = constant && (!argument || argument->run_constant());
    }
    parts.right = function_access(relation);
    parts.condition = own_conditions();
    return OperatorPtr(std::make_unique<JoinOperator>(context_.runtime, std::move(parts)));
  }
  Choice local = r.right_join ? scan_of(relation) : best_access(relation, 0, 1, true);
  constant = !reads_outer(local);
  if (local.kind == Choice::Kind::hash || !constant || local.order_only) {
    local = scan_of(relation);
    constant = true;
  }
  parts.right = TRY(tree_access(relation, local, false));
  parts.condition = own_conditions();
  return OperatorPtr(std::make_unique<JoinOperator>(context_.runtime, std::move(parts)));
}

std::unique_ptr<AccessPath> JoinPlanner::function_access(std::size_t relation) {
  Relation& r = scope_.relations[relation];
  FunctionAccess::Parts parts;
  parts.cursor = r.function->make_cursor(context_.runtime, context_.schemas);
  parts.arguments = std::move(r.arguments);
  for (std::uint32_t c = 0; c < r.columns.size(); ++c) {
    if (r.slots[c] != kNoSlot) parts.wanted.emplace_back(c, r.slots[c]);
  }
  parts.rowid_slot = r.slots[r.rowid_place()];
  parts.label = r.label;
  parts.track_matches = r.right_join;
  return std::make_unique<FunctionAccess>(context_.runtime, std::move(parts));
}

Result<std::unique_ptr<AccessPath>> JoinPlanner::hash_access(std::size_t relation,
                                                             const Choice& choice) {
  std::vector<MaterializedAccess::HashKey> keys;
  for (const std::size_t t : choice.equal) {
    const Term& term = terms_[t];
    MaterializedAccess::HashKey key;
    key.affinity = term.applied;
    key.collation = term.order;
    key.null_safe = term.op == TermOp::is;
    key.left = take_value(term);
    key.right = take_column(term);
    conditions_[term.condition].expr.reset();
    keys.push_back(std::move(key));
  }
  bool constant = false;
  OperatorPtr input = TRY(relation_rows(relation, constant));
  if (automatic_index_) input = in_index_order(std::move(input), relation, keys);
  return std::unique_ptr<AccessPath>(std::make_unique<MaterializedAccess>(
      context_.runtime, std::move(input), used_slots(relation), std::move(keys),
      constant && !context_.rows_change && context_.has(Rule::shared_rows),
      scope_.relations[relation].right_join));
}

Result<OperatorPtr> JoinPlanner::add_step(OperatorPtr left, std::size_t relation,
                                          const Choice& choice, bool backward) {
  Relation& r = scope_.relations[relation];
  if (!left && r.derived && choice.equal.empty() && !r.outer_join) {
    // The first of all: its rows are passed on as they come.
    bool constant = false;
    OperatorPtr rows = TRY(relation_rows(relation, constant));
    placed_ |= bit(relation);
    filled_ = used_slots(relation);
    ExprPtr rest = take_conditions(placed_, -1, 0);
    if (!rest) return rows;
    return OperatorPtr(
        std::make_unique<FilterOperator>(context_.runtime, std::move(rows), std::move(rest)));
  }
  JoinOperator::Parts parts;
  parts.left = std::move(left);
  parts.outer = r.outer_join;
  parts.right_outer = r.right_join;
  parts.left_slots = filled_;
  if (choice.kind == Choice::Kind::hash) {
    parts.right = TRY(hash_access(relation, choice));
  } else if (choice.kind == Choice::Kind::function) {
    parts.right = function_access(relation);
  } else {
    parts.right = TRY(tree_access(relation, choice, backward));
  }
  placed_ |= bit(relation);
  parts.right_slots = used_slots(relation);
  parts.slot_count = scope_.slot_count;
  const bool own_on = r.outer_join || r.right_join;
  parts.condition = take_conditions(placed_, own_on ? static_cast<int>(relation) : -1, 0);
  filled_.insert(filled_.end(), parts.right_slots.begin(), parts.right_slots.end());
  OperatorPtr op = std::make_unique<JoinOperator>(context_.runtime, std::move(parts));
  ExprPtr after = own_on ? take_conditions(placed_, -1, 0) : nullptr;
  if (!after) return op;
  return OperatorPtr(
      std::make_unique<FilterOperator>(context_.runtime, std::move(op), std::move(after)));
}

/// The plan is one for tables of this size.
Result<void> JoinPlanner::note_sizes() {
  for (std::size_t r = 0; r < info_.size(); ++r) {
    if (info_[r].counted_in == nullptr) continue;
    const Table& table = *scope_.relations[r].table;
    TRY(context_.runtime.sizes.add(*info_[r].counted_in, table.database, table.root,
                                   info_[r].rows));
  }
  return {};
}

Result<OperatorPtr> JoinPlanner::plan(bool& in_order) {
  in_order = false;
  if (scope_.relations.empty()) {
    OperatorPtr single =
        std::make_unique<ProjectOperator>(context_.runtime, nullptr, std::vector<ExprPtr>{});
    ExprPtr all = take_conditions(~std::uint64_t{0}, -1, 0);
    if (!all) return single;
    return OperatorPtr(
        std::make_unique<FilterOperator>(context_.runtime, std::move(single), std::move(all)));
  }
  strengthen_outer_joins();
  TRY(plan_queries());
  TRY(complete_arguments());
  TRY(bind_virtual_columns());
  TRY(find_indexes());
  add_alternatives();
  collect_terms();
  TRY(find_known_values());
  TRY(estimate_relations());
  automatic_index_ = makes_automatic_index();
  if (automatic_index_) info_[1].needs |= bit(0);
  ExprPtr gate = take_gate();
  const std::vector<std::size_t> order = TRY(choose_order());
  OperatorPtr op;
  double rows = 1;
  bool single = true;
  in_rowid_order_ = -1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t relation = order[i];
    Choice choice =
        order.size() == 1 ? best_ordered(relation) : best_access(relation, placed_, rows, single);
    if (std::isinf(choice.cost)) return Error(Code::error, "no query solution");
    if (i == 0 && !(order.size() == 1 && choice.point)) TRY(note_sizes());
    bool backward = false;
    // What a RIGHT JOIN adds comes at the end.
    if (i == 0 && scope_.last_right_join() < 0) {
      in_order = gives_order(choice, relation, backward);
    }
    rows = std::max(rows * choice.rows, 1.0);
    single = single && choice.point;
    if (i == 0) note_order(relation, choice);
    if (order.size() == 1 && choice.kind == Choice::Kind::index && !choice.index->clustered) {
      scope_.relations[relation].found_by = choice.index;
    }
    op = TRY(add_step(std::move(op), relation, choice, in_order && i == 0 && backward));
  }
  if (!gate) return op;
  return OperatorPtr(
      std::make_unique<GateOperator>(context_.runtime, std::move(op), std::move(gate)));
}

Result<OperatorPtr> plan_joins(CompileContext& context, Scope& scope,
                               std::vector<JoinCondition> conditions, const WantedOrder* wanted,
                               bool* in_order) {
  JoinPlanner planner(context, scope, std::move(conditions), wanted);
  bool ordered = false;
  OperatorPtr op = TRY(planner.plan(ordered));
  if (in_order != nullptr) *in_order = ordered;
  return op;
}

}  // namespace saturn::sql
