#pragma once

#include "exec/runtime.hpp"
#include "plan/compile.hpp"
#include "storage/btree.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::sql {

/// A row of sqlite_schema.
struct SchemaEntry {
  std::string_view type;  ///< "table", "index", "view", "trigger"
  std::string_view name;
  std::string_view table;
  storage::PageNo root = 0;
  std::string_view sql;  ///< empty: NULL
};

/// Appends a row to sqlite_schema. Texts in a database that was empty will be in `encoding`.
/// // SUSPENDS
Result<void> add_schema_entry(storage::Transaction& transaction, TextEncoding encoding,
                              const SchemaEntry& entry);

/// The same with its own texts.
struct SchemaRow {
  std::string type;
  std::string name;
  std::string table;
  std::int64_t root = 0;
  std::string sql;
};

/// Writes back the rows of sqlite_schema that `change` answers true for. // SUSPENDS
Result<void> change_schema_rows(storage::Transaction& transaction,
                                const std::function<Result<bool>(SchemaRow&)>& change);

/// Removes the rows of a table whose text in `column` is `value` (in any case), and for which
/// `more` (if given) is true of the record's first column. // SUSPENDS
Result<void> remove_rows(storage::Transaction& transaction, storage::PageNo root,
                         std::uint32_t column, std::string_view value,
                         std::string_view first_column = {});

struct DroppedTree {
  storage::PageNo root = 0;
  storage::TreeKind kind = storage::TreeKind::table;
};

/// Drops trees. In an auto-vacuum database other roots may move, and sqlite_schema then says where
/// they are. // SUSPENDS
Result<void> drop_trees(storage::Transaction& transaction, std::vector<DroppedTree> trees);

/// What is stored in one database names no other, unless it is stored in temp: "view v cannot
/// reference objects in database x". `mentioned`: names of databases in its text.
Result<void> check_databases(const CompileContext& context, DatabaseNo database,
                             const List<std::string_view>& mentioned, std::string_view what,
                             std::string_view name, std::uint32_t at);

/// `CREATE ... name...` as sqlite_schema keeps it: `head`, a blank, and the statement's text from
/// its object's name on.
std::string stored_sql(std::string_view head, std::string_view statement);

}  // namespace saturn::sql
