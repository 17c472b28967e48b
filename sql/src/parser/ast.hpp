#pragma once

#include "base/assert.hpp"
#include "parser/arena.hpp"

#include <cstdint>
#include <string_view>

/// What the parser makes of SQL text: plain structs in an arena, names unquoted, nothing resolved.
/// Views point into the SQL text or the arena, and both must outlive the tree. An absent name is a
/// view with `data() == nullptr` (see `present`); `""` is a name that is empty. Absent children are
/// null pointers. `at` is the byte offset of a node's first token.
namespace saturn::sql::ast {

inline bool present(std::string_view name) noexcept { return name.data() != nullptr; }

struct Select;
struct WindowDef;

// --- expressions ---------------------------------------------------------------------------------

enum class ExprKind : std::uint8_t {
  literal,
  variable,
  column,
  unary,
  binary,
  like,
  between,
  in,
  exists,
  subquery,
  row,
  function,
  cast,
  collate,
  case_when,
  raise,
};

struct Expr {
  ExprKind kind;
  std::uint32_t at;
  std::uint32_t height;  ///< of the tree below, this node included; at most kExpressionDepthMax
};

/// The node as its own type: `as<ast::Binary>(*expr)`. The kind must be right.
template <typename T, typename Base>
const T& as(const Base& node) noexcept {
  DASSERT(node.kind == T::kKind);
  return static_cast<const T&>(node);
}
/// The same, or null when the node is of another kind.
template <typename T, typename Base>
const T* as_if(const Base* node) noexcept {
  return node != nullptr && node->kind == T::kKind ? static_cast<const T*>(node) : nullptr;
}

enum class LiteralKind : std::uint8_t {
  null,
  integer,
  real,
  string,
  blob,
  current_date,
  current_time,
  current_timestamp,
};

/// `text` holds the digits without separators (a hex integer with its 0x; may exceed 64 bits), the
/// string without quotes, or the hex digits of a blob.
struct Literal : Expr {
  static constexpr ExprKind kKind = ExprKind::literal;
  LiteralKind literal = LiteralKind::null;
  std::string_view text;
};

/// A parameter, by its number from 1; `name` keeps its sigil (":a") and is absent for `?`.
struct Variable : Expr {
  static constexpr ExprKind kKind = ExprKind::variable;
  std::uint32_t number = 0;
  std::string_view name;
};

/// `column`, `table.column` or `schema.table.column`. TRUE and FALSE arrive here too. A
/// `double_quoted` lone name that is no column is a string, says SQLite.
struct Column : Expr {
  static constexpr ExprKind kKind = ExprKind::column;
  std::string_view schema;
  std::string_view table;
  std::string_view name;
  bool double_quoted = false;
  bool quoted = false;
};

enum class UnaryOp : std::uint8_t { plus, minus, bit_not, logical_not, is_null, not_null };

struct Unary : Expr {
  static constexpr ExprKind kKind = ExprKind::unary;
  UnaryOp op = UnaryOp::plus;
  Expr* operand = nullptr;
};

/// IS [NOT] DISTINCT FROM is here as `is_not` (`is`).
enum class BinaryOp : std::uint8_t {
  logical_or,
  logical_and,
  eq,
  ne,
  is,
  is_not,
  lt,
  le,
  gt,
  ge,
  bit_and,
  bit_or,
  lshift,
  rshift,
  add,
  subtract,
  multiply,
  divide,
  remainder,
  concat,
  arrow,
  long_arrow,
};

struct Binary : Expr {
  static constexpr ExprKind kKind = ExprKind::binary;
  BinaryOp op = BinaryOp::eq;
  Expr* left = nullptr;
  Expr* right = nullptr;
};

enum class LikeOp : std::uint8_t { like, glob, regexp, match };

struct Like : Expr {
  static constexpr ExprKind kKind = ExprKind::like;
  LikeOp op = LikeOp::like;
  bool negated = false;
  Expr* left = nullptr;
  Expr* pattern = nullptr;
  Expr* escape = nullptr;
};

struct Between : Expr {
  static constexpr ExprKind kKind = ExprKind::between;
  bool negated = false;
  Expr* operand = nullptr;
  Expr* low = nullptr;
  Expr* high = nullptr;
};

/// `operand [NOT] IN (list) | (select) | table | table(arguments)`: a `select`, a present `table`,
/// or else the list.
struct In : Expr {
  static constexpr ExprKind kKind = ExprKind::in;
  bool negated = false;
  bool has_arguments = false;  ///< `table` is a function
  Expr* operand = nullptr;
  Select* select = nullptr;
  std::string_view schema;
  std::string_view table;
  List<Expr*> list;  ///< the list, or the table function's arguments
};

struct Exists : Expr {
  static constexpr ExprKind kKind = ExprKind::exists;
  Select* select = nullptr;
};

struct Subquery : Expr {
  static constexpr ExprKind kKind = ExprKind::subquery;
  Select* select = nullptr;
};

/// `(a, b, ...)`: two values or more.
struct Row : Expr {
  static constexpr ExprKind kKind = ExprKind::row;
  List<Expr*> items;
};

enum class SortOrder : std::uint8_t { unspecified, asc, desc };
enum class NullsOrder : std::uint8_t { unspecified, first, last };

struct OrderTerm {
  Expr* expr = nullptr;
  SortOrder order = SortOrder::unspecified;
  NullsOrder nulls = NullsOrder::unspecified;
};

struct Function : Expr {
  static constexpr ExprKind kKind = ExprKind::function;
  std::string_view name;
  bool distinct = false;
  bool star = false;  ///< count(*)
  List<Expr*> arguments;
  List<OrderTerm> order_by;
  Expr* filter = nullptr;
  WindowDef* over = nullptr;
};

/// A type as it was written, words joined as in the text: "VARCHAR(10)". Absent when there is none.
struct Cast : Expr {
  static constexpr ExprKind kKind = ExprKind::cast;
  Expr* operand = nullptr;
  std::string_view type;
};

struct Collate : Expr {
  static constexpr ExprKind kKind = ExprKind::collate;
  Expr* operand = nullptr;
  std::string_view collation;
};

struct WhenThen {
  Expr* when = nullptr;
  Expr* then = nullptr;
};

struct Case : Expr {
  static constexpr ExprKind kKind = ExprKind::case_when;
  Expr* operand = nullptr;
  List<WhenThen> branches;
  Expr* otherwise = nullptr;
};

/// What a failed constraint does; `unspecified` where the statement did not say.
enum class Conflict : std::uint8_t { unspecified, rollback, abort, fail, ignore, replace };

struct Raise : Expr {
  static constexpr ExprKind kKind = ExprKind::raise;
  Conflict action = Conflict::ignore;
  Expr* message = nullptr;  ///< null for IGNORE
};

// --- windows -------------------------------------------------------------------------------------

enum class FrameUnit : std::uint8_t { range, rows, groups };
enum class FrameBound : std::uint8_t {
  unbounded_preceding,
  preceding,
  current_row,
  following,
  unbounded_following,
};
enum class FrameExclude : std::uint8_t { none, current_row, group, ties };

/// `OVER name` has `reference` alone; `OVER (base ...)` and WINDOW definitions have the rest.
struct WindowDef {
  std::uint32_t at = 0;
  std::string_view name;       ///< of a definition in a WINDOW clause
  std::string_view reference;  ///< OVER name
  std::string_view base;
  List<Expr*> partition_by;
  List<OrderTerm> order_by;
  bool has_frame = false;
  FrameUnit unit = FrameUnit::range;
  FrameBound start = FrameBound::unbounded_preceding;
  FrameBound end = FrameBound::current_row;
  Expr* start_offset = nullptr;
  Expr* end_offset = nullptr;
  FrameExclude exclude = FrameExclude::none;
};

// --- select --------------------------------------------------------------------------------------

enum class Materialize : std::uint8_t { unspecified, yes, no };

struct Cte {
  std::uint32_t at = 0;
  std::string_view name;
  List<std::string_view> columns;
  Materialize materialize = Materialize::unspecified;
  Select* select = nullptr;
};

struct With {
  bool recursive = false;
  List<Cte*> ctes;
};

/// `expr [AS alias]`, `*` (no expr, no `star_table`) or `star_table.*`.
struct ResultColumn {
  std::uint32_t at = 0;
  Expr* expr = nullptr;
  std::string_view star_table;
  std::string_view alias;
  std::string_view text;  ///< the expression as it was written: the column's name without an alias
};

enum class SourceKind : std::uint8_t { table, function, subquery, nested };
enum class Indexed : std::uint8_t { unspecified, by, none };

/// One item of FROM and how it joins what stands left of it.
struct Source {
  std::uint32_t at = 0;
  SourceKind kind = SourceKind::table;
  // The join; `cross` keeps the written order, a plain comma or JOIN is none of these.
  bool comma = false;
  bool natural = false;
  bool left = false;
  bool right = false;  ///< LEFT and RIGHT both: FULL
  bool cross = false;
  bool inner = false;
  Expr* on = nullptr;
  bool has_using = false;
  List<std::string_view> using_columns;
  // What is joined.
  std::string_view schema;
  std::string_view name;
  std::string_view alias;
  Indexed indexed = Indexed::unspecified;
  std::string_view index;
  List<Expr*> arguments;  ///< of a table function
  Select* select = nullptr;
  List<Source*> nested;  ///< (a JOIN b)
};

enum class CompoundOp : std::uint8_t { none, union_distinct, union_all, except, intersect };

/// One SELECT or VALUES of a compound.
struct SelectCore {
  std::uint32_t at = 0;
  CompoundOp op = CompoundOp::none;  ///< how it combines with the cores before it
  bool is_values = false;
  List<List<Expr*>> rows;  ///< of VALUES
  bool distinct = false;
  List<ResultColumn> columns;
  List<Source*> from;
  Expr* where = nullptr;
  List<Expr*> group_by;
  Expr* having = nullptr;
  List<WindowDef*> windows;
};

struct Select {
  std::uint32_t at = 0;
  std::uint32_t height = 0;
  With* with = nullptr;
  List<SelectCore*> cores;
  List<OrderTerm> order_by;
  Expr* limit = nullptr;
  Expr* offset = nullptr;
};

// --- statements ----------------------------------------------------------------------------------

enum class StmtKind : std::uint8_t { select };

enum class Explain : std::uint8_t { none, program, query_plan };

struct Stmt {
  StmtKind kind;
  std::uint32_t at;
  Explain explain;
  std::string_view text;  ///< from its first token (after EXPLAIN) to its last, without `;`
};

struct SelectStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::select;
  Select* select = nullptr;
};

}  // namespace saturn::sql::ast
