#include "dml/triggers.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

bool is_running(const TriggerFrame* frame, const Trigger& trigger) noexcept {
  for (; frame != nullptr; frame = frame->outer) {
    if (frame->identity == &trigger) return true;
  }
  return false;
}

/// UPDATE OF a, b: whether one of them is set.
bool concerns(const ast::CreateTriggerStmt& definition, const Table& table,
              std::span<const int> updated) noexcept {
  if (definition.event != ast::TriggerEvent::update || definition.update_of.empty()) return true;
  for (const std::string_view name : definition.update_of) {
    const int column = table.find_column(name);
    const int target = column >= 0 && column == table.rowid_column ? -1 : column;
    if (column >= 0 && std::find(updated.begin(), updated.end(), target) != updated.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace

Result<void> TriggerSet::compile(CompileContext& context, const Table& table, const Table& owner,
                                 ast::TriggerEvent event, std::span<const int> updated,
                                 ast::Conflict conflict) {
  if (!context.triggers) return {};
  const bool recursive = context.runtime.session.recursive_triggers;
  // SQLite fires those of temp first, the oldest before the others; of the table's own database
  // the latest comes first.
  std::vector<const Trigger*> candidates;
  const auto temp = context.schemas.temp_triggers(owner);
  candidates.insert(candidates.end(), temp.begin(), temp.end());
  for (std::size_t i = owner.triggers.size(); i-- > 0;) {
    candidates.push_back(owner.triggers[i].get());
  }
  for (const Trigger* candidate : candidates) {
    const Trigger& trigger = *candidate;
    const ast::CreateTriggerStmt& definition = *trigger.definition;
    if (definition.event != event || !concerns(definition, table, updated)) continue;
    if (!recursive && is_running(context.trigger, trigger)) continue;
    std::vector<const ast::Stmt*> body;
    for (const ast::Stmt* stmt : definition.body) body.push_back(stmt);
    auto program = std::make_unique<RowProgram>(context, table, trigger.database, &trigger,
                                                conflict, definition.when, std::move(body));
    program->set_rows(event != ast::TriggerEvent::insert, event != ast::TriggerEvent::remove);
    // Those below are compiled when they are fired: they may fire each other without end.
    if (context.trigger == nullptr) {
      TRY(program->compile());
      context.runtime.use |= program->use();
    }
    triggers_.push_back({definition.time, candidate, std::move(program)});
  }
  return {};
}

bool TriggerSet::exists(const CompileContext& context, const Table& table, const Table& owner,
                        ast::TriggerEvent event, std::span<const int> updated) {
  const auto fires = [&](const auto& trigger) {
    return trigger->definition->event == event && concerns(*trigger->definition, table, updated);
  };
  const auto temp = context.schemas.temp_triggers(owner);
  return std::any_of(owner.triggers.begin(), owner.triggers.end(), fires) ||
         std::any_of(temp.begin(), temp.end(), fires);
}

bool TriggerSet::any(ast::TriggerTime time) const noexcept {
  return std::any_of(triggers_.begin(), triggers_.end(),
                     [&](const Fired& fired) { return fired.time == time; });
}

Result<bool> TriggerSet::fire(Runtime& runtime, ast::TriggerTime time, const ValueRef* old_row,
                              const ValueRef* new_row) {
  for (const Fired& fired : triggers_) {
    if (fired.time != time) continue;
    TRY(runtime.poll());
    const bool goes_on = TRY(fired.program->run(runtime, old_row, new_row));
    if (!goes_on) return false;
  }
  return true;
}

}  // namespace saturn::sql
