#include "plan/join_planner.hpp"

#include <algorithm>

// UPDATE ... FROM where several rows of FROM meet a row of the table: the last one counts, and
// which that is depends on the plan. SQLite reads the table first, and the rows of FROM through an
// index that it makes for the statement, where no other index serves the join; so does this.

namespace saturn::sql {

/// Whether SQLite would make an index on the only relation of FROM: an equality with one of its
/// columns joins it with the table, nothing else restricts it, and no index serves either side.
bool JoinPlanner::makes_automatic_index() const {
  if (scope_.relations.size() != 2 || !scope_.relations[0].is_target) return false;
  for (const Relation& relation : scope_.relations) {
    if (relation.table == nullptr || relation.table->row_estimate != 0) return false;
    if (relation.outer_join || relation.right_join) return false;
  }
  for (const JoinCondition& condition : conditions_) {
    if (condition.expr->tables == 2) return false;
  }
  const auto is_served = [&](const Term& term) {
    const auto& indexes = info_[term.relation].indexes;
    const bool by_rowid = term.column == SlotNode::kRowidColumn &&
                          scope_.relations[term.relation].indexed != ast::Indexed::by;
    return by_rowid || std::any_of(indexes.begin(), indexes.end(), [&](const UsableIndex& usable) {
             return fits(term, usable, 0);
           });
  };
  const auto joins = [](const Term& term) {
    return term.others == std::uint64_t{2} >> term.relation;
  };
  return std::any_of(terms_.begin(), terms_.end(),
                     [&](const Term& term) {
                       return term.relation == 1 && joins(term) && term.column >= 0 &&
                              term.op == TermOp::eq;
                     }) &&
         std::none_of(terms_.begin(), terms_.end(),
                      [&](const Term& term) { return joins(term) && is_served(term); });
}

/// Rows that are equal in the keys, in the order of such an index: by the relation's other columns
/// that are used, in the order of the table.
OperatorPtr JoinPlanner::in_index_order(
    OperatorPtr rows, std::size_t relation,
    const std::vector<MaterializedAccess::HashKey>& keys) const {
  const std::vector<Slot> slots = used_slots(relation);
  std::vector<ExprPtr> outputs;
  std::vector<SortKey> order;
  std::vector<std::pair<Slot, Slot>> moves;
  for (const Slot slot : slots) {
    const auto place = static_cast<Slot>(outputs.size());
    const bool is_key = std::any_of(keys.begin(), keys.end(), [&](const auto& key) {
      return key.right->kind == NodeKind::slot &&
             static_cast<const SlotNode&>(*key.right).slot == slot;
    });
    if (!is_key) order.push_back({.slot = place, .collation = &context_.binary()});
    outputs.push_back(std::make_unique<SlotNode>(slot));
    moves.emplace_back(place, slot);
  }
  rows = std::make_unique<ProjectOperator>(context_.runtime, std::move(rows), std::move(outputs));
  rows = std::make_unique<SortOperator>(context_.runtime, std::move(rows), std::move(order),
                                        static_cast<std::uint32_t>(slots.size()));
  return std::make_unique<RenameOperator>(std::move(rows), std::move(moves), scope_.slot_count, "");
}

}  // namespace saturn::sql
