#include "base/text.hpp"
#include "ddl/index_filler.hpp"
#include "plan/compile.hpp"

#include <memory>
#include <vector>

// REINDEX: indexes are emptied and filled again from their tables, as after a change of a
// collation.

namespace saturn::sql {
namespace {

class ReindexProgram final : public ImmediateProgram {
 public:
  ReindexProgram() {
    access = Access::write;
    readonly = false;
  }

  Result<void> add(CompileContext& context, const Table& table, const Index& index) {
    // The clustered index is the table.
    if (index.clustered) return {};
    auto filler = std::make_unique<IndexFiller>(table, index);
    TRY(filler->prepare(context));
    context.writes(table.database);
    work_.push_back({table.database, index.root, std::move(filler)});
    return {};
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    for (const Work& work : work_) {
      TRY(storage::clear_tree(runtime.transaction(work.database), work.root,
                              storage::TreeKind::index));
      TRY(work.filler->fill(runtime, work.root));
    }
    return {};
  }

 private:
  struct Work {
    DatabaseNo database = kMainDatabase;
    storage::PageNo root = 0;
    std::unique_ptr<IndexFiller> filler;
  };
  std::vector<Work> work_;
};

bool uses(const Index& index, const Collation& collation) {
  for (const IndexColumn& column : index.columns) {
    if (column.column != IndexColumn::kRowid && column.collation == &collation) return true;
  }
  return false;
}

}  // namespace

Result<ProgramPtr> compile_reindex(CompileContext& context, const ast::ReindexStmt& stmt) {
  auto program = std::make_unique<ReindexProgram>();
  const bool qualified = ast::present(stmt.schema);
  const Schemas& schemas = context.schemas;
  const Collation* collation = nullptr;
  const Table* table = nullptr;
  const Index* index = nullptr;
  bool expressions = false;  // REINDEX EXPRESSIONS: the indexes on some
  if (ast::present(stmt.name)) {
    const std::optional<DatabaseNo> in = TRY(context.database(stmt.schema, stmt.at));
    if (!qualified) collation = Collation::find(stmt.name, context.encoding());
    if (collation == nullptr) table = schemas.find_table(in, stmt.name);
    if (collation == nullptr && table == nullptr) index = schemas.find_index(in, stmt.name);
    expressions = collation == nullptr && table == nullptr && index == nullptr && !qualified &&
                  equals_nocase(stmt.name, "expressions");
    if (collation == nullptr && table == nullptr && index == nullptr && !expressions) {
      return Error(Code::error, "unable to identify the object to be reindexed");
    }
  }
  if (index != nullptr) {
    TRY(program->add(context, *index->table, *index));
    return ProgramPtr(std::move(program));
  }
  for (const Schemas::Entry& entry : schemas.entries()) {
    for (const Table* known : entry.schema->tables()) {
      if (known->kind != TableKind::table || (table != nullptr && known != table)) continue;
      for (const auto& each : known->indexes) {
        if (expressions && !each->has_expressions()) continue;
        if (collation == nullptr || uses(*each, *collation)) {
          TRY(program->add(context, *known, *each));
        }
      }
    }
  }
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
