#pragma once

#include "exec/access.hpp"
#include "exec/nodes.hpp"
#include "exec/operator.hpp"
#include "exec/row_store.hpp"
#include "exec/row_table.hpp"
#include "functions/number_sum.hpp"
#include "value/recode.hpp"

#include <functional>
#include <optional>

/// The physical operators. What each promises beyond `Operator` stands at its class.
namespace saturn::sql {

/// Joins the rows of `left` (null: a single row without columns) with those that `right` has for
/// each; the order is that of the left rows, and then the right ones. `condition`, over both, may
/// be null. With `outer`, a left row without a match comes once, the right slots being NULL; with
/// `right_outer`, right rows without one come at the end, the left slots being NULL.
class JoinOperator final : public Operator {
 public:
  struct Parts {
    OperatorPtr left;
    std::unique_ptr<AccessPath> right;
    ExprPtr condition;
    bool outer = false;
    bool right_outer = false;       ///< RIGHT and FULL JOIN: `right` is a MaterializedAccess
    std::vector<Slot> left_slots;   ///< of the left batch, that are still needed
    std::vector<Slot> right_slots;  ///< that the access path fills in
    Slot slot_count = 0;
  };
  JoinOperator(Runtime& runtime, Parts parts);
  void expect_rows(std::uint32_t rows) noexcept override;
  Result<void> start() override;
  Result<void> restart() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override;
  std::vector<Operator*> inputs() const override;
  void list(Listing& listing) const override;

 private:
  void begin() noexcept;
  Result<bool> next_left();
  Result<std::uint32_t> fill();
  void gather(std::uint32_t first, std::uint32_t count);
  Result<void> select(std::uint32_t count);
  void add_unmatched(std::uint32_t count);
  Result<const Batch*> next_unmatched_right();

  Runtime& runtime_;
  Parts parts_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  ValueArena left_arena_;
  ValueArena arena_;
  Scratch scratch_;
  std::unique_ptr<RowIndex[]> rows_;
  std::unique_ptr<RowIndex[]> passed_;
  std::unique_ptr<RowIndex[]> left_of_;  ///< the place in the left selection of each row filled in
  std::vector<bool> matched_;            ///< by place in the left selection, for `outer`
  Batch single_;
  const Batch* left_batch_ = nullptr;
  std::uint32_t left_at_ = 0;
  std::uint32_t reported_ =
      0;  ///< left rows up to here are known matched or were added, for `outer`
  bool left_done_ = false;
  bool row_started_ = false;
  std::uint32_t first_rows_;  ///< room for the first batch of a run
  std::uint32_t room_ = 0;
};

/// The rows for which `condition` holds, in the slots they came in.
class FilterOperator final : public Operator {
 public:
  FilterOperator(Runtime& runtime, OperatorPtr input, ExprPtr condition);
  void expect_rows(std::uint32_t rows) noexcept override { input_->expect_rows(rows); }
  Result<void> start() override { return input_->open(); }
  Result<void> restart() override { return input_->reopen(); }
  Result<const Batch*> produce() override;
  void close() noexcept override { input_->close(); }
  std::string describe() const override { return {}; }
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  Runtime& runtime_;
  OperatorPtr input_;
  ExprPtr condition_;
  Batch out_;
  ValueArena arena_;
  Scratch scratch_;
  std::unique_ptr<RowIndex[]> rows_;
};

/// The input's rows if `condition`, which reads none of them, holds; else none, without opening the
/// input.
class GateOperator final : public Operator {
 public:
  GateOperator(Runtime& runtime, OperatorPtr input, ExprPtr condition);
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override { return {}; }
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  Runtime& runtime_;
  OperatorPtr input_;
  ExprPtr condition_;
  ValueArena arena_;
  enum class State : std::uint8_t { unknown, open, shut };
  State state_ = State::unknown;  ///< of the gate
};

/// Puts column `from` of the input into slot `to`, for pairs (from, to).
class RenameOperator final : public Operator {
 public:
  RenameOperator(OperatorPtr input, std::vector<std::pair<Slot, Slot>> moves, Slot slot_count,
                 std::string label);
  Result<void> start() override { return input_->open(); }
  Result<const Batch*> produce() override;
  void close() noexcept override { input_->close(); }
  std::string describe() const override { return label_; }
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  OperatorPtr input_;
  const std::vector<std::pair<Slot, Slot>> moves_;
  const std::string label_;
  Batch out_;
};

/// Computes expressions: slot n is the n-th. Without an input, on a single row without columns.
class ProjectOperator final : public Operator {
 public:
  ProjectOperator(Runtime& runtime, OperatorPtr input, std::vector<ExprPtr> exprs);
  void expect_rows(std::uint32_t rows) noexcept override {
    if (input_) input_->expect_rows(rows);
  }
  Result<void> start() override;
  Result<void> restart() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override { return input_ ? "" : "SCAN CONSTANT ROW"; }
  std::vector<Operator*> inputs() const override;
  void list(Listing& listing) const override;

 private:
  Runtime& runtime_;
  OperatorPtr input_;
  std::vector<ExprPtr> exprs_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  ValueArena arena_;
  bool done_ = false;
};

/// VALUES: each row's expressions in turn.
class ValuesOperator final : public Operator {
 public:
  ValuesOperator(Runtime& runtime, std::vector<std::vector<ExprPtr>> rows);
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override {}
  std::string describe() const override;
  std::vector<Operator*> inputs() const override { return {}; }
  void list(Listing& listing) const override;

 private:
  Runtime& runtime_;
  std::vector<std::vector<ExprPtr>> rows_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  ValueArena arena_;
  std::size_t at_ = 0;
};

struct SortKey {
  Slot slot = 0;
  bool descending = false;
  bool nulls_last = false;  ///< NULLs after all else; by default they are the least
  const Collation* collation = &Collation::binary();
};
/// Negative, 0 or positive.
int compare_rows(const ValueRef* a, const ValueRef* b, const std::vector<SortKey>& keys) noexcept;

class RowSorter;

/// The input's rows in order, equal ones as they came; the first `width` slots. `limit` (or null)
/// is the most rows that anybody will ask for.
class SortOperator final : public Operator {
 public:
  SortOperator(Runtime& runtime, OperatorPtr input, std::vector<SortKey> keys, std::uint32_t width);
  ~SortOperator() override;
  /// Tells that only the first rows count; asked anew at each `open`.
  void set_limit(std::function<Result<std::uint64_t>()> limit) { limit_ = std::move(limit); }
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override { return "USE SORTER FOR ORDER BY"; }
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  Result<void> fill();

  Runtime& runtime_;
  OperatorPtr input_;
  std::function<Result<std::uint64_t>()> limit_;
  const std::unique_ptr<RowSorter> sorter_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  ValueArena arena_;  ///< texts and blobs of `out_` that come from a file
  bool filled_ = false;
};

/// LIMIT and OFFSET; `limit` and `offset` may be null. Negative limits mean none.
class LimitOperator final : public Operator {
 public:
  LimitOperator(Runtime& runtime, OperatorPtr input, ExprPtr limit, ExprPtr offset);
  /// Limit plus offset, the most input rows that count; ~0 without a limit. // SUSPENDS
  Result<std::uint64_t> rows_needed();
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override { input_->close(); }
  std::string describe() const override { return {}; }
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  Result<std::int64_t> evaluate(ExprNode* expr, std::int64_t none);
  Runtime& runtime_;
  OperatorPtr input_;
  ExprPtr limit_;
  ExprPtr offset_;
  Batch out_;
  std::uint64_t skip_ = 0;
  std::uint64_t left_ = 0;
};

/// Each distinct row once, where it comes first.
class DistinctOperator final : public Operator {
 public:
  DistinctOperator(Runtime& runtime, OperatorPtr input, std::uint32_t width,
                   std::vector<const Collation*> collations);
  ~DistinctOperator() override;
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override { return "USE HASH TABLE FOR DISTINCT"; }
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  struct Late;
  Result<std::uint32_t> choose_new(const Batch& batch);
  Result<const Batch*> produce_late();

  Runtime& runtime_;
  OperatorPtr input_;
  const std::vector<const Collation*> collations_;
  RowTable seen_;
  std::unique_ptr<Late>
      late_;  ///< rows that came when memory had no more room; null: there are none
  std::vector<ValueRef> row_;
  Batch out_;
  std::unique_ptr<RowIndex[]> rows_;
};

/// UNION ALL.
class AppendOperator final : public Operator {
 public:
  explicit AppendOperator(std::vector<OperatorPtr> inputs_) : parts_(std::move(inputs_)) {}
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override { return "UNION ALL"; }
  std::vector<Operator*> inputs() const override;
  void list(Listing& listing) const override;

 private:
  std::vector<OperatorPtr> parts_;
  std::size_t at_ = 0;
  bool part_open_ = false;
};

/// UNION, EXCEPT, INTERSECT: distinct rows, in ascending order as SQLite gives them.
class SetOperator final : public Operator {
 public:
  SetOperator(Runtime& runtime, ast::CompoundOp op, OperatorPtr left, OperatorPtr right,
              std::vector<const Collation*> collations);
  ~SetOperator() override;
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override;
  std::vector<Operator*> inputs() const override { return {left_.get(), right_.get()}; }
  void list(Listing& listing) const override;

 private:
  Result<void> fill();
  Result<void> add(const ValueRef* row, int side);
  Result<void> add_late(const ValueRef* row, int side);
  bool is_result(bool left, bool right) const noexcept;
  void keep_candidate(const ValueRef* row);
  Result<const Batch*> produce_late();

  Runtime& runtime_;
  const ast::CompoundOp op_;
  OperatorPtr left_;
  OperatorPtr right_;
  const std::vector<SortKey> keys_;
  const std::uint32_t width_;
  RowTable table_;
  RowTable other_;
  std::vector<const ValueRef*> order_;
  std::unique_ptr<RowSorter> late_;  ///< the rows, with their side, when memory has no more room
  const ValueRef* next_ = nullptr;   ///< of `late_`
  std::vector<ValueRef> candidate_;  ///< of rows that are equal the one to show
  ValueArena candidate_arena_;
  ValueArena arena_;  ///< of what `out_` has from there
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  std::size_t at_ = 0;
  bool filled_ = false;
};

/// GROUP BY and aggregates. Slots of the output: the group's keys, the aggregates' results, then
/// the bare columns, which are those of the group's first row, or of the row that a lone min() or
/// max() chose. Without keys there is one group, also of no rows. Groups come in the order of their
/// keys. When memory has no room for more groups, rows of new ones are sorted in a file, and their
/// groups are computed one after the other as their turn comes.
class AggregateOperator final : public Operator {
 public:
  struct Call {
    const Function* function = nullptr;
    std::vector<ExprPtr> arguments;
    std::vector<ExprPtr> order;       ///< in which its rows are taken; empty: as they come
    std::vector<SortKey> order_keys;  ///< the arguments and then `order` are the slots
    ExprPtr filter;
    bool distinct = false;
    const Collation* collation = &Collation::binary();  ///< of the first argument
    /// What the function is to see of a DISTINCT argument, which are told apart before that.
    std::optional<Recode> recode = {};
  };
  struct Parts {
    std::vector<ExprPtr> keys;
    std::vector<const Collation*> key_collations;
    std::vector<bool> descending = {};  ///< by key; in which direction groups come
    std::vector<Call> calls;
    std::vector<ExprPtr> bare;
    int extreme = -1;  ///< the call that chooses the bare columns' row; -1: the first row
  };
  AggregateOperator(Runtime& runtime, OperatorPtr input, Parts parts);
  ~AggregateOperator() override;
  Result<void> start() override;
  Result<const Batch*> produce() override;
  void close() noexcept override;
  std::string describe() const override;
  std::vector<Operator*> inputs() const override { return {input_.get()}; }
  void list(Listing& listing) const override;

 private:
  struct Group;
  /// Calls whose states stand side by side, so that a row costs no call and a group no allocation.
  enum class Plain : std::uint8_t { no, count, sum, total, average };
  static Plain plain_kind(const Call& call, bool chooses_bare);
  Result<void> fill();
  Result<void> add_batch(const Batch& batch);
  Result<Selection> counted_rows(Call& call, EvalContext& context, RowIndex* room);
  Result<void> step_plain(std::size_t call, const Batch& batch, const std::uint32_t* group_of);
  Result<ValueRef> result_of(std::size_t call, std::uint32_t group, FunctionContext& function);
  void find_groups(const Batch& batch, std::uint32_t* group_of);
  Result<void> step_call(std::size_t call, const Batch& batch, const std::uint32_t* group_of);
  ValueRef seen_by(const Call& call, ValueRef argument);
  Result<void> step_ordered(std::size_t call, Group& group, FunctionContext& function);
  std::uint32_t group_for(RowIndex row);
  std::unique_ptr<Group> make_group() const;
  Result<void> keep_bare(std::uint32_t group, RowIndex row);
  Result<void> step(const Batch& batch, const std::uint32_t* group_of);
  void sort_groups();
  Result<void> write_group(std::uint32_t group, const ValueRef* key, FunctionContext& function,
                           std::uint32_t row);
  void begin_late(const Batch& batch);
  Result<Selection> put_off(const Batch& batch, std::uint32_t* group_of, RowIndex* room);
  Result<std::uint32_t> take_late_group();
  Result<const Batch*> produce_merged();

  Runtime& runtime_;
  OperatorPtr input_;
  Parts parts_;
  RowTable keys_;
  MemoryCharge charge_;                           ///< of the groups, as far as is known
  static constexpr std::size_t kStateBytes = 96;  ///< of an aggregate, roughly
  std::uint32_t group_count_ = 0;
  std::vector<Plain> plain_;                  ///< by call
  std::vector<std::vector<NumberSum>> sums_;  ///< by plain call, then by group
  bool needs_groups_ = false;                 ///< some call is not plain, or there are bare columns
  std::vector<std::unique_ptr<Group>> groups_;  ///< by number, if they are needed
  std::vector<std::uint32_t> order_;
  std::vector<SortKey> key_order_;  ///< in which groups come
  struct Late;
  std::unique_ptr<Late>
      late_;  ///< rows of groups that memory has no room for; null: there are none
  std::vector<Scratch> key_columns_;
  std::vector<const ValueRef*> key_values_;  ///< of the batch
  std::vector<Scratch> bare_columns_;
  std::vector<Scratch> argument_columns_;
  Scratch filter_column_;
  std::vector<ValueRef> row_;
  std::vector<ColumnBuffer> buffers_;
  Batch out_;
  ValueArena arena_;
  std::size_t at_ = 0;
  bool filled_ = false;
};

}  // namespace saturn::sql
