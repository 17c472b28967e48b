#pragma once

#include <cstddef>

namespace saturn::io {

/// A fiber's stack: an anonymous mapping, touched lazily, with a guard page below it so that an
/// overflow faults instead of overwriting a neighbour. Throws std::bad_alloc when there is no room.
class Stack {
 public:
  explicit Stack(std::size_t bytes);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  std::byte* bottom() const noexcept { return base_ + guard_; }
  std::byte* top() const noexcept { return base_ + guard_ + size_; }
  std::size_t size() const noexcept { return size_; }

 private:
  std::byte* base_;
  std::size_t guard_;
  std::size_t size_;
};

}  // namespace saturn::io
