#pragma once

#include "base/limits.hpp"
#include "base/value.hpp"

#include <cstdint>
#include <memory>
#include <vector>

/// How operators exchange rows: a batch of up to `limits::kBatchRows` rows, a column at a time.
namespace saturn::sql {

/// A row of a batch, 0..kBatchRows-1.
using RowIndex = std::uint16_t;
/// A place in a batch's list of columns.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xffff'ffff;

/// Some rows of a batch, in ascending order. Borrowed.
struct Selection {
  const RowIndex* rows = nullptr;
  std::uint32_t count = 0;
  const RowIndex* begin() const noexcept { return rows; }
  const RowIndex* end() const noexcept { return rows + count; }
};

/// Rows [0, count) of a batch, for any count up to kBatchRows.
Selection first_rows(std::uint32_t count) noexcept;

struct FreeColumn {
  void operator()(ValueRef* values) const noexcept;
};
/// A column's storage: kBatchRows values, unspecified until written. Each thread keeps some of what
/// was given back, since plans come and go with every new statement.
using ColumnBuffer = std::unique_ptr<ValueRef[], FreeColumn>;
ColumnBuffer make_column();
/// How many columns this thread has made so far: the difference is what a plan holds.
std::uint64_t columns_made() noexcept;

/// A view of rows: the operator that hands one out owns the columns and the selection, and all of
/// it, the bytes of texts included, stays as it is until that operator's next `next` or `close`.
struct Batch {
  std::vector<ValueRef*> columns;  ///< by slot; null where the slot is not filled in
  Selection selection;             ///< the rows that count
};

}  // namespace saturn::sql
