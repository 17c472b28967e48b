#include "exec/either_access.hpp"
#include "plan/copy_tree.hpp"
#include "plan/join_planner.hpp"

#include <algorithm>
#include <limits>

// OR over several indexes (https://www.sqlite.org/queryplanner.html, section 1.8): where every
// alternative has an index, or the rowid, each is looked up by its own, and rows that several
// alternatives find come once. The OR itself is still asked of the rows.

namespace saturn::sql {
namespace {

/// Of an OR over several indexes.
constexpr std::size_t kAlternativesMax = 32;
/// What knowing a row again costs.
constexpr double kRemember = 0.5;

void collect(const ExprNode& expr, bool conjunction, std::vector<const ExprNode*>& out) {
  if (expr.kind == NodeKind::logical &&
      static_cast<const LogicalNode&>(expr).conjunction == conjunction) {
    collect(*expr.children[0], conjunction, out);
    collect(*expr.children[1], conjunction, out);
  } else {
    out.push_back(&expr);
  }
}

}  // namespace

/// Adds what the alternatives of each OR ask for to the conditions, for themselves alone.
void JoinPlanner::add_alternatives() {
  const bool indexed = std::any_of(info_.begin(), info_.end(),
                                   [](const RelationInfo& info) { return !info.indexes.empty(); });
  if (!indexed || !context_.has(Rule::or_indexes)) return;
  int number = 0;
  const std::size_t count = conditions_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const ExprNode& expr = *conditions_[i].expr;
    if (expr.kind != NodeKind::logical || expr.volatile_result) continue;
    std::vector<const ExprNode*> alternatives;
    collect(expr, false, alternatives);
    if (alternatives.size() < 2 || alternatives.size() > kAlternativesMax) continue;
    disjunctions_.push_back({i, number, static_cast<int>(alternatives.size())});
    for (const ExprNode* alternative : alternatives) {
      std::vector<const ExprNode*> parts;
      collect(*alternative, true, parts);
      for (const ExprNode* part : parts) {
        const bool seeks = part->kind == NodeKind::comparison || part->kind == NodeKind::in_list;
        ExprPtr copy = seeks ? copy_tree(*part) : nullptr;
        if (!copy) continue;
        conditions_.push_back(
            {std::move(copy), conditions_[i].outer_relation, conditions_[i].after, number});
      }
      ++number;
    }
  }
}

void JoinPlanner::consider_either(Choice& best, std::size_t relation, std::uint64_t placed) const {
  const Relation& r = scope_.relations[relation];
  if (r.table->without_rowid || r.indexed == ast::Indexed::by) return;
  if (!info_[relation].virtuals.empty()) return;
  for (const Disjunction& either : disjunctions_) {
    const JoinCondition& whole = conditions_[either.condition];
    if (!whole.expr || !usable_for(whole, relation)) continue;
    Choice all;
    all.kind = Choice::Kind::either;
    all.alternatives_of = either.condition;
    all.rows = 0;
    all.cost = 0;
    for (int i = 0; i < either.count; ++i) {
      Choice way;
      way.cost = std::numeric_limits<double>::infinity();
      alternative_ = either.first + i;
      consider_rowid(way, relation, placed);
      for (const UsableIndex& index : info_[relation].indexes) {
        Choice by_index;
        by_index.cost = std::numeric_limits<double>::infinity();
        consider_index(by_index, index, relation, placed);
        if (!by_index.equal.empty() || by_index.low >= 0 || by_index.high >= 0) {
          consider(way, std::move(by_index));
        }
      }
      alternative_ = -1;
      all.rows += way.rows;
      all.cost += way.cost + way.rows * kRemember;
      all.ways.push_back(std::move(way));
    }
    if (all.cost < best.cost && !best.point) best = std::move(all);
  }
}

Result<std::unique_ptr<AccessPath>> JoinPlanner::either_access(std::size_t relation,
                                                               const Choice& choice) {
  Relation& r = scope_.relations[relation];
  Slot& rowid = r.slots[r.rowid_place()];
  if (rowid == kNoSlot) rowid = scope_.slot_count++;
  std::vector<std::unique_ptr<AccessPath>> ways;
  for (const Choice& way : choice.ways) ways.push_back(TRY(tree_access(relation, way, false)));
  return std::unique_ptr<AccessPath>(std::make_unique<EitherAccess>(
      context_.runtime, std::move(ways), used_slots(relation), rowid));
}

}  // namespace saturn::sql
