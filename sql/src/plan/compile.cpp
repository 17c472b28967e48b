#include "plan/compile.hpp"

#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "exec/listing.hpp"
#include "exec/operators.hpp"
#include "plan/explain.hpp"
#include "plan/recode.hpp"
#include "plan/scope.hpp"

namespace saturn::sql {
namespace {

class SelectProgram final : public Program {
 public:
  explicit SelectProgram(Query query) : root_(std::move(query.root)) {
    columns = std::move(query.columns);
  }
  Result<void> start(Runtime&) override { return root_->open(); }
  Result<const Batch*> next(Runtime&) override { return root_->next(); }
  void finish(Runtime&) noexcept override { root_->close(); }
  const Operator* plan() const noexcept override { return root_.get(); }
  void list(Listing& listing) const override { listing.add("rows", *root_); }

 private:
  OperatorPtr root_;
};

Result<ProgramPtr> compile_plain(CompileContext& context, const ast::Stmt& stmt) {
  const auto unsupported = [&](std::string_view what) -> Error {
    return Error(Code::error, cat(what, " is not supported yet")).at(stmt.at);
  };
  switch (stmt.kind) {
    case ast::StmtKind::select: return compile_select(context, ast::as<ast::SelectStmt>(stmt));
    case ast::StmtKind::insert: return compile_insert(context, ast::as<ast::InsertStmt>(stmt));
    case ast::StmtKind::update: return compile_update(context, ast::as<ast::UpdateStmt>(stmt));
    case ast::StmtKind::remove: return compile_delete(context, ast::as<ast::DeleteStmt>(stmt));
    case ast::StmtKind::create_table:
      return compile_create_table(context, ast::as<ast::CreateTableStmt>(stmt));
    case ast::StmtKind::create_index:
      return compile_create_index(context, ast::as<ast::CreateIndexStmt>(stmt));
    case ast::StmtKind::create_view:
      return compile_create_view(context, ast::as<ast::CreateViewStmt>(stmt));
    case ast::StmtKind::drop: return compile_drop(context, ast::as<ast::DropStmt>(stmt));
    case ast::StmtKind::pragma: return compile_pragma(context, ast::as<ast::PragmaStmt>(stmt));
    case ast::StmtKind::create_virtual_table: return unsupported("CREATE VIRTUAL TABLE");
    case ast::StmtKind::create_trigger:
      return compile_create_trigger(context, ast::as<ast::CreateTriggerStmt>(stmt));
    case ast::StmtKind::alter: return compile_alter(context, ast::as<ast::AlterStmt>(stmt));
    case ast::StmtKind::attach: return compile_attach(context, ast::as<ast::AttachStmt>(stmt));
    case ast::StmtKind::detach: return compile_detach(context, ast::as<ast::DetachStmt>(stmt));
    case ast::StmtKind::vacuum: return compile_vacuum(context, ast::as<ast::VacuumStmt>(stmt));
    case ast::StmtKind::analyze: return compile_analyze(context, ast::as<ast::AnalyzeStmt>(stmt));
    case ast::StmtKind::reindex: return compile_reindex(context, ast::as<ast::ReindexStmt>(stmt));
    case ast::StmtKind::begin:
    case ast::StmtKind::commit:
    case ast::StmtKind::rollback:
    case ast::StmtKind::savepoint:
    case ast::StmtKind::release: return compile_transaction(context, stmt);
  }
  return Error(Code::internal);
}

/// The scope of rows that the caller supplies.
Scope scope_of(const CompileContext& context, const RowScope& rows) {
  Scope scope;
  for (const RowScope::Relation& from : rows.relations) {
    Relation relation;
    relation.name = from.name;
    relation.table = from.table;
    relation.aliased = from.name.data() != from.table->name.data();
    relation.database = context.schemas.name(from.table->database);
    relation.qualified_only = from.qualified_only;
    relation.bare_values = from.bare_values;
    Slot slot = from.base;
    for (const TableColumn& column : from.table->columns) {
      Relation::Column& shown = relation.columns.emplace_back();
      shown.name = column.name;
      shown.decltype_text = column.type;
      shown.hidden = from.qualified_only;
      if (!from.bare_values) {
        shown.affinity = column.affinity;
        shown.collation = column.collation;
      }
      relation.slots.push_back(slot++);
    }
    relation.slots.push_back(slot);
    if (from.table->rowid_column >= 0) {
      // The INTEGER PRIMARY KEY is a column of the row like any other here.
      relation.slots.back() = relation.slots[static_cast<std::size_t>(from.table->rowid_column)];
    }
    scope.relations.push_back(std::move(relation));
    scope.slot_count = slot + 1;
  }
  return scope;
}

}  // namespace

// --- names of databases and tables
// ----------------------------------------------------------------

std::optional<DatabaseNo> CompileContext::home() const noexcept {
  DatabaseNo database = kTempDatabase;
  if (!views.empty()) {
    database = views.back()->database;
  } else if (trigger != nullptr) {
    database = trigger->database;
  }
  return database == kTempDatabase ? std::optional<DatabaseNo>() : database;
}

Result<std::optional<DatabaseNo>> CompileContext::database(std::string_view name,
                                                           std::uint32_t at) const {
  if (!ast::present(name)) return home();
  const std::optional<DatabaseNo> found = schemas.find(name);
  if (!found) return Error(Code::error, cat("unknown database ", name)).at(at);
  return found;
}

const Table* CompileContext::find_table(std::string_view database, std::string_view name) const {
  std::optional<DatabaseNo> in = home();
  if (ast::present(database)) {
    const std::optional<DatabaseNo> named = schemas.find(database);
    // What is stored in one database sees no other.
    if (!named || (in && *named != *in)) return nullptr;
    in = named;
  }
  const Table* table = schemas.find_table(in, name);
  if (table != nullptr) reads(table->database);
  return table;
}

Error CompileContext::no_such_table(std::string_view database, std::string_view name,
                                    std::uint32_t at, std::string_view what) const {
  if (!ast::present(database) && home()) database = schemas.name(*home());
  const std::string prefix = ast::present(database) ? cat(database, ".") : std::string();
  return Error(Code::error, cat("no such ", what, ": ", prefix, name)).at(at);
}

Result<ProgramPtr> compile(CompileContext& context, const ast::Stmt& stmt) {
  return explain(context, stmt, TRY(compile_plain(context, stmt)));
}

Result<ProgramPtr> compile_select(CompileContext& context, const ast::SelectStmt& stmt) {
  Query query = TRY(plan_select(context, *stmt.select));
  return ProgramPtr(std::make_unique<SelectProgram>(std::move(query)));
}

Result<Query> plan_table_rows(CompileContext& context, const TargetRows& rows) {
  const Table& table = *rows.table;
  Scope scope;
  scope.ctes = rows.ctes;
  std::vector<JoinCondition> conditions;
  List<ast::Source*> sources;
  auto* target = context.arena.make<ast::Source>();
  target->schema = context.schemas.name(table.database);
  target->name = table.name;
  target->alias = rows.name;
  target->indexed = rows.indexed;
  target->index = rows.index;
  sources.push(context.arena, target);
  if (rows.from != nullptr) {
    if (rows.from->size() == 1) sources.push(context.arena, (*rows.from)[0]);
    if (rows.from->size() > 1) {
      // What FROM joins does not see the table that is changed.
      auto* joined = context.arena.make<ast::Source>();
      joined->kind = ast::SourceKind::nested;
      joined->nested = *rows.from;
      joined->as_one = true;
      sources.push(context.arena, joined);
    }
  }
  TRY(bind_from(context, scope, sources, conditions));
  scope.relations[0].is_target = true;
  if (rows.where != nullptr) {
    Binder binder(context, scope, BindRules{.clause = "WHERE"});
    std::vector<ExprPtr> parts;
    split_conjunction(TRY(binder.bind(*rows.where)), parts);
    for (ExprPtr& part : parts) conditions.push_back({std::move(part), -1});
  }
  std::vector<ExprPtr> outputs;
  if (table.kind == TableKind::view) {
    for (std::size_t c = 0; c < scope.relations[0].columns.size(); ++c) {
      outputs.push_back(Binder::column_of(scope, 0, static_cast<int>(c)));
    }
  } else if (table.without_rowid) {
    for (const IndexColumn& key : table.primary->columns) {
      outputs.push_back(Binder::column_of(scope, 0, key.column));
    }
  } else {
    outputs.push_back(Binder::column_of(scope, 0, SlotNode::kRowidColumn));
  }
  Binder binder(context, scope, BindRules{.clause = "SET"});
  for (const ast::Expr* expr : rows.exprs) outputs.push_back(TRY(binder.bind(*expr)));
  OperatorPtr joined = TRY(plan_joins(context, scope, std::move(conditions), nullptr, nullptr));
  Query query;
  query.root =
      std::make_unique<ProjectOperator>(context.runtime, std::move(joined), std::move(outputs));
  query.found_by = scope.relations[0].found_by;
  return query;
}

Result<ExprPtr> bind_row_expr(CompileContext& context, const RowScope& rows, const ast::Expr& expr,
                              bool allow_subqueries, const CteEnv* ctes) {
  Scope scope = scope_of(context, rows);
  scope.ctes = ctes;
  const ScopedValue changing(context.rows_change, true);
  Binder binder(context, scope,
                BindRules{.subqueries = allow_subqueries,
                          .stored = !allow_subqueries,
                          .clause = "this expression"});
  return binder.bind(expr);
}

Result<ExprPtr> bind_row_condition(CompileContext& context, const RowScope& rows,
                                   const ast::Expr& expr, bool allow_subqueries) {
  return recode(context, TRY(bind_row_expr(context, rows, expr, allow_subqueries)), Recode::text);
}

Result<BoundColumns> bind_returning(CompileContext& context, const RowScope& rows,
                                    const List<ast::ResultColumn>& returning, const CteEnv* ctes) {
  BoundColumns bound;
  const ScopedValue changing(context.rows_change, true);
  Scope scope = scope_of(context, rows);
  for (Relation& relation : scope.relations) relation.database = {};  // not found by it either
  scope.ctes = ctes;
  const Table& table = *rows.relations.front().table;
  for (const ast::ResultColumn& column : returning) {
    if (column.expr == nullptr) {
      if (ast::present(column.star_table)) {
        return Error(Code::error, "RETURNING may not use \"TABLE.*\" wildcards").at(column.at);
      }
      for (std::size_t c = 0; c < table.columns.size(); ++c) {
        bound.exprs.push_back(Binder::column_of(scope, 0, static_cast<int>(c)));
        bound.columns.push_back({table.columns[c].name, table.columns[c].type});
      }
      continue;
    }
    Binder binder(context, scope, BindRules{.clause = "RETURNING"});
    ExprPtr expr = TRY(binder.bind(*column.expr));
    ResultColumn result{std::string(column.text), ""};
    if (expr->kind == NodeKind::slot) {
      int number = static_cast<const SlotNode&>(*expr).column;
      if (number == SlotNode::kRowidColumn) number = table.rowid_column;
      if (number >= 0) {
        result.name = table.columns[static_cast<std::size_t>(number)].name;
        result.decltype_text = table.columns[static_cast<std::size_t>(number)].type;
      }
    }
    if (ast::present(column.alias)) result.name = std::string(column.alias);
    bound.columns.push_back(std::move(result));
    bound.exprs.push_back(std::move(expr));
  }
  return bound;
}

}  // namespace saturn::sql
