#include "exec/planned_sizes.hpp"

#include "exec/runtime.hpp"
#include "storage/estimate.hpp"
#include "storage/freelist.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

/// A table is looked at again when its database has grown by so many pages: some hundred rows.
constexpr storage::PageNo kPagesStep = 8;
/// Plans differ when there are so many times more rows, and not for a handful.
constexpr double kGrowth = 10;
constexpr double kRowsMin = 30;

Result<storage::PageNo> pages_in_use(storage::PageSource& pages) {
  const std::uint32_t free = TRY(storage::freelist_count(pages));
  return pages.page_count() - std::min(free, pages.page_count());
}

}  // namespace

Result<void> PlannedSizes::add(storage::PageSource& pages, DatabaseNo database,
                               storage::PageNo root, double rows) {
  tables_.push_back({database, root, rows, TRY(pages_in_use(pages))});
  return {};
}

Result<bool> PlannedSizes::outgrown(const Transactions& transactions) {
  for (Table& table : tables_) {
    storage::Transaction* const transaction = transactions.find(table.database);
    if (transaction == nullptr) continue;
    const storage::PageNo pages = TRY(pages_in_use(*transaction));
    if (pages < table.pages_seen) table.pages_seen = pages;
    if (pages - table.pages_seen < kPagesStep) continue;
    table.pages_seen = pages;
    const auto rows = static_cast<double>(TRY(storage::estimate_entries(*transaction, table.root)));
    if (rows >= std::max(table.rows, kRowsMin) * kGrowth) return true;
  }
  return false;
}

}  // namespace saturn::sql
