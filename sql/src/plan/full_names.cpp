#include "base/text.hpp"
#include "plan/scope.hpp"

#include <algorithm>

// Names in full. SQLite writes `*`, and what stands in the parentheses of a nested FROM, out as
// schema.table.column; where two tables go by the same name that is ambiguous.

namespace saturn::sql {
namespace {

Error ambiguous(const Scope& scope, std::size_t relation, std::string_view column,
                std::uint32_t position) {
  const Relation& r = scope.relations[relation];
  const std::string_view database = r.database.empty() ? "*" : r.database;
  return Error(Code::error, cat("ambiguous column name: ", database, ".", r.name, ".", column))
      .at(position);
}

bool same_name(const Relation& a, const Relation& b) noexcept {
  return equals_nocase(a.name, b.name) && equals_nocase(a.database, b.database);
}

/// How many of the relations from `begin` on have a column of this name that USING does not hide.
std::size_t count_visible(const Scope& scope, std::size_t begin, std::string_view name,
                          const Relation* named) {
  std::size_t count = 0;
  for (std::size_t r = begin; r < scope.relations.size(); ++r) {
    const Relation& relation = scope.relations[r];
    if (named != nullptr && !same_name(relation, *named)) continue;
    for (const Relation::Column& column : relation.columns) {
      if (column.hidden || column.repeated || !equals_nocase(column.name, name)) continue;
      ++count;
      break;
    }
  }
  return count;
}

/// Whether USING merges the relation's column of this name with one to its left. A join in
/// parentheses hides others of the name too, behind the one that it shows.
bool is_merged(const Relation& relation, std::string_view name) {
  const auto first =
      std::find_if(relation.columns.begin(), relation.columns.end(),
                   [&](const auto& column) { return equals_nocase(column.name, name); });
  return first != relation.columns.end() && first->hidden;
}

Result<void> check_rowid(const Scope& scope, std::size_t begin, std::size_t relation,
                         std::uint32_t position) {
  const Relation& r = scope.relations[relation];
  if (r.table == nullptr || r.table->without_rowid) return {};
  std::size_t count = 0;
  for (std::size_t other = begin; other < scope.relations.size(); ++other) {
    count += same_name(scope.relations[other], r) ? 1 : 0;
  }
  if (count > 1) return ambiguous(scope, relation, "_ROWID_", position);
  return {};
}

}  // namespace

Result<void> check_full_name(const Scope& scope, std::size_t begin, std::size_t relation,
                             std::size_t column, std::uint32_t position) {
  const Relation& r = scope.relations[relation];
  if (r.name.empty() || !r.columns[column].table.empty()) return {};
  const std::string_view name = r.columns[column].name;
  if (count_visible(scope, begin, name, &r) > 1) return ambiguous(scope, relation, name, position);
  return {};
}

Result<void> check_star_name(const Scope& scope, std::size_t relation, std::size_t column,
                             std::uint32_t position) {
  const std::string_view name = scope.relations[relation].columns[column].name;
  bool merged = false;
  for (std::size_t r = relation + 1; r < scope.relations.size(); ++r) {
    merged = merged || is_merged(scope.relations[r], name);
  }
  const bool before_right_join = scope.last_right_join() > static_cast<int>(relation);
  if (!merged || !before_right_join) return check_full_name(scope, 0, relation, column, position);
  if (count_visible(scope, 0, name, nullptr) < 2) return {};
  return Error(Code::error, cat("ambiguous column name: ", name)).at(position);
}

Result<void> check_nested_names(const Scope& scope, std::size_t begin, std::uint32_t position) {
  const std::size_t end = scope.relations.size();
  if (end - begin < 2) return {};
  for (std::size_t r = begin; r < end; ++r) {
    if (r + 1 < end && scope.relations[r + 1].group == begin) {
      for (const Relation::Column& column : scope.relations[r + 1].columns) {
        if (!is_merged(scope.relations[r + 1], column.name)) continue;
        if (count_visible(scope, begin, column.name, nullptr) < 2) continue;
        return Error(Code::error, cat("ambiguous column name: ", column.name)).at(position);
      }
    }
    for (std::size_t c = 0; c < scope.relations[r].columns.size(); ++c) {
      TRY(check_full_name(scope, begin, r, c, position));
    }
    TRY(check_rowid(scope, begin, r, position));
  }
  return {};
}

}  // namespace saturn::sql
