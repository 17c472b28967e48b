#include "base/text.hpp"
#include "exec/count_operator.hpp"
#include "exec/function_access.hpp"
#include "exec/listing.hpp"
#include "exec/operators.hpp"
#include "exec/recursive_operator.hpp"
#include "exec/row_sorter.hpp"
#include "exec/shared_rows.hpp"
#include "exec/window_operator.hpp"

// How operators and access paths list themselves for EXPLAIN.

namespace saturn::sql {
namespace {

/// What an access path fills in: a slot, and the name of the column that goes there.
void list_column(Listing& listing, std::string_view name, Slot slot) {
  listing.leaf("output", "Column", std::string(name), slot);
}

void list_rowid(Listing& listing, Slot slot) {
  if (slot != kNoSlot) list_column(listing, "rowid", slot);
}

void list_from_record(Listing& listing, const Table& table,
                      const std::vector<WantedColumn>& wanted) {
  for (const WantedColumn& want : wanted) {
    for (const TableColumn& column : table.columns) {
      if (column.record_place != static_cast<int>(want.column)) continue;
      list_column(listing, column.name, want.slot);
      break;
    }
  }
}

void list_from_index(Listing& listing, const Index& index,
                     const std::vector<WantedColumn>& wanted) {
  for (const WantedColumn& want : wanted) {
    const int column = index.entry_column(want.column).column;
    list_column(
        listing,
        column >= 0 ? index.table->columns[static_cast<std::size_t>(column)].name : "<expr>",
        want.slot);
  }
}

void list_keys(Listing& listing, const SeekSpec& spec) {
  for (std::size_t i = 0; i < spec.equal.size(); ++i) {
    listing.add(cat("key ", i + 1),
                static_cast<int>(i) == spec.in_key ? spec.in : spec.equal[i].expr);
  }
  listing.add(spec.low_inclusive ? "from" : "above", spec.low);
  listing.add(spec.high_inclusive ? "to" : "below", spec.high);
}

void list_order(Listing& listing, const std::vector<SortKey>& keys) {
  for (const SortKey& key : keys) {
    listing.leaf("order", "SortKey",
                 cat("COLLATE ", key.collation->name(), key.descending ? " DESC" : " ASC",
                     key.nulls_last ? " NULLS LAST" : " NULLS FIRST"),
                 key.slot);
  }
}

}  // namespace

// --- access paths --------------------------------------------------------------------------------

void TableAccess::list(Listing& listing) const {
  const Listing::Part part = listing.part("Table", describe(), table_.database);
  list_keys(listing, keys_.spec());
  list_rowid(listing, rowid_slot_);
  list_from_record(listing, table_, wanted_);
}

void IndexAccess::list(Listing& listing) const {
  const Listing::Part part = listing.part("Index", describe(), index_.table->database);
  list_keys(listing, keys_.spec());
  list_rowid(listing, rowid_slot_);
  list_from_index(listing, index_, from_index_);
  list_from_record(listing, *index_.table, from_table_);
}

void ComputedAccess::list(Listing& listing) const {
  const Listing::Part part = listing.part("Compute");
  listing.add("input", *input_);
  for (const Column& column : columns_) listing.add(cat("slot ", column.slot), column.expr);
}

void MaterializedAccess::list(Listing& listing) const {
  const Listing::Part part = listing.part("Materialize", describe());
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    listing.add(cat("key ", i + 1), keys_[i].left);
    listing.add(cat("key ", i + 1, " of input"), keys_[i].right);
  }
  listing.add("input", *input_);
}

void FunctionAccess::list(Listing& listing) const {
  const Listing::Part part = listing.part("TableFunction", parts_.label);
  listing.add("argument", parts_.arguments);
  list_rowid(listing, parts_.rowid_slot);
  for (const auto& [column, slot] : parts_.wanted) {
    list_column(listing, cat("column ", column), slot);
  }
}

// --- operators -----------------------------------------------------------------------------------

void JoinOperator::list(Listing& listing) const {
  const Listing::Part part =
      listing.part(parts_.right_outer ? (parts_.outer ? "FullJoin" : "RightJoin")
                   : parts_.outer     ? "LeftJoin"
                                      : "Join");
  if (parts_.left) listing.add("left", *parts_.left);
  listing.add("right", *parts_.right);
  listing.add("condition", parts_.condition);
}

void FilterOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Filter");
  listing.add("condition", condition_);
  listing.add("input", *input_);
}

void GateOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Gate");
  listing.add("condition", condition_);
  listing.add("input", *input_);
}

void RenameOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Rename", label_);
  for (const auto& [from, to] : moves_) {
    listing.leaf("output", "Move", cat("slot ", from, " to ", to), to);
  }
  listing.add("input", *input_);
}

void ProjectOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Project");
  listing.add("column", exprs_);
  if (input_) listing.add("input", *input_);
}

void ValuesOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Values");
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    listing.add(cat("row ", i + 1, " column"), rows_[i]);
  }
}

void SortOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Sort");
  list_order(listing, sorter_->keys());
  listing.add("input", *input_);
}

void LimitOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Limit");
  listing.add("limit", limit_);
  listing.add("offset", offset_);
  listing.add("input", *input_);
}

void DistinctOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Distinct");
  listing.add("input", *input_);
}

void AppendOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Append", "UNION ALL");
  for (const OperatorPtr& input : parts_) listing.add("input", *input);
}

void SetOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Set", describe());
  listing.add("left", *left_);
  listing.add("right", *right_);
}

void AggregateOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Group");
  listing.add("key", parts_.keys);
  for (const Call& call : parts_.calls) {
    const Listing::Part aggregate =
        listing.part("Aggregate", cat(call.function->name, call.distinct ? " DISTINCT" : ""));
    listing.add("argument", call.arguments);
    listing.add("order", call.order);
    listing.add("filter", call.filter);
  }
  listing.add("bare column", parts_.bare);
  listing.add("input", *input_);
}

void CountOperator::list(Listing& listing) const {
  listing.leaf("input", "Count", describe(), table_.database);
}

void WindowOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Window");
  listing.add("partition", parts_.partition);
  listing.add("order", parts_.order);
  for (std::size_t i = 0; i < parts_.calls.size(); ++i) {
    const Call& call = parts_.calls[i];
    const Listing::Part function = listing.part("WindowFunction", std::string(call.function->name),
                                                static_cast<std::int64_t>(parts_.first_result + i));
    listing.add("argument", call.arguments);
    listing.add("filter", call.filter);
    listing.add("frame start", call.frame.start_offset);
    listing.add("frame end", call.frame.end_offset);
  }
  listing.add("input", *input_);
}

void QueueScan::list(Listing& listing) const { listing.leaf("input", "Queue"); }

void RecursiveOperator::list(Listing& listing) const {
  const Listing::Part part = listing.part("Recursive", parts_.distinct ? "UNION" : "UNION ALL");
  list_order(listing, parts_.order);
  listing.add("initial", *parts_.initial);
  for (const OperatorPtr& step : parts_.steps) listing.add("step", *step);
}

void SharedScan::list(Listing& listing) const {
  const Listing::Part part = listing.part("Shared");
  if (listing.is_new(rows_.get())) listing.add("input", rows_->root());
}

}  // namespace saturn::sql
