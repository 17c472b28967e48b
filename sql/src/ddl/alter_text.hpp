#pragma once

#include "base/result.hpp"
#include "catalog/schema.hpp"

#include <string>
#include <string_view>

/// The texts of sqlite_schema as ALTER TABLE changes them: what was not renamed stays as written.
namespace saturn::sql {

/// Whether any token of `sql` is `name`, quoted or not.
bool mentions(std::string_view sql, std::string_view name);

/// CREATE TABLE with `definition` behind its last column.
Result<std::string> with_added_column(const Table& table, std::string_view definition);
/// CREATE TABLE without column `column`.
Result<std::string> without_column(const Table& table, std::size_t column);

/// The text of a table, or of an index, in which table `from` is called `to`. `own`: the text is of
/// that table or of an index on it.
std::string with_renamed_table(std::string_view sql, std::string_view from, std::string_view to,
                               bool own);

/// The text of table or index `sql`, in which column `from` of `table` is called `to`. `own` as
/// above; of other tables only the foreign keys are looked at.
Result<std::string> with_renamed_column(std::string_view sql, std::string_view table,
                                        std::string_view from, std::string_view to,
                                        bool to_is_quoted, bool own);

}  // namespace saturn::sql
