#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "exec/memory_account.hpp"
#include "value/arena.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace saturn::sql {

/// Rows of a fixed number of values, kept in memory with the bytes of their texts and blobs. A
/// row's address does not change while it is there, moving the store included. Not thread-safe.
class RowStore {
 public:
  /// What it holds is charged to `account`, which must outlive it.
  RowStore(std::uint32_t width, MemoryAccount& account) : width_(width), charge_(account) {}
  RowStore(RowStore&&) noexcept = default;
  RowStore& operator=(RowStore&&) noexcept = default;

  /// Copies `row`, which has at least `width` values; the values beyond are passed over.
  void append(std::span<const ValueRef> row);
  /// Puts other values in the place of row `index`; the bytes of the old ones stay until `clear`.
  void set(std::size_t index, std::span<const ValueRef> row);
  /// The `width` values of row `index` (from 0).
  const ValueRef* row(std::size_t index) const noexcept { return at(index); }
  std::size_t size() const noexcept { return size_; }
  std::uint32_t width() const noexcept { return width_; }
  std::size_t bytes() const noexcept { return charge_.bytes(); }  ///< what it was charged
  void clear() noexcept;

 private:
  void copy(std::span<const ValueRef> row, ValueRef* to);
  void grow();
  ValueRef* at(std::size_t index) const noexcept {
    if (index < kFewRows) return few_.get() + index * width_;
    index -= kFewRows;
    return chunks_[index / kChunkRows].get() + (index % kChunkRows) * width_;
  }

  static constexpr std::size_t kFewRows = 8;  ///< many a store (of one group) never has more
  static constexpr std::size_t kChunkRows = 256;
  std::uint32_t width_;
  std::size_t size_ = 0;
  MemoryCharge charge_;
  std::unique_ptr<ValueRef[]> few_;                  ///< the first rows
  std::vector<std::unique_ptr<ValueRef[]>> chunks_;  ///< the others
  std::unique_ptr<ValueArena> arena_ = std::make_unique<ValueArena>();
};

}  // namespace saturn::sql
