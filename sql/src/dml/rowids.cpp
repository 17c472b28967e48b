#include "dml/table_writer.hpp"

#include <algorithm>
#include <limits>
#include <random>

// Rowids that the writer chooses.

namespace saturn::sql {
namespace {

constexpr std::int64_t kRowidMax = std::numeric_limits<std::int64_t>::max();

}  // namespace

Result<std::int64_t> TableWriter::choose_rowid() {
  const bool any = TRY(cursor_->last());
  std::int64_t last = any ? cursor_->rowid() : 0;
  if (table_.autoincrement) {
    last = std::max(last, sequence_->last);
    if (last == kRowidMax) return Error(Code::full);
    return last + 1;
  }
  if (last < kRowidMax) return any ? last + 1 : std::int64_t{1};
  static thread_local std::mt19937_64 random{std::random_device{}()};
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto candidate = static_cast<std::int64_t>(random() >> 2) + 1;
    const bool taken = TRY(cursor_->seek(storage::Seek::eq, candidate));
    if (!taken) return candidate;
  }
  return Error(Code::full);
}

}  // namespace saturn::sql
