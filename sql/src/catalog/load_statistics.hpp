#pragma once

#include "catalog/schema.hpp"
#include "storage/page_source.hpp"

#include <functional>
#include <string_view>

namespace saturn::sql {

/// Reads sqlite_stat1 and sqlite_stat4 into the tables and indexes that they are about. What makes
/// no sense in them is left out, whoever wrote it; `corrupt` only when a tree cannot be read.
/// `find` answers null for a name that is no table's. // SUSPENDS
Result<void> load_statistics(storage::PageSource& source, TextEncoding encoding,
                             const std::function<Table*(std::string_view)>& find);

}  // namespace saturn::sql
