#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace saturn::sql {

/// A bump allocator. What it hands out lives as long as the arena and is never destroyed, so only
/// trivially destructible types go in. Not thread-safe; one arena belongs to one parse.
class Arena {
 public:
  Arena() = default;
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  /// `size` bytes at `align` (a power of two, at most that of max_align_t), uninitialised.
  void* allocate(std::size_t size, std::size_t align) {
    const std::size_t start = (used_ + align - 1) & ~(align - 1);
    if (start + size <= capacity_) [[likely]] {
      used_ = start + size;
      return blocks_.back().get() + start;
    }
    return allocate_block(size);
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  /// A copy of `text` that lives as long as the arena; never a null view.
  std::string_view copy(std::string_view text) {
    char* p = static_cast<char*>(allocate(text.size() + 1, 1));
    if (!text.empty()) std::memcpy(p, text.data(), text.size());
    return {p, text.size()};
  }

  /// Bytes held in blocks, used or not.
  std::size_t bytes_held() const noexcept { return held_; }

 private:
  /// What most statements fit into: thousands of sessions keep some.
  static constexpr std::size_t kFirstBlockBytes = 1024;
  static constexpr std::size_t kBlockBytes = 4096;

  void* allocate_block(std::size_t size) {
    const std::size_t bytes = std::max(size, blocks_.empty() ? kFirstBlockBytes : kBlockBytes);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(bytes));
    held_ += bytes;
    capacity_ = bytes;
    used_ = size;
    return blocks_.back().get();
  }

  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  std::size_t held_ = 0;
};

/// A growable sequence in an arena; copying it copies the view, not the elements.
template <typename T>
class List {
 public:
  void push(Arena& arena, T value) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    if (size_ == capacity_) grow(arena);
    new (data_ + size_++) T(value);
  }
  T* begin() const noexcept { return data_; }
  T* end() const noexcept { return data_ + size_; }
  std::uint32_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T& operator[](std::size_t i) const noexcept { return data_[i]; }
  T& back() const noexcept { return data_[size_ - 1]; }

 private:
  void grow(Arena& arena) {
    const std::uint32_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
    T* data = static_cast<T*>(arena.allocate(capacity * sizeof(T), alignof(T)));
    for (std::uint32_t i = 0; i < size_; ++i) new (data + i) T(data_[i]);
    data_ = data;
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace saturn::sql
