#include "plan/join_planner.hpp"

#include "base/text.hpp"
#include "plan/bound_query.hpp"
#include "plan/table_columns.hpp"
#include "storage/estimate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

// The order of joins and the way to each relation.
//
// Costs are in units of one row read in sequence. Going down a tree costs kSeek, putting a row into
// a hash table kBuild and looking one up kProbe. key_estimate.cpp says how many rows a key has.
//
// The search is greedy, from each relation that may come first; every step takes the relation that
// makes the step's cost plus the rows it leaves least.

namespace saturn::sql {
namespace {

constexpr double kSeek = 8;
constexpr double kTableLookup = 6;
/// What going down costs where the keys come in order: most are on the leaf of the one before.
constexpr double kInOrder = 0.5;
constexpr double kBuild = 2;
constexpr double kProbe = 1.5;
constexpr double kDerivedRows = 1000;
constexpr double kSubqueryRuns = 100;  ///< how often a correlated subquery is guessed to run
constexpr std::size_t kStartsMax = 12;

std::uint64_t bit(std::size_t relation) noexcept { return std::uint64_t{1} << relation; }

const ExprNode* below_collate(const ExprNode* expr) noexcept {
  return expr->kind == NodeKind::collate ? expr->children[0].get() : expr;
}

/// False where an index of a column of this affinity is in another order than the comparison's.
bool affinity_fits(Affinity applied, Affinity column) noexcept {
  if (applied <= Affinity::blob) return true;
  if (applied == Affinity::text) return column == Affinity::text;
  return is_numeric(column);
}

}  // namespace

// --- what conditions offer -----------------------------------------------------------------------

void JoinPlanner::add_term(std::size_t condition, const ExprNode* side, const ExprNode& other,
                           TermOp op, Affinity applied, const Collation* order, bool left) {
  side = below_collate(side);
  Term term;
  term.condition = condition;
  term.op = op;
  term.applied = applied;
  term.order = order;
  term.slot_is_left = left;
  term.others = other.tables;
  term.reads_outer = other.reads_outer;
  if (side->kind == NodeKind::slot) {
    const auto& slot = static_cast<const SlotNode&>(*side);
    if (slot.relation < 0 || (other.tables & bit(static_cast<std::size_t>(slot.relation))) != 0) {
      return;
    }
    term.relation = static_cast<std::size_t>(slot.relation);
    term.column = slot.column;
    terms_.push_back(term);
  } else if (std::popcount(side->tables) == 1 && (other.tables & side->tables) == 0 &&
             !side->volatile_result) {
    // An expression over one relation: for hash joins, and indexes on expressions.
    term.relation = static_cast<std::size_t>(std::countr_zero(side->tables));
    term.column = kNoColumn;
    term.side = side;
    if (op == TermOp::eq || info_[term.relation].indexed_exprs) terms_.push_back(term);
  }
}

void JoinPlanner::collect_terms() {
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    const ExprNode& expr = *conditions_[i].expr;
    if (expr.volatile_result) continue;
    if (expr.kind == NodeKind::comparison) {
      const auto& node = static_cast<const ComparisonNode&>(expr);
      TermOp op = TermOp::eq;
      TermOp mirrored = TermOp::eq;
      switch (node.op) {
        case ast::BinaryOp::eq: break;
        case ast::BinaryOp::is: op = mirrored = TermOp::is; break;
        case ast::BinaryOp::lt:
          op = TermOp::lt;
          mirrored = TermOp::gt;
          break;
        case ast::BinaryOp::le:
          op = TermOp::le;
          mirrored = TermOp::ge;
          break;
        case ast::BinaryOp::gt:
          op = TermOp::gt;
          mirrored = TermOp::lt;
          break;
        case ast::BinaryOp::ge:
          op = TermOp::ge;
          mirrored = TermOp::le;
          break;
        default: continue;
      }
      const ExprNode& left = *node.children[0];
      const ExprNode& right = *node.children[1];
      add_term(i, &left, right, op, node.applied, node.order, true);
      add_term(i, &right, left, mirrored, node.applied, node.order, false);
    } else if (expr.kind == NodeKind::in_list) {
      const auto& node = static_cast<const InListNode&>(expr);
      bool constant = !node.negated && node.children.size() > 1;
      for (std::size_t c = 1; c < node.children.size(); ++c) {
        constant = constant && node.children[c]->tables == 0;
      }
      if (!constant) continue;
      add_term(i, node.children[0].get(), *node.children[1], TermOp::in, node.applied, node.order,
               true);
    } else if (expr.kind == NodeKind::in_subquery) {
      const auto& node = static_cast<const InSubqueryNode&>(expr);
      if (node.negated || !node.plan.run_constant) continue;
      const ConstantNode none{Value()};
      add_term(i, node.children[0].get(), none, TermOp::in, node.applied, node.order, true);
    }
  }
}

/// A LEFT JOIN whose right side's NULLs some condition of WHERE refuses is an inner join.
void JoinPlanner::strengthen_outer_joins() {
  const auto refuses_null = [](const ExprNode& expr, std::size_t relation) {
    const auto is_slot_of = [&](const ExprNode& e) {
      return e.kind == NodeKind::slot &&
             static_cast<const SlotNode&>(e).relation == static_cast<int>(relation);
    };
    switch (expr.kind) {
      case NodeKind::comparison: {
        const ast::BinaryOp op = static_cast<const ComparisonNode&>(expr).op;
        if (op == ast::BinaryOp::is || op == ast::BinaryOp::is_not) return false;
        return is_slot_of(*expr.children[0]) || is_slot_of(*expr.children[1]);
      }
      case NodeKind::like: return is_slot_of(*expr.children[0]);
      case NodeKind::unary:
        return static_cast<const UnaryNode&>(expr).op == ast::UnaryOp::not_null &&
               is_slot_of(*expr.children[0]);
      case NodeKind::in_list:
        return !static_cast<const InListNode&>(expr).negated && is_slot_of(*expr.children[0]);
      default: return false;
    }
  };
  // The rows that a RIGHT JOIN adds come after a LEFT JOIN before it has added its own.
  if (scope_.last_right_join() >= 0 || !context_.has(Rule::left_to_inner)) return;
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    if (!scope_.relations[r].outer_join) continue;
    for (const JoinCondition& condition : conditions_) {
      if (condition.outer_relation >= 0 || !refuses_null(*condition.expr, r)) continue;
      scope_.relations[r].outer_join = false;
      for (JoinCondition& other : conditions_) {
        if (other.outer_relation == static_cast<int>(r)) other.outer_relation = -1;
      }
      break;
    }
  }
}

/// Whether a condition may choose the rows of `relation` while it is reached.
bool JoinPlanner::usable_for(const JoinCondition& condition, std::size_t relation) const noexcept {
  if (condition.alternative != alternative_) return false;
  if (scope_.relations[relation].outer_join || scope_.relations[relation].right_join) {
    return condition.outer_relation == static_cast<int>(relation);
  }
  return condition.outer_relation < 0;
}

/// Takes the equality that gives an argument of a table function, `argument = value`, out of the
/// conditions: the function decides what it makes of the value.
bool JoinPlanner::take_argument(std::size_t relation, std::size_t argument) {
  Relation& r = scope_.relations[relation];
  const int column = static_cast<int>(r.function->columns.size() + argument);
  const auto is_argument = [&](const ExprNode& expr) {
    if (expr.kind != NodeKind::slot) return false;
    const auto& slot = static_cast<const SlotNode&>(expr);
    return slot.relation == static_cast<int>(relation) && slot.column == column;
  };
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    ExprNode& expr = *conditions_[i].expr;
    if (expr.kind != NodeKind::comparison || !usable_for(conditions_[i], relation)) continue;
    if (static_cast<const ComparisonNode&>(expr).op != ast::BinaryOp::eq) continue;
    for (const std::size_t side : {0U, 1U}) {
      if (!is_argument(*expr.children[side])) continue;
      if ((expr.children[1 - side]->tables & bit(relation)) != 0) continue;
      r.arguments[argument] = std::move(expr.children[1 - side]);
      conditions_.erase(conditions_.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
  }
  return false;
}

/// Arguments of table functions that stand in WHERE or ON.
Result<void> JoinPlanner::complete_arguments() {
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    Relation& relation = scope_.relations[r];
    if (relation.function == nullptr) continue;
    std::vector<bool> given;
    for (std::size_t a = 0; a < relation.arguments.size(); ++a) {
      given.push_back(relation.arguments[a] != nullptr || take_argument(r, a));
    }
    TRY(relation.function->check_arguments(given));
  }
  return {};
}

/// Plans subqueries and views, which first take over what is asked of them alone.
Result<void> JoinPlanner::plan_queries() {
  const bool pushes = scope_.last_right_join() < 0 && context_.has(Rule::push_down);
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    Relation& relation = scope_.relations[r];
    if (!relation.query) continue;
    const auto is_taken = [&](const JoinCondition& condition) {
      const ExprNode& expr = *condition.expr;
      return expr.tables == bit(r) && !expr.reads_outer && usable_for(condition, r) &&
             relation.query->push(expr, r);
    };
    if (pushes) std::erase_if(conditions_, is_taken);
    TRY(plan_relation_query(context_, relation));
  }
  return {};
}

/// Binds what virtual columns are computed from, which may use more columns of their relation.
Result<void> JoinPlanner::bind_virtual_columns() {
  info_.resize(scope_.relations.size());
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    const Table* table = scope_.relations[r].table;
    if (table == nullptr) continue;
    TRY(check_generated_loop(*table));
    auto& virtuals = info_[r].virtuals;
    for (std::size_t i = table->generated_order.size(); i-- > 0;) {
      const std::uint32_t c = table->generated_order[i];
      if (!table->columns[c].is_virtual() || scope_.relations[r].slots[c] == kNoSlot) continue;
      // The expression sees its own relation, and nothing else; what USING hides too.
      Scope alone;
      alone.relations.push_back(std::move(scope_.relations[r]));
      const std::vector<Relation::Column> columns = alone.relations[0].columns;
      for (Relation::Column& column : alone.relations[0].columns) {
        column.hidden = false;
        column.merged.clear();
        column.superseded = false;
      }
      alone.slot_count = scope_.slot_count;
      Binder binder(context_, alone, BindRules{.subqueries = false, .clause = "generated columns"});
      auto bound = binder.bind(*table->columns[c].generated);
      scope_.relations[r] = std::move(alone.relations[0]);
      scope_.relations[r].columns = columns;
      scope_.slot_count = alone.slot_count;
      virtuals.emplace_back(c, TRY(std::move(bound)));
    }
    std::reverse(virtuals.begin(), virtuals.end());
  }
  return {};
}

Result<void> JoinPlanner::estimate_relations() {
  kept_.assign(conditions_.size(), 1);
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    const Relation& relation = scope_.relations[r];
    RelationInfo& info = info_[r];
    info.rows = kDerivedRows;
    if (relation.function != nullptr) {
      info.rows = relation.function->rows_guess;
      for (const ExprPtr& argument : relation.arguments) {
        if (argument) info.needs |= argument->tables;
      }
    }
    if (relation.table != nullptr) {
      info.rows = static_cast<double>(relation.table->row_estimate);
      storage::Transaction* pages = context_.pages(relation.table->database);
      if (info.rows == 0 && pages != nullptr && relation.table->root != 0) {
        info.rows =
            static_cast<double>(TRY(storage::estimate_entries(*pages, relation.table->root)));
        info.counted_in = pages;
      }
    }
    info.rows = std::max(info.rows, 1.0);
  }
  TRY(find_distinct_values());
  for (std::size_t r = 0; r < scope_.relations.size(); ++r) {
    const Relation& relation = scope_.relations[r];
    RelationInfo& info = info_[r];
    for (std::size_t i = 0; i < conditions_.size(); ++i) {
      if (conditions_[i].expr->tables != bit(r) || !usable_for(conditions_[i], r)) continue;
      kept_[i] = part_kept(r, i);
      info.kept *= kept_[i];
    }
    TRY(try_conditions(r));
    info.kept = std::max(info.kept, 1.0 / info.rows);
    if (relation.outer_join || relation.right_join || relation.keep_place ||
        !context_.has(Rule::join_order)) {
      info.needs |= bit(r) - 1;
    }
    for (std::size_t before = 0; before < r; ++before) {
      if (scope_.relations[before].right_join) info.needs |= bit(before);
    }
  }
  return {};
}

// --- ways to a relation --------------------------------------------------------------------------

bool JoinPlanner::available(const Term& term, std::size_t relation,
                            std::uint64_t placed) const noexcept {
  const int after = conditions_[term.condition].after;
  if (after >= 0 && (placed & bit(static_cast<std::size_t>(after))) == 0) return false;
  return term.relation == relation && (term.others & ~placed) == 0 &&
         conditions_[term.condition].expr != nullptr &&
         usable_for(conditions_[term.condition], relation);
}

bool JoinPlanner::covers(const Index& index, std::size_t relation) const {
  if (!index.clustered && !context_.has(Rule::covering_index)) return false;
  const Relation& r = scope_.relations[relation];
  for (std::size_t c = 0; c < r.columns.size(); ++c) {
    // A virtual column comes from the columns that it reads, which have slots of their own.
    if (r.slots[c] == kNoSlot || r.table->columns[c].is_virtual()) continue;
    if (index.place_of(static_cast<int>(c)) < 0) return false;
  }
  return true;
}

/// All rows, in the order of the table's own tree.
JoinPlanner::Choice JoinPlanner::scan_of(std::size_t relation) const {
  const Table& table = *scope_.relations[relation].table;
  Choice scan;
  scan.rows = scan.cost = info_[relation].rows;
  if (table.without_rowid) {
    scan.kind = Choice::Kind::index;
    scan.index = table.primary;
    scan.covering = true;
  }
  return scan;
}

/// Of two ways the cheaper one. A whole unique key beats what reads more of the tree even where
/// that is cheaper now: the table may be empty only yet.
void JoinPlanner::consider(Choice& best, Choice candidate) const {
  const bool tree = candidate.kind != Choice::Kind::hash;
  const bool better =
      tree && candidate.point != best.point ? candidate.point : candidate.cost < best.cost;
  if (better) best = std::move(candidate);
}

void JoinPlanner::consider_rowid(Choice& best, std::size_t relation, std::uint64_t placed) const {
  const double rows = info_[relation].rows;
  Choice range;
  range.kind = Choice::Kind::rowid;
  double fraction = 1;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const Term& term = terms_[t];
    if (!available(term, relation, placed) || term.column != SlotNode::kRowidColumn) continue;
    if (term.op == TermOp::eq || term.op == TermOp::in) {
      Choice point;
      point.kind = Choice::Kind::rowid;
      point.equal.push_back(t);
      point.point = term.op == TermOp::eq;
      point.rows = term.op == TermOp::in ? value_count(term) : 1;
      point.cost = kSeek * point.rows * (comes_in_order(term) ? kInOrder : 1);
      consider(best, std::move(point));
    } else if ((term.op == TermOp::gt || term.op == TermOp::ge) && range.low < 0) {
      range.low = static_cast<int>(t);
      fraction *= 0.25;
    } else if ((term.op == TermOp::lt || term.op == TermOp::le) && range.high < 0) {
      range.high = static_cast<int>(t);
      fraction *= 0.25;
    }
  }
  if (range.low < 0 && range.high < 0) return;
  range.rows = std::max(1.0, rows * fraction);
  range.cost = kSeek + range.rows;
  consider(best, std::move(range));
}

/// Whether the term restricts a column of the index, in the order that the index has.
bool JoinPlanner::fits(const Term& term, const UsableIndex& usable, std::size_t place) const {
  const IndexColumn& key = usable.index->columns[place];
  if (term.order != key.collation) return false;
  if (key.column == IndexColumn::kExpression) {
    const ExprNode& expr = *usable.exprs[place];
    return term.column == kNoColumn && same_tree(*term.side, expr) &&
           affinity_fits(term.applied, expr.affinity);
  }
  const Table& table = *usable.index->table;
  return term.column == key.column && key.column >= 0 &&
         affinity_fits(term.applied, table.columns[static_cast<std::size_t>(key.column)].affinity);
}

void JoinPlanner::consider_index(Choice& best, const UsableIndex& usable, std::size_t relation,
                                 std::uint64_t placed) const {
  const Index& index = *usable.index;
  double rows = info_[relation].rows;
  if (index.where != nullptr) {
    rows = index.stat.empty() ? rows * 0.5 : static_cast<double>(index.stat[0]);
  }
  Choice choice;
  choice.kind = Choice::Kind::index;
  choice.index = &index;
  choice.covering = covers(index, relation);
  bool many = false;
  double seek_count = 1;
  bool null_safe = false;
  std::size_t at = 0;
  const auto restricts = [&](const Term& term) {
    const auto t = static_cast<std::size_t>(&term - terms_.data());
    if (std::find(choice.equal.begin(), choice.equal.end(), t) != choice.equal.end()) return false;
    return available(term, relation, placed) && fits(term, usable, at);
  };
  for (; at < index.columns.size(); ++at) {
    int found = -1;
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const Term& term = terms_[t];
      if (!restricts(term)) continue;
      if (term.op == TermOp::eq || term.op == TermOp::is) {
        found = static_cast<int>(t);
        break;
      }
      if (term.op == TermOp::in && !many && found < 0) found = static_cast<int>(t);
    }
    if (found < 0) break;
    if (terms_[static_cast<std::size_t>(found)].op == TermOp::in) {
      many = true;
      seek_count = value_count(terms_[static_cast<std::size_t>(found)]);
    }
    null_safe = null_safe || terms_[static_cast<std::size_t>(found)].op == TermOp::is;
    choice.equal.push_back(static_cast<std::size_t>(found));
  }
  if (at < index.columns.size()) {
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const Term& term = terms_[t];
      if (!restricts(term)) continue;
      if ((term.op == TermOp::gt || term.op == TermOp::ge) && choice.low < 0) {
        choice.low = static_cast<int>(t);
      } else if ((term.op == TermOp::lt || term.op == TermOp::le) && choice.high < 0) {
        choice.high = static_cast<int>(t);
      }
    }
  }
  choice.point = at == index.columns.size() && index.unique && !null_safe && !many;
  choice.rows = choice.point ? 1 : std::max(matching_rows(choice, rows), 1.0);
  const double each = choice.covering ? 0.8 : 1 + kTableLookup;
  const bool seeks = at > 0 || choice.low >= 0 || choice.high >= 0;
  if (!seeks && !choice.covering) {
    choice.order_only = true;
  }
  if (!seeks && scope_.relations[relation].is_target && !index.clustered &&
      scope_.relations[relation].indexed != ast::Indexed::by) {
    return;
  }
  choice.cost = (seeks ? kSeek * seek_count : 0) + choice.rows * each;
  if (at > 0 && comes_in_order(terms_[choice.equal[0]])) choice.cost *= kInOrder;
  consider(best, std::move(choice));
}

/// Whether the right side of a RIGHT JOIN could be read through the index that INDEXED BY names:
/// one on expressions must be restricted by one of the conditions, as in SQLite.
bool JoinPlanner::reads_index(std::size_t relation, std::uint64_t placed) const {
  const UsableIndex& usable = info_[relation].indexes.front();
  return !usable.index->has_expressions() ||
         std::any_of(terms_.begin(), terms_.end(), [&](const Term& term) {
           return available(term, relation, placed) && fits(term, usable, 0);
         });
}

void JoinPlanner::consider_hash(Choice& best, std::size_t relation, std::uint64_t placed,
                                double left_rows) const {
  const Relation& r = scope_.relations[relation];
  for (const ExprPtr& argument : r.arguments) {
    if (argument && argument->tables != 0) return;  // other rows for every left row
  }
  // INDEXED BY asks for an index that cannot be used.
  if (r.indexed == ast::Indexed::by && info_[relation].indexes.empty()) return;
  if (r.indexed == ast::Indexed::by && r.right_join && !reads_index(relation, placed)) return;
  Choice choice;
  choice.kind = Choice::Kind::hash;
  bool only_outer = true;
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const Term& term = terms_[t];
    if (!available(term, relation, placed) || !context_.has(Rule::hash_join)) continue;
    if (term.op != TermOp::eq && term.op != TermOp::is) continue;
    if (term.others == 0 && !term.reads_outer) continue;  // a constant: a filter does that
    const bool doubled = std::any_of(choice.equal.begin(), choice.equal.end(), [&](std::size_t e) {
      return terms_[e].condition == term.condition;
    });
    if (doubled) continue;
    choice.equal.push_back(t);
    only_outer = only_outer && term.others == 0;
  }
  const double rows = info_[relation].rows * info_[relation].kept;
  const double scan = info_[relation].rows + rows * kBuild;
  if (choice.equal.empty()) {
    if (r.function != nullptr) return;  // calling again costs less than keeping what may be much
    if (placed == 0 && !r.derived) return;  // that is a scan
    choice.rows = rows;
    choice.cost = scan / std::max(left_rows, 1.0) + rows * 0.5;
  } else {
    choice.rows = std::max(hash_matches(choice, relation), 1e-3);
    const double runs = only_outer ? kSubqueryRuns : std::max(left_rows, 1.0);
    choice.cost = scan / runs + kProbe + choice.rows * 0.5;
  }
  choice.filtered = true;
  consider(best, std::move(choice));
}

/// `single`: there is one left row at most.
JoinPlanner::Choice JoinPlanner::best_access(std::size_t relation, std::uint64_t placed,
                                             double left_rows, bool single) const {
  Choice best;
  best.cost = std::numeric_limits<double>::infinity();
  const Relation& r = scope_.relations[relation];
  if (r.table != nullptr && !r.right_join && !(automatic_index_ && relation == 1)) {
    const bool searches = context_.has(Rule::index_search);
    if (r.indexed != ast::Indexed::by) {
      consider(best, scan_of(relation));
      if (searches) consider_rowid(best, relation, placed);
    }
    for (const UsableIndex& index : info_[relation].indexes) {
      if (searches || r.indexed == ast::Indexed::by) {
        consider_index(best, index, relation, placed);
      }
    }
    if (searches) consider_either(best, relation, placed);
  }
  if (r.function != nullptr) {
    Choice call;
    call.kind = Choice::Kind::function;
    call.rows = info_[relation].rows;
    call.cost = kSeek + call.rows;
    consider(best, std::move(call));
  }
  // Reading all of a relation again for every left row costs dearly where there are more of them
  // than was thought.
  const bool scans = placed != 0 && !single && best.kind != Choice::Kind::function &&
                     best.kind != Choice::Kind::either && best.equal.empty() && best.low < 0 &&
                     best.high < 0;
  if (scans) {
    Choice hash;
    hash.cost = std::numeric_limits<double>::infinity();
    consider_hash(hash, relation, placed, left_rows);
    if (!hash.equal.empty()) best = std::move(hash);
  }
  consider_hash(best, relation, placed, left_rows);
  if (!best.filtered) {
    // What the terms used do not say, the other conditions on this relation alone still filter.
    double kept = 1;
    for (std::size_t i = 0; i < conditions_.size(); ++i) {
      if (!conditions_[i].expr || conditions_[i].expr->tables != bit(relation)) continue;
      if (!usable_for(conditions_[i], relation) || uses(best, i)) continue;
      kept *= kept_[i];
    }
    best.rows = std::max(best.rows * kept, 1e-3);
  }
  return best;
}

/// Whether the values that a term compares with come in ascending order: rowids of the first
/// relation of the join, which is read in their order.
bool JoinPlanner::comes_in_order(const Term& term) const noexcept {
  if (in_rowid_order_ < 0 || term.others != bit(static_cast<std::size_t>(in_rowid_order_))) {
    return false;
  }
  return std::any_of(terms_.begin(), terms_.end(), [&](const Term& other) {
    return other.condition == term.condition && other.column == SlotNode::kRowidColumn &&
           other.relation == static_cast<std::size_t>(in_rowid_order_);
  });
}

/// Notes whether the first relation, reached this way, is read in the order of its rowids.
void JoinPlanner::note_order(std::size_t first, const Choice& choice) const noexcept {
  const bool scan = choice.kind == Choice::Kind::rowid && choice.equal.empty();
  in_rowid_order_ = scan && scope_.relations[first].table != nullptr ? static_cast<int>(first) : -1;
}

bool JoinPlanner::uses(const Choice& choice, std::size_t condition) const noexcept {
  if (choice.kind == Choice::Kind::either) return choice.alternatives_of == condition;
  for (const std::size_t t : choice.equal) {
    if (terms_[t].condition == condition) return true;
  }
  return (choice.low >= 0 && terms_[static_cast<std::size_t>(choice.low)].condition == condition) ||
         (choice.high >= 0 && terms_[static_cast<std::size_t>(choice.high)].condition == condition);
}

// --- the order of joins --------------------------------------------------------------------------

JoinPlanner::Order JoinPlanner::greedy_from(std::size_t first, double give_up_at) const {
  Order order;
  std::uint64_t placed = 0;
  double rows = 1;
  bool single = true;
  in_rowid_order_ = -1;
  const std::size_t n = scope_.relations.size();
  for (std::size_t step = 0; step < n; ++step) {
    std::size_t best = n;
    double best_score = std::numeric_limits<double>::infinity();
    Choice best_choice;
    // A relation that no condition ties to those placed comes when there is no other.
    std::uint64_t tied = 0;
    for (const Term& term : terms_) {
      if (term.others != 0 && available(term, term.relation, placed)) tied |= bit(term.relation);
    }
    tied &= ~placed;
    for (std::size_t r = 0; r < n; ++r) {
      if ((placed & bit(r)) != 0 || (info_[r].needs & ~placed) != 0) continue;
      if (step == 0 && r != first) continue;
      if (step > 0 && tied != 0 && (tied & bit(r)) == 0) continue;
      Choice choice = best_access(r, placed, rows, single);
      const double out = scope_.relations[r].outer_join ? std::max(choice.rows, 1.0) : choice.rows;
      const double score = rows * choice.cost + rows * out;
      if (score < best_score) {
        best = r;
        best_score = score;
        best_choice = std::move(choice);
      }
    }
    if (best == n && tied != 0) {
      // Those that are tied must wait for others: take the first that need not.
      for (std::size_t r = 0; r < n && best == n; ++r) {
        if ((placed & bit(r)) != 0 || (info_[r].needs & ~placed) != 0) continue;
        best = r;
        best_choice = best_access(r, placed, rows, single);
      }
    }
    if (best == n) {
      order.cost = std::numeric_limits<double>::infinity();
      return order;
    }
    order.cost += rows * best_choice.cost;
    if (order.cost >= give_up_at) return order;
    const double out =
        scope_.relations[best].outer_join ? std::max(best_choice.rows, 1.0) : best_choice.rows;
    rows = std::max(rows * out, 1.0);
    single = single && best_choice.point;
    if (step == 0) note_order(best, best_choice);
    placed |= bit(best);
    order.relations.push_back(best);
  }
  order.cost += rows;
  return order;
}

Result<std::vector<std::size_t>> JoinPlanner::choose_order() const {
  const std::size_t n = scope_.relations.size();
  std::vector<std::size_t> starts;
  for (std::size_t r = 0; r < n; ++r) {
    if (info_[r].needs == 0) starts.push_back(r);
  }
  if (starts.size() > kStartsMax) {
    std::sort(starts.begin(), starts.end(), [&](std::size_t a, std::size_t b) {
      return info_[a].rows * info_[a].kept < info_[b].rows * info_[b].kept;
    });
    starts.resize(3);
  }
  Order best;
  best.cost = std::numeric_limits<double>::infinity();
  for (const std::size_t start : starts) {
    Order order = greedy_from(start, best.cost);
    if (order.cost < best.cost && order.relations.size() == n) best = std::move(order);
  }
  if (best.relations.empty()) {
    std::uint64_t placed = 0;
    for (std::size_t r = 0; r < n; ++r) {
      // Arguments of table functions may ask for what comes only after them.
      if ((info_[r].needs & ~placed) != 0) return Error(Code::error, "no query solution");
      best.relations.push_back(r);
      placed |= bit(r);
    }
  }
  return std::move(best.relations);
}

// --- orders of rows ------------------------------------------------------------------------------

/// Whether an access gives its rows in the wanted order; `backward` tells in which direction.
bool JoinPlanner::gives_order(const Choice& choice, std::size_t relation, bool& backward) const {
  if (wanted_ == nullptr || choice.kind == Choice::Kind::hash) return false;
  if (!context_.has(Rule::index_order)) return false;
  if (choice.kind == Choice::Kind::function || choice.kind == Choice::Kind::either) return false;
  for (const std::size_t t : choice.equal) {
    if (terms_[t].op == TermOp::in) return false;
  }
  bool known = false;
  const auto direction = [&](bool reversed) {
    if (known) return backward == reversed;
    known = true;
    backward = reversed;
    return true;
  };
  // A row of this relation may meet several of the others: only alone does its rowid settle the
  // order.
  const bool alone = scope_.relations.size() == 1;
  if (choice.kind == Choice::Kind::rowid && !choice.equal.empty()) return alone;
  std::size_t key = choice.equal.size();
  for (const WantedOrder::Term& term : wanted_->terms) {
    if (term.column->relation != static_cast<int>(relation)) return false;
    const bool is_rowid = term.column->column == SlotNode::kRowidColumn;
    const bool settles = alone || &term == &wanted_->terms.back();
    if (choice.kind == Choice::Kind::rowid) {
      return settles && is_rowid && direction(term.descending);
    }
    bool fixed = false;  // a column that is equal in all rows orders nothing
    for (const std::size_t t : choice.equal) {
      fixed = fixed || (terms_[t].column == term.column->column && terms_[t].op == TermOp::eq &&
                        terms_[t].order == term.collation);
    }
    if (fixed) continue;
    if (key == choice.index->columns.size() && !choice.index->table->without_rowid) {
      return settles && is_rowid && direction(term.descending);
    }
    // The clustered index is in the order of its key alone.
    if (key == choice.index->key_info.columns.size()) return false;
    const IndexColumn& column = choice.index->entry_column(key);
    if (column.column < 0 || column.column != term.column->column) return false;
    if (column.collation != term.collation) return false;
    if (!direction(term.descending != column.descending)) return false;
    ++key;
  }
  return true;
}

/// The way to the only relation, the cost of sorting what comes out of order included.
JoinPlanner::Choice JoinPlanner::best_ordered(std::size_t relation) const {
  Choice best = best_access(relation, 0, 1, true);
  bool backward = false;
  if (wanted_ == nullptr || best.point || gives_order(best, relation, backward)) return best;
  const Relation& r = scope_.relations[relation];
  if (r.table == nullptr || best.kind == Choice::Kind::hash) return best;
  const double sort = best.rows * std::log2(best.rows + 2) * 0.7;
  const double limit_factor = wanted_->limited ? 0.05 : 1;
  double best_cost = best.cost + sort;
  const auto try_choice = [&](Choice choice) {
    if (!gives_order(choice, relation, backward)) return;
    const double cost = choice.cost * limit_factor;
    if (cost >= best_cost) return;
    best_cost = cost;
    best = std::move(choice);
  };
  if (r.indexed != ast::Indexed::by) try_choice(scan_of(relation));
  for (const UsableIndex& index : info_[relation].indexes) {
    Choice choice;
    choice.cost = std::numeric_limits<double>::infinity();
    consider_index(choice, index, relation, 0);
    try_choice(std::move(choice));
  }
  return best;
}

}  // namespace saturn::sql
