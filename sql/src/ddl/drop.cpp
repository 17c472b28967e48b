#include "base/text.hpp"
#include "ddl/schema_writer.hpp"
#include "plan/compile.hpp"

#include <algorithm>

// DROP TABLE, DROP VIEW, DROP INDEX.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

class DropProgram final : public ImmediateProgram {
 public:
  /// One of both, or none when there is nothing to do.
  DropProgram(const CompileContext& context, const Table* table, const Index* index)
      : table_(table), index_(index) {
    readonly = false;
    if (table == nullptr && index == nullptr) return;
    access = Access::write;
    database_ = (index != nullptr ? index->table : table)->database;
    context.writes(database_);
    for (const char* name : {"sqlite_sequence", "sqlite_stat1", "sqlite_stat4"}) {
      const Table* found = context.schemas[database_].find_table(name);
      if (found != nullptr && found != table) companions_.push_back(found);
    }
    if (table == nullptr) return;
    for (const Trigger* trigger : context.schemas.temp_triggers(*table)) {
      context.writes(kTempDatabase);
      temp_triggers_.push_back(trigger->name);
    }
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    if (access == Access::read) return {};
    TRY(empty_first(runtime));
    storage::Transaction& transaction = runtime.transaction(database_);
    if (index_ != nullptr) {
      for (const Table* companion : companions_) {
        if (companion->name == "sqlite_sequence") continue;
        TRY(remove_rows(transaction, companion->root, 1, index_->name));
      }
      TRY(remove_rows(transaction, 1, 1, index_->name, "index"));
      TRY(drop_trees(transaction, {{index_->root, storage::TreeKind::index}}));
    } else {
      TRY(drop_table(transaction));
    }
    TRY(drop_temp_triggers(runtime));
    return runtime.session.schema_changed(transaction, database_);
  }

 public:
  /// Foreign keys see the table's rows go before the table does.
  void set_emptying(ProgramPtr program) noexcept { emptying_ = std::move(program); }

 private:
  Result<void> empty_first(Runtime& runtime) {
    if (!emptying_) return {};
    Result<void> emptied = run_to_end(*emptying_, runtime);
    runtime.affected_rows = 0;
    return emptied;
  }
  Result<void> drop_temp_triggers(Runtime& runtime) const {
    if (temp_triggers_.empty()) return {};
    storage::Transaction& temp = runtime.transaction(kTempDatabase);
    for (const std::string& name : temp_triggers_) {
      TRY(remove_rows(temp, 1, 1, name, "trigger"));
    }
    return runtime.session.schema_changed(temp, kTempDatabase);
  }
  Result<void> drop_table(storage::Transaction& transaction) {
    for (const Table* companion : companions_) {
      TRY(remove_rows(transaction, companion->root, 0, table_->name));
    }
    TRY(remove_rows(transaction, 1, 2, table_->name));
    std::vector<DroppedTree> trees;
    for (const auto& index : table_->indexes) {
      trees.push_back({index->root, storage::TreeKind::index});
    }
    if (table_->kind == TableKind::table && !table_->without_rowid) {
      trees.push_back({table_->root, storage::TreeKind::table});
    }
    return drop_trees(transaction, std::move(trees));
  }

  ProgramPtr emptying_;
  const Table* table_;
  const Index* index_;
  DatabaseNo database_ = kMainDatabase;
  std::vector<const Table*> companions_;
  std::vector<std::string> temp_triggers_;  ///< on a table of another database
};

Result<ProgramPtr> drop_index(CompileContext& context, const ast::DropStmt& stmt) {
  const std::optional<DatabaseNo> in = context.schemas.find(stmt.schema);
  const bool known = in || !ast::present(stmt.schema);
  const Index* index = known ? context.schemas.find_index(in, stmt.name) : nullptr;
  if (index == nullptr) {
    if (!stmt.if_exists) return context.no_such_table(stmt.schema, stmt.name, stmt.at, "index");
  } else if (index->origin != IndexOrigin::create_index) {
    return at(stmt.at, "index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped");
  }
  return ProgramPtr(std::make_unique<DropProgram>(context, nullptr, index));
}

/// Whether rows of the table are parents, or children whose violations may be pending.
bool has_foreign_keys(const Schema& schema, const Table& table) {
  if (table.kind != TableKind::table) return false;
  const auto deferred = [](const ForeignKey& key) { return key.deferred; };
  if (std::any_of(table.foreign_keys.begin(), table.foreign_keys.end(), deferred)) return true;
  for (const Table* child : schema.tables()) {
    if (child == &table) continue;
    for (const ForeignKey& key : child->foreign_keys) {
      if (equals_nocase(key.parent, table.name)) return true;
    }
  }
  return false;
}

/// DELETE FROM the table, without its triggers.
Result<ProgramPtr> compile_emptying(CompileContext& context, const Table& table) {
  auto* stmt = context.arena.make<ast::DeleteStmt>();
  stmt->kind = ast::StmtKind::remove;
  stmt->target.schema = context.schemas.name(table.database);
  stmt->target.name = table.name;
  CompileContext quiet = context;
  quiet.triggers = false;
  return compile_delete(quiet, *stmt);
}

}  // namespace

Result<ProgramPtr> compile_drop(CompileContext& context, const ast::DropStmt& stmt) {
  if (stmt.object == ast::ObjectKind::trigger) return compile_drop_trigger(context, stmt);
  if (stmt.object == ast::ObjectKind::index) return drop_index(context, stmt);
  const bool wants_view = stmt.object == ast::ObjectKind::view;
  const Table* table = context.find_table(stmt.schema, stmt.name);
  if (table == nullptr) {
    if (stmt.if_exists) {
      return ProgramPtr(std::make_unique<DropProgram>(context, nullptr, nullptr));
    }
    return context.no_such_table(stmt.schema, stmt.name, stmt.at, wants_view ? "view" : "table");
  }
  if (table->is_system() && !equals_nocase(table->name.substr(0, 11), "sqlite_stat")) {
    return at(stmt.at, cat("table ", table->shown_name(), " may not be dropped"));
  }
  if (table->kind == TableKind::virtual_table) {
    return at(stmt.at, "dropping a virtual table is not supported yet");
  }
  if (wants_view && table->kind != TableKind::view) {
    return at(stmt.at, cat("use DROP TABLE to delete table ", table->name));
  }
  if (!wants_view && table->kind == TableKind::view) {
    return at(stmt.at, cat("use DROP VIEW to delete view ", table->name));
  }
  auto program = std::make_unique<DropProgram>(context, table, nullptr);
  if (context.runtime.session.options.foreign_keys &&
      has_foreign_keys(context.schemas[table->database], *table)) {
    program->set_emptying(TRY(compile_emptying(context, *table)));
  }
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
