#pragma once

#include "base/result.hpp"
#include "catalog/schema.hpp"
#include "storage/page_source.hpp"

#include <cstdint>
#include <vector>

namespace saturn::sql {

class Transactions;

/// How large the tables were that a plan was made for. A plan for an empty table may be a bad one
/// when the table has grown, though no schema has changed.
///
/// Asking costs a look at page counts as long as the databases have not grown by some pages since
/// the last time, and nothing for plans that depend on no size.
class PlannedSizes {
 public:
  void clear() noexcept { tables_.clear(); }
  /// A plan depends on the table of this tree having had about so many rows. // SUSPENDS
  Result<void> add(storage::PageSource& pages, DatabaseNo database, storage::PageNo root,
                   double rows);
  /// Whether a table has so many more rows now that the plan is to be made again. // SUSPENDS
  Result<bool> outgrown(const Transactions& transactions);

 private:
  struct Table {
    DatabaseNo database = kMainDatabase;
    storage::PageNo root = 0;
    double rows = 0;
    storage::PageNo pages_seen = 0;  ///< of the database in use, when the table was last looked at
  };
  std::vector<Table> tables_;
};

}  // namespace saturn::sql
