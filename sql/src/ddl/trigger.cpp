#include "base/text.hpp"
#include "ddl/schema_writer.hpp"
#include "plan/compile.hpp"

// CREATE TRIGGER and DROP TRIGGER. What a body means is settled when it is fired first.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

class TriggerProgram final : public ImmediateProgram {
 public:
  /// With a text: makes the trigger; else drops it. Without a name there is nothing to do.
  TriggerProgram(DatabaseNo database, std::string name, std::string table, std::string sql)
      : database_(database),
        name_(std::move(name)),
        table_(std::move(table)),
        sql_(std::move(sql)) {
    access = name_.empty() ? Access::read : Access::write;
    readonly = false;
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    if (name_.empty()) return {};
    storage::Transaction& transaction = runtime.transaction(database_);
    if (sql_.empty()) {
      TRY(remove_rows(transaction, 1, 1, name_, "trigger"));
    } else {
      TRY(add_schema_entry(transaction, runtime.session.encoding(),
                           {"trigger", name_, table_, 0, sql_}));
    }
    return runtime.session.schema_changed(transaction, database_);
  }

 private:
  const DatabaseNo database_;
  const std::string name_;
  const std::string table_;
  const std::string sql_;
};

/// What a trigger may be made on.
Result<void> check_table(const Table& table, const ast::CreateTriggerStmt& stmt) {
  if (table.is_system()) return at(stmt.at, "cannot create trigger on system table");
  if (table.kind == TableKind::virtual_table) {
    return at(stmt.at, "cannot create triggers on virtual tables");
  }
  const bool instead = stmt.time == ast::TriggerTime::instead_of;
  if (table.kind == TableKind::view && !instead) {
    return at(stmt.at,
              cat("cannot create ", stmt.time == ast::TriggerTime::before ? "BEFORE" : "AFTER",
                  " trigger on view: ", stmt.table));
  }
  if (table.kind == TableKind::table && instead) {
    return at(stmt.at, cat("cannot create INSTEAD OF trigger on table: ", stmt.table));
  }
  return {};
}

ProgramPtr nothing() { return std::make_unique<TriggerProgram>(kMainDatabase, "", "", ""); }

/// Where the trigger goes: what its name says, or to temp if its table is there.
Result<DatabaseNo> database_of(const CompileContext& context, const ast::CreateTriggerStmt& stmt) {
  const bool qualified = ast::present(stmt.schema);
  if (stmt.temporary) {
    if (qualified) return at(stmt.at, "temporary trigger may not have qualified name");
    return kTempDatabase;
  }
  const std::optional<DatabaseNo> named = TRY(context.database(stmt.schema, stmt.at));
  if (named) return *named;
  std::optional<DatabaseNo> of_table;
  if (ast::present(stmt.table_schema)) of_table = context.schemas.find(stmt.table_schema);
  const Table* table = context.schemas.find_table(of_table, stmt.table);
  return table != nullptr && table->database == kTempDatabase ? kTempDatabase : kMainDatabase;
}

}  // namespace

Result<ProgramPtr> compile_create_trigger(CompileContext& context,
                                          const ast::CreateTriggerStmt& stmt) {
  const Schemas& schemas = context.schemas;
  const DatabaseNo database = TRY(database_of(context, stmt));
  const bool qualified = ast::present(stmt.table_schema);
  std::string_view table_database = stmt.table_schema;
  if (database != kTempDatabase) {
    if (qualified && !equals_nocase(stmt.table_schema, schemas.name(database))) {
      return at(stmt.at, cat("trigger ", stmt.name, " cannot reference objects in database ",
                             stmt.table_schema));
    }
    table_database = schemas.name(database);
  }
  const Table* table = context.find_table(table_database, stmt.table);
  if (table == nullptr) return context.no_such_table(table_database, stmt.table, stmt.at);
  if (schemas[database].find_trigger(stmt.name) != nullptr) {
    if (stmt.if_not_exists) return nothing();
    return at(stmt.at, cat("trigger ", stmt.written_name, " already exists"));
  }
  if (stmt.name.size() >= 7 && equals_nocase(stmt.name.substr(0, 7), "sqlite_")) {
    return at(stmt.at, cat("object name reserved for internal use: ", stmt.name));
  }
  TRY(check_table(*table, stmt));
  TRY(check_databases(context, database, stmt.databases, "trigger", stmt.name, stmt.at));
  context.writes(database);
  return ProgramPtr(std::make_unique<TriggerProgram>(database, std::string(stmt.name), table->name,
                                                     stored_sql("CREATE TRIGGER", stmt.text)));
}

Result<ProgramPtr> compile_drop_trigger(CompileContext& context, const ast::DropStmt& stmt) {
  const std::optional<DatabaseNo> in = context.schemas.find(stmt.schema);
  const bool known = in || !ast::present(stmt.schema);
  const Trigger* trigger = known ? context.schemas.find_trigger(in, stmt.name) : nullptr;
  if (trigger == nullptr) {
    if (stmt.if_exists) return nothing();
    return context.no_such_table(stmt.schema, stmt.name, stmt.at, "trigger");
  }
  context.writes(trigger->database);
  return ProgramPtr(std::make_unique<TriggerProgram>(trigger->database, trigger->name, "", ""));
}

}  // namespace saturn::sql
