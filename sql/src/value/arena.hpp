#pragma once

#include "base/value.hpp"

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace saturn::sql {

/// A bump allocator for the bytes of texts and blobs that expressions produce.
///
/// What it hands out stays valid until `reset()` or destruction. Not thread-safe: one per fiber.
class ValueArena {
 public:
  ValueArena() = default;
  ValueArena(const ValueArena&) = delete;
  ValueArena& operator=(const ValueArena&) = delete;

  /// Room for `bytes` bytes, uninitialised and unaligned; never null.
  char* allocate(std::size_t bytes) {
    if (bytes > static_cast<std::size_t>(end_ - next_)) {
      grow(bytes);
    }
    char* out = next_;
    next_ += bytes;
    return out;
  }
  /// A copy of `bytes` that lives as long as the arena's contents.
  std::string_view copy(std::string_view bytes);
  /// The value with a copy of its bytes; without its subtype.
  ValueRef copy(ValueRef v);
  /// Bytes of the values that have chunks of their own: what can be much.
  std::size_t large_bytes() const noexcept { return large_bytes_; }
  /// Frees everything but one chunk of ordinary size, which is used again.
  void reset() noexcept;

 private:
  void grow(std::size_t bytes);

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::vector<std::unique_ptr<char[]>> large_;
  std::size_t large_bytes_ = 0;
  char empty_[1] = {};
  char* next_ = empty_;
  char* end_ = empty_;
};

}  // namespace saturn::sql
