#pragma once

#include "exec/expr.hpp"
#include "exec/operator.hpp"
#include "functions/function.hpp"
#include "parser/ast.hpp"

#include <optional>
#include <string>

/// The nodes of bound expressions, for whoever builds or inspects trees.
namespace saturn::sql {

/// A scratch column that is allocated when it is first needed.
class Scratch {
 public:
  ValueRef* get() {
    if (!column_) column_ = make_column();
    return column_.get();
  }

 private:
  ColumnBuffer column_;
};

/// The values of `expr` for the selected rows: the column of the batch where it is a slot, else
/// what is computed into `scratch`. // SUSPENDS
Result<const ValueRef*> column_of(ExprNode& expr, EvalContext& context, Selection selection,
                                  Scratch& scratch);

class ConstantNode final : public ExprNode {
 public:
  explicit ConstantNode(Value v) : ExprNode(NodeKind::constant), value(std::move(v)) {}
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const Value value;
};

class ParameterNode final : public ExprNode {
 public:
  explicit ParameterNode(std::uint32_t n) : ExprNode(NodeKind::parameter), number(n) {}
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const std::uint32_t number;  ///< from 1
};

/// A column of the batch. `relation` and `column` say what it is where it is a relation's column
/// (`kRowidColumn` for the rowid); -1 elsewhere.
class SlotNode final : public ExprNode {
 public:
  static constexpr int kRowidColumn = -2;
  explicit SlotNode(Slot s) : ExprNode(NodeKind::slot), slot(s) {}
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  Slot slot;
  int relation = -1;
  int column = -1;
};

/// The value of an enclosing query's row, in a cell that the subquery's node sets.
class OuterNode final : public ExprNode {
 public:
  explicit OuterNode(const ValueRef* c) : ExprNode(NodeKind::outer), cell(c) { reads_outer = true; }
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const ValueRef* const cell;
  bool of_changed_row = false;  ///< NEW or OLD of a trigger and the like: of no query
};

/// RAISE(...): fails when it is evaluated for any row.
class RaiseNode final : public ExprNode {
 public:
  RaiseNode(ast::Conflict a, ExprPtr message);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode&) const noexcept override { return false; }
  const ast::Conflict action;
};

class UnaryNode final : public ExprNode {
 public:
  UnaryNode(ast::UnaryOp o, ExprPtr operand);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const ast::UnaryOp op;
};

class ArithmeticNode final : public ExprNode {
 public:
  ArithmeticNode(ast::BinaryOp o, ExprPtr left, ExprPtr right);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const ast::BinaryOp op;

 private:
  Scratch right_;
};

class ConcatNode final : public ExprNode {
 public:
  ConcatNode(ExprPtr left, ExprPtr right);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;

 private:
  Scratch right_;
};

/// =, <>, <, <=, >, >=, IS, IS NOT, with the affinity and collation of the pair.
class ComparisonNode final : public ExprNode {
 public:
  /// `otherwise`: the collation where neither side has one.
  ComparisonNode(ast::BinaryOp o, ExprPtr left, ExprPtr right, const Collation& otherwise);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const ast::BinaryOp op;
  const Affinity applied;        ///< to both operands
  const Collation* const order;  ///< never null

 private:
  /// The value of row r is at `values[r & mask]`.
  struct Operand {
    const ValueRef* values = nullptr;
    RowIndex mask = 0;
  };
  static constexpr RowIndex kEachRow = 0xffff;
  static Result<Operand> operand(EvalContext& context, Selection selection, ExprNode& node,
                                 Scratch& scratch, ValueRef& one);
  template <ast::BinaryOp Op>
  void compare_rows(EvalContext& context, Selection selection, Operand left, Operand right,
                    ValueRef* out);
  Scratch left_;
  Scratch right_;
};

class LogicalNode final : public ExprNode {
 public:
  LogicalNode(bool is_and, ExprPtr left, ExprPtr right);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const bool conjunction;

 private:
  Scratch right_;
  std::unique_ptr<RowIndex[]> rows_;
};

/// LIKE and GLOB; children: text, pattern, escape if given.
class LikeNode final : public ExprNode {
 public:
  LikeNode(ast::LikeOp o, ExprPtr text, ExprPtr pattern, ExprPtr escape);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const ast::LikeOp op;

 private:
  Scratch pattern_;
  Scratch escape_;
};

/// A set of values under a collation, NULL apart; owns copies.
class ValueSet {
 public:
  explicit ValueSet(const Collation& collation) : collation_(collation) {}
  /// False when an equal value was there.
  bool add(ValueRef v);
  bool contains(ValueRef v) const noexcept;
  void clear() noexcept;
  std::size_t size() const noexcept { return entries_.size(); }
  bool has_null() const noexcept { return has_null_; }
  void add_null() noexcept { has_null_ = true; }
  const std::vector<ValueRef>& values() const noexcept { return entries_; }

 private:
  std::size_t find(ValueRef v, std::size_t hash) const noexcept;
  void grow();
  const Collation& collation_;
  std::vector<ValueRef> entries_;
  std::vector<std::size_t> hashes_;
  std::vector<std::uint32_t> table_;  ///< entry + 1, 0 = free
  ValueArena arena_;
  bool has_null_ = false;
};

/// `operand IN (list)`; children: the operand, then the list.
class InListNode final : public ExprNode {
 public:
  InListNode(bool negated, ExprPtr operand, std::vector<ExprPtr> list, const Collation& otherwise);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const bool negated;
  const Affinity applied;
  const Collation* const order;

 private:
  Result<void> fill_set(EvalContext& context);
  bool list_is_constant_ = false;
  ValueSet set_;
  std::uint64_t set_run_ = ~std::uint64_t{0};
  Scratch item_;
};

/// A subquery as part of an expression. `cells[k]` holds, while the subquery runs, the value of the
/// k-th outer expression for the row it runs for; those expressions are the last children of the
/// node that owns the plan.
struct SubPlan {
  OperatorPtr root;
  std::vector<std::unique_ptr<ValueRef>> cells;
  bool run_constant = false;  ///< no cells, nothing random: runs once a run
};

class SubqueryNode : public ExprNode {
 protected:
  class Runs;
  SubqueryNode(NodeKind k, SubPlan p) : ExprNode(k), plan(std::move(p)) {
    expensive = !plan.cells.empty();
  }
  /// Evaluates the outer expressions, `first_child` being the first, for the selected rows.
  Result<void> eval_outer(EvalContext& context, Selection selection, std::size_t first_child);
  void set_cells(RowIndex row) noexcept;
  /// Whether the cells hold the same values as in the last call of this run; remembers them.
  bool cells_repeat();
  /// Hands `outcome` on; after a failure what was kept of the subquery does not count.
  Result<void> forget_on_error(Result<void> outcome) {
    if (!outcome) fresh_ = true;
    return outcome;
  }

 public:
  SubPlan plan;
  bool same(const ExprNode& other) const noexcept override { return this == &other; }

 private:
  std::vector<Scratch> outer_;
  std::vector<Value> last_cells_;
  std::uint64_t last_run_ = ~std::uint64_t{0};

 protected:
  bool fresh_ = true;  ///< nothing is known yet of the values of `last_cells_`
};

class ScalarSubqueryNode final : public SubqueryNode {
 public:
  /// `column`: which of the plan's columns is the value.
  explicit ScalarSubqueryNode(SubPlan p, std::size_t column = 0)
      : SubqueryNode(NodeKind::scalar_subquery, std::move(p)), column_(column) {}
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;

 private:
  Result<void> compute(Runs& runs);
  const std::size_t column_;
  Value result_;
  std::uint8_t subtype_ = 0;  ///< of the result
};

class ExistsNode final : public SubqueryNode {
 public:
  explicit ExistsNode(SubPlan p) : SubqueryNode(NodeKind::exists, std::move(p)) {}
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;

 private:
  bool result_ = false;
};

/// `operand IN (SELECT ...)`; the first child is the operand.
class InSubqueryNode final : public SubqueryNode {
 public:
  InSubqueryNode(bool negated, ExprPtr operand, SubPlan p, Affinity column_affinity,
                 const Collation& order);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  /// The set of the subquery's values; for whoever probes an index with them. Only when the
  /// subquery is constant. // SUSPENDS
  Result<const ValueSet*> values(EvalContext& context);
  const bool negated;
  const Affinity applied;
  const Collation* const order;

 private:
  Result<void> fill_set();
  ValueSet set_;
};

class FunctionNode final : public ExprNode {
 public:
  /// `otherwise`: the collation where no argument has one.
  FunctionNode(const Function& f, std::vector<ExprPtr> arguments, const Collation& otherwise);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  /// The collation that the function compares with.
  const Collation& order() const noexcept { return *order_; }
  const Function& function;

 private:
  const Collation* order_;
  std::vector<Scratch> columns_;
  std::vector<ValueRef> arguments_;
};

class CastNode final : public ExprNode {
 public:
  CastNode(ExprPtr operand, Affinity to);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
};

/// An integer as a real number, anything else as it is.
class RealNode final : public ExprNode {
 public:
  explicit RealNode(ExprPtr operand);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode&) const noexcept override { return true; }
};

class CollateNode final : public ExprNode {
 public:
  CollateNode(ExprPtr operand, const Collation& c);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
};

/// Children: when, then, when, then, ... and the ELSE if given. A CASE with an operand arrives here
/// as comparisons with it, and coalesce() and iif() as what they stand for.
class CaseNode final : public ExprNode {
 public:
  CaseNode(std::vector<ExprPtr> branches, ExprPtr otherwise);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;

 private:
  const std::size_t branches_;
  Scratch when_;
  std::unique_ptr<RowIndex[]> rows_;
};

/// The first of its children that is not NULL, the later ones evaluated only where needed.
class CoalesceNode final : public ExprNode {
 public:
  explicit CoalesceNode(std::vector<ExprPtr> arguments);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;

 private:
  std::unique_ptr<RowIndex[]> rows_;
};

/// An aggregate call; never evaluated: planning the aggregation replaces it by a slot. Children:
/// the arguments, the terms of its ORDER BY, then the FILTER expression if there is one.
class AggregateNode final : public ExprNode {
 public:
  struct Direction {
    bool descending = false;
    bool nulls_last = false;
    bool operator==(const Direction&) const = default;
  };
  struct Parts {
    std::vector<ExprPtr> arguments;
    std::vector<ExprPtr> order;
    std::vector<Direction> directions;  ///< of the terms of `order`
    ExprPtr filter;
    bool distinct = false;
  };
  AggregateNode(const Function& f, Parts parts);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode& other) const noexcept override;
  const Function& function;
  const bool distinct;
  const std::vector<Direction> directions;
  const bool has_filter;
};

/// A call of a window function; `children` are its arguments, its FILTER, the expressions of
/// PARTITION BY and ORDER BY, and the frame's offsets, in this order.
class WindowNode final : public ExprNode {
 public:
  struct Order {
    bool descending = false;
    bool nulls_last = false;
  };
  struct Parts {
    const Function* function = nullptr;
    std::size_t arguments = 0;
    bool has_filter = false;
    std::size_t partitions = 0;
    std::vector<Order> order;
    ast::FrameUnit unit = ast::FrameUnit::range;
    ast::FrameBound start = ast::FrameBound::unbounded_preceding;
    ast::FrameBound end = ast::FrameBound::current_row;
    bool has_start_offset = false;
    bool has_end_offset = false;
    ast::FrameExclude exclude = ast::FrameExclude::none;
    std::vector<ExprPtr> children;  ///< taken over by the node
  };
  explicit WindowNode(Parts p);
  Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) override;
  bool same(const ExprNode&) const noexcept override { return false; }
  const ExprPtr* partition() const noexcept {
    return children.data() + parts.arguments + (parts.has_filter ? 1 : 0);
  }
  const ExprPtr* order() const noexcept { return partition() + parts.partitions; }
  Parts parts;
};

/// A hash that equal values (under `collation`) share; integers and reals of one value too.
std::size_t hash_value(ValueRef v, const Collation& collation) noexcept;

/// The collation of a comparison of `left` with `right` (https://www.sqlite.org/datatype3.html,
/// section 7.1). Never null.
const Collation* comparison_collation(const ExprNode& left, const ExprNode& right,
                                      const Collation& otherwise) noexcept;

}  // namespace saturn::sql
