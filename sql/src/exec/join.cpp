#include "exec/operators.hpp"

#include <algorithm>

// A batch that goes out covers (a part of) one batch of the left side only, since the bytes of the
// left rows' texts are gone when the left side moves on. The first batch of a run is small and each
// one is twice the one before, so that a consumer that wants few rows does not pay for many.

namespace saturn::sql {
namespace {

constexpr std::uint32_t kFirstRows = 32;
/// With `outer`, up to as many unmatched left rows may follow the rows that were fetched.
constexpr std::uint32_t kOuterRows = limits::kBatchRows / 2;

}  // namespace

JoinOperator::JoinOperator(Runtime& runtime, Parts parts)
    : runtime_(runtime),
      parts_(std::move(parts)),
      rows_(std::make_unique<RowIndex[]>(limits::kBatchRows)),
      left_of_(std::make_unique<RowIndex[]>(limits::kBatchRows)),
      first_rows_(kFirstRows) {
  out_.columns.assign(parts_.slot_count, nullptr);
  for (const auto* slots : {&parts_.left_slots, &parts_.right_slots}) {
    for (const Slot slot : *slots) {
      buffers_.push_back(make_column());
      out_.columns[slot] = buffers_.back().get();
    }
  }
  single_.columns.assign(parts_.slot_count, nullptr);
  single_.selection = first_rows(1);
  if (parts_.outer) passed_ = std::make_unique<RowIndex[]>(limits::kBatchRows);
}

void JoinOperator::expect_rows(std::uint32_t rows) noexcept {
  first_rows_ = std::clamp(rows, 1U, kFirstRows);
  if (parts_.left) parts_.left->expect_rows(rows);
}

void JoinOperator::begin() noexcept {
  left_batch_ = nullptr;
  left_done_ = false;
  room_ = first_rows_;
}

Result<void> JoinOperator::start() {
  begin();
  if (parts_.left) TRY(parts_.left->open());
  return parts_.right->open();
}

Result<void> JoinOperator::restart() {
  begin();
  if (parts_.left) TRY(parts_.left->reopen());
  return parts_.right->reopen();
}

void JoinOperator::close() noexcept {
  if (parts_.left) parts_.left->close();
  parts_.right->close();
  left_batch_ = nullptr;
}

Result<bool> JoinOperator::next_left() {
  if (left_done_) return false;
  if (parts_.left) {
    left_batch_ = TRY(parts_.left->next());
  } else {
    left_batch_ = &single_;
    left_done_ = true;
  }
  if (left_batch_ == nullptr) {
    left_done_ = true;
    return false;
  }
  left_arena_.reset();
  left_at_ = 0;
  reported_ = 0;
  row_started_ = false;
  if (parts_.outer) matched_.assign(left_batch_->selection.count, false);
  EvalContext context{runtime_, left_arena_, *left_batch_};
  TRY(parts_.right->bind(context, left_batch_->selection));
  return true;
}

/// Fetches right rows for as many left rows as there is room for; returns how many came.
Result<std::uint32_t> JoinOperator::fill() {
  const std::uint32_t room = parts_.outer ? std::min(room_, kOuterRows) : room_;
  const Selection left = left_batch_->selection;
  const std::uint32_t left_end =
      parts_.outer ? std::min(left.count, reported_ + kOuterRows) : left.count;
  std::uint32_t count = 0;
  while (left_at_ < left_end && count < room) {
    if (!row_started_) {
      TRY(parts_.right->start(left.rows[left_at_]));
      row_started_ = true;
    }
    const std::uint32_t got = TRY(parts_.right->fetch(out_, count, room - count));
    for (std::uint32_t i = count; i < count + got; ++i) {
      left_of_[i] = static_cast<RowIndex>(left_at_);
    }
    count += got;
    if (count == room) break;  // this left row may have more
    row_started_ = false;
    ++left_at_;
  }
  return count;
}

/// Copies the left values for output rows [first, first + count).
void JoinOperator::gather(std::uint32_t first, std::uint32_t count) {
  const RowIndex* left_rows = left_batch_->selection.rows;
  for (const Slot slot : parts_.left_slots) {
    const ValueRef* from = left_batch_->columns[slot];
    ValueRef* to = out_.columns[slot];
    for (std::uint32_t i = first; i < first + count; ++i) to[i] = from[left_rows[left_of_[i]]];
  }
}

Result<void> JoinOperator::select(std::uint32_t count) {
  out_.selection = first_rows(count);
  if (!parts_.condition) return {};
  EvalContext context{runtime_, arena_, out_};
  const std::uint32_t passed =
      TRY(filter_rows(*parts_.condition, context, out_.selection, scratch_.get(), rows_.get()));
  out_.selection = {rows_.get(), passed};
  return {};
}

/// Puts left rows that are done and had no match between the others, in the order of the left side.
void JoinOperator::add_unmatched(std::uint32_t count) {
  for (const RowIndex row : out_.selection) matched_[left_of_[row]] = true;
  std::uint32_t passed = 0;
  std::uint32_t next = 0;
  std::uint32_t extra = count;
  const auto take_up_to = [&](std::uint32_t left) {
    while (next < out_.selection.count && left_of_[out_.selection.rows[next]] <= left) {
      passed_[passed++] = out_.selection.rows[next++];
    }
  };
  for (std::uint32_t left = reported_; left < left_at_; ++left) {
    take_up_to(left);
    if (matched_[left]) continue;
    for (const Slot slot : parts_.right_slots) out_.columns[slot][extra] = ValueRef();
    left_of_[extra] = static_cast<RowIndex>(left);
    passed_[passed++] = static_cast<RowIndex>(extra++);
  }
  take_up_to(limits::kBatchRows);
  reported_ = left_at_;
  gather(count, extra - count);
  out_.selection = {passed_.get(), passed};
}

/// After all left rows: the right rows that none of them met.
Result<const Batch*> JoinOperator::next_unmatched_right() {
  if (!parts_.right_outer) return static_cast<const Batch*>(nullptr);
  for (const Slot slot : parts_.left_slots) {
    std::fill_n(out_.columns[slot], limits::kBatchRows, ValueRef());
  }
  const std::uint32_t count = TRY(parts_.right->fetch_unmatched(out_, limits::kBatchRows));
  if (count == 0) return static_cast<const Batch*>(nullptr);
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

Result<const Batch*> JoinOperator::produce() {
  for (;;) {
    TRY(runtime_.poll());
    if (left_batch_ == nullptr || left_at_ == left_batch_->selection.count) {
      left_batch_ = nullptr;
      const bool more = TRY(next_left());
      if (!more) return next_unmatched_right();
    }
    arena_.reset();
    parts_.right->recycle();
    const std::uint32_t count = TRY(fill());
    room_ = std::min(room_ * 2, limits::kBatchRows);
    gather(0, count);
    TRY(select(count));
    if (parts_.right_outer) {
      for (const RowIndex row : out_.selection) parts_.right->mark_matched(row);
    }
    if (parts_.outer) add_unmatched(count);
    if (out_.selection.count > 0) return static_cast<const Batch*>(&out_);
  }
}

std::string JoinOperator::describe() const {
  std::string text = parts_.right->describe();
  if (parts_.right_outer) {
    text += parts_.outer ? " FULL-JOIN" : " RIGHT-JOIN";
  } else if (parts_.outer) {
    text += " LEFT-JOIN";
  }
  return text;
}

std::vector<Operator*> JoinOperator::inputs() const {
  std::vector<Operator*> inputs;
  if (parts_.left) inputs.push_back(parts_.left.get());
  if (parts_.right->input() != nullptr) inputs.push_back(parts_.right->input());
  return inputs;
}

}  // namespace saturn::sql
