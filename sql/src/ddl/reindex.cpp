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
    work_.push_back({index.root, std::move(filler)});
    return {};
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    for (const Work& work : work_) {
      TRY(storage::clear_tree(*runtime.transaction, work.root, storage::TreeKind::index));
      TRY(work.filler->fill(runtime, work.root));
    }
    return {};
  }

 private:
  struct Work {
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
  const Collation* collation = nullptr;
  const Table* table = nullptr;
  const Index* index = nullptr;
  if (ast::present(stmt.name)) {
    if (qualified && !equals_nocase(stmt.schema, "main") && !equals_nocase(stmt.schema, "temp")) {
      return Error(Code::error, cat("unknown database ", stmt.schema));
    }
    if (!qualified) collation = Collation::find(stmt.name);
    if (collation == nullptr) table = context.schema.find_table(stmt.name);
    if (collation == nullptr && table == nullptr) index = context.schema.find_index(stmt.name);
    if (collation == nullptr && table == nullptr && index == nullptr) {
      return Error(Code::error, "unable to identify the object to be reindexed");
    }
  }
  if (index != nullptr) {
    TRY(program->add(context, *index->table, *index));
    return ProgramPtr(std::move(program));
  }
  for (const Table* known : context.schema.tables()) {
    if (known->kind != TableKind::table || (table != nullptr && known != table)) continue;
    for (const auto& each : known->indexes) {
      if (collation == nullptr || uses(*each, *collation)) {
        TRY(program->add(context, *known, *each));
      }
    }
  }
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
