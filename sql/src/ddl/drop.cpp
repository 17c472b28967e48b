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
  DropProgram(const Table* table, const Index* index, const Schema& schema)
      : table_(table), index_(index) {
    access = table == nullptr && index == nullptr ? Access::read : Access::write;
    readonly = false;
    for (const char* name : {"sqlite_sequence", "sqlite_stat1", "sqlite_stat4"}) {
      const Table* found = schema.find_table(name);
      if (found != nullptr && found != table) companions_.push_back(found);
    }
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    if (access == Access::read) return {};
    TRY(empty_first(runtime));
    storage::Transaction& transaction = *runtime.transaction;
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
    return runtime.session.schema_changed(transaction);
  }

 public:
  /// Foreign keys see the table's rows go before the table does.
  void set_emptying(ProgramPtr program) noexcept { emptying_ = std::move(program); }

 private:
  Result<void> empty_first(Runtime& runtime) {
    if (!emptying_) return {};
    Result<void> emptied = emptying_->start(runtime);
    for (bool more = true; emptied && more;) {
      auto batch = emptying_->next(runtime);
      more = batch && *batch != nullptr;
      if (!batch) emptied = std::move(batch).error();
    }
    emptying_->finish(runtime);
    runtime.affected_rows = 0;
    return emptied;
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
  std::vector<const Table*> companions_;
};

Result<ProgramPtr> drop_index(CompileContext& context, const ast::DropStmt& stmt) {
  const bool known_schema = !ast::present(stmt.schema) || equals_nocase(stmt.schema, "main");
  const Index* index = known_schema ? context.schema.find_index(stmt.name) : nullptr;
  if (index == nullptr) {
    const std::string prefix = ast::present(stmt.schema) ? cat(stmt.schema, ".") : "";
    if (!stmt.if_exists) return at(stmt.at, cat("no such index: ", prefix, stmt.name));
  } else if (index->origin != IndexOrigin::create_index) {
    return at(stmt.at, "index associated with UNIQUE or PRIMARY KEY constraint cannot be dropped");
  }
  return ProgramPtr(std::make_unique<DropProgram>(nullptr, index, context.schema));
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
  stmt->target.schema = "main";
  stmt->target.name = table.name;
  CompileContext quiet = context;
  quiet.triggers = false;
  return compile_delete(quiet, *stmt);
}

}  // namespace

Result<ProgramPtr> compile_drop(CompileContext& context, const ast::DropStmt& stmt) {
  if (stmt.object == ast::ObjectKind::trigger) return compile_drop_trigger(context, stmt);
  const bool known_schema = !ast::present(stmt.schema) || equals_nocase(stmt.schema, "main");
  if (stmt.object == ast::ObjectKind::index) return drop_index(context, stmt);
  const bool wants_view = stmt.object == ast::ObjectKind::view;
  const Table* table = known_schema ? context.schema.find_table(stmt.name) : nullptr;
  if (table == nullptr) {
    if (stmt.if_exists) {
      return ProgramPtr(std::make_unique<DropProgram>(nullptr, nullptr, context.schema));
    }
    const std::string prefix = ast::present(stmt.schema) ? cat(stmt.schema, ".") : "";
    return at(stmt.at, cat("no such ", wants_view ? "view: " : "table: ", prefix, stmt.name));
  }
  if (table->is_system() && !equals_nocase(table->name.substr(0, 11), "sqlite_stat")) {
    return at(stmt.at, cat("table ", shown_name(*table), " may not be dropped"));
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
  auto program = std::make_unique<DropProgram>(table, nullptr, context.schema);
  if (context.runtime.session.options.foreign_keys && has_foreign_keys(context.schema, *table)) {
    program->set_emptying(TRY(compile_emptying(context, *table)));
  }
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
