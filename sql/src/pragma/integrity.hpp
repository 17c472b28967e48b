#pragma once

#include "catalog/schema.hpp"
#include "exec/runtime.hpp"

#include <string>
#include <vector>

namespace saturn::sql {

/// PRAGMA integrity_check, or with `quick` PRAGMA quick_check: what is wrong with the database, at
/// most `problems_max` lines in SQLite's words; none when all is well. Checks the trees, the freelist,
/// NOT NULL, and unless `quick` that tables and indexes agree. // SUSPENDS
Result<std::vector<std::string>> check_integrity(Runtime& runtime, const Schema& schema, bool quick,
                                                 std::size_t problems_max);

}  // namespace saturn::sql
