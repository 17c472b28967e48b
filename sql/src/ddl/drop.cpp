#include "base/text.hpp"
#include "ddl/schema_writer.hpp"
#include "plan/compile.hpp"

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

 private:
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
  return ProgramPtr(std::make_unique<DropProgram>(table, nullptr, context.schema));
}

}  // namespace saturn::sql
