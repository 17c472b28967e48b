#include "exec/record_decode.hpp"
#include "plan/join_planner.hpp"
#include "plan/table_columns.hpp"
#include "storage/btree.hpp"

#include <algorithm>
#include <limits>

// What conditions on one table let pass, where ANALYZE has told nothing: they are tried on some of
// the table's rows. A guess that is ten times wrong makes a join go down a tree for every row where
// it should have read the table once, and the other way round; a look at a few pages costs less.

namespace saturn::sql {
namespace {

/// Smaller tables are not worth looking at.
constexpr double kRowsMin = 5000;
/// Places in the table, at equal distances of rowids, and the rows that are read at each.
constexpr std::uint32_t kPlaces = 16;
constexpr std::uint32_t kRowsEach = 16;

/// Whether a condition can be tried before the statement runs: all that it needs is at hand, and it
/// costs little.
bool can_be_tried(const ExprNode& expr, std::size_t parameters) {
  if (expr.volatile_result || expr.reads_outer || expr.expensive || expr.subtypes) return false;
  switch (expr.kind) {
    case NodeKind::parameter:
      if (static_cast<const ParameterNode&>(expr).number > parameters) return false;
      break;
    case NodeKind::constant:
    case NodeKind::slot:
    case NodeKind::unary:
    case NodeKind::arithmetic:
    case NodeKind::comparison:
    case NodeKind::logical:
    case NodeKind::like:
    case NodeKind::in_list:
    case NodeKind::cast:
    case NodeKind::collate: break;
    default: return false;
  }
  return std::all_of(expr.children.begin(), expr.children.end(),
                     [&](const ExprPtr& child) { return can_be_tried(*child, parameters); });
}

}  // namespace

/// Rows of a relation's table from all over it, in the slots of the relation; returns their number.
Result<std::uint32_t> JoinPlanner::read_some_rows(std::size_t relation, const Batch& out,
                                                  ValueArena& arena) {
  const Relation& r = scope_.relations[relation];
  const Table& table = *r.table;
  std::vector<WantedColumn> wanted = TRY(wanted_columns(relation, nullptr)).from_table;
  const Slot rowid_slot = r.slots[r.rowid_place()];
  storage::BTreeCursor cursor(*context_.pages(table.database), table.root);
  const bool any = TRY(cursor.last());
  if (!any) return 0U;
  const std::int64_t last = cursor.rowid();
  bool more = TRY(cursor.first());
  const std::int64_t first = cursor.rowid();
  const std::uint64_t distance =
      (static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first)) / kPlaces + 1;
  std::uint32_t rows = 0;
  for (std::uint32_t place = 0; place < kPlaces; ++place) {
    const std::int64_t begin =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(first) + place * distance);
    if (begin > last) break;
    // Where rowids leave gaps, the rows behind one stand for it.
    if (!more || cursor.rowid() < begin) more = TRY(cursor.seek(storage::Seek::ge, begin));
    for (std::uint32_t i = 0; i < kRowsEach && more; ++i) {
      const auto row = static_cast<RowIndex>(rows++);
      if (rowid_slot != kNoSlot) out.columns[rowid_slot][row] = ValueRef::integer(cursor.rowid());
      TRY(decode_columns(TRY(cursor.payload()), table.root, table.encoding, wanted,
                         out.columns.data(), row, &arena));
      more = TRY(cursor.next());
    }
    if (!more) break;
  }
  return rows;
}

/// Tries the conditions on a relation alone: `kept_` of each, and what all of them together let
/// pass. Those that cannot be tried count as they did.
Result<void> JoinPlanner::try_conditions(std::size_t relation) {
  const Relation& r = scope_.relations[relation];
  RelationInfo& info = info_[relation];
  if (r.table == nullptr || r.table->root == 0 || r.table->without_rowid) return {};
  if (r.table->row_estimate != 0 || !context_.has(Rule::table_samples)) return {};
  if (scope_.relations.size() < 2 || info.rows < kRowsMin || !info.virtuals.empty()) return {};
  if (context_.pages(r.table->database) == nullptr) return {};
  std::vector<std::size_t> tried;
  double others = 1;
  for (std::size_t i = 0; i < conditions_.size(); ++i) {
    const ExprNode& expr = *conditions_[i].expr;
    if (expr.tables != std::uint64_t{1} << relation || !usable_for(conditions_[i], relation))
      continue;
    // What a key is compared with chooses one row.
    const bool by_key = std::any_of(terms_.begin(), terms_.end(), [&](const Term& term) {
      return term.condition == i && term.op == TermOp::eq && term.distinct >= info.rows;
    });
    if (by_key) return {};
    if (can_be_tried(expr, context_.runtime.parameters.size())) {
      tried.push_back(i);
    } else {
      others *= kept_[i];
    }
  }
  if (tried.empty()) return {};
  std::vector<ColumnBuffer> buffers;
  Batch batch;
  batch.columns.assign(scope_.slot_count, nullptr);
  for (const Slot slot : used_slots(relation)) {
    buffers.push_back(make_column());
    batch.columns[slot] = buffers.back().get();
  }
  ValueArena arena;
  const std::uint32_t rows = TRY(read_some_rows(relation, batch, arena));
  if (rows < kPlaces) return {};
  batch.selection = first_rows(rows);
  EvalContext context{context_.runtime, arena, batch};
  const ColumnBuffer scratch = make_column();
  RowIndex passed[limits::kBatchRows];
  RowIndex left[limits::kBatchRows];
  std::copy(batch.selection.begin(), batch.selection.end(), left);
  std::uint32_t left_count = rows;
  const auto part = [&](std::uint32_t count) { return (count + 0.5) / (rows + 1.0); };
  for (const std::size_t i : tried) {
    ExprNode& expr = *conditions_[i].expr;
    const auto alone = filter_rows(expr, context, batch.selection, scratch.get(), passed);
    if (!alone) return {};  // the run will say what is wrong, if it comes to that
    kept_[i] = part(*alone);
    const auto together = filter_rows(expr, context, {left, left_count}, scratch.get(), left);
    if (!together) return {};
    left_count = *together;
  }
  info.kept = part(left_count) * others;
  return {};
}

}  // namespace saturn::sql
