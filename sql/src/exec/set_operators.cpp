#include "exec/operators.hpp"
#include "exec/row_sorter.hpp"
#include "exec/row_spool.hpp"
#include "exec/take_rows.hpp"

#include <algorithm>

// Operators that tell rows apart: DISTINCT, UNION, EXCEPT and INTERSECT. Each begins with a hash
// table in memory, and goes on with sorted rows when there is no more room.

namespace saturn::sql {
namespace {

std::vector<SortKey> every_column(const std::vector<const Collation*>& collations) {
  std::vector<SortKey> keys;
  for (Slot i = 0; i < collations.size(); ++i) keys.push_back({i, false, false, collations[i]});
  return keys;
}

const Batch* end_of_rows() noexcept { return nullptr; }

}  // namespace

// --- DISTINCT ------------------------------------------------------------------------------------

/// Rows that memory could not tell from each other. They are sorted, so that equal ones meet, and
/// the first of them sorted again by when they came, which is the order to hand them on in.
struct DistinctOperator::Late {
  Late(Runtime& runtime, const std::vector<const Collation*>& collations)
      : width(static_cast<std::uint32_t>(collations.size())),
        by_value(runtime, every_column(collations), width + 1),
        by_turn(runtime, {{width}}, width + 1),
        row(width + 1) {
    for (std::uint32_t i = 0; i < width; ++i) {
      buffers.push_back(make_column());
      out.columns.push_back(buffers.back().get());
    }
  }

  Result<void> add(const ValueRef* values) {
    std::copy(values, values + width, row.begin());
    row[width] = ValueRef::integer(count++);
    return by_value.add(row.data());
  }

  /// Every row was added. // SUSPENDS
  Result<void> sort(Runtime& runtime) {
    TRY(by_value.sort());
    std::vector<ValueRef> first(width);
    ValueArena first_arena;
    for (std::size_t number = 0;; ++number) {
      if (number % limits::kBatchRows == 0) TRY(runtime.poll());
      const ValueRef* next = TRY(by_value.next());
      if (next == nullptr) break;
      if (number > 0 && compare_rows(first.data(), next, by_value.keys()) == 0) continue;
      TRY(by_turn.add(next));
      first_arena.reset();
      for (std::uint32_t i = 0; i < width; ++i) first[i] = kept_in(first_arena, next[i]);
    }
    by_value.clear();
    sorted = true;
    return by_turn.sort();
  }

  const std::uint32_t width;
  RowSorter by_value;
  RowSorter by_turn;
  std::vector<ValueRef> row;
  std::int64_t count = 0;
  bool sorted = false;
  std::vector<ColumnBuffer> buffers;
  Batch out;
  ValueArena arena;
};

DistinctOperator::DistinctOperator(Runtime& runtime, OperatorPtr input, std::uint32_t width,
                                   std::vector<const Collation*> collations)
    : runtime_(runtime),
      input_(std::move(input)),
      collations_(std::move(collations)),
      seen_(collations_, runtime.session.memory),
      rows_(std::make_unique<RowIndex[]>(limits::kBatchRows)) {
  row_.resize(width);
}

DistinctOperator::~DistinctOperator() = default;

Result<void> DistinctOperator::start() {
  seen_.clear();
  late_.reset();
  return input_->open();
}

void DistinctOperator::close() noexcept {
  seen_.clear();
  late_.reset();
  input_->close();
}

/// Chooses the rows of the batch that were not there before, in `rows_`; returns how many.
Result<std::uint32_t> DistinctOperator::choose_new(const Batch& batch) {
  std::uint32_t count = 0;
  for (const RowIndex row : batch.selection) {
    for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = batch.columns[i][row];
    if (late_) {
      if (seen_.find(row_.data()) == RowTable::kNone) TRY(late_->add(row_.data()));
      continue;
    }
    bool added = false;
    seen_.add(row_.data(), &added);
    if (added) rows_[count++] = row;
  }
  return count;
}

Result<const Batch*> DistinctOperator::produce() {
  while (!late_ || !late_->sorted) {
    const Batch* batch = TRY(input_->next());
    if (batch == nullptr) {
      if (!late_) return end_of_rows();
      TRY(late_->sort(runtime_));
      break;
    }
    TRY(runtime_.poll());
    const std::uint32_t count = TRY(choose_new(*batch));
    if (!late_ && runtime_.session.memory.wants_back(seen_.bytes()) &&
        SpillFile::available(runtime_.session)) {
      late_ = std::make_unique<Late>(runtime_, collations_);
    }
    if (count == 0) continue;
    out_.columns = batch->columns;
    out_.selection = {rows_.get(), count};
    return static_cast<const Batch*>(&out_);
  }
  return produce_late();
}

Result<const Batch*> DistinctOperator::produce_late() {
  TRY(runtime_.poll());
  Late& late = *late_;
  late.arena.reset();
  std::uint32_t count = 0;
  for (; count < limits::kBatchRows; ++count) {
    const ValueRef* row = TRY(late.by_turn.next());
    if (row == nullptr) break;
    for (std::uint32_t i = 0; i < late.width; ++i) {
      late.out.columns[i][count] = kept_in(late.arena, row[i]);
    }
  }
  if (count == 0) return end_of_rows();
  late.out.selection = first_rows(count);
  return static_cast<const Batch*>(&late.out);
}

// --- UNION, EXCEPT, INTERSECT --------------------------------------------------------------------

SetOperator::SetOperator(Runtime& runtime, ast::CompoundOp op, OperatorPtr left, OperatorPtr right,
                         std::vector<const Collation*> collations)
    : runtime_(runtime),
      op_(op),
      left_(std::move(left)),
      right_(std::move(right)),
      keys_(every_column(collations)),
      width_(static_cast<std::uint32_t>(collations.size())),
      table_(collations, runtime.session.memory),
      other_(collations, runtime.session.memory) {
  for (std::uint32_t i = 0; i < width_; ++i) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
}

SetOperator::~SetOperator() = default;

Result<void> SetOperator::start() {
  filled_ = false;
  at_ = 0;
  return {};
}

void SetOperator::close() noexcept {
  left_->close();
  right_->close();
  table_.clear();
  other_.clear();
  order_.clear();
  late_.reset();
}

/// Adds a row of the side that is 0 for the left one, 1 for the right one.
Result<void> SetOperator::add(const ValueRef* row, int side) {
  if (late_) return add_late(row, side);
  if (op_ == ast::CompoundOp::union_distinct) {
    table_.put(row);  // as in SQLite, of rows that are equal the last one is shown
  } else {
    (side == 0 ? table_ : other_).add(row);
  }
  if (!runtime_.session.memory.wants_back(table_.bytes() + other_.bytes()) ||
      !SpillFile::available(runtime_.session)) {
    return {};
  }
  late_ = std::make_unique<RowSorter>(runtime_, keys_, width_ + 1);
  for (std::uint32_t i = 0; i < table_.size(); ++i) TRY(add_late(table_.row(i), 0));
  for (std::uint32_t i = 0; i < other_.size(); ++i) TRY(add_late(other_.row(i), 1));
  table_.clear();
  other_.clear();
  return {};
}

Result<void> SetOperator::add_late(const ValueRef* row, int side) {
  std::vector<ValueRef> with_side(row, row + width_);
  with_side.push_back(ValueRef::integer(side));
  return late_->add(with_side.data());
}

Result<void> SetOperator::fill() {
  TRY(take_rows(runtime_, *left_, width_, [&](const ValueRef* row) { return add(row, 0); }));
  TRY(take_rows(runtime_, *right_, width_, [&](const ValueRef* row) { return add(row, 1); }));
  filled_ = true;
  if (late_) {
    TRY(late_->sort());
    next_ = TRY(late_->next());
    return {};
  }
  for (std::uint32_t i = 0; i < table_.size(); ++i) {
    const ValueRef* row = table_.row(i);
    if (is_result(true, other_.find(row) != RowTable::kNone)) order_.push_back(row);
  }
  std::sort(order_.begin(), order_.end(),
            [&](const ValueRef* a, const ValueRef* b) { return compare_rows(a, b, keys_) < 0; });
  return {};
}

/// Whether a row belongs to the result that is on the left side, or on the right.
bool SetOperator::is_result(bool left, bool right) const noexcept {
  switch (op_) {
    case ast::CompoundOp::except: return left && !right;
    case ast::CompoundOp::intersect: return left && right;
    default: return true;
  }
}

Result<const Batch*> SetOperator::produce() {
  if (!filled_) TRY(fill());
  if (late_) return produce_late();
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, order_.size() - at_));
  if (count == 0) return end_of_rows();
  for (std::uint32_t r = 0; r < count; ++r) {
    for (std::uint32_t i = 0; i < width_; ++i) out_.columns[i][r] = order_[at_ + r][i];
  }
  at_ += count;
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

/// Rows that are equal come one after the other, those of the left side first.
Result<const Batch*> SetOperator::produce_late() {
  TRY(runtime_.poll());
  arena_.reset();
  std::uint32_t count = 0;
  while (next_ != nullptr && count < limits::kBatchRows) {
    bool side[2] = {false, false};
    const bool shows_last = op_ == ast::CompoundOp::union_distinct;
    do {
      if (shows_last || (!side[0] && !side[1])) keep_candidate(next_);
      side[next_[width_].as_integer()] = true;
      next_ = TRY(late_->next());
    } while (next_ != nullptr && compare_rows(next_, candidate_.data(), keys_) == 0);
    if (!is_result(side[0], side[1])) continue;
    for (std::uint32_t i = 0; i < width_; ++i) {
      out_.columns[i][count] = kept_in(arena_, candidate_[i]);
    }
    ++count;
  }
  if (count == 0) return end_of_rows();
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

void SetOperator::keep_candidate(const ValueRef* row) {
  candidate_arena_.reset();
  candidate_.clear();
  for (std::uint32_t i = 0; i < width_; ++i) {
    candidate_.push_back(kept_in(candidate_arena_, row[i]));
  }
}

std::string SetOperator::describe() const {
  switch (op_) {
    case ast::CompoundOp::except: return "EXCEPT";
    case ast::CompoundOp::intersect: return "INTERSECT";
    default: return "UNION";
  }
}

}  // namespace saturn::sql
