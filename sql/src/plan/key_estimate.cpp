#include "base/text.hpp"
#include "catalog/sample_estimate.hpp"
#include "plan/join_planner.hpp"
#include "storage/estimate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string_view>

// How many rows conditions choose: by what sqlite_stat1 counted, by sqlite_stat4's samples where
// the values are known before the statement runs, else by guesses.

namespace saturn::sql {
namespace {

/// Of the values of an IN so many are looked up; the others are taken to be alike.
constexpr std::size_t kValuesMax = 64;
constexpr double kSubqueryValues = 10;
constexpr double kRangeKeeps = 0.25;

/// Of a column's rows those between bounds. Two bounds are mostly close together.
constexpr double range_part(bool low, bool high) noexcept {
  if (low && high) return kRangeKeeps * kRangeKeeps * kRangeKeeps;
  return low || high ? kRangeKeeps : 1;
}
/// References from key to key that are followed.
constexpr int kReferencesMax = 3;
/// Values of a column of which a correlated subquery is guessed to want one.
constexpr double kOuterValues = 100;

/// Functions that are worth computing for an estimate, and that cost little. What time it is is
/// known when the statement runs.
bool is_cheap(const FunctionNode& call) {
  static constexpr std::array<std::string_view, 9> kCheap = {
      "abs", "date", "datetime", "julianday", "lower", "strftime", "time", "unixepoch", "upper"};
  const bool asks_now =
      std::any_of(call.children.begin(), call.children.end(), [](const ExprPtr& e) {
        if (e->kind != NodeKind::constant) return false;
        const ValueRef v = static_cast<const ConstantNode&>(*e).value.ref();
        return v.is_text() && equals_nocase(v.bytes(), "now");
      });
  return !call.children.empty() && !asks_now &&
         std::find(kCheap.begin(), kCheap.end(), call.function.name) != kCheap.end();
}

/// Whether the value can be computed before the run, by looking at nothing but parameters.
bool is_known(const ExprNode& expr, std::size_t parameters) {
  switch (expr.kind) {
    case NodeKind::constant: return true;
    case NodeKind::parameter: return static_cast<const ParameterNode&>(expr).number <= parameters;
    case NodeKind::function:
      if (expr.volatile_result || !is_cheap(static_cast<const FunctionNode&>(expr))) return false;
      break;
    case NodeKind::unary:
    case NodeKind::arithmetic:
    case NodeKind::concat:
    case NodeKind::cast:
    case NodeKind::collate: break;
    default: return false;
  }
  return std::all_of(expr.children.begin(), expr.children.end(),
                     [&](const ExprPtr& child) { return is_known(*child, parameters); });
}

/// The part of rows that a condition keeps, where nothing is known.
double guess(const ExprNode& expr) noexcept {
  if (expr.kind == NodeKind::comparison) {
    const ast::BinaryOp op = static_cast<const ComparisonNode&>(expr).op;
    if (op == ast::BinaryOp::eq || op == ast::BinaryOp::is) return 0.05;
    if (op == ast::BinaryOp::ne || op == ast::BinaryOp::is_not) return 0.9;
    return 0.33;
  }
  if (expr.kind == NodeKind::logical) {
    const double left = guess(*expr.children[0]);
    const double right = guess(*expr.children[1]);
    const bool conjunction = static_cast<const LogicalNode&>(expr).conjunction;
    return conjunction ? left * right : std::min(left + right, 1.0);
  }
  if (expr.kind == NodeKind::in_list) {
    const double one = 0.05 * static_cast<double>(expr.children.size() - 1);
    return static_cast<const InListNode&>(expr).negated ? 0.9 : std::min(one, 0.5);
  }
  if (expr.kind == NodeKind::like) return 0.1;
  return 0.5;
}

}  // namespace

/// Computes what the terms compare with, as far as that is known and an index has samples.
Result<void> JoinPlanner::find_known_values() {
  Runtime& runtime = context_.runtime;
  const auto compute = [&](Term& term, ExprNode& expr) -> bool {
    if (!is_known(expr, runtime.parameters.size())) return false;
    ValueArena arena;
    const auto value = eval_one(expr, runtime, arena, Batch());
    if (!value) return false;
    term.values.emplace_back(with_comparison_affinity(*value, term.applied, arena));
    return true;
  };
  for (Term& term : terms_) {
    if (term.others != 0 || term.reads_outer) continue;
    const auto& indexes = info_[term.relation].indexes;
    if (std::none_of(indexes.begin(), indexes.end(),
                     [](const UsableIndex& usable) { return has_samples(*usable.index); })) {
      continue;
    }
    ExprNode& condition = *conditions_[term.condition].expr;
    if (condition.kind == NodeKind::comparison) {
      compute(term, *condition.children[term.slot_is_left ? 1 : 0]);
    } else if (condition.kind == NodeKind::in_list) {
      const std::size_t last = std::min(condition.children.size(), kValuesMax + 1);
      bool all = true;
      for (std::size_t c = 1; c < last && all; ++c) all = compute(term, *condition.children[c]);
      if (!all) term.values.clear();
    }
  }
  note_parameters();
  return {};
}

/// The plan is one for these values of the parameters that are compared with an index's first
/// column.
void JoinPlanner::note_parameters() {
  for (const Term& term : terms_) {
    const ExprNode& condition = *conditions_[term.condition].expr;
    if (condition.kind != NodeKind::comparison) continue;
    const ExprNode& value = *condition.children[term.slot_is_left ? 1 : 0];
    if (value.kind != NodeKind::parameter) continue;
    PlannedValues::Use use;
    use.parameter = static_cast<const ParameterNode&>(value).number;
    use.affinity = term.applied;
    switch (term.op) {
      case TermOp::eq: use.compared = PlannedValues::Compared::equal; break;
      case TermOp::lt: use.compared = PlannedValues::Compared::below; break;
      case TermOp::le: use.compared = PlannedValues::Compared::up_to; break;
      case TermOp::gt: use.compared = PlannedValues::Compared::above; break;
      case TermOp::ge: use.compared = PlannedValues::Compared::from; break;
      default: continue;
    }
    for (const UsableIndex& usable : info_[term.relation].indexes) {
      const Index& index = *usable.index;
      if (!has_samples(index) || !fits(term, usable, 0)) continue;
      use.index = &index;
      if (!term.values.empty()) {
        use.rows = PlannedValues::rows_of(index, use.compared, term.values[0].ref());
      } else {
        const bool equal = term.op == TermOp::eq && index.stat.size() > 1;
        use.rows = static_cast<double>(index.stat[equal ? 1 : 0]) * (equal ? 1 : kRangeKeeps);
      }
      context_.runtime.values.add(use);
    }
  }
}

/// How many values an IN has.
double JoinPlanner::value_count(const Term& term) const {
  const ExprNode* const condition = conditions_[term.condition].expr.get();
  if (condition == nullptr || condition->kind != NodeKind::in_list) return kSubqueryValues;
  return static_cast<double>(condition->children.size() - 1);
}

/// Entries between the bounds of a range on the column behind `key`, by samples. A bound that is
/// not known keeps one row in four.
double JoinPlanner::sampled_range(const Index& index, std::vector<ValueRef>& key, int low,
                                  int high) const {
  const bool descending = index.columns[key.size()].descending;
  double start = sampled_before(index, key, false);
  double end = sampled_before(index, key, true);
  double part = 1;
  const auto bound = [&](int number, bool is_low, TermOp inclusive_op) {
    if (number < 0) return;
    const Term& term = terms_[static_cast<std::size_t>(number)];
    if (term.values.empty()) {
      part *= kRangeKeeps;
      return;
    }
    if (term.values[0].ref().is_null()) part = 0;
    const bool inclusive = term.op == inclusive_op;
    key.push_back(term.values[0].ref());
    if (is_low != descending) {
      start = std::max(start, sampled_before(index, key, !inclusive));
    } else {
      end = std::min(end, sampled_before(index, key, inclusive));
    }
    key.pop_back();
  };
  bound(low, true, TermOp::ge);
  bound(high, false, TermOp::le);
  return std::max(end - start, 0.0) * part;
}

/// Entries that the terms of a choice select, by samples; nothing where no value is known.
std::optional<double> JoinPlanner::sampled_rows(const Choice& choice) const {
  const Index& index = *choice.index;
  if (!has_samples(index)) return std::nullopt;
  std::size_t known = 0;
  std::size_t many = choice.equal.size();  // the place of the IN
  for (; known < choice.equal.size(); ++known) {
    const Term& term = terms_[choice.equal[known]];
    if (term.values.empty()) break;
    if (term.op == TermOp::in) many = known;
  }
  const bool range_counts = known == choice.equal.size() && (choice.low >= 0 || choice.high >= 0);
  const auto is_known = [&](int number) {
    return number >= 0 && !terms_[static_cast<std::size_t>(number)].values.empty();
  };
  if (known == 0 && !(range_counts && (is_known(choice.low) || is_known(choice.high)))) {
    return std::nullopt;
  }
  std::vector<ValueRef> key(known);
  bool null = false;  // that equals nothing
  for (std::size_t i = 0; i < known; ++i) {
    const Term& term = terms_[choice.equal[i]];
    key[i] = term.values[0].ref();
    null = null || (term.op == TermOp::eq && key[i].is_null());
  }
  if (null) return 0;
  double rows = 0;
  const std::size_t alternatives = many < known ? terms_[choice.equal[many]].values.size() : 1;
  for (std::size_t a = 0; a < alternatives; ++a) {
    if (many < known) key[many] = terms_[choice.equal[many]].values[a].ref();
    if (many < known && key[many].is_null()) continue;
    rows += range_counts ? sampled_range(index, key, choice.low, choice.high)
                         : sampled_equal(index, key);
  }
  if (many < known) {
    rows *= value_count(terms_[choice.equal[many]]) / static_cast<double>(alternatives);
  }
  if (range_counts) return rows;
  // What is not known keeps its usual part.
  const std::size_t at = choice.equal.size();
  if (index.stat.size() > at && index.stat[known] > 0) {
    rows *= static_cast<double>(index.stat[at]) / static_cast<double>(index.stat[known]);
  }
  for (std::size_t i = known; i < at; ++i) {
    if (terms_[choice.equal[i]].op == TermOp::in) rows *= value_count(terms_[choice.equal[i]]);
  }
  rows *= range_part(choice.low >= 0, choice.high >= 0);
  return rows;
}

/// Entries of a choice's index that its terms select, `rows` being in it.
double JoinPlanner::matching_rows(const Choice& choice, double rows) const {
  if (const std::optional<double> sampled = sampled_rows(choice)) return *sampled;
  const Index& index = *choice.index;
  const std::size_t at = choice.equal.size();
  double matches = rows;
  if (at > 0) {
    bool null_safe = false;
    double values = 1;
    for (const std::size_t t : choice.equal) {
      null_safe = null_safe || terms_[t].op == TermOp::is;
      if (terms_[t].op == TermOp::in) values = value_count(terms_[t]);
    }
    if (index.stat.size() > at) {
      matches = static_cast<double>(index.stat[at]);
    } else if (at == index.columns.size() && index.unique && !null_safe) {
      matches = 1;
    } else if (at == 1 && terms_[choice.equal[0]].distinct > 0) {
      matches = std::max(1.0, rows / terms_[choice.equal[0]].distinct);
    } else {
      matches = std::max(1.0, std::min(rows * 0.3, 10.0 / static_cast<double>(at)));
    }
    matches *= values;
  }
  return matches * range_part(choice.low >= 0, choice.high >= 0);
}

Result<double> JoinPlanner::rows_of(const Table& table) const {
  if (table.row_estimate != 0) return static_cast<double>(table.row_estimate);
  for (std::size_t r = 0; r < info_.size(); ++r) {
    if (scope_.relations[r].table == &table) return info_[r].rows;
  }
  storage::Transaction* const pages = context_.pages(table.database);
  if (pages == nullptr || table.root == 0) return 0.0;
  const std::uint64_t rows = TRY(storage::estimate_entries(*pages, table.root));
  return static_cast<double>(rows);
}

/// How many distinct values a column has: by statistics, since it is a key, or since it refers to
/// the key of another table (`depth` of which are looked at). 0: unknown.
Result<double> JoinPlanner::distinct_values(const Table& table, int column, double rows,
                                            int depth) const {
  if (column == SlotNode::kRowidColumn || column == table.rowid_column) return rows;
  double known = 0;
  for (const auto& index : table.indexes) {
    if (index->where != nullptr || index->columns[0].column != column) continue;
    if (index->stat.size() > 1 && index->stat[1] > 0) {
      known = std::max(known, static_cast<double>(index->stat[0] / index->stat[1]));
    } else if (index->unique && index->columns.size() == 1) {
      known = rows;
    }
  }
  if (known > 0 || depth == 0) return known;
  for (const ForeignKey& key : table.foreign_keys) {
    const auto place = std::find(key.columns.begin(), key.columns.end(), column);
    if (place == key.columns.end()) continue;
    const Table* const parent = context_.schemas[table.database].find_table(key.parent);
    if (parent == nullptr || parent->kind != TableKind::table) continue;
    const auto at = static_cast<std::size_t>(place - key.columns.begin());
    int referred = parent->rowid_column;
    if (at < key.parent_columns.size()) {
      referred = parent->find_column(key.parent_columns[at]);
    } else if (key.columns.size() > 1) {
      continue;
    }
    const double parent_rows = TRY(rows_of(*parent));
    double values = parent_rows;
    if (key.columns.size() > 1) {
      values = TRY(distinct_values(*parent, referred, parent_rows, depth - 1));
    }
    values = std::min(values, rows);
    if (values > 0 && (known == 0 || values < known)) known = values;
  }
  return known;
}

Result<void> JoinPlanner::find_distinct_values() {
  for (Term& term : terms_) {
    const Table* const table = scope_.relations[term.relation].table;
    if (term.op > TermOp::in || term.column == kNoColumn || table == nullptr) continue;
    term.distinct =
        TRY(distinct_values(*table, term.column, info_[term.relation].rows, kReferencesMax));
  }
  return {};
}

/// Of how many values, as likely as each other, an equality wants one: what both sides have is what
/// the side with fewer has, so that the other one counts.
double JoinPlanner::join_distinct(const Term& term) const {
  double known = term.distinct;
  double rows = info_[term.relation].rows;
  for (const Term& other : terms_) {
    if (other.condition == term.condition && other.relation != term.relation) {
      known = std::max(known, other.distinct);
    }
  }
  if (known > 0) return known;
  if (term.others == 0) return kOuterValues;
  for (std::size_t r = 0; r < info_.size(); ++r) {
    if ((term.others >> r & 1) != 0) rows = std::max(rows, info_[r].rows);
  }
  return rows;
}

/// Whether the values that a choice's terms compare with are those of a whole unique index of `r`.
bool JoinPlanner::is_matched_key(const Index& index, std::size_t r, const Choice& choice) const {
  if (!index.unique || index.where != nullptr) return false;
  return std::all_of(index.columns.begin(), index.columns.end(), [&](const IndexColumn& column) {
    return std::any_of(choice.equal.begin(), choice.equal.end(), [&](std::size_t t) {
      return std::any_of(terms_.begin(), terms_.end(), [&](const Term& other) {
        return other.condition == terms_[t].condition && other.relation == r &&
               other.column == column.column && column.column >= 0;
      });
    });
  });
}

/// Rows of a relation that are found in a hash table of those that its own conditions let pass.
double JoinPlanner::hash_matches(const Choice& choice, std::size_t relation) const {
  const RelationInfo& info = info_[relation];
  const double rows = info.rows * info.kept;
  for (const UsableIndex& usable : info.indexes) {
    const Index& index = *usable.index;
    const bool is_key =
        index.unique && index.where == nullptr &&
        std::all_of(index.columns.begin(), index.columns.end(), [&](const IndexColumn& column) {
          return column.column >= 0 &&
                 std::any_of(choice.equal.begin(), choice.equal.end(), [&](std::size_t t) {
                   return terms_[t].column == column.column && terms_[t].op == TermOp::eq;
                 });
        });
    if (is_key) return info.kept;
  }
  // Where the other side is a key, the rows are spread over its values.
  for (std::size_t r = 0; r < info_.size(); ++r) {
    for (const UsableIndex& usable : info_[r].indexes) {
      if (r != relation && is_matched_key(*usable.index, r, choice)) return rows / info_[r].rows;
    }
  }
  std::vector<double> values;
  for (const std::size_t t : choice.equal)
    values.push_back(std::max(join_distinct(terms_[t]), 1.0));
  std::sort(values.begin(), values.end(), std::greater<>());
  // Keys of several columns are seldom independent: each further one counts less.
  double all = 1;
  double weight = 1;
  for (const double each : values) {
    all *= std::pow(each, weight);
    weight /= 2;
  }
  return rows / all;
}

/// The part of the rows of `relation` that a condition on it alone lets pass.
double JoinPlanner::part_kept(std::size_t relation, std::size_t condition) const {
  for (std::size_t t = 0; t < terms_.size(); ++t) {
    const Term& term = terms_[t];
    if (term.condition != condition || term.relation != relation || term.values.empty()) continue;
    for (const UsableIndex& usable : info_[relation].indexes) {
      if (!has_samples(*usable.index) || usable.index->where != nullptr) continue;
      if (!fits(term, usable, 0)) continue;
      Choice choice;
      choice.index = usable.index;
      const bool low = term.op == TermOp::gt || term.op == TermOp::ge;
      const bool high = term.op == TermOp::lt || term.op == TermOp::le;
      if (low) choice.low = static_cast<int>(t);
      if (high) choice.high = static_cast<int>(t);
      if (!low && !high) choice.equal.push_back(t);
      const auto all = static_cast<double>(usable.index->stat[0]);
      return std::clamp(*sampled_rows(choice) / std::max(all, 1.0), 1e-6, 1.0);
    }
  }
  for (const Term& term : terms_) {
    if (term.condition != condition || term.relation != relation || term.distinct == 0) continue;
    if (term.op == TermOp::eq) return 1 / std::max(term.distinct, 1.0);
  }
  return guess(*conditions_[condition].expr);
}

}  // namespace saturn::sql
