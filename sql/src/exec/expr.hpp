#pragma once

#include "base/result.hpp"
#include "exec/batch.hpp"
#include "exec/runtime.hpp"
#include "value/affinity.hpp"
#include "value/arena.hpp"
#include "value/compare.hpp"

#include <cstdint>
#include <memory>
#include <vector>

/// Bound, executable expressions. A tree of nodes, each of which computes a column of results for
/// the selected rows of a batch at once: one virtual call a node and batch, not a row. Nodes keep
/// scratch columns, so that evaluating allocates nothing in the steady state; hence a tree is used
/// by one run at a time. AND, OR, CASE and the like evaluate an operand only for the rows that need
/// it, as SQLite does.
namespace saturn::sql {

struct EvalContext {
  Runtime& runtime;
  ValueArena& arena;  ///< results that borrow from nothing else live here
  const Batch& batch;
};

enum class NodeKind : std::uint8_t {
  constant,
  parameter,  ///< ?n
  slot,       ///< a column of the batch
  outer,      ///< a value of the row of an enclosing query
  unary,
  arithmetic,
  comparison,
  logical,  ///< AND, OR
  concat,
  like,
  in_list,
  in_subquery,
  exists,
  scalar_subquery,
  function,
  cast,
  real,
  collate,
  recode,  ///< from or to the encoding of a UTF-16 database
  case_when,
  coalesce,
  raise,      ///< RAISE() of a trigger
  window,     ///< stands for a window function's result until windows are planned
  aggregate,  ///< stands for an aggregate's result until aggregation is planned
};

class ExprNode;
using ExprPtr = std::unique_ptr<ExprNode>;

class ExprNode {
 public:
  explicit ExprNode(NodeKind k) noexcept : kind(k) {}
  virtual ~ExprNode() = default;
  ExprNode(const ExprNode&) = delete;
  ExprNode& operator=(const ExprNode&) = delete;

  /// Computes `out[row]` for every selected row; other elements stay as they are. Results borrow
  /// from the batch, the context's arena or this tree, until any of those changes. // SUSPENDS
  virtual Result<void> eval(EvalContext& context, Selection selection, ValueRef* out) = 0;

  /// Whether `other`, a node of the same kind, is the same apart from its children.
  virtual bool same(const ExprNode& other) const noexcept = 0;

  /// The same value for every row of every batch of a run: no slot below it, nothing random.
  bool constant() const noexcept { return tables == 0 && !volatile_result && !uses_aggregate; }

  /// As `constant`, and the same in every execution of a subquery within one run.
  bool run_constant() const noexcept { return constant() && !reads_outer; }

  /// Takes over from the children what they make true of this node; after they are complete.
  void inherit() noexcept;

  const NodeKind kind;
  Affinity affinity = Affinity::none;
  /// The collation that a comparison takes over from this operand; null: none.
  const Collation* collation = nullptr;
  bool explicit_collation = false;  ///< from a COLLATE operator, which outranks a column's own
  bool volatile_result = false;     ///< random() and the like
  bool uses_aggregate = false;
  bool uses_window = false;
  /// Its values may carry a subtype; elsewhere one that a value has does not count. The columns of
  /// tables and subqueries carry none, as in SQLite.
  bool subtypes = false;
  bool expensive = false;    ///< runs a subquery for each row
  bool reads_outer = false;  ///< a value of an enclosing query's row
  std::uint64_t tables = 0;  ///< which relations of the query's FROM it reads, as bits
  std::vector<ExprPtr> children;
};

/// Equal trees compute equal values from equal rows.
bool same_tree(const ExprNode& a, const ExprNode& b) noexcept;

/// For a function that heeds subtypes: takes those away that do not count.
void drop_subtypes(const ExprNode& expr, Selection selection, ValueRef* values) noexcept;

/// The selected rows for which `expr` is true, written to `out` (room for selection.count; may be
/// the selection itself). Returns their number. `scratch` has room for a column. // SUSPENDS
Result<std::uint32_t> filter_rows(ExprNode& expr, EvalContext& context, Selection selection,
                                  ValueRef* scratch, RowIndex* out);

/// Evaluates on a single row: `columns[slot]` points to the value of that slot (a batch of one).
/// The result borrows as `eval`'s does. // SUSPENDS
Result<ValueRef> eval_one(ExprNode& expr, Runtime& runtime, ValueArena& arena, const Batch& batch);

}  // namespace saturn::sql
