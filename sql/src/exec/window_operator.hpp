#pragma once

#include "exec/operators.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace saturn::sql {

/// Window functions over one PARTITION BY and ORDER BY
/// (https://www.sqlite.org/windowfunctions.html). Takes all rows of its input, and hands them on in
/// the order of the window, equal ones as they came, with the calls' results in the slots from
/// `first_result`.
class WindowOperator final : public Operator {
 public:
  struct Frame {
    ast::FrameUnit unit = ast::FrameUnit::range;
    ast::FrameBound start = ast::FrameBound::unbounded_preceding;
    ast::FrameBound end = ast::FrameBound::current_row;
    ast::FrameExclude exclude = ast::FrameExclude::none;
    ExprPtr start_offset;  ///< null unless the bound has one
    ExprPtr end_offset;
  };
  struct Call {
    const Function* function = nullptr;
    std::vector<ExprPtr> arguments;
    ExprPtr filter;
    Frame frame;
    const Collation* collation = &Collation::binary();  ///< of the arguments
  };
  struct Parts {
    std::vector<ExprPtr> partition;
    std::vector<ExprPtr> order;
    std::vector<SortKey> order_keys;  ///< without their slots
    std::vector<Call> calls;
    Slot first_result = 0;
  };
  WindowOperator(Runtime& runtime, OperatorPtr input, Parts parts);
  ~WindowOperator() override;
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override { return "USE SORTER FOR WINDOW"; }
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  /// Rows [begin, end) of the order; those of `hole` are left out.
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool operator==(const Range&) const = default;
  };
  struct Framed {
    Range rows;
    Range hole;
    std::optional<std::size_t> kept;  ///< a row within the hole that counts all the same
    bool operator==(const Framed&) const = default;
    std::size_t count() const noexcept;
    std::size_t nth(std::size_t n) const noexcept;  ///< the n-th row, from 0; n < count()
  };
  /// A frame's offset, evaluated: rows, groups, or a distance of the ORDER BY value.
  struct Offsets {
    ValueRef start;
    ValueRef end;
  };

  Result<void> fill();
  Result<void> take_batch(const Batch& batch);
  void sort();
  Result<void> compute_partition(Range partition);
  void find_peers(Range partition);
  Result<void> compute_call(std::size_t number, Range partition);
  Result<void> compute_aggregate(std::size_t number, Range partition, const Offsets& offsets);
  Result<void> compute_shift(std::size_t number, Range partition);
  Result<void> compute_in_frame(std::size_t number, Range partition, const Offsets& offsets);
  Result<void> compute_tiles(std::size_t number, Range partition);
  void compute_rank(std::size_t number, Range partition);
  ValueRef extreme_of(std::size_t number, const Framed& frame, bool largest);
  Result<ValueRef> step_rows(std::size_t number, const Framed& frame, Aggregate& state);
  Result<void> step_row(std::size_t number, std::size_t row, Aggregate& state);
  Result<void> move_on(std::size_t number, Range frame, Range& has, Aggregate& state);

  Result<Offsets> offsets_of(const Frame& frame);
  Result<ValueRef> offset_value(ExprNode* expr, const Frame& frame, std::string_view which);
  Framed frame_of(const Frame& frame, const Offsets& offsets, std::size_t row, Range partition);
  std::size_t bound(const Frame& frame, ast::FrameBound kind, ValueRef offset, bool is_end,
                    std::size_t row, Range partition);
  std::size_t range_bound(ValueRef offset, bool preceding, bool is_end, std::size_t row,
                          Range partition);

  const ValueRef* values(std::size_t row) const noexcept { return order_[row]; }
  ValueRef argument(std::size_t call, std::size_t n, std::size_t row) const noexcept {
    return values(row)[argument_places_[call] + n];
  }
  bool filtered_out(std::size_t call, std::size_t row) const noexcept;
  ValueRef& result(std::size_t call, std::size_t row) noexcept {
    return results_[row * parts_.calls.size() + call];
  }

  Runtime& runtime_;
  OperatorPtr input_;
  Parts parts_;
  // What is kept of a row: the input's slots, PARTITION BY, ORDER BY, then each call's arguments
  // and its filter.
  std::vector<Slot> kept_;
  std::vector<SortKey> partition_keys_;
  std::vector<SortKey> order_keys_;
  std::vector<std::size_t> argument_places_;
  std::unique_ptr<RowStore> rows_;
  std::vector<const ValueRef*> order_;
  std::vector<Range> peers_;        ///< of each row
  std::vector<std::size_t> group_;  ///< the number of its peers' group within the partition
  std::vector<Range> groups_;       ///< of the partition at hand
  std::vector<ValueRef> results_;
  ValueArena result_arena_;
  ValueArena arena_;
  std::vector<Scratch> columns_;
  std::vector<ValueRef> row_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  std::size_t at_ = 0;
  bool filled_ = false;
  /// Why the row behind the last of `order_` has no result: the rows before it are handed on first.
  std::optional<Error> failure_;
};

}  // namespace saturn::sql
