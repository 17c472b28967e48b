#include "exec/window_operator.hpp"

#include "base/text.hpp"
#include "value/number.hpp"

#include <algorithm>

// Which rows a frame has (https://www.sqlite.org/windowfunctions.html, section 2).

namespace saturn::sql {

std::size_t WindowOperator::Framed::count() const noexcept {
  return rows.end - rows.begin - (hole.end - hole.begin) + (kept ? 1 : 0);
}

std::size_t WindowOperator::Framed::nth(std::size_t n) const noexcept {
  const std::size_t before = hole.begin - rows.begin;
  if (n < before) return rows.begin + n;
  if (kept) {
    if (n == before) return *kept;
    --n;
  }
  return hole.end + (n - before);
}

/// "frame starting offset must be a non-negative integer" and its kin.
Result<ValueRef> WindowOperator::offset_value(ExprNode* expr, const Frame& frame,
                                              std::string_view which) {
  if (expr == nullptr) return ValueRef();
  static const Batch kNoColumns;
  const bool range = frame.unit == ast::FrameUnit::range;
  const auto wrong = [&] {
    return Error(Code::error, cat("frame ", which, " offset must be a non-negative ",
                                  range ? "number" : "integer"));
  };
  if (!expr->constant()) return wrong();
  const ValueRef given = TRY(eval_one(*expr, runtime_, result_arena_, kNoColumns));
  const ValueRef v =
      apply_affinity(given, range ? Affinity::numeric : Affinity::integer, result_arena_);
  if (range) {
    if (!v.is_integer() && !v.is_real()) return wrong();
    if (to_real(v) < 0) return wrong();
    return v;
  }
  if (!v.is_integer() || v.as_integer() < 0) return wrong();
  return v;
}

Result<WindowOperator::Offsets> WindowOperator::offsets_of(const Frame& frame) {
  Offsets offsets;
  offsets.start = TRY(offset_value(frame.start_offset.get(), frame, "starting"));
  offsets.end = TRY(offset_value(frame.end_offset.get(), frame, "ending"));
  return offsets;
}

/// The first row of a frame, or (`is_end`) the one after its last, for RANGE with a distance.
std::size_t WindowOperator::range_bound(ValueRef offset, bool preceding, bool is_end,
                                        std::size_t row, Range partition) {
  const SortKey& key = order_keys_.front();
  const ValueRef own = values(row)[key.slot];
  ValueRef limit = own;
  if (own.is_integer() || own.is_real()) {
    // Towards the beginning of the order.
    const bool subtract = preceding != key.descending;
    if (own.is_integer() && offset.is_integer()) {
      std::int64_t moved = 0;
      const bool overflow =
          subtract ? __builtin_sub_overflow(own.as_integer(), offset.as_integer(), &moved)
                   : __builtin_add_overflow(own.as_integer(), offset.as_integer(), &moved);
      limit = ValueRef::integer(moved);
      if (overflow) {
        limit = ValueRef::real(to_real(own) + (subtract ? -to_real(offset) : to_real(offset)));
      }
    } else {
      limit = ValueRef::real(to_real(own) + (subtract ? -to_real(offset) : to_real(offset)));
    }
  }
  SortKey at = key;
  at.slot = 0;
  const std::vector<SortKey> keys{at};
  const auto begin = order_.begin() + static_cast<std::ptrdiff_t>(partition.begin);
  const auto end = order_.begin() + static_cast<std::ptrdiff_t>(partition.end);
  const auto found =
      is_end ? std::upper_bound(begin, end, &limit,
                                [&](const ValueRef* wanted, const ValueRef* other) {
                                  return compare_rows(wanted, other + key.slot, keys) < 0;
                                })
             : std::lower_bound(begin, end, &limit,
                                [&](const ValueRef* other, const ValueRef* wanted) {
                                  return compare_rows(other + key.slot, wanted, keys) < 0;
                                });
  return static_cast<std::size_t>(found - order_.begin());
}

std::size_t WindowOperator::bound(const Frame& frame, ast::FrameBound kind, ValueRef offset,
                                  bool is_end, std::size_t row, Range partition) {
  const bool rows = frame.unit == ast::FrameUnit::rows;
  switch (kind) {
    case ast::FrameBound::unbounded_preceding: return partition.begin;
    case ast::FrameBound::unbounded_following: return partition.end;
    case ast::FrameBound::current_row:
      if (rows) return row + (is_end ? 1 : 0);
      return is_end ? peers_[row].end : peers_[row].begin;
    case ast::FrameBound::preceding:
    case ast::FrameBound::following: break;
  }
  const bool preceding = kind == ast::FrameBound::preceding;
  if (frame.unit == ast::FrameUnit::range) {
    return range_bound(offset, preceding, is_end, row, partition);
  }
  const auto distance = static_cast<std::uint64_t>(offset.as_integer());
  const std::size_t place = rows ? row - partition.begin : group_[row];
  const std::size_t size = rows ? partition.end - partition.begin : groups_.size();
  if (preceding && distance > place) return partition.begin;
  if (!preceding && distance >= size - place) return partition.end;
  const std::size_t moved = preceding ? place - distance : place + distance;
  if (rows) return partition.begin + moved + (is_end ? 1 : 0);
  return is_end ? groups_[moved].end : groups_[moved].begin;
}

WindowOperator::Framed WindowOperator::frame_of(const Frame& frame, const Offsets& offsets,
                                                std::size_t row, Range partition) {
  Framed framed;
  framed.rows.begin = bound(frame, frame.start, offsets.start, false, row, partition);
  framed.rows.end = bound(frame, frame.end, offsets.end, true, row, partition);
  framed.rows.end = std::max(framed.rows.begin, framed.rows.end);
  framed.hole = {framed.rows.begin, framed.rows.begin};
  if (frame.exclude == ast::FrameExclude::none) return framed;
  Range hole = peers_[row];
  if (frame.exclude == ast::FrameExclude::current_row) hole = {row, row + 1};
  const auto within = [&](std::size_t place) {
    return std::clamp(place, framed.rows.begin, framed.rows.end);
  };
  framed.hole = {within(hole.begin), within(hole.end)};
  if (frame.exclude == ast::FrameExclude::ties && row >= framed.rows.begin &&
      row < framed.rows.end) {
    framed.kept = row;
  }
  return framed;
}

}  // namespace saturn::sql
