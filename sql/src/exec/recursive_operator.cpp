#include "exec/recursive_operator.hpp"

#include <algorithm>

namespace saturn::sql {

Result<const Batch*> QueueScan::produce() {
  if (done_ || rows_->batch.selection.count == 0) return static_cast<const Batch*>(nullptr);
  done_ = true;
  return static_cast<const Batch*>(&rows_->batch);
}

RecursiveOperator::RecursiveOperator(Runtime& runtime, Parts parts)
    : runtime_(runtime),
      parts_(std::move(parts)),
      seen_(parts_.collations, runtime.session.memory),
      now_(parts_.width, runtime.session.memory),
      then_(parts_.width, runtime.session.memory),
      row_(parts_.width) {
  for (std::uint32_t i = 0; i < parts_.width; ++i) buffers_.push_back(make_column());
}

std::vector<Operator*> RecursiveOperator::inputs() const {
  std::vector<Operator*> inputs{parts_.initial.get()};
  for (const OperatorPtr& step : parts_.steps) inputs.push_back(step.get());
  return inputs;
}

Result<void> RecursiveOperator::start() {
  started_ = false;
  pending_ = false;
  at_ = 0;
  return {};
}

void RecursiveOperator::close() noexcept {
  parts_.initial->close();
  for (const OperatorPtr& step : parts_.steps) step->close();
  now_.clear();
  then_.clear();
  heap_.clear();
  seen_.clear();
  at_ = 0;
}

/// Puts all rows of `source` into the queue.
Result<void> RecursiveOperator::take(Operator& source) {
  const bool ordered = !parts_.order.empty();
  RowStore& to = ordered || !started_ ? now_ : then_;
  // Of rows that are equal in the order the first in comes first: the heap's top is the "largest".
  const auto later = [&](std::size_t a, std::size_t b) {
    const int c = compare_rows(now_.row(a), now_.row(b), parts_.order);
    return c != 0 ? c > 0 : a > b;
  };
  TRY(source.open());
  for (;;) {
    const Batch* batch = TRY(source.next());
    if (batch == nullptr) break;
    TRY(runtime_.poll());
    for (const RowIndex row : batch->selection) {
      for (std::size_t i = 0; i < row_.size(); ++i) row_[i] = batch->columns[i][row];
      bool added = true;
      if (parts_.distinct) seen_.add(row_.data(), &added);
      if (!added) continue;
      to.append(row_);
      if (!ordered) continue;
      heap_.push_back(now_.size() - 1);
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
  }
  source.close();
  return {};
}

bool RecursiveOperator::more() const noexcept {
  return parts_.order.empty() ? at_ < now_.size() : !heap_.empty();
}

/// Takes the next rows out of the queue, into the batch that is handed on.
void RecursiveOperator::take_chunk() {
  Batch& batch = parts_.queue->batch;
  batch.columns.clear();
  for (const ColumnBuffer& buffer : buffers_) batch.columns.push_back(buffer.get());
  std::size_t count = 1;
  if (!parts_.order.empty()) {
    const auto later = [&](std::size_t a, std::size_t b) {
      const int c = compare_rows(now_.row(a), now_.row(b), parts_.order);
      return c != 0 ? c > 0 : a > b;
    };
    std::pop_heap(heap_.begin(), heap_.end(), later);
    at_ = heap_.back();
    heap_.pop_back();
  } else if (!parts_.one_by_one) {
    count = std::min<std::size_t>(limits::kBatchRows, now_.size() - at_);
  }
  for (std::size_t r = 0; r < count; ++r) {
    const ValueRef* row = now_.row(at_ + r);
    for (std::size_t c = 0; c < buffers_.size(); ++c) buffers_[c][r] = row[c];
  }
  at_ += count;
  batch.selection = first_rows(static_cast<std::uint32_t>(count));
}

Result<const Batch*> RecursiveOperator::produce() {
  if (!started_) {
    TRY(take(*parts_.initial));
    started_ = true;
  }
  for (;;) {
    if (pending_) {
      pending_ = false;
      for (const OperatorPtr& step : parts_.steps) TRY(take(*step));
    }
    if (!more() && parts_.order.empty() && then_.size() > 0) {
      std::swap(now_, then_);
      then_.clear();
      at_ = 0;
    }
    if (!more()) return static_cast<const Batch*>(nullptr);
    TRY(runtime_.poll());
    take_chunk();
    pending_ = true;
    return static_cast<const Batch*>(&parts_.queue->batch);
  }
}

}  // namespace saturn::sql
