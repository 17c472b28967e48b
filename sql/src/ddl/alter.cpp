#include "base/text.hpp"
#include "ddl/alter_text.hpp"
#include "ddl/schema_writer.hpp"
#include "ddl/stored_expr.hpp"
#include "dml/row_program.hpp"
#include "dml/target.hpp"
#include "parser/lexer.hpp"
#include "parser/parser.hpp"
#include "plan/compile.hpp"
#include "plan/table_columns.hpp"
#include "pragma/integrity.hpp"
#include "value/stored_text.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

// ALTER TABLE. Every form changes texts in sqlite_schema and reads the schema again; DROP COLUMN
// rewrites the table's rows too.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

class AlterProgram : public ImmediateProgram {
 public:
  explicit AlterProgram(const Table& table) : table_(table) {
    access = Access::write;
    readonly = false;
  }

 protected:
  Result<bool> has_rows(Runtime& runtime) const {
    storage::BTreeCursor cursor(runtime.transaction(table_.database), table_.root,
                                table_.without_rowid ? &table_.primary->key_info : nullptr);
    return TRY(cursor.first());
  }
  const Table& table_;
};

/// The tables that may have views and triggers which use those of `database`: its own, and temp's.
std::vector<const Table*> tables_around(const Schemas& schemas, DatabaseNo database) {
  std::vector<const Table*> tables = schemas[database].tables();
  if (database == kTempDatabase) return tables;
  const auto& temporary = schemas[kTempDatabase].tables();
  tables.insert(tables.end(), temporary.begin(), temporary.end());
  return tables;
}

/// All triggers of `database`, and those of temp, on whichever tables.
std::vector<std::pair<const Table*, const Trigger*>> triggers_around(const Schemas& schemas,
                                                                     DatabaseNo database) {
  std::vector<std::pair<const Table*, const Trigger*>> triggers;
  for (std::size_t i = 0; i < schemas.size(); ++i) {
    const auto at = static_cast<DatabaseNo>(i);
    for (const Table* table : schemas[at].tables()) {
      if (at == database || at == kTempDatabase) {
        for (const auto& trigger : table->triggers) triggers.emplace_back(table, trigger.get());
      }
      for (const Trigger* trigger : schemas.temp_triggers(*table)) {
        triggers.emplace_back(table, trigger);
      }
    }
  }
  return triggers;
}

/// Compiles a trigger as if it were fired, and drops it.
Result<void> compile_trigger(CompileContext& context, const Table& table, const Trigger& trigger) {
  const ast::CreateTriggerStmt& definition = *trigger.definition;
  std::vector<const ast::Stmt*> body;
  for (const ast::Stmt* stmt : definition.body) body.push_back(stmt);
  std::unique_ptr<Table> shape;
  if (table.kind == TableKind::view) shape = TRY(shape_of_view(context, table));
  RowProgram program(context, shape ? *shape : table, trigger.database, &trigger,
                     ast::Conflict::unspecified, definition.when, std::move(body));
  program.set_rows(definition.event != ast::TriggerEvent::insert,
                   definition.event != ast::TriggerEvent::remove);
  return program.compile();
}

/// Compiles every trigger: a change must not break one. `when` goes into the message.
Result<void> check_triggers(Runtime& runtime, DatabaseNo database, std::string_view when) {
  const Schemas& schemas = *runtime.session.schemas;
  for (const auto& [table, trigger] : triggers_around(schemas, database)) {
    Arena arena;
    CompileContext context{schemas, runtime, arena};
    Result<void> compiled = compile_trigger(context, *table, *trigger);
    if (compiled) continue;
    return Error(Code::error,
                 cat("error in trigger ", trigger->name, when, ": ", compiled.message()));
  }
  return {};
}

/// Plans every view: a change must not break one. `when` goes into the message.
Result<void> check_views(Runtime& runtime, DatabaseNo database, std::string_view when) {
  const Schemas& schemas = *runtime.session.schemas;
  for (const Table* view : tables_around(schemas, database)) {
    if (view->kind != TableKind::view) continue;
    Arena arena;
    CompileContext context{schemas, runtime, arena, {view}};
    auto planned = plan_select(context, *view->view);
    if (!planned) {
      return Error(Code::error,
                   cat("error in view ", view->name, when, ": ", planned.error().message()));
    }
  }
  return {};
}

// --- ADD COLUMN ----------------------------------------------------------------------------------

class AddColumnProgram final : public AlterProgram {
 public:
  using AlterProgram::AlterProgram;
  Result<void> prepare(CompileContext& context, const ast::AlterStmt& stmt);

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override;

 private:
  std::string sql_;
  std::string name_;
  bool checks_rows_ = false;
  bool generated_ = false;         ///< the new column
  std::string refused_with_rows_;  ///< the error when the table has rows
};

/// What SQLite can put into old rows: a literal, with a sign or a CAST at most.
bool is_plain_constant(const ast::Expr& expr) {
  if (const auto* unary = ast::as_if<ast::Unary>(&expr)) {
    return (unary->op == ast::UnaryOp::minus || unary->op == ast::UnaryOp::plus) &&
           is_plain_constant(*unary->operand);
  }
  if (const auto* cast = ast::as_if<ast::Cast>(&expr)) return is_plain_constant(*cast->operand);
  if (expr.kind == ast::ExprKind::column) return true;  // TRUE or FALSE
  const auto* literal = ast::as_if<ast::Literal>(&expr);
  return literal != nullptr && literal->literal < ast::LiteralKind::current_date;
}

bool is_null(const ast::Expr* expr) {
  const auto* literal = ast::as_if<ast::Literal>(expr);
  return expr == nullptr || (literal != nullptr && literal->literal == ast::LiteralKind::null);
}

Result<void> AddColumnProgram::prepare(CompileContext& context, const ast::AlterStmt& stmt) {
  const ast::ColumnDef& column = *stmt.definition;
  const ast::Expr* default_value = nullptr;
  bool not_null = false;
  for (const ast::Constraint* constraint : column.constraints) {
    switch (constraint->kind) {
      case ast::ConstraintKind::primary_key: return at(stmt.at, "Cannot add a PRIMARY KEY column");
      case ast::ConstraintKind::unique: return at(stmt.at, "Cannot add a UNIQUE column");
      case ast::ConstraintKind::generated:
        if (constraint->stored) refused_with_rows_ = "cannot add a STORED column";
        generated_ = true;
        break;
      case ast::ConstraintKind::not_null: not_null = true; break;
      case ast::ConstraintKind::default_value: default_value = constraint->expr; break;
      default: break;
    }
    checks_rows_ = checks_rows_ || constraint->kind == ast::ConstraintKind::check ||
                   constraint->kind == ast::ConstraintKind::not_null;
  }
  sql_ = TRY(with_added_column(table_, column.text));
  name_ = table_.name;
  Table changed;
  changed.name = table_.name;
  changed.encoding = table_.encoding;
  changed.sql = sql_;
  const Parsed parsed = TRY(parse_next(changed.sql, changed.arena));
  const auto broken = [&](const Result<void>& outcome) {
    return Error(Code::error,
                 cat("error in table ", changed.name, " after add column: ", outcome.message()));
  };
  Result<void> defined = define_table(changed, ast::as<ast::CreateTableStmt>(*parsed.stmt));
  // Whether a STRICT table knows the type is seen with the whole definition, unlike a wrong name.
  if (!defined && table_.strict && table_.find_column(column.name) < 0) return broken(defined);
  TRY(std::move(defined));
  checks_rows_ = checks_rows_ || table_.strict;
  if (default_value != nullptr) {
    TRY(check_stored_expr(changed, *default_value, StoredExpr::default_value, column.name));
  }
  if (generated_) {
    TRY(check_stored_expr(changed, *changed.columns.back().generated, StoredExpr::generated));
  }
  if (auto bound = bind_generated(context, changed); !bound) {
    return Error(Code::error, cat("error in table ", changed.name,
                                  " after add column: ", bound.error().message()));
  }
  for (const CheckConstraint& check : changed.checks) {
    TRY(check_stored_expr(changed, *check.expr, StoredExpr::check));
    RowScope scope;
    scope.relations.push_back({&changed, changed.name, 0});
    auto bound = bind_row_expr(context, scope, *check.expr, false);
    if (!bound) {
      return Error(Code::error, cat("error in table ", changed.name,
                                    " after add column: ", bound.error().message()));
    }
  }
  if (not_null && !generated_ && is_null(default_value)) {
    refused_with_rows_ = "Cannot add a NOT NULL column with default value NULL";
  } else if (default_value != nullptr && !is_plain_constant(*default_value)) {
    refused_with_rows_ = "Cannot add a column with non-constant default";
  }
  return {};
}

Result<void> AddColumnProgram::work(Runtime& runtime, std::vector<Row>&) {
  if (!refused_with_rows_.empty()) {
    const bool refused = TRY(has_rows(runtime));
    if (refused) return Error(Code::error, refused_with_rows_);
  }
  storage::Transaction& transaction = runtime.transaction(table_.database);
  TRY(change_schema_rows(transaction, [&](SchemaRow& row) -> Result<bool> {
    if (row.type != "table" || !equals_nocase(row.name, name_)) return false;
    row.sql = sql_;
    return true;
  }));
  TRY(runtime.session.schema_changed(transaction, table_.database));
  if (!checks_rows_) return {};
  // The rows that are there must keep the new column's constraints.
  const Schemas& schemas = *runtime.session.schemas;
  IntegrityOptions options;
  options.quick = true;
  options.database = table_.database;
  options.table = schemas[options.database].find_table(name_);
  for (const std::string& problem : TRY(check_integrity(runtime, schemas, options))) {
    if (problem.starts_with("CHECK")) return Error(Code::constraint, "CHECK constraint failed");
    if (problem.starts_with("NULL")) return Error(Code::constraint, "NOT NULL constraint failed");
    if (problem.starts_with("non-")) {
      return Error(Code::constraint, generated_ ? "constraint failed" : "type mismatch on DEFAULT");
    }
  }
  return {};
}

// --- DROP COLUMN ---------------------------------------------------------------------------------

class DropColumnProgram final : public AlterProgram {
 public:
  using AlterProgram::AlterProgram;
  Result<void> prepare(CompileContext& context, const ast::AlterStmt& stmt);

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override;

 private:
  Result<void> check_rest(CompileContext& context);
  Result<void> rewrite_rows(Runtime& runtime);

  std::string name_;
  std::string sql_;
  std::size_t column_ = 0;
  std::vector<ValueRef> absent_;  ///< by place in the record, for those that are too short
};

Result<void> DropColumnProgram::prepare(CompileContext& context, const ast::AlterStmt& stmt) {
  name_ = table_.name;
  const int column = table_.find_column(stmt.column);
  if (column < 0) return at(stmt.at, cat("no such column: \"", stmt.written_column, "\""));
  column_ = static_cast<std::size_t>(column);
  if (table_.columns[column_].primary_key != 0) {
    return at(stmt.at, cat("cannot drop PRIMARY KEY column: \"", stmt.column, "\""));
  }
  for (const auto& index : table_.indexes) {
    if (index->origin == IndexOrigin::create_index || index->columns.size() != 1) continue;
    if (index->columns[0].column == column) {
      return at(stmt.at, cat("cannot drop UNIQUE column: \"", stmt.column, "\""));
    }
  }
  if (table_.columns.size() == 1) {
    return at(stmt.at, cat("cannot drop column \"", stmt.column, "\": no other columns exist"));
  }
  absent_.resize(table_.record_width());
  for (const TableColumn& of : table_.columns) {
    if (of.is_virtual()) continue;
    absent_[static_cast<std::size_t>(of.record_place)] = TRY(absent_value(context, of));
  }
  sql_ = TRY(without_column(table_, column_));
  return check_rest(context);
}

/// What is left of the table and its indexes must not need the column.
Result<void> DropColumnProgram::check_rest(CompileContext& context) {
  Table rest;
  rest.name = table_.name;
  rest.encoding = table_.encoding;
  rest.sql = sql_;
  const auto broken = [&](std::string_view what, std::string_view name, std::string_view why) {
    return Error(Code::error, cat("error in ", what, " ", name, " after drop column: ", why));
  };
  auto parsed = parse_next(rest.sql, rest.arena);
  if (!parsed) return broken("table", rest.name, parsed.error().message());
  auto defined = define_table(rest, ast::as<ast::CreateTableStmt>(*parsed->stmt));
  if (!defined) return broken("table", rest.name, defined.message());
  if (auto bound = bind_generated(context, rest); !bound) {
    return broken("table", rest.name, bound.error().message());
  }
  RowScope scope;
  scope.relations.push_back({&rest, rest.name, 0});
  for (const CheckConstraint& check : rest.checks) {
    auto bound = bind_row_expr(context, scope, *check.expr, false);
    if (!bound) return broken("table", rest.name, bound.error().message());
  }
  for (const auto& index : table_.indexes) {
    if (index->origin != IndexOrigin::create_index) continue;
    Index same;
    same.sql = index->sql;
    const Parsed create = TRY(parse_next(same.sql, same.arena));
    auto made = define_index(same, rest, ast::as<ast::CreateIndexStmt>(*create.stmt));
    if (!made) return broken("index", index->name, made.message());
    std::vector<const ast::Expr*> exprs;
    for (const IndexColumn& column : same.columns) exprs.push_back(column.expr);
    exprs.push_back(same.where);
    for (const ast::Expr* expr : exprs) {
      if (expr == nullptr) continue;
      auto bound = bind_row_expr(context, scope, *expr, false);
      if (!bound) return broken("index", index->name, bound.error().message());
    }
  }
  return {};
}

Result<void> DropColumnProgram::rewrite_rows(Runtime& runtime) {
  const TableColumn& dropped = table_.columns[column_];
  if (dropped.is_virtual()) return {};
  const storage::KeyInfo* key = table_.without_rowid ? &table_.primary->key_info : nullptr;
  storage::BTreeCursor reader(runtime.transaction(table_.database), table_.root, key);
  storage::BTreeCursor writer(runtime.transaction(table_.database), table_.root, key);
  storage::RecordReader record;
  std::vector<ValueRef> values;
  std::string bytes;
  ValueArena arena;
  std::uint64_t number = 0;
  bool more = TRY(reader.first());
  while (more) {
    if (++number % 256 == 0) TRY(runtime.poll());
    arena.reset();
    record.reset(TRY(reader.payload()), table_.root);
    const std::uint32_t count = TRY(record.column_count());
    values.clear();
    for (std::uint32_t i = 0; i < absent_.size(); ++i) {
      if (static_cast<int>(i) == dropped.record_place) continue;
      values.push_back(i < count ? from_stored(TRY(record.column(i)), table_.encoding, arena)
                                 : absent_[i]);
    }
    bytes.clear();
    TRY(encode_record(values, table_.encoding, bytes));
    const ByteSpan written(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (key == nullptr) {
      TRY(writer.insert(reader.rowid(), written));
      more = TRY(reader.next());
      continue;
    }
    // The reader loses its place in an index tree with the change.
    record.reset({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    values.clear();
    for (std::uint32_t i = 0; i < table_.primary->columns.size(); ++i) {
      values.push_back(TRY(record.column(i)));
    }
    TRY(writer.insert(written));
    more = TRY(reader.seek(storage::Seek::gt, values));
  }
  return {};
}

Result<void> DropColumnProgram::work(Runtime& runtime, std::vector<Row>&) {
  storage::Transaction& transaction = runtime.transaction(table_.database);
  TRY(check_views(runtime, table_.database, ""));
  TRY(rewrite_rows(runtime));
  TRY(change_schema_rows(transaction, [&](SchemaRow& row) -> Result<bool> {
    if (row.type != "table" || !equals_nocase(row.name, name_)) return false;
    row.sql = sql_;
    return true;
  }));
  TRY(runtime.session.schema_changed(transaction, table_.database));
  TRY(check_views(runtime, table_.database, " after drop column"));
  return check_triggers(runtime, table_.database, " after drop column");
}

// --- RENAME --------------------------------------------------------------------------------------

class RenameProgram final : public AlterProgram {
 public:
  RenameProgram(const Table& table, const Table* sequence, std::string column, std::string to,
                bool to_is_quoted)
      : AlterProgram(table),
        sequence_root_(sequence == nullptr ? 0 : sequence->root),
        column_(std::move(column)),
        to_(std::move(to)),
        to_is_quoted_(to_is_quoted) {}

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override;

 private:
  using Texts = std::unordered_map<std::string, std::string>;

  Result<bool> rename_table(SchemaRow& row) const;
  Result<bool> rename_column(SchemaRow& row) const;
  Result<void> rename_uses(Runtime& runtime);
  Result<void> keep(const NameTracker& names, DatabaseNo database, std::string_view name,
                    std::string_view sql);
  Result<void> write(Runtime& runtime, DatabaseNo database, bool own) const;
  Result<void> rename_sequence(storage::Transaction& transaction) const;

  const storage::PageNo sequence_root_;
  const std::string column_;  ///< empty: the table is renamed
  const std::string to_;
  const bool to_is_quoted_;
  // What views and triggers of the table's own database, and of temp, will say; by their names,
  // which a view shares with no table, and after '.' a trigger.
  Texts own_texts_;
  Texts temp_texts_;
};

Result<bool> RenameProgram::rename_table(SchemaRow& row) const {
  const std::string before = row.sql;
  const bool own = equals_nocase(row.table, table_.name);
  if (!row.sql.empty() && (row.type == "table" || row.type == "index")) {
    row.sql = with_renamed_table(row.sql, table_.name, to_, own);
  }
  if (!own) return row.sql != before;
  row.table = to_;
  if (row.type == "table") row.name = to_;
  constexpr std::string_view kAutomatic = "sqlite_autoindex_";
  if (row.type == "index" && row.sql.empty() && row.name.starts_with(kAutomatic)) {
    row.name = cat(kAutomatic, to_, row.name.substr(kAutomatic.size() + table_.name.size()));
  }
  return true;
}

Result<bool> RenameProgram::rename_column(SchemaRow& row) const {
  if (row.sql.empty() || (row.type != "table" && row.type != "index")) return false;
  std::string changed = TRY(with_renamed_column(row.sql, table_.name, column_, to_, to_is_quoted_,
                                                equals_nocase(row.table, table_.name)));
  if (changed == row.sql) return false;
  row.sql = std::move(changed);
  return true;
}

/// The counter of AUTOINCREMENT goes by the table's name.
Result<void> RenameProgram::rename_sequence(storage::Transaction& transaction) const {
  if (sequence_root_ == 0) return {};
  storage::BTreeCursor cursor(transaction, sequence_root_);
  storage::RecordReader record;
  std::string bytes;
  bool more = TRY(cursor.first());
  while (more) {
    record.reset(TRY(cursor.payload()), sequence_root_);
    const std::string name = stored_name(TRY(record.column(0)), table_.encoding);
    if (equals_nocase(name, table_.name)) {
      ValueArena arena;
      const ValueRef values[] = {ValueRef::text(to_),
                                 from_stored(TRY(record.column(1)), table_.encoding, arena)};
      TRY(encode_record(values, table_.encoding, bytes));
      return cursor.insert(cursor.rowid(),
                           {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
    more = TRY(cursor.next());
  }
  return {};
}

/// Keeps what the text of a view or trigger will be, if that is another.
Result<void> RenameProgram::keep(const NameTracker& names, DatabaseNo database,
                                 std::string_view name, std::string_view sql) {
  std::string changed =
      TRY(with_renamed_places(sql, names.places(), to_, column_.empty() || to_is_quoted_));
  if (changed == sql) return {};
  Texts& texts = database == table_.database ? own_texts_ : temp_texts_;
  texts.insert_or_assign(std::string(name), std::move(changed));
  return {};
}

/// Looks for the name in what views and triggers mean.
Result<void> RenameProgram::rename_uses(Runtime& runtime) {
  const Schemas& schemas = *runtime.session.schemas;
  const int column = column_.empty() ? NameTracker::kTableItself : table_.find_column(column_);
  const auto broken = [](std::string_view what, std::string_view name, std::string_view why) {
    return Error(Code::error, cat("error in ", what, " ", name, ": ", why));
  };
  for (const Table* view : tables_around(schemas, table_.database)) {
    if (view->kind != TableKind::view) continue;
    NameTracker names(table_, column);
    Arena arena;
    CompileContext context{.schemas = schemas, .runtime = runtime, .arena = arena, .views = {view}};
    context.names = &names;
    auto planned = plan_select(context, *view->view);
    if (!planned) return broken("view", view->name, planned.error().message());
    TRY(keep(names, view->database, view->name, view->sql));
  }
  for (const auto& [table, trigger] : triggers_around(schemas, table_.database)) {
    NameTracker names(table_, column);
    const ast::CreateTriggerStmt& definition = *trigger->definition;
    names.table_named(table, definition.table);
    for (const std::string_view name : definition.update_of) {
      const int named = table->find_column(name);
      if (named >= 0) names.column_named(table, named, name);
    }
    Arena arena;
    CompileContext context{schemas, runtime, arena};
    context.names = &names;
    Result<void> compiled = compile_trigger(context, *table, *trigger);
    if (!compiled) return broken("trigger", trigger->name, compiled.message());
    TRY(keep(names, trigger->database, cat(".", trigger->name), trigger->sql));
  }
  return {};
}

/// Changes sqlite_schema of a database; `own`: the table is there.
Result<void> RenameProgram::write(Runtime& runtime, DatabaseNo database, bool own) const {
  const Texts& texts = own ? own_texts_ : temp_texts_;
  storage::Transaction& transaction = runtime.transaction(database);
  TRY(change_schema_rows(transaction, [&](SchemaRow& row) -> Result<bool> {
    bool changed = false;
    if (row.type == "view" || row.type == "trigger") {
      const auto text = texts.find(row.type == "view" ? row.name : cat(".", row.name));
      changed = text != texts.end();
      if (changed) row.sql = text->second;
    }
    const bool renamed = TRY(column_.empty() ? rename_table(row) : rename_column(row));
    return changed || (own && renamed);
  }));
  if (own && column_.empty()) TRY(rename_sequence(transaction));
  return runtime.session.schema_changed(transaction, database);
}

Result<void> RenameProgram::work(Runtime& runtime, std::vector<Row>&) {
  const DatabaseNo database = table_.database;
  TRY(rename_uses(runtime));
  TRY(write(runtime, database, true));
  if (!temp_texts_.empty()) {
    DatabaseUse use;
    use.writes.add(kTempDatabase);
    TRY(runtime.transactions->require(use));
    TRY(write(runtime, kTempDatabase, false));
  }
  TRY(check_views(runtime, database, " after rename"));
  return check_triggers(runtime, database, " after rename");
}

Result<ProgramPtr> compile_rename(CompileContext& context, const Table& table,
                                  const ast::AlterStmt& stmt) {
  const Schema& schema = context.schemas[table.database];
  const Table* sequence = schema.find_table("sqlite_sequence");
  if (stmt.action == ast::AlterKind::rename_table) {
    if (schema.find_table(stmt.new_name) != nullptr ||
        schema.find_index(stmt.new_name) != nullptr) {
      return at(stmt.at,
                cat("there is already another table or index with this name: ", stmt.new_name));
    }
    if (stmt.new_name.size() >= 7 && equals_nocase(stmt.new_name.substr(0, 7), "sqlite_")) {
      return at(stmt.at, cat("object name reserved for internal use: ", stmt.new_name));
    }
    return ProgramPtr(
        std::make_unique<RenameProgram>(table, sequence, "", std::string(stmt.new_name), true));
  }
  const int column = table.find_column(stmt.column);
  if (column < 0) return at(stmt.at, cat("no such column: \"", stmt.written_column, "\""));
  const int other = table.find_column(stmt.new_name);
  if (other >= 0 && other != column) {
    // The definition that comes second is the wrong one.
    const std::string_view second =
        other > column ? table.columns[static_cast<std::size_t>(other)].name : stmt.new_name;
    return at(stmt.at,
              cat("error in table ", table.name, " after rename: duplicate column name: ", second));
  }
  // The last token of the statement is the new name as it was written.
  const char last = stmt.text.back();
  const bool quoted = last == '"' || last == '\'' || last == ']' || last == '`';
  return ProgramPtr(std::make_unique<RenameProgram>(table, sequence, std::string(stmt.column),
                                                    std::string(stmt.new_name), quoted));
}

Result<void> refuse_view(const Table& table, const ast::AlterStmt& stmt) {
  if (table.kind != TableKind::view) return {};
  switch (stmt.action) {
    case ast::AlterKind::rename_table:
      return at(stmt.at, cat("view ", table.name, " may not be altered"));
    case ast::AlterKind::add_column: return at(stmt.at, "Cannot add a column to a view");
    case ast::AlterKind::rename_column:
      return at(stmt.at, cat("cannot rename columns of view \"", table.name, "\""));
    case ast::AlterKind::drop_column:
      return at(stmt.at, cat("cannot drop column from view \"", table.name, "\""));
  }
  return {};
}

}  // namespace

Result<ProgramPtr> compile_alter(CompileContext& context, const ast::AlterStmt& stmt) {
  const Table* table = context.find_table(stmt.schema, stmt.table);
  if (table == nullptr) return context.no_such_table(stmt.schema, stmt.table, stmt.at);
  context.writes(table->database);
  if (table->is_system()) {
    return at(stmt.at, cat("table ", table->shown_name(), " may not be altered"));
  }
  TRY(refuse_view(*table, stmt));
  if (table->kind == TableKind::virtual_table || !table->unsupported.empty()) {
    const std::string_view what =
        table->unsupported.empty() ? std::string_view("a virtual table") : table->unsupported;
    return at(stmt.at, cat("altering ", what, " is not supported yet"));
  }
  if (stmt.action == ast::AlterKind::add_column) {
    auto program = std::make_unique<AddColumnProgram>(*table);
    TRY(program->prepare(context, stmt));
    return ProgramPtr(std::move(program));
  }
  if (stmt.action == ast::AlterKind::drop_column) {
    auto program = std::make_unique<DropColumnProgram>(*table);
    TRY(program->prepare(context, stmt));
    return ProgramPtr(std::move(program));
  }
  return compile_rename(context, *table, stmt);
}

}  // namespace saturn::sql
