#include "exec/batch.hpp"

#include <array>
#include <new>
#include <type_traits>

namespace saturn::sql {
namespace {

constexpr std::array<RowIndex, limits::kBatchRows> make_identity() {
  std::array<RowIndex, limits::kBatchRows> rows{};
  for (std::uint32_t i = 0; i < limits::kBatchRows; ++i) rows[i] = static_cast<RowIndex>(i);
  return rows;
}
constexpr auto kIdentity = make_identity();

static_assert(std::is_trivially_copyable_v<ValueRef> && std::is_trivially_destructible_v<ValueRef>);
constexpr std::size_t kColumnBytes = limits::kBatchRows * sizeof(ValueRef);
// 4 MiB a thread. It stays resident once it was used, whatever the load is later; and a thread that
// ends more plans than it makes, as one that lets go of streams, fills it up.
constexpr std::size_t kKeptColumnsMax = 256;

struct KeptColumns {
  std::vector<ValueRef*> free;
  ~KeptColumns() {
    for (ValueRef* column : free) ::operator delete(column);
  }
};
thread_local KeptColumns kept;
thread_local std::uint64_t made = 0;

}  // namespace

std::uint64_t columns_made() noexcept { return made; }

ColumnBuffer make_column() {
  ++made;
  if (kept.free.empty()) return ColumnBuffer(static_cast<ValueRef*>(::operator new(kColumnBytes)));
  ColumnBuffer column(kept.free.back());
  kept.free.pop_back();
  return column;
}

void FreeColumn::operator()(ValueRef* values) const noexcept {
  if (values == nullptr) return;
  if (kept.free.size() < kKeptColumnsMax) {
    kept.free.push_back(values);
  } else {
    ::operator delete(values);
  }
}

Selection first_rows(std::uint32_t count) noexcept { return {kIdentity.data(), count}; }

}  // namespace saturn::sql
