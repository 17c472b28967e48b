#include "base/text.hpp"
#include "dml/table_writer.hpp"
#include "exec/nodes.hpp"
#include "exec/row_store.hpp"

// UPDATE and DELETE. Which rows, and their new values, is settled for all of them before the first
// one is changed.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

/// What the two have in common: a query for rowids and new values, taken whole.
class ChangeProgram : public Program {
 public:
  ChangeProgram() {
    access = Access::write;
    counts_changes = true;
    readonly = false;
  }
  Result<void> start(Runtime&) override {
    done_ = false;
    returning_.clear();
    return writer_->open();
  }
  Result<const Batch*> next(Runtime& runtime) override {
    if (!done_) {
      TRY(run(runtime));
      done_ = true;
    }
    return returning_.next();
  }
  void finish(Runtime&) noexcept override {
    if (query_.root) query_.root->close();
    if (taken_) taken_->clear();
    writer_->close();
    returning_.clear();
  }
  const Operator* plan() const noexcept override { return query_.root.get(); }

 protected:
  virtual Result<void> run(Runtime& runtime) = 0;

  const Table* table_ = nullptr;
  std::unique_ptr<TableWriter> writer_;
  Query query_;
  std::unique_ptr<RowStore> taken_;
  Returning returning_;
  ValueArena arena_;
  bool done_ = false;
};

class UpdateProgram final : public ChangeProgram {
 public:
  Result<void> prepare(CompileContext& context, const ast::UpdateStmt& stmt);

 protected:
  Result<void> run(Runtime& runtime) override;

 private:
  Result<void> add_assignment(const ast::Assignment& assignment,
                              std::vector<const ast::Expr*>& values);
  std::vector<int> targets_;
};

Result<void> UpdateProgram::add_assignment(const ast::Assignment& assignment,
                                           std::vector<const ast::Expr*>& values) {
  const auto add = [&](std::string_view name, const ast::Expr* value) -> Result<void> {
    auto target = target_column(*table_, name, assignment.at);
    if (!target) return at(assignment.at, cat("no such column: ", name));
    targets_.push_back(*target);
    values.push_back(value);
    return {};
  };
  if (!assignment.is_row) return add(assignment.columns[0], assignment.value);
  const auto* row = ast::as_if<ast::Row>(assignment.value);
  if (row == nullptr && assignment.columns.size() == 1) {
    return add(assignment.columns[0], assignment.value);
  }
  if (row == nullptr) {
    return at(assignment.at, "SET of several columns from a subquery is not supported yet");
  }
  if (row->items.size() != assignment.columns.size()) {
    return at(assignment.at,
              cat(assignment.columns.size(), " columns assigned ", row->items.size(), " values"));
  }
  for (std::size_t i = 0; i < row->items.size(); ++i) {
    TRY(add(assignment.columns[i], row->items[i]));
  }
  return {};
}

Result<void> UpdateProgram::prepare(CompileContext& context, const ast::UpdateStmt& stmt) {
  table_ = TRY(find_target(context, stmt.target));
  if (!stmt.from.empty()) return at(stmt.at, "UPDATE FROM is not supported yet");
  writer_ = TRY(TableWriter::make(context, *table_, stmt.conflict));
  std::vector<const ast::Expr*> values;
  for (const ast::Assignment& assignment : stmt.assignments) {
    TRY(add_assignment(assignment, values));
  }
  query_ = TRY(plan_table_rows(context, *table_, stmt.target.alias, stmt.where, values, stmt.with));
  taken_ = std::make_unique<RowStore>(static_cast<std::uint32_t>(values.size() + 1));
  TRY(returning_.compile(context, *table_, stmt.target.alias, stmt.returning));
  columns = returning_.columns();
  return {};
}

Result<void> UpdateProgram::run(Runtime& runtime) {
  TRY(take_rows(runtime, *query_.root, *taken_));
  const std::size_t width = writer_->width();
  std::vector<ValueRef> old_row(width);
  std::vector<ValueRef> new_row(width);
  for (std::size_t i = 0; i < taken_->size(); ++i) {
    if (i % 64 == 0) TRY(runtime.poll());
    arena_.reset();
    const ValueRef* taken = taken_->row(i);
    const bool found = TRY(writer_->read(taken[0].as_integer(), old_row.data(), arena_));
    if (!found) continue;  // REPLACE has removed it
    new_row = old_row;
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      if (targets_[t] == kRowidTarget) {
        new_row[width - 1] = taken[t + 1];
        if (table_->rowid_column >= 0) {
          new_row[static_cast<std::size_t>(table_->rowid_column)] = taken[t + 1];
        }
      } else {
        new_row[static_cast<std::size_t>(targets_[t])] = taken[t + 1];
      }
    }
    const TableWriter::Outcome outcome = TRY(writer_->update(old_row.data(), new_row.data()));
    if (outcome.kind != TableWriter::Outcome::Kind::done) continue;
    ++runtime.affected_rows;
    TRY(returning_.add(runtime, new_row.data()));
  }
  return {};
}

class DeleteProgram final : public ChangeProgram {
 public:
  Result<void> prepare(CompileContext& context, const ast::DeleteStmt& stmt) {
    table_ = TRY(find_target(context, stmt.target));
    writer_ = TRY(TableWriter::make(context, *table_, ast::Conflict::unspecified));
    everything_ = stmt.where == nullptr && stmt.returning.empty();
    query_ = TRY(plan_table_rows(context, *table_, stmt.target.alias, stmt.where, {}, stmt.with));
    taken_ = std::make_unique<RowStore>(1);
    TRY(returning_.compile(context, *table_, stmt.target.alias, stmt.returning));
    columns = returning_.columns();
    return {};
  }

 protected:
  Result<void> run(Runtime& runtime) override {
    if (everything_) {
      runtime.affected_rows = TRY(writer_->clear());
      return {};
    }
    TRY(take_rows(runtime, *query_.root, *taken_));
    std::vector<ValueRef> row(writer_->width());
    for (std::size_t i = 0; i < taken_->size(); ++i) {
      if (i % 64 == 0) TRY(runtime.poll());
      arena_.reset();
      const std::int64_t rowid = taken_->row(i)[0].as_integer();
      if (returning_.wanted()) {
        const bool found = TRY(writer_->read(rowid, row.data(), arena_));
        if (found) TRY(returning_.add(runtime, row.data()));
      }
      const bool removed = TRY(writer_->remove(rowid));
      runtime.affected_rows += removed ? 1 : 0;
    }
    return {};
  }

 private:
  bool everything_ = false;
};

}  // namespace

Result<ProgramPtr> compile_update(CompileContext& context, const ast::UpdateStmt& stmt) {
  auto program = std::make_unique<UpdateProgram>();
  TRY(program->prepare(context, stmt));
  return ProgramPtr(std::move(program));
}

Result<ProgramPtr> compile_delete(CompileContext& context, const ast::DeleteStmt& stmt) {
  auto program = std::make_unique<DeleteProgram>();
  TRY(program->prepare(context, stmt));
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
