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
  TriggerProgram(std::string name, std::string table, std::string sql)
      : name_(std::move(name)), table_(std::move(table)), sql_(std::move(sql)) {
    access = name_.empty() ? Access::read : Access::write;
    readonly = false;
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    if (name_.empty()) return {};
    storage::Transaction& transaction = *runtime.transaction;
    if (sql_.empty()) {
      TRY(remove_rows(transaction, 1, 1, name_, "trigger"));
    } else {
      TRY(add_schema_entry(transaction, {"trigger", name_, table_, 0, sql_}));
    }
    return runtime.session.schema_changed(transaction);
  }

 private:
  const std::string name_;
  const std::string table_;
  const std::string sql_;
};

std::string qualified(std::string_view schema, std::string_view name) {
  return ast::present(schema) ? cat(schema, ".", name) : std::string(name);
}

bool is_main(std::string_view schema) {
  return !ast::present(schema) || equals_nocase(schema, "main");
}

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

}  // namespace

Result<ProgramPtr> compile_create_trigger(CompileContext& context,
                                          const ast::CreateTriggerStmt& stmt) {
  if (stmt.temporary || (ast::present(stmt.schema) && equals_nocase(stmt.schema, "temp"))) {
    return at(stmt.at, "temporary triggers are not supported yet");
  }
  if (!is_main(stmt.schema)) return at(stmt.at, cat("unknown database ", stmt.schema));
  const Table* table = is_main(stmt.table_schema) ? context.schema.find_table(stmt.table) : nullptr;
  if (table == nullptr) {
    return at(stmt.at,
              cat("no such table: ", ast::present(stmt.table_schema) ? stmt.table_schema : "main",
                  ".", stmt.table));
  }
  if (context.schema.find_trigger(stmt.name) != nullptr) {
    if (stmt.if_not_exists) return ProgramPtr(std::make_unique<TriggerProgram>("", "", ""));
    return at(stmt.at, cat("trigger ", stmt.written_name, " already exists"));
  }
  if (stmt.name.size() >= 7 && equals_nocase(stmt.name.substr(0, 7), "sqlite_")) {
    return at(stmt.at, cat("object name reserved for internal use: ", stmt.name));
  }
  TRY(check_table(*table, stmt));
  return ProgramPtr(std::make_unique<TriggerProgram>(std::string(stmt.name), table->name,
                                                     stored_sql("CREATE TRIGGER", stmt.text)));
}

Result<ProgramPtr> compile_drop_trigger(CompileContext& context, const ast::DropStmt& stmt) {
  const Trigger* trigger = is_main(stmt.schema) ? context.schema.find_trigger(stmt.name) : nullptr;
  if (trigger == nullptr) {
    if (stmt.if_exists) return ProgramPtr(std::make_unique<TriggerProgram>("", "", ""));
    return at(stmt.at, cat("no such trigger: ", qualified(stmt.schema, stmt.name)));
  }
  return ProgramPtr(std::make_unique<TriggerProgram>(trigger->name, "", ""));
}

}  // namespace saturn::sql
