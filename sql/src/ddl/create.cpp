#include "base/text.hpp"
#include "ddl/index_filler.hpp"
#include "ddl/schema_writer.hpp"
#include "ddl/stored_expr.hpp"
#include "exec/operators.hpp"
#include "parser/lexer.hpp"
#include "parser/parser.hpp"
#include "plan/table_columns.hpp"
#include "value/stored_text.hpp"

#include <algorithm>
#include <optional>

// CREATE TABLE, CREATE INDEX, CREATE VIEW.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

/// A statement that has nothing to do (IF NOT EXISTS of what exists).
class NothingProgram final : public ImmediateProgram {
 public:
  NothingProgram() {
    access = Access::read;
    readonly = false;
  }

 protected:
  Result<void> work(Runtime&, std::vector<Row>&) override { return {}; }
};

class DdlProgram : public ImmediateProgram {
 public:
  DdlProgram() {
    access = Access::write;
    readonly = false;
  }
};

/// Where a table or view is to be made.
Result<DatabaseNo> database_of(const CompileContext& context, std::string_view schema,
                               bool temporary, std::uint32_t position) {
  const std::optional<DatabaseNo> named = TRY(context.database(schema, position));
  if (temporary && named && *named != kTempDatabase) {
    return at(position, "temporary table name must be unqualified");
  }
  return temporary ? kTempDatabase : named.value_or(kMainDatabase);
}

Result<void> check_name(const CompileContext& context, DatabaseNo database, std::string_view name,
                        std::string_view what, std::uint32_t position) {
  if (name.size() >= 7 && equals_nocase(name.substr(0, 7), "sqlite_")) {
    return at(position, cat("object name reserved for internal use: ", name));
  }
  if (context.schemas[database].find_index(name) != nullptr && what != "index") {
    return at(position, cat("there is already an index named ", name));
  }
  return {};
}

// --- tables --------------------------------------------------------------------------------------

class CreateTableProgram final : public DdlProgram {
 public:
  Result<void> prepare(CompileContext& context, const ast::CreateTableStmt& stmt,
                       DatabaseNo database);
  const Operator* plan() const noexcept override { return query_.root.get(); }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override;

 private:
  void columns_from_query();
  Result<void> fill(Runtime& runtime, storage::PageNo root);

  Table table_;
  bool needs_sequence_ = false;
  Query query_;  ///< of CREATE TABLE AS
};

std::string quoted_name(std::string_view name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
  }) && !(name[0] >= '0' && name[0] <= '9');
  Lexer lexer(name);
  if (plain && lexer.next().kind == Tok::identifier) return std::string(name);
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

/// The definition that CREATE TABLE AS makes of its query's columns.
void CreateTableProgram::columns_from_query() {
  const std::vector<std::string> names = names_as_table(query_);
  // SQLite gives each column a line of its own when all of them on one would be long.
  const auto quoted_size = [](const std::string& name) {
    return name.size() + 2 + static_cast<std::size_t>(std::count(name.begin(), name.end(), '"'));
  };
  std::size_t size = quoted_size(table_.name);
  for (const std::string& name : names) size += quoted_size(name) + 5;
  const bool one_line = size < 50;
  std::string text = cat("CREATE TABLE ", quoted_name(table_.name), "(");
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string_view type;
    switch (query_.affinities[i]) {
      case Affinity::text: type = " TEXT"; break;
      case Affinity::numeric: type = " NUM"; break;
      case Affinity::integer: type = " INT"; break;
      case Affinity::real: type = " REAL"; break;
      case Affinity::none:
      case Affinity::blob: break;
    }
    text += cat(i == 0 ? "" : ",", one_line ? "" : "\n  ", quoted_name(names[i]), type);
  }
  table_.sql = cat(text, one_line ? ")" : "\n)");
}

Result<void> CreateTableProgram::prepare(CompileContext& context, const ast::CreateTableStmt& stmt,
                                         DatabaseNo database) {
  table_.name = std::string(stmt.name);
  table_.database = database;
  table_.encoding = context.encoding();
  context.writes(database);
  if (stmt.select != nullptr) {
    query_ = TRY(plan_select(context, *stmt.select));
    columns_from_query();
  } else {
    table_.sql = stored_sql("CREATE TABLE", stmt.text);
  }
  const Parsed parsed = TRY(parse_next(table_.sql, table_.arena));
  TRY(define_table(table_, ast::as<ast::CreateTableStmt>(*parsed.stmt)));
  for (const TableColumn& column : table_.columns) {
    if (column.default_value == nullptr) continue;
    TRY(check_stored_expr(table_, *column.default_value, StoredExpr::default_value, column.name));
  }
  for (const CheckConstraint& check : table_.checks) {
    TRY(check_stored_expr(table_, *check.expr, StoredExpr::check));
    RowScope scope;
    scope.relations.push_back({&table_, table_.name, 0});
    TRY(bind_row_expr(context, scope, *check.expr, false));
  }
  for (const TableColumn& column : table_.columns) {
    if (column.generated == nullptr) continue;
    TRY(check_stored_expr(table_, *column.generated, StoredExpr::generated));
  }
  TRY(bind_generated(context, table_));
  needs_sequence_ =
      table_.autoincrement && context.schemas[database].find_table("sqlite_sequence") == nullptr;
  return {};
}

Result<void> CreateTableProgram::fill(Runtime& runtime, storage::PageNo root) {
  storage::BTreeCursor cursor(runtime.transaction(table_.database), root);
  std::int64_t rowid = 0;
  std::vector<ValueRef> values(query_.columns.size());
  std::string record;
  ValueArena arena;
  RowSpool rows(static_cast<std::uint32_t>(values.size()), runtime.session);
  TRY(take_rows(runtime, *query_.root, rows));
  RowSpool::Reader reader(rows);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    arena.reset();
    const ValueRef* row = TRY(reader.row(r));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = apply_affinity(row[i], table_.columns[i].affinity, arena);
    }
    record.clear();
    TRY(encode_record(values, table_.encoding, record));
    TRY(cursor.insert(++rowid,
                      {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()}));
  }
  return {};
}

Result<void> CreateTableProgram::work(Runtime& runtime, std::vector<Row>&) {
  storage::Transaction& transaction = runtime.transaction(table_.database);
  const storage::PageNo root = TRY(storage::create_tree(
      transaction, table_.without_rowid ? storage::TreeKind::index : storage::TreeKind::table));
  TRY(add_schema_entry(transaction, runtime.session.encoding(),
                       {"table", table_.name, table_.name, root, table_.sql}));
  for (const auto& index : table_.indexes) {
    if (index->clustered) continue;
    const storage::PageNo index_root =
        TRY(storage::create_tree(transaction, storage::TreeKind::index));
    TRY(add_schema_entry(transaction, runtime.session.encoding(),
                         {"index", index->name, table_.name, index_root, ""}));
  }
  if (needs_sequence_) {
    const storage::PageNo sequence =
        TRY(storage::create_tree(transaction, storage::TreeKind::table));
    TRY(add_schema_entry(transaction, runtime.session.encoding(),
                         {"table", "sqlite_sequence", "sqlite_sequence", sequence,
                          "CREATE TABLE sqlite_sequence(name,seq)"}));
  }
  if (query_.root) TRY(fill(runtime, root));
  return runtime.session.schema_changed(transaction, table_.database);
}

// --- indexes -------------------------------------------------------------------------------------

class CreateIndexProgram final : public DdlProgram {
 public:
  Result<void> prepare(CompileContext& context, const Table& table,
                       const ast::CreateIndexStmt& stmt);
  const Operator* plan() const noexcept override { return filler_->plan(); }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override;

 private:
  Index index_;
  std::optional<IndexFiller> filler_;
};

Result<void> CreateIndexProgram::prepare(CompileContext& context, const Table& table,
                                         const ast::CreateIndexStmt& stmt) {
  index_.name = std::string(stmt.name);
  index_.table = &table;
  if (stmt.key.size() > limits::kColumnsMax) return at(stmt.at, "too many columns in index");
  index_.sql = stored_sql(stmt.unique ? "CREATE UNIQUE INDEX" : "CREATE INDEX", stmt.text);
  const Parsed parsed = TRY(parse_next(index_.sql, index_.arena));
  const auto& definition = ast::as<ast::CreateIndexStmt>(*parsed.stmt);
  TRY(define_index(index_, table, definition));
  // A column in the key is no expression to the definition, but its table may not be named either.
  for (const ast::OrderTerm& term : definition.key) {
    const auto* collate = ast::as_if<ast::Collate>(term.expr);
    const ast::Expr& key = collate != nullptr ? *collate->operand : *term.expr;
    const auto* column = ast::as_if<ast::Column>(&key);
    if (column == nullptr || !ast::present(column->table)) continue;
    TRY(check_stored_expr(table, key, StoredExpr::index_key));
  }
  for (const IndexColumn& column : index_.columns) {
    if (column.column >= 0) continue;
    TRY(check_stored_expr(table, *column.expr, StoredExpr::index_key));
  }
  if (index_.where != nullptr) {
    TRY(check_stored_expr(table, *index_.where, StoredExpr::partial_index));
  }
  filler_.emplace(table, index_);
  return filler_->prepare(context);
}

Result<void> CreateIndexProgram::work(Runtime& runtime, std::vector<Row>&) {
  const DatabaseNo database = index_.table->database;
  storage::Transaction& transaction = runtime.transaction(database);
  const storage::PageNo root = TRY(storage::create_tree(transaction, storage::TreeKind::index));
  TRY(filler_->fill(runtime, root));
  TRY(add_schema_entry(transaction, runtime.session.encoding(),
                       {"index", index_.name, index_.table->name, root, index_.sql}));
  return runtime.session.schema_changed(transaction, database);
}

// --- views ---------------------------------------------------------------------------------------

class CreateViewProgram final : public DdlProgram {
 public:
  CreateViewProgram(DatabaseNo database, std::string name, std::string sql)
      : database_(database), name_(std::move(name)), sql_(std::move(sql)) {}

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    storage::Transaction& transaction = runtime.transaction(database_);
    TRY(add_schema_entry(transaction, runtime.session.encoding(), {"view", name_, name_, 0, sql_}));
    return runtime.session.schema_changed(transaction, database_);
  }

 private:
  const DatabaseNo database_;
  const std::string name_;
  const std::string sql_;
};

}  // namespace

Result<ProgramPtr> compile_create_table(CompileContext& context, const ast::CreateTableStmt& stmt) {
  const DatabaseNo database = TRY(database_of(context, stmt.schema, stmt.temporary, stmt.at));
  TRY(check_name(context, database, stmt.name, "table", stmt.at));
  if (const Table* known = context.schemas[database].find_table(stmt.name)) {
    if (stmt.if_not_exists) return ProgramPtr(std::make_unique<NothingProgram>());
    return at(stmt.at, cat(known->kind == TableKind::view ? "view " : "table ", stmt.written_name,
                           " already exists"));
  }
  auto program = std::make_unique<CreateTableProgram>();
  TRY(program->prepare(context, stmt, database));
  return ProgramPtr(std::move(program));
}

Result<ProgramPtr> compile_create_index(CompileContext& context, const ast::CreateIndexStmt& stmt) {
  std::optional<DatabaseNo> named = TRY(context.database(stmt.schema, stmt.at));
  if (!named) {
    // An index without a database's name goes to main, but to temp for a table that is there.
    const Table* first = context.schemas.find_table({}, stmt.table);
    named = first != nullptr && first->database == kTempDatabase ? kTempDatabase : kMainDatabase;
  }
  const Schema& schema = context.schemas[*named];
  const Table* table = schema.find_table(stmt.table);
  if (table == nullptr) {
    if (*named == kTempDatabase && context.schemas.find_table({}, stmt.table) != nullptr) {
      return at(stmt.at, cat("cannot create a TEMP index on non-TEMP table \"", stmt.table, "\""));
    }
    return context.no_such_table(context.schemas.name(*named), stmt.table, stmt.at);
  }
  TRY(check_name(context, *named, stmt.name, "index", stmt.at));
  if (table->is_system())
    return at(stmt.at, cat("table ", table->shown_name(), " may not be indexed"));
  if (table->kind == TableKind::view) return at(stmt.at, "views may not be indexed");
  if (table->kind == TableKind::virtual_table) {
    return at(stmt.at, "virtual tables may not be indexed");
  }
  if (!table->unsupported.empty()) {
    return at(stmt.at, cat(table->unsupported, " is not supported yet"));
  }
  if (context.schemas.find_table({}, stmt.name) != nullptr) {
    return at(stmt.at, cat("there is already a table named ", stmt.name));
  }
  if (schema.find_index(stmt.name) != nullptr) {
    if (stmt.if_not_exists) return ProgramPtr(std::make_unique<NothingProgram>());
    return at(stmt.at, cat("index ", stmt.name, " already exists"));
  }
  context.writes(*named);
  auto program = std::make_unique<CreateIndexProgram>();
  TRY(program->prepare(context, *table, stmt));
  return ProgramPtr(std::move(program));
}

Result<ProgramPtr> compile_create_view(CompileContext& context, const ast::CreateViewStmt& stmt) {
  const DatabaseNo database = TRY(database_of(context, stmt.schema, stmt.temporary, stmt.at));
  TRY(check_name(context, database, stmt.name, "view", stmt.at));
  if (const Table* known = context.schemas[database].find_table(stmt.name)) {
    if (stmt.if_not_exists) return ProgramPtr(std::make_unique<NothingProgram>());
    return at(stmt.at, cat(known->kind == TableKind::view ? "view " : "table ", stmt.written_name,
                           " already exists"));
  }
  TRY(check_databases(context, database, stmt.databases, "view", stmt.name, stmt.at));
  context.writes(database);
  return ProgramPtr(std::make_unique<CreateViewProgram>(database, std::string(stmt.name),
                                                        stored_sql("CREATE VIEW", stmt.text)));
}

}  // namespace saturn::sql
