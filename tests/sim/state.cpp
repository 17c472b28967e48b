#include "state.hpp"

#include "base/text.hpp"

namespace sim {

using saturn::cat;
using saturn::Result;

bool State::operator==(const State& other) const {
  if (user_version != other.user_version || indexes != other.indexes) return false;
  if (tables.size() != other.tables.size()) return false;
  for (auto mine = tables.begin(), its = other.tables.begin(); mine != tables.end();
       ++mine, ++its) {
    if (mine->first != its->first) return false;
    if (mine->second != its->second && *mine->second != *its->second) return false;
  }
  return true;
}

Table& State::change(const std::string& name) {
  const auto copy = std::make_shared<Table>(*tables.at(name));
  tables[name] = copy;
  return *copy;
}

namespace {

std::string text(const saturn::Value& value) { return std::string(value.ref().bytes()); }

}  // namespace

Result<State> read_state(const Query& query) {
  State state;
  for (const auto& row : TRY(query("SELECT type, name, sql FROM sqlite_schema ORDER BY name"))) {
    if (text(row[0]) == "index") {
      state.indexes[text(row[1])] = text(row[2]);
    } else {
      const auto table = std::make_shared<Table>();
      table->sql = text(row[2]);
      state.tables[text(row[1])] = table;
    }
  }
  for (auto& [name, table] : state.tables) {
    Table& filled = state.change(name);
    for (const auto& row : TRY(query(cat("SELECT id, n, v FROM ", name, " ORDER BY id")))) {
      filled.rows[row[0].ref().as_integer()] = {row[1].ref().as_integer(), text(row[2])};
    }
  }
  state.user_version = TRY(query("PRAGMA user_version"))[0][0].ref().as_integer();
  return state;
}

std::string difference(const State& expected, const State& seen) {
  for (const auto& [name, table] : expected.tables) {
    const auto found = seen.tables.find(name);
    if (found == seen.tables.end()) return cat("table ", name, " is missing");
    if (found->second->sql != table->sql) return cat("table ", name, " is of another definition");
    for (const auto& [id, row] : table->rows) {
      const auto other = found->second->rows.find(id);
      if (other == found->second->rows.end()) return cat("row ", id, " of ", name, " is missing");
      if (other->second != row) return cat("row ", id, " of ", name, " is another");
    }
    for (const auto& [id, row] : found->second->rows) {
      if (!table->rows.contains(id)) return cat("row ", id, " of ", name, " is too many");
    }
  }
  for (const auto& [name, table] : seen.tables) {
    if (!expected.tables.contains(name)) return cat("table ", name, " is too many");
  }
  if (expected.indexes != seen.indexes) return "the indexes are others";
  if (expected.user_version != seen.user_version) {
    return cat("user_version is ", seen.user_version, ", not ", expected.user_version);
  }
  return "nothing";
}

}  // namespace sim
