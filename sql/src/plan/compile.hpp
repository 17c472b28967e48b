#pragma once

#include "catalog/schemas.hpp"
#include "exec/expr.hpp"
#include "exec/operator.hpp"
#include "exec/program.hpp"
#include "parser/parser.hpp"
#include "plan/name_tracker.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

/// From a parsed statement to a program.
namespace saturn::sql {

/// What the statements of a trigger see of the row that fired it.
struct TriggerFrame {
  const Table* table = nullptr;
  DatabaseNo database = kMainDatabase;  ///< that has the trigger
  // The row's columns and its rowid, as `TableWriter` has them; null: there is none of that name.
  const ValueRef* old_row = nullptr;
  const ValueRef* new_row = nullptr;
  const void* identity = nullptr;  ///< which trigger; null for a foreign key
  /// Whether in comparisons OLD.x and NEW.x have the affinity of x: where foreign keys look for
  /// rows, not where they change some, and not in triggers.
  bool has_affinities = false;
  ast::Conflict conflict = ast::Conflict::unspecified;  ///< outranks those of the statements
  const TriggerFrame* outer = nullptr;  ///< the trigger whose statement fired this one
  std::uint32_t depth = 0;
};

/// What compiling may use. The tree, the schema and the runtime outlive the program.
struct CompileContext {
  const Schemas& schemas;
  /// What is found to be needed goes into `runtime.use`; its transactions, where there are any,
  /// serve for estimates of sizes.
  Runtime& runtime;
  Arena& arena;                          ///< of the statement's tree; for trees that compiling adds
  std::vector<const Table*> views = {};  ///< being expanded, outermost first
  const TriggerFrame* trigger = nullptr;
  bool triggers = true;          ///< whether changes fire triggers
  NameTracker* names = nullptr;  ///< is told what names mean; or null
  /// What is bound is computed while the statement changes rows, so that a correlated subquery may
  /// keep none of a table from one row to the next.
  bool rows_change = false;

  /// The database that unqualified names are of: that of the view or trigger whose text is being
  /// compiled, unless it is temp, whose views and triggers see everything. Nothing outside of one.
  std::optional<DatabaseNo> home() const noexcept;
  /// A database by its name, which may be absent: then `home()`. "unknown database NAME".
  Result<std::optional<DatabaseNo>> database(std::string_view name, std::uint32_t at) const;
  /// A table that is going to be read; null when there is none. The name of the database may be
  /// absent.
  const Table* find_table(std::string_view database, std::string_view name) const;
  /// "no such table: NAME", with the database as SQLite shows it.
  Error no_such_table(std::string_view database, std::string_view name, std::uint32_t at,
                      std::string_view what = "table") const;
  void reads(DatabaseNo database) const noexcept { runtime.use.reads.add(database); }
  void writes(DatabaseNo database) const noexcept {
    runtime.use.reads.add(database);
    runtime.use.writes.add(database);
  }
  /// The pages of a database, for estimates; null when there is no transaction.
  storage::Transaction* pages(DatabaseNo database) const noexcept {
    return runtime.transactions == nullptr ? nullptr : runtime.transactions->find(database);
  }

  bool has(Rule rule) const noexcept { return runtime.session.rules.has(rule); }

  /// Of the texts in the statement's databases.
  TextEncoding encoding() const noexcept { return runtime.session.encoding(); }
  /// The collation of what has none of its own.
  const Collation& binary() const noexcept { return Collation::binary(encoding()); }
};

/// Any statement. Fails with SQLite's message, and `position` where one is known. // SUSPENDS
Result<ProgramPtr> compile(CompileContext& context, const ast::Stmt& stmt);

// By area; each fails with "... not supported yet" for what cannot be executed.
Result<ProgramPtr> compile_select(CompileContext& context, const ast::SelectStmt& stmt);
Result<ProgramPtr> compile_insert(CompileContext& context, const ast::InsertStmt& stmt);
Result<ProgramPtr> compile_update(CompileContext& context, const ast::UpdateStmt& stmt);
Result<ProgramPtr> compile_delete(CompileContext& context, const ast::DeleteStmt& stmt);
Result<ProgramPtr> compile_create_table(CompileContext& context, const ast::CreateTableStmt& stmt);
Result<ProgramPtr> compile_create_index(CompileContext& context, const ast::CreateIndexStmt& stmt);
Result<ProgramPtr> compile_create_view(CompileContext& context, const ast::CreateViewStmt& stmt);
Result<ProgramPtr> compile_create_trigger(CompileContext& context,
                                          const ast::CreateTriggerStmt& stmt);
Result<ProgramPtr> compile_drop_trigger(CompileContext& context, const ast::DropStmt& stmt);
Result<ProgramPtr> compile_alter(CompileContext& context, const ast::AlterStmt& stmt);
Result<ProgramPtr> compile_drop(CompileContext& context, const ast::DropStmt& stmt);
/// BEGIN, COMMIT, ROLLBACK, SAVEPOINT and RELEASE; needs no schema.
Result<ProgramPtr> compile_transaction(CompileContext& context, const ast::Stmt& stmt);
Result<ProgramPtr> compile_analyze(CompileContext& context, const ast::AnalyzeStmt& stmt);
Result<ProgramPtr> compile_reindex(CompileContext& context, const ast::ReindexStmt& stmt);
Result<ProgramPtr> compile_vacuum(CompileContext& context, const ast::VacuumStmt& stmt);
Result<ProgramPtr> compile_attach(CompileContext& context, const ast::AttachStmt& stmt);
Result<ProgramPtr> compile_detach(CompileContext& context, const ast::DetachStmt& stmt);
Result<ProgramPtr> compile_pragma(CompileContext& context, const ast::PragmaStmt& stmt);

/// A query as rows: slot n of its batches is result column n.
struct Query {
  OperatorPtr root;
  std::vector<ResultColumn> columns;
  /// What the columns are called as those of a table: `b COLLATE x` is b there. May be shorter.
  std::vector<std::string> table_names = {};
  std::vector<Affinity> affinities;          ///< of the columns
  std::vector<const Collation*> collations;  ///< of the columns; never null
  /// Whether a COLLATE operator gives a column its collation; may be shorter.
  std::vector<bool> explicit_collations = {};
  /// Whether a column has a collation at all, BINARY included; of SELECTs that a compound joins.
  std::vector<bool> collated = {};
  /// Whether a column has the affinity REAL and yet integers, from other SELECTs of a compound:
  /// who reads it as a table's column gets reals, as in SQLite. May be shorter.
  std::vector<bool> read_as_real = {};
  /// Of a compound, or of VALUES: the affinities in its last SELECT or row, by which IN goes.
  std::vector<Affinity> last_affinities = {};
  /// Of a compound: the collations in its last SELECT, by which IN goes too, and whether a COLLATE
  /// operator gives them.
  std::vector<const Collation*> last_collations = {};
  std::vector<bool> last_explicit = {};
  /// Of `plan_table_rows`: the index that finds the rows; null: they come in the order of their
  /// keys.
  const Index* found_by = nullptr;
  /// What a column's values may be (`value_kinds`); of SELECTs that a compound joins.
  std::vector<std::uint8_t> kinds = {};
};

/// The names of a query's columns as those of a table, equal ones told apart ("a", "a:1"): `given`
/// as far as there are any, else the query's own.
std::vector<std::string> names_as_table(const Query& query,
                                        std::span<const std::string> given = {});

struct CteEnv;

/// Plans a whole SELECT (WITH, compounds, ORDER BY, LIMIT included). `ctes` are those of an
/// enclosing INSERT, UPDATE or DELETE, or null.
Result<Query> plan_select(CompileContext& context, const ast::Select& select,
                          const CteEnv* ctes = nullptr);

/// What UPDATE and DELETE visit, and what an index is made of.
struct TargetRows {
  const Table* table = nullptr;  ///< of the schema; may be a view
  std::string_view name = {};    ///< for expressions
  ast::Indexed indexed = ast::Indexed::unspecified;
  std::string_view index = {};               ///< INDEXED BY
  const List<ast::Source*>* from = nullptr;  ///< joined with it; may be null
  const ast::Expr* where = nullptr;          ///< may be null
  std::span<const ast::Expr* const> exprs = {};
  const CteEnv* ctes = nullptr;
};

/// Plans the rows of the table, joined with `from`, for which `where` is true. The batches have the
/// row's key (`Table::key_width` values: the rowid, or the primary key; of a view all columns) in
/// the first slots and the values of `exprs` behind it. The caller takes all rows before it changes
/// the first one. // SUSPENDS
Result<Query> plan_table_rows(CompileContext& context, const TargetRows& rows);

/// A name space for expressions over single rows that the caller supplies. Slots: column n of the
/// relation at `base + n`, its rowid at `base + columns.size()`.
struct RowScope {
  struct Relation {
    const Table* table = nullptr;
    std::string_view name;  ///< "new", "excluded", the alias, or the table's own name
    Slot base = 0;
    bool qualified_only = false;  ///< its columns are found with its name in front only
    bool bare_values = false;     ///< its columns have neither affinity nor collation
  };
  std::vector<Relation> relations;
};

/// Binds an expression over such rows: CHECK, index expressions, the WHERE of partial indexes,
/// RETURNING, ON CONFLICT DO UPDATE. With no relations, a constant expression (DEFAULT, VALUES).
/// Subqueries are allowed if `allow_subqueries`; `ctes` (or null) are those that they may read.
Result<ExprPtr> bind_row_expr(CompileContext& context, const RowScope& scope, const ast::Expr& expr,
                              bool allow_subqueries, const CteEnv* ctes = nullptr);
/// The same for an expression of which only its truth is asked.
Result<ExprPtr> bind_row_condition(CompileContext& context, const RowScope& scope,
                                   const ast::Expr& expr, bool allow_subqueries);

/// The columns of RETURNING over such a row: `*` expanded, names as SQLite names them.
struct BoundColumns {
  std::vector<ExprPtr> exprs;
  std::vector<ResultColumn> columns;
};
Result<BoundColumns> bind_returning(CompileContext& context, const RowScope& scope,
                                    const List<ast::ResultColumn>& returning, const CteEnv* ctes);

}  // namespace saturn::sql
