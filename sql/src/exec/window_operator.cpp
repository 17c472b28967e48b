#include "exec/window_operator.hpp"

#include "value/number.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace saturn::sql {

WindowOperator::WindowOperator(Runtime& runtime, OperatorPtr input, Parts parts)
    : runtime_(runtime), input_(std::move(input)), parts_(std::move(parts)) {
  std::size_t expressions = parts_.partition.size() + parts_.order.size();
  for (const Call& call : parts_.calls) {
    expressions += call.arguments.size() + (call.filter ? 1 : 0);
  }
  columns_.resize(expressions);
}

WindowOperator::~WindowOperator() = default;

Result<void> WindowOperator::start() {
  filled_ = false;
  at_ = 0;
  failure_.reset();
  return input_->open();
}

void WindowOperator::close() noexcept {
  input_->close();
  rows_.reset();
  order_.clear();
  peers_.clear();
  group_.clear();
  results_.clear();
  result_arena_.reset();
}

// --- taking the rows -----------------------------------------------------------------------------

Result<void> WindowOperator::take_batch(const Batch& batch) {
  if (!rows_) {
    kept_.clear();
    for (Slot s = 0; s < batch.columns.size(); ++s) {
      if (batch.columns[s] != nullptr) kept_.push_back(s);
    }
    std::size_t place = kept_.size();
    partition_keys_.clear();
    for (const ExprPtr& expr : parts_.partition) {
      SortKey key;
      key.slot = static_cast<Slot>(place++);
      key.collation = expr->collation != nullptr ? expr->collation
                                                 : &Collation::binary(runtime_.session.encoding());
      partition_keys_.push_back(key);
    }
    order_keys_ = parts_.order_keys;
    for (SortKey& key : order_keys_) key.slot = static_cast<Slot>(place++);
    argument_places_.clear();
    for (const Call& call : parts_.calls) {
      argument_places_.push_back(place);
      place += call.arguments.size() + (call.filter ? 1 : 0);
    }
    rows_ = std::make_unique<RowStore>(static_cast<std::uint32_t>(place), runtime_.session.memory);
    row_.resize(place);
  }
  arena_.reset();
  EvalContext context{runtime_, arena_, batch};
  std::size_t next = 0;
  const auto eval = [&](const ExprPtr& expr) {
    return expr->eval(context, batch.selection, columns_[next++].get());
  };
  for (const ExprPtr& expr : parts_.partition) TRY(eval(expr));
  for (const ExprPtr& expr : parts_.order) TRY(eval(expr));
  for (const Call& call : parts_.calls) {
    for (const ExprPtr& expr : call.arguments) {
      TRY(eval(expr));
      if (call.function->subtypes) {
        drop_subtypes(*expr, batch.selection, columns_[next - 1].get());
      }
    }
    if (call.filter) TRY(eval(call.filter));
  }
  for (const RowIndex row : batch.selection) {
    for (std::size_t i = 0; i < kept_.size(); ++i) row_[i] = batch.columns[kept_[i]][row];
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      row_[kept_.size() + i] = columns_[i].get()[row];
    }
    rows_->append(row_);
  }
  return {};
}

void WindowOperator::sort() {
  order_.resize(rows_ ? rows_->size() : 0);
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = rows_->row(i);
  std::vector<SortKey> keys = partition_keys_;
  keys.insert(keys.end(), order_keys_.begin(), order_keys_.end());
  if (keys.empty()) return;
  std::stable_sort(order_.begin(), order_.end(), [&](const ValueRef* a, const ValueRef* b) {
    return compare_rows(a, b, keys) < 0;
  });
}

Result<void> WindowOperator::fill() {
  for (;;) {
    const Batch* batch = TRY(input_->next());
    if (batch == nullptr) break;
    TRY(runtime_.poll());
    TRY(take_batch(*batch));
  }
  sort();
  const std::size_t n = order_.size();
  results_.resize(n * parts_.calls.size());
  peers_.resize(n);
  group_.resize(n);
  for (std::size_t begin = 0; begin < n;) {
    std::size_t end = begin + 1;
    while (end < n && compare_rows(values(begin), values(end), partition_keys_) == 0) ++end;
    TRY(compute_partition({begin, end}));
    if (failure_) break;
    begin = end;
  }
  filled_ = true;
  return {};
}

// --- computing -----------------------------------------------------------------------------------

void WindowOperator::find_peers(Range partition) {
  groups_.clear();
  for (std::size_t begin = partition.begin; begin < partition.end;) {
    std::size_t end = begin + 1;
    while (end < partition.end && compare_rows(values(begin), values(end), order_keys_) == 0) {
      ++end;
    }
    for (std::size_t row = begin; row < end; ++row) {
      peers_[row] = {begin, end};
      group_[row] = groups_.size();
    }
    groups_.push_back({begin, end});
    begin = end;
  }
}

Result<void> WindowOperator::compute_partition(Range partition) {
  find_peers(partition);
  for (std::size_t call = 0; call < parts_.calls.size(); ++call) {
    TRY(runtime_.poll());
    TRY(compute_call(call, partition));
    partition.end = std::min(partition.end, order_.size());
  }
  return {};
}

Result<void> WindowOperator::compute_call(std::size_t number, Range partition) {
  const Call& call = parts_.calls[number];
  switch (call.function->window) {
    case WindowFunction::none:
      return compute_aggregate(number, partition, TRY(offsets_of(call.frame)));
    case WindowFunction::first_value:
    case WindowFunction::last_value:
    case WindowFunction::nth_value:
      return compute_in_frame(number, partition, TRY(offsets_of(call.frame)));
    case WindowFunction::lag:
    case WindowFunction::lead: return compute_shift(number, partition);
    case WindowFunction::ntile: return compute_tiles(number, partition);
    default: break;
  }
  compute_rank(number, partition);
  return {};
}

bool WindowOperator::filtered_out(std::size_t number, std::size_t row) const noexcept {
  const Call& call = parts_.calls[number];
  if (!call.filter) return false;
  const ValueRef v = argument(number, call.arguments.size(), row);
  return v.is_null() || !to_boolean(v);
}

Result<void> WindowOperator::step_row(std::size_t number, std::size_t row, Aggregate& state) {
  if (filtered_out(number, row)) return {};
  const Call& call = parts_.calls[number];
  FunctionContext function{arena_, runtime_.session.counters};
  function.collation = call.collation;
  return state.step(function, {values(row) + argument_places_[number], call.arguments.size()});
}

/// Moves the rows that `state` has, those of `has`, on to those of a frame that lies further on.
Result<void> WindowOperator::move_on(std::size_t number, Range frame, Range& has,
                                     Aggregate& state) {
  const Call& call = parts_.calls[number];
  FunctionContext function{arena_, runtime_.session.counters};
  const auto forget_one = [&] {
    const std::size_t row = has.begin++;
    if (filtered_out(number, row)) return;
    state.forget(function, {values(row) + argument_places_[number], call.arguments.size()});
  };
  const std::size_t size = frame.end - frame.begin;
  while (has.end < frame.end) {
    if (has.end % 1024 == 1023) TRY(runtime_.poll());
    while (has.begin < std::min(frame.begin, has.end) && has.end - has.begin >= size) forget_one();
    TRY(step_row(number, has.end++, state));
  }
  while (has.begin < frame.begin) forget_one();
  return {};
}

/// min() and max() over a frame that moves: of equal values SQLite gives the last.
ValueRef WindowOperator::extreme_of(std::size_t number, const Framed& frame, bool largest) {
  ValueRef best;
  for (std::size_t i = 0, n = frame.count(); i < n; ++i) {
    const std::size_t row = frame.nth(i);
    const ValueRef v = argument(number, 0, row);
    if (v.is_null() || filtered_out(number, row)) continue;
    const int c = best.is_null() ? 0 : compare(v, best, *parts_.calls[number].collation);
    if (largest ? c >= 0 : c <= 0) best = v;
  }
  return best;
}

/// The aggregate over the rows of a frame.
Result<ValueRef> WindowOperator::step_rows(std::size_t number, const Framed& frame,
                                           Aggregate& state) {
  for (std::size_t i = 0, n = frame.count(); i < n; ++i) {
    if (i % 1024 == 1023) TRY(runtime_.poll());
    TRY(step_row(number, frame.nth(i), state));
  }
  FunctionContext function{arena_, runtime_.session.counters};
  function.collation = parts_.calls[number].collation;
  return state.finalize(function);
}

Result<void> WindowOperator::compute_aggregate(std::size_t number, Range partition,
                                               const Offsets& offsets) {
  const Call& call = parts_.calls[number];
  const bool growing = call.frame.start == ast::FrameBound::unbounded_preceding &&
                       call.frame.exclude == ast::FrameExclude::none;
  const bool extreme = (call.function->name == "min" || call.function->name == "max") &&
                       call.frame.exclude == ast::FrameExclude::none;
  std::unique_ptr<Aggregate> state = call.function->aggregate();
  const bool moving =
      !growing && call.frame.exclude == ast::FrameExclude::none && state->can_forget();
  std::optional<Framed> last;
  std::size_t stepped = partition.begin;
  Range has{partition.begin, partition.begin};
  const auto keep = [&](std::size_t row, ValueRef v) {
    if (v.is_text() || v.is_blob()) {
      const std::string_view bytes = result_arena_.copy(v.bytes());
      ValueRef copy = v.is_text() ? ValueRef::text(bytes) : ValueRef::blob(bytes);
      copy.set_subtype(v.subtype());
      v = copy;
    }
    result(number, row) = v;
  };
  for (std::size_t row = partition.begin; row < partition.end; ++row) {
    const Framed frame = frame_of(call.frame, offsets, row, partition);
    if (last && frame == *last) {
      result(number, row) = result(number, row - 1);
      continue;
    }
    last = frame;
    arena_.reset();
    if (!growing && extreme) {
      result(number, row) = extreme_of(number, frame, call.function->name == "max");
      continue;
    }
    if (moving) {
      TRY(move_on(number, frame.rows, has, *state));
      FunctionContext function{arena_, runtime_.session.counters};
      keep(row, TRY(state->finalize(function)));
      continue;
    }
    if (!growing) {
      state = call.function->aggregate();
      keep(row, TRY(step_rows(number, frame, *state)));
      continue;
    }
    for (; stepped < frame.rows.end; ++stepped) {
      if (stepped % 1024 == 1023) TRY(runtime_.poll());
      TRY(step_row(number, stepped, *state));
    }
    FunctionContext function{arena_, runtime_.session.counters};
    function.collation = call.collation;
    keep(row, TRY(state->finalize(function)));
  }
  return {};
}

Result<void> WindowOperator::compute_in_frame(std::size_t number, Range partition,
                                              const Offsets& offsets) {
  const Call& call = parts_.calls[number];
  const WindowFunction kind = call.function->window;
  for (std::size_t row = partition.begin; row < partition.end; ++row) {
    const Framed frame = frame_of(call.frame, offsets, row, partition);
    const std::size_t count = frame.count();
    std::size_t wanted = 0;
    if (kind == WindowFunction::last_value) wanted = count - 1;
    if (kind == WindowFunction::nth_value) {
      const ValueRef n = apply_affinity(argument(number, 1, row), Affinity::numeric, arena_);
      const bool whole = n.is_integer() || (n.is_real() && n.as_real() == std::floor(n.as_real()));
      if (!whole || to_integer(n) <= 0 || to_real(n) >= 9223372036854775807.0) {
        failure_.emplace(Code::error, "second argument to nth_value must be a positive integer");
        order_.resize(row);
        return {};
      }
      wanted = static_cast<std::size_t>(to_integer(n)) - 1;
    }
    result(number, row) = wanted < count ? argument(number, 0, frame.nth(wanted)) : ValueRef();
  }
  return {};
}

/// lag() and lead().
Result<void> WindowOperator::compute_shift(std::size_t number, Range partition) {
  const Call& call = parts_.calls[number];
  const bool forward = call.function->window == WindowFunction::lead;
  for (std::size_t row = partition.begin; row < partition.end; ++row) {
    std::int64_t distance = 1;
    bool known = true;
    if (call.arguments.size() > 1) {
      const ValueRef given = argument(number, 1, row);
      known = !given.is_null();
      distance = to_integer(given);
    }
    const std::int64_t place = static_cast<std::int64_t>(row - partition.begin);
    const auto size = static_cast<std::int64_t>(partition.end - partition.begin);
    std::int64_t wanted = 0;
    const bool overflow = forward ? __builtin_add_overflow(place, distance, &wanted)
                                  : __builtin_sub_overflow(place, distance, &wanted);
    ValueRef v;
    if (known && !overflow && wanted >= 0 && wanted < size) {
      v = argument(number, 0, partition.begin + static_cast<std::size_t>(wanted));
    } else if (call.arguments.size() > 2) {
      v = argument(number, 2, row);
    }
    result(number, row) = v;
  }
  return {};
}

/// ntile(n): the first groups have one row more where the rows do not divide.
Result<void> WindowOperator::compute_tiles(std::size_t number, Range partition) {
  const std::int64_t tiles = to_integer(argument(number, 0, partition.begin));
  if (tiles <= 0) return Error(Code::error, "argument of ntile must be a positive integer");
  const auto rows = static_cast<std::int64_t>(partition.end - partition.begin);
  const std::int64_t size = rows / tiles;
  const std::int64_t larger = rows % tiles;
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t in_larger = larger * (size + 1);
    const std::int64_t tile =
        i < in_larger ? i / (size + 1) : larger + (i - in_larger) / std::max<std::int64_t>(size, 1);
    result(number, partition.begin + static_cast<std::size_t>(i)) = ValueRef::integer(tile + 1);
  }
  return {};
}

void WindowOperator::compute_rank(std::size_t number, Range partition) {
  const WindowFunction kind = parts_.calls[number].function->window;
  const auto rows = static_cast<double>(partition.end - partition.begin);
  for (std::size_t row = partition.begin; row < partition.end; ++row) {
    const std::size_t before = peers_[row].begin - partition.begin;
    const auto upto = static_cast<double>(peers_[row].end - partition.begin);
    ValueRef v;
    switch (kind) {
      case WindowFunction::row_number:
        v = ValueRef::integer(static_cast<std::int64_t>(row - partition.begin) + 1);
        break;
      case WindowFunction::rank:
        v = ValueRef::integer(static_cast<std::int64_t>(before) + 1);
        break;
      case WindowFunction::dense_rank:
        v = ValueRef::integer(static_cast<std::int64_t>(group_[row]) + 1);
        break;
      case WindowFunction::percent_rank:
        v = ValueRef::real(rows > 1 ? static_cast<double>(before) / (rows - 1) : 0);
        break;
      case WindowFunction::cume_dist: v = ValueRef::real(upto / rows); break;
      default: break;
    }
    result(number, row) = v;
  }
}

// --- handing on ----------------------------------------------------------------------------------

Result<const Batch*> WindowOperator::produce() {
  if (!filled_) TRY(fill());
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, order_.size() - at_));
  if (count == 0 && failure_) return *std::exchange(failure_, std::nullopt);
  if (count == 0) return static_cast<const Batch*>(nullptr);
  const std::size_t calls = parts_.calls.size();
  while (buffers_.size() < kept_.size() + calls) buffers_.push_back(make_column());
  out_.columns.assign(parts_.first_result + calls, nullptr);
  for (std::size_t i = 0; i < kept_.size(); ++i) out_.columns[kept_[i]] = buffers_[i].get();
  for (std::size_t c = 0; c < calls; ++c) {
    out_.columns[parts_.first_result + c] = buffers_[kept_.size() + c].get();
  }
  for (std::uint32_t r = 0; r < count; ++r) {
    for (std::size_t i = 0; i < kept_.size(); ++i) buffers_[i][r] = values(at_ + r)[i];
    for (std::size_t c = 0; c < calls; ++c) buffers_[kept_.size() + c][r] = result(c, at_ + r);
  }
  at_ += count;
  out_.selection = first_rows(count);
  return static_cast<const Batch*>(&out_);
}

}  // namespace saturn::sql
