#include "catalog/schemas.hpp"

namespace saturn::sql {
namespace {

bool is_schema_table(std::string_view name) noexcept {
  return equals_nocase(name, "sqlite_master") || equals_nocase(name, "sqlite_schema");
}

/// `find` in one schema, or in all of them in their order.
template <typename Found, typename Find>
const Found* look_up(const Schemas& schemas, std::optional<DatabaseNo> database, Find find) {
  if (database) return find(schemas[*database]);
  for (std::size_t place = 0; place < schemas.size(); ++place) {
    if (const Found* found = find(schemas[Schemas::search_order(place)])) return found;
  }
  return nullptr;
}

}  // namespace

Schemas::Schemas(std::vector<Entry> entries) : entries_(std::move(entries)) {
  attach_temp_triggers();
}

void Schemas::attach_temp_triggers() {
  for (const Entry& entry : entries_) {
    if (entry.schema == nullptr) return;
  }
  for (const auto& trigger : entries_[kTempDatabase].schema->outward_triggers()) {
    const ast::CreateTriggerStmt& definition = *trigger->definition;
    std::optional<DatabaseNo> database;
    if (ast::present(definition.table_schema)) {
      database = find(definition.table_schema);
      if (!database) continue;
    }
    if (const Table* table = find_table(database, definition.table)) {
      temp_triggers_[table].push_back(trigger.get());
    }
  }
}

std::optional<DatabaseNo> Schemas::find(std::string_view name) const noexcept {
  if (!ast::present(name)) return {};
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (equals_nocase(entries_[i].name, name)) return static_cast<DatabaseNo>(i);
  }
  return {};
}

const Table* Schemas::find_table(std::optional<DatabaseNo> database,
                                 std::string_view name) const noexcept {
  if (!database && is_schema_table(name)) database = kMainDatabase;
  return look_up<Table>(*this, database,
                        [&](const Schema& schema) { return schema.find_table(name); });
}

const Index* Schemas::find_index(std::optional<DatabaseNo> database,
                                 std::string_view name) const noexcept {
  return look_up<Index>(*this, database,
                        [&](const Schema& schema) { return schema.find_index(name); });
}

const Trigger* Schemas::find_trigger(std::optional<DatabaseNo> database,
                                     std::string_view name) const noexcept {
  return look_up<Trigger>(*this, database,
                          [&](const Schema& schema) { return schema.find_trigger(name); });
}

std::span<const Trigger* const> Schemas::temp_triggers(const Table& table) const noexcept {
  if (temp_triggers_.empty()) return {};
  const auto found = temp_triggers_.find(&table);
  if (found == temp_triggers_.end()) return {};
  return found->second;
}

}  // namespace saturn::sql
