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
  bool never_rowid = false;  ///< where it stands (set by the catalog), no name means the rowid
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
  // Of a row of `width` columns, this one: where a row value is taken apart.
  std::uint32_t column = 0;
  std::uint32_t width = 1;
  bool assigned = false;  ///< by a SET of several columns
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
  bool as_one = false;   ///< nested: not to be joined one by one with what is around it
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

enum class StmtKind : std::uint8_t {
  select,
  insert,
  update,
  remove,
  create_table,
  create_virtual_table,
  create_index,
  create_view,
  create_trigger,
  drop,
  alter,
  begin,
  commit,
  rollback,
  savepoint,
  release,
  attach,
  detach,
  pragma,
  vacuum,
  analyze,
  reindex,
};

enum class Explain : std::uint8_t { none, program, query_plan, analyze, plan_json, analyze_json };

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

/// `schema.name AS alias` of what INSERT, UPDATE or DELETE changes.
struct Target {
  std::uint32_t at = 0;
  std::string_view schema;
  std::string_view name;
  std::string_view alias;
  Indexed indexed = Indexed::unspecified;
  std::string_view index;
};

/// `column = value`, or `(columns) = value`.
struct Assignment {
  std::uint32_t at = 0;
  bool is_row = false;
  List<std::string_view> columns;
  Expr* value = nullptr;
};

/// One ON CONFLICT clause; no `target` terms: any conflict. No assignments: DO NOTHING.
struct Upsert {
  std::uint32_t at = 0;
  List<OrderTerm> target;
  Expr* target_where = nullptr;
  bool update = false;
  List<Assignment> assignments;
  Expr* where = nullptr;
};

struct InsertStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::insert;
  With* with = nullptr;
  Conflict conflict = Conflict::unspecified;  ///< `replace` for REPLACE too
  Target target;
  List<std::string_view> columns;
  Select* select = nullptr;  ///< null: DEFAULT VALUES
  List<Upsert*> upserts;
  List<ResultColumn> returning;
};

struct UpdateStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::update;
  With* with = nullptr;
  Conflict conflict = Conflict::unspecified;
  Target target;
  List<Assignment> assignments;
  List<Source*> from;
  Expr* where = nullptr;
  List<ResultColumn> returning;
};

struct DeleteStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::remove;
  With* with = nullptr;
  Target target;
  Expr* where = nullptr;
  List<ResultColumn> returning;
};

enum class Action : std::uint8_t { none, no_action, restrict, set_null, set_default, cascade };
enum class Deferral : std::uint8_t { unspecified, deferred, immediate };

struct References {
  std::string_view table;
  List<std::string_view> columns;
  Action on_delete = Action::none;
  Action on_update = Action::none;
  bool deferrable = false;
  Deferral initially = Deferral::unspecified;
};

enum class ConstraintKind : std::uint8_t {
  primary_key,
  unique,
  check,
  foreign_key,
  not_null,
  null,
  default_value,
  collate,
  generated,
};

/// A constraint of a column or of a table; which fields count depends on its kind.
struct Constraint {
  std::uint32_t at = 0;
  ConstraintKind kind = ConstraintKind::check;
  bool of_column = false;  ///< stands at a column
  std::string_view name;
  Conflict conflict = Conflict::unspecified;
  List<OrderTerm> key;                       ///< table PRIMARY KEY and UNIQUE
  SortOrder order = SortOrder::unspecified;  ///< column PRIMARY KEY
  bool autoincrement = false;
  Expr* expr = nullptr;   ///< CHECK, DEFAULT, generated
  std::string_view text;  ///< the expression as it was written, without its parentheses
  std::string_view collation;
  bool stored = false;             ///< generated: STORED, else VIRTUAL
  List<std::string_view> columns;  ///< table FOREIGN KEY
  References* references = nullptr;
};

struct ColumnDef {
  std::uint32_t at = 0;
  std::string_view name;
  std::string_view type;
  List<Constraint*> constraints;
  std::string_view text;  ///< the definition as it was written
};

struct CreateTableStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::create_table;
  bool temporary = false;
  bool if_not_exists = false;
  std::string_view schema;
  std::string_view name;
  std::string_view written_name;  ///< with its quotes
  List<ColumnDef*> columns;
  List<Constraint*> constraints;
  bool without_rowid = false;
  bool strict = false;
  Select* select = nullptr;  ///< CREATE TABLE AS
};

struct CreateVirtualTableStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::create_virtual_table;
  bool if_not_exists = false;
  std::string_view schema;
  std::string_view name;
  std::string_view module;
  List<std::string_view> arguments;  ///< as written, blanks around them dropped
};

struct CreateIndexStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::create_index;
  bool unique = false;
  bool if_not_exists = false;
  std::string_view schema;
  std::string_view name;
  std::string_view table;
  List<OrderTerm> key;
  Expr* where = nullptr;
};

struct CreateViewStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::create_view;
  bool temporary = false;
  bool if_not_exists = false;
  std::string_view schema;
  std::string_view name;
  std::string_view written_name;  ///< with its quotes
  List<std::string_view> columns;
  Select* select = nullptr;
  List<std::string_view> databases;  ///< whose names qualify tables in `select`
};

enum class TriggerTime : std::uint8_t { before, after, instead_of };
enum class TriggerEvent : std::uint8_t { insert, update, remove };

struct CreateTriggerStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::create_trigger;
  bool temporary = false;
  bool if_not_exists = false;
  std::string_view schema;
  std::string_view name;
  std::string_view written_name;  ///< with its quotes
  TriggerTime time = TriggerTime::before;
  TriggerEvent event = TriggerEvent::insert;
  List<std::string_view> update_of;
  std::string_view table_schema;
  std::string_view table;
  bool for_each_row = false;
  Expr* when = nullptr;
  List<Stmt*> body;
  List<std::string_view> databases;  ///< whose names qualify tables in it
};

enum class ObjectKind : std::uint8_t { table, view, index, trigger };

struct DropStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::drop;
  ObjectKind object = ObjectKind::table;
  bool if_exists = false;
  std::string_view schema;
  std::string_view name;
};

enum class AlterKind : std::uint8_t { rename_table, rename_column, add_column, drop_column };

struct AlterStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::alter;
  AlterKind action = AlterKind::rename_table;
  std::string_view schema;
  std::string_view table;
  std::string_view column;
  std::string_view written_column;  ///< with its quotes
  std::string_view new_name;
  ColumnDef* definition = nullptr;  ///< of ADD COLUMN
};

enum class BeginMode : std::uint8_t { deferred, immediate, exclusive, readonly };

struct BeginStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::begin;
  BeginMode mode = BeginMode::deferred;
};

struct CommitStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::commit;
};

struct RollbackStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::rollback;
  std::string_view savepoint;  ///< ROLLBACK TO
};

struct SavepointStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::savepoint;
  std::string_view name;
};

struct ReleaseStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::release;
  std::string_view name;
};

struct AttachStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::attach;
  Expr* file = nullptr;
  Expr* schema = nullptr;
  Expr* key = nullptr;
};

struct DetachStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::detach;
  Expr* schema = nullptr;
};

struct PragmaStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::pragma;
  std::string_view schema;
  std::string_view name;
  bool call = false;       ///< name(value), not name = value
  std::string_view value;  ///< absent when it only asks; numbers keep their sign
};

struct VacuumStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::vacuum;
  std::string_view schema;
  Expr* into = nullptr;
};

struct AnalyzeStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::analyze;
  std::string_view schema;
  std::string_view name;
};

struct ReindexStmt : Stmt {
  static constexpr StmtKind kKind = StmtKind::reindex;
  std::string_view schema;
  std::string_view name;
};

}  // namespace saturn::sql::ast
