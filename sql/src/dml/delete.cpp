#include "dml/change_program.hpp"
#include "dml/reads_table.hpp"
#include "plan/scope.hpp"

// DELETE. Which rows is settled for all of them before the first one is removed.

namespace saturn::sql {
namespace {

class DeleteProgram final : public ChangeProgram {
 public:
  using ChangeProgram::ChangeProgram;
  Result<void> prepare(CompileContext& context, const ast::DeleteStmt& stmt);

 protected:
  Result<void> run(Runtime& runtime) override;

 private:
  Result<bool> remove_row(Runtime& runtime, const ValueRef* taken);

  bool everything_ = false;
  std::vector<ValueRef> row_;
};

Result<void> DeleteProgram::prepare(CompileContext& context, const ast::DeleteStmt& stmt) {
  const CteEnv with{nullptr, stmt.with};
  const CteEnv* const ctes = stmt.with != nullptr ? &with : nullptr;
  target_ = TRY(find_target(context, stmt.target, ast::TriggerEvent::remove));
  const Table& table = *target_.table;
  query_ = TRY(plan_target_rows(context, target_, stmt.target, {}, stmt.where, {}, ctes));
  if (target_.is_view) {
    key_width_ = table.columns.size();
    TRY(instead_.compile(context, table, *target_.owner, ast::TriggerEvent::remove, {},
                         ast::Conflict::unspecified));
  } else {
    key_width_ = table.key_width();
    writer_ = TRY(TableWriter::make(context, table, {.deletes = true}));
    everything_ = stmt.where == nullptr && stmt.returning.empty() && writer_->may_clear();
  }
  taken_ =
      std::make_unique<RowSpool>(static_cast<std::uint32_t>(key_width_), context.runtime.session);
  TRY(returning_.compile(context, table, stmt.returning, ctes));
  columns = returning_.columns();
  if (writer_) writer_->set_returning(returning_);
  by_key_ = writer_ && (returning_.wanted() || !writer_->may_clear() ||
                        (stmt.where != nullptr && has_subquery(*stmt.where)));
  row_.resize(table.columns.size() + 1);
  return {};
}

/// False when the row stays, or is gone already.
Result<bool> DeleteProgram::remove_row(Runtime& runtime, const ValueRef* taken) {
  if (!writer_) {
    std::copy(taken, taken + key_width_, row_.begin());
    return instead_.fire(runtime, ast::TriggerTime::instead_of, row_.data(), nullptr);
  }
  const bool found = TRY(writer_->read({taken, key_width_}, row_.data(), arena_));
  if (!found) return false;
  const TableWriter::Outcome outcome = TRY(writer_->remove(row_.data()));
  return outcome.kind == TableWriter::Outcome::Kind::done;
}

Result<void> DeleteProgram::run(Runtime& runtime) {
  if (everything_) {
    runtime.affected_rows = TRY(writer_->clear());
    return {};
  }
  TRY(take(runtime, false));
  RowSpool::Reader rows(*taken_);
  for (std::size_t i = 0; i < taken_->size(); ++i) {
    if (i % 64 == 0) TRY(runtime.poll());
    arena_.reset();
    const ValueRef* row = TRY(rows.row(i));
    const bool removed = TRY(remove_row(runtime, row));
    if (!removed) continue;
    // changes() does not count the rows of views.
    if (target_.is_view) {
      TRY(returning_.add(runtime, row_.data()));
    } else {
      ++runtime.affected_rows;
    }
  }
  return {};
}

}  // namespace

Result<ProgramPtr> compile_delete(CompileContext& context, const ast::DeleteStmt& stmt) {
  auto program = std::make_unique<DeleteProgram>(context);
  TRY(program->prepare(context, stmt));
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
