#include "dml/change_program.hpp"
#include "plan/scope.hpp"

#include <algorithm>

// UPDATE. Which rows, and their new values, is settled for all of them before the first one is
// changed.

namespace saturn::sql {
namespace {

class UpdateProgram final : public ChangeProgram {
 public:
  Result<void> prepare(CompileContext& context, const ast::UpdateStmt& stmt);

 protected:
  Result<void> run(Runtime& runtime) override;

 private:
  std::vector<std::size_t> rows_to_change() const;
  Result<bool> change_row(Runtime& runtime, const ValueRef* taken);
  Result<bool> change_view(Runtime& runtime, const ValueRef* taken);

  std::vector<SetColumn> set_;
  bool joins_ = false;  ///< with FROM a row may come several times
  std::vector<ValueRef> old_row_;
  std::vector<ValueRef> new_row_;
};

Result<void> UpdateProgram::prepare(CompileContext& context, const ast::UpdateStmt& stmt) {
  const CteEnv with{nullptr, stmt.with};
  const CteEnv* const ctes = stmt.with != nullptr ? &with : nullptr;
  target_ = TRY(find_target(context, stmt.target, ast::TriggerEvent::update));
  const Table& table = *target_.table;
  set_ = TRY(resolve_set(context, table, stmt.assignments));
  std::vector<const ast::Expr*> values;
  for (const SetColumn& column : set_) values.push_back(column.value);
  query_ =
      TRY(plan_target_rows(context, target_, stmt.target, stmt.from, stmt.where, values, ctes));
  const ast::Conflict conflict = effective_conflict(context, stmt.conflict);
  if (target_.is_view) {
    key_width_ = table.columns.size();
    TRY(instead_.compile(context, table, *target_.owner, ast::TriggerEvent::update,
                         set_targets(set_), conflict));
  } else {
    key_width_ = table.key_width();
    WriteRules rules{.conflict = conflict, .updates = true, .updated = set_targets(set_)};
    writer_ = TRY(TableWriter::make(context, table, std::move(rules)));
  }
  joins_ = !stmt.from.empty();
  taken_ = std::make_unique<RowStore>(static_cast<std::uint32_t>(key_width_ + values.size()),
                                      context.runtime.session.memory);
  TRY(returning_.compile(context, table, stmt.returning, ctes));
  columns = returning_.columns();
  if (writer_) writer_->set_returning(returning_);
  old_row_.resize(table.columns.size() + 1);
  new_row_.resize(table.columns.size() + 1);
  return {};
}

/// Of a row that FROM gives several times the last one counts; rows come in the order of their
/// keys.
std::vector<std::size_t> UpdateProgram::rows_to_change() const {
  std::vector<std::size_t> order(taken_->size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (!joins_ || target_.is_view) return order;
  const auto before = [&](std::size_t a, std::size_t b) {
    for (std::size_t k = 0; k < key_width_; ++k) {
      const Index* primary = target_.table->primary;
      const Collation& collation =
          primary == nullptr ? Collation::binary() : *primary->columns[k].collation;
      const int c = compare(taken_->row(a)[k], taken_->row(b)[k], collation);
      if (c != 0) return (c < 0) != (primary != nullptr && primary->columns[k].descending);
    }
    return false;
  };
  std::stable_sort(order.begin(), order.end(), before);
  std::vector<std::size_t> last;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i + 1 < order.size() && !before(order[i], order[i + 1])) continue;
    last.push_back(order[i]);
  }
  return last;
}

/// False when the row is not changed after all.
Result<bool> UpdateProgram::change_row(Runtime&, const ValueRef* taken) {
  const bool found = TRY(writer_->read({taken, key_width_}, old_row_.data(), arena_));
  if (!found) return false;  // REPLACE or a trigger has removed it
  new_row_ = old_row_;
  for (std::size_t t = 0; t < set_.size(); ++t) {
    put(*target_.table, set_[t].target, taken[key_width_ + t], new_row_.data());
  }
  const TableWriter::Outcome outcome = TRY(writer_->update(old_row_.data(), new_row_.data()));
  return outcome.kind == TableWriter::Outcome::Kind::done;
}

Result<bool> UpdateProgram::change_view(Runtime& runtime, const ValueRef* taken) {
  std::copy(taken, taken + key_width_, old_row_.begin());
  new_row_ = old_row_;
  for (std::size_t t = 0; t < set_.size(); ++t) {
    put(*target_.table, set_[t].target, taken[key_width_ + t], new_row_.data());
  }
  return instead_.fire(runtime, ast::TriggerTime::instead_of, old_row_.data(), new_row_.data());
}

Result<void> UpdateProgram::run(Runtime& runtime) {
  TRY(take_rows(runtime, *query_.root, *taken_));
  std::size_t count = 0;
  for (const std::size_t i : rows_to_change()) {
    if (count++ % 64 == 0) TRY(runtime.poll());
    arena_.reset();
    const bool changed =
        TRY(writer_ ? change_row(runtime, taken_->row(i)) : change_view(runtime, taken_->row(i)));
    if (!changed) continue;
    ++runtime.affected_rows;
    if (target_.is_view) TRY(returning_.add(runtime, new_row_.data()));
  }
  return {};
}

}  // namespace

Result<ProgramPtr> compile_update(CompileContext& context, const ast::UpdateStmt& stmt) {
  auto program = std::make_unique<UpdateProgram>();
  TRY(program->prepare(context, stmt));
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
