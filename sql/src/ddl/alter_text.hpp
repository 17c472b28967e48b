#pragma once

#include "base/result.hpp"
#include "catalog/schema.hpp"

#include <set>
#include <string>
#include <string_view>

/// The texts of sqlite_schema as ALTER TABLE changes them: what was not renamed stays as written.
namespace saturn::sql {

/// CREATE TABLE with `definition` behind its last column.
Result<std::string> with_added_column(const Table& table, std::string_view definition);
/// CREATE TABLE without column `column`.
Result<std::string> without_column(const Table& table, std::size_t column);

/// The text of a table, or of an index, in which table `from` is called `to`. `own`: the text is of
/// that table or of an index on it.
std::string with_renamed_table(std::string_view sql, std::string_view from, std::string_view to,
                               bool own);

/// `sql` with `to` for the names that begin at `places`, which point into it. In quotes where they
/// were, and everywhere if `quoted`.
Result<std::string> with_renamed_places(std::string_view sql, const std::set<const char*>& places,
                                        std::string_view to, bool quoted);

/// The text of table or index `sql`, in which column `from` of `table` is called `to`. `own` as
/// above; of other tables only the foreign keys are looked at.
Result<std::string> with_renamed_column(std::string_view sql, std::string_view table,
                                        std::string_view from, std::string_view to,
                                        bool to_is_quoted, bool own);

}  // namespace saturn::sql
