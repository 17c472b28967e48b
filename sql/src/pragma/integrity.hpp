#pragma once

#include "catalog/schemas.hpp"
#include "exec/runtime.hpp"

#include <string>
#include <vector>

namespace saturn::sql {

struct IntegrityOptions {
  bool quick = false;              ///< PRAGMA quick_check: indexes are not compared with tables
  std::size_t problems_max = 100;  ///< stops after so many
  DatabaseNo database = kMainDatabase;
  const Table* table = nullptr;  ///< of that database; checks this one alone
};

/// PRAGMA integrity_check: what is wrong with the database in SQLite's words, the problems of trees
/// and the freelist together in one text, as SQLite has them; nothing when all is well. Checks the
/// trees, the freelist, NOT NULL and CHECK, and unless `quick` that each row is in each index, that
/// keys are unique, and that indexes have no other entries. Rows are checked only when the trees
/// are sound. // SUSPENDS
Result<std::vector<std::string>> check_integrity(Runtime& runtime, const Schemas& schemas,
                                                 const IntegrityOptions& options);

}  // namespace saturn::sql
