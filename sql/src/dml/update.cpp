#include "base/text.hpp"
#include "dml/change_program.hpp"
#include "dml/reads_table.hpp"
#include "plan/scope.hpp"

#include <algorithm>

// UPDATE. Which rows is settled for all of them before the first one is changed, and their new
// values too, unless what is done to one may show in those of another.

namespace saturn::sql {
namespace {

/// The table that is changed may not be one that FROM joins with it, under the same name.
Result<void> check_from(const CompileContext& context, const List<ast::Source*>& from,
                        const ast::Target& target) {
  const auto same_name = [](std::string_view a, std::string_view b) {
    return ast::present(a) == ast::present(b) && equals_nocase(a, b);
  };
  for (const ast::Source* source : from) {
    TRY(check_from(context, source->nested, target));
    if (source->kind != ast::SourceKind::table || !same_name(source->alias, target.alias)) continue;
    if (!equals_nocase(source->name, target.name)) continue;
    if (context.find_table(source->schema, source->name) !=
        context.find_table(target.schema, target.name)) {
      continue;
    }
    return Error(Code::error, cat("target object/alias may not appear in FROM clause: ",
                                  ast::present(target.alias) ? target.alias : target.name))
        .at(source->at);
  }
  return {};
}

class UpdateProgram final : public ChangeProgram {
 public:
  using ChangeProgram::ChangeProgram;
  Result<void> prepare(CompileContext& context, const ast::UpdateStmt& stmt);
  void list(Listing& listing) const override {
    listing.add("new value", late_);
    ChangeProgram::list(listing);
  }

 protected:
  Result<void> run(Runtime& runtime) override;

 private:
  Result<void> change(Runtime& runtime, const ValueRef* taken);
  Result<bool> change_row(Runtime& runtime, const ValueRef* taken);
  Result<bool> change_view(Runtime& runtime, const ValueRef* taken);

  bool sets_key() const;
  bool may_replace(const CompileContext& context, const ast::UpdateStmt& stmt) const;
  bool computes_late(const CompileContext& context, const ast::UpdateStmt& stmt) const;
  Result<void> bind_late(CompileContext& context, const CteEnv* ctes);
  Result<void> make_new_row(Runtime& runtime, const ValueRef* taken);

  std::vector<SetColumn> set_;
  /// The values of `set_` over the row, where they are computed late; else they come with the rows.
  std::vector<ExprPtr> late_;
  Batch batch_;         ///< of the old row
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
  if (target_.is_view && !TriggerSet::exists(context, table, *target_.owner,
                                             ast::TriggerEvent::update, set_targets(set_))) {
    return Error(Code::error, cat("cannot modify ", table.name, " because it is a view"))
        .at(stmt.target.at);
  }
  TRY(check_from(context, stmt.from, stmt.target));
  std::vector<const ast::Expr*> values;
  if (computes_late(context, stmt)) {
    TRY(bind_late(context, ctes));
  } else {
    for (const SetColumn& column : set_) values.push_back(column.value);
  }
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
  taken_ = std::make_unique<RowSpool>(static_cast<std::uint32_t>(key_width_ + values.size()),
                                      context.runtime.session);
  TRY(returning_.compile(context, table, stmt.returning, ctes));
  columns = returning_.columns();
  if (writer_) writer_->set_returning(returning_);
  by_key_ = writer_ && (returning_.wanted() || writer_->updates_by_key(query_.found_by) ||
                        (stmt.where != nullptr && has_subquery(*stmt.where)));
  old_row_.resize(table.columns.size() + 1);
  new_row_.resize(table.columns.size() + 1);
  return {};
}

/// Whether rows may get another key of the table's own.
bool UpdateProgram::sets_key() const {
  const Table& table = *target_.table;
  return std::any_of(set_.begin(), set_.end(), [&](const SetColumn& column) {
    if (column.target < 0) return true;
    return table.primary != nullptr &&
           std::any_of(table.primary->columns.begin(), table.primary->columns.end(),
                       [&](const IndexColumn& key) { return key.column == column.target; });
  });
}

/// Whether a row whose key another one has may take that one's place.
bool UpdateProgram::may_replace(const CompileContext& context, const ast::UpdateStmt& stmt) const {
  const ast::Conflict conflict = effective_conflict(context, stmt.conflict);
  if (conflict != ast::Conflict::unspecified) return conflict == ast::Conflict::replace;
  const Table& table = *target_.table;
  return (table.primary != nullptr ? table.primary->conflict : table.primary_key_conflict) ==
         ast::Conflict::replace;
}

/// Whether the new values of a row may depend on what the statement has done to rows before it:
/// then they are computed when its turn comes.
bool UpdateProgram::computes_late(const CompileContext& context,
                                  const ast::UpdateStmt& stmt) const {
  if (!stmt.from.empty()) return false;
  const Table& table = *target_.owner;
  if (context.triggers && TriggerSet::exists(context, *target_.table, table,
                                             ast::TriggerEvent::update, set_targets(set_))) {
    return true;
  }
  // A row that takes the key of one still to come is what that one's turn finds.
  if (sets_key() && may_replace(context, stmt)) return true;
  const auto acts_on_it = [&](const ForeignKey& key) {
    return equals_nocase(key.parent, table.name) && key.on_update > ast::Action::restrict;
  };
  if (context.runtime.session.options.foreign_keys &&
      std::any_of(table.foreign_keys.begin(), table.foreign_keys.end(), acts_on_it)) {
    return true;
  }
  bool ctes_read = false;
  if (stmt.with != nullptr) {
    for (const ast::Cte* cte : stmt.with->ctes) {
      ctes_read = ctes_read || reads_table(context, *cte->select, table);
    }
  }
  return std::any_of(set_.begin(), set_.end(), [&](const SetColumn& column) {
    return ctes_read ? has_subquery(*column.value) : reads_table(context, *column.value, table);
  });
}

Result<void> UpdateProgram::bind_late(CompileContext& context, const CteEnv* ctes) {
  RowScope scope;
  scope.relations.push_back({target_.table, target_.name, 0});
  for (const SetColumn& column : set_) {
    late_.push_back(TRY(bind_row_expr(context, scope, *column.value, true, ctes)));
  }
  batch_.columns.resize(target_.table->columns.size() + 1);
  batch_.selection = first_rows(1);
  return {};
}

/// `new_row_`, of what `old_row_` is now and of what was taken.
Result<void> UpdateProgram::make_new_row(Runtime& runtime, const ValueRef* taken) {
  new_row_ = old_row_;
  for (std::size_t i = 0; i < batch_.columns.size(); ++i) batch_.columns[i] = &old_row_[i];
  for (std::size_t t = 0; t < set_.size(); ++t) {
    const ValueRef value =
        late_.empty() ? taken[key_width_ + t] : TRY(eval_one(*late_[t], runtime, arena_, batch_));
    put(*target_.table, set_[t].target, value, new_row_.data());
  }
  return {};
}

/// False when the row is not changed after all.
Result<bool> UpdateProgram::change_row(Runtime& runtime, const ValueRef* taken) {
  const bool found = TRY(writer_->read({taken, key_width_}, old_row_.data(), arena_));
  if (!found) return false;  // REPLACE or a trigger has removed it
  TRY(make_new_row(runtime, taken));
  const TableWriter::Outcome outcome = TRY(writer_->update(old_row_.data(), new_row_.data()));
  return outcome.kind == TableWriter::Outcome::Kind::done;
}

Result<bool> UpdateProgram::change_view(Runtime& runtime, const ValueRef* taken) {
  std::copy(taken, taken + key_width_, old_row_.begin());
  TRY(make_new_row(runtime, taken));
  show_reals(*target_.table, new_row_.data());
  return instead_.fire(runtime, ast::TriggerTime::instead_of, old_row_.data(), new_row_.data());
}

Result<void> UpdateProgram::change(Runtime& runtime, const ValueRef* taken) {
  arena_.reset();
  const bool changed = TRY(writer_ ? change_row(runtime, taken) : change_view(runtime, taken));
  if (!changed) return {};
  // changes() does not count the rows of views.
  if (target_.is_view) return returning_.add(runtime, new_row_.data());
  ++runtime.affected_rows;
  return {};
}

Result<void> UpdateProgram::run(Runtime& runtime) {
  TRY(take(runtime, joins_));
  RowSpool::Reader rows(*taken_);
  for (std::size_t i = 0; i < taken_->size(); ++i) {
    if (i % 64 == 0) TRY(runtime.poll());
    const ValueRef* row = TRY(rows.row(i));
    TRY(change(runtime, row));
  }
  return {};
}

}  // namespace

Result<ProgramPtr> compile_update(CompileContext& context, const ast::UpdateStmt& stmt) {
  auto program = std::make_unique<UpdateProgram>(context);
  TRY(program->prepare(context, stmt));
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
