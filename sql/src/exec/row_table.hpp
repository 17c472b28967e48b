#pragma once

#include "exec/row_store.hpp"
#include "value/compare.hpp"

#include <cstdint>
#include <vector>

namespace saturn::sql {

/// Distinct rows, found by a hash of their values; NULLs are equal to each other here. Owns copies.
class RowTable {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;
  /// One collation a column.
  RowTable(std::vector<const Collation*> collations, MemoryAccount& account);

  /// The number of the row equal to `row`, which is added when it is new (`added`, if not null).
  std::uint32_t add(const ValueRef* row, bool* added = nullptr);
  /// Adds the row, or puts it in the place of the one that is equal to it.
  void put(const ValueRef* row);
  /// The number of the row equal to `row`, or kNone.
  std::uint32_t find(const ValueRef* row) const noexcept;
  const ValueRef* row(std::uint32_t number) const noexcept { return rows_.row(number); }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(hashes_.size()); }
  std::size_t bytes() const noexcept { return rows_.bytes() + charge_.bytes(); }
  void clear() noexcept;

 private:
  std::size_t hash(const ValueRef* row) const noexcept;
  std::size_t place(const ValueRef* row, std::size_t hash) const noexcept;
  void grow();

  const std::vector<const Collation*> collations_;
  RowStore rows_;
  MemoryCharge charge_;  ///< of what finds the rows
  std::vector<std::size_t> hashes_;
  std::vector<std::uint32_t> table_;  ///< row number + 1, 0 = free
};

}  // namespace saturn::sql
