#include "stack.hpp"

#include "base/assert.hpp"
#include "sanitizer.hpp"

#include <sys/mman.h>
#include <unistd.h>
#include <new>

namespace saturn::io {

Stack::Stack(std::size_t bytes) {
  guard_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  size_ = (bytes + guard_ - 1) / guard_ * guard_;
  void* map = mmap(nullptr, guard_ + size_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<std::byte*>(map);
  ASSERT(mprotect(base_, guard_, PROT_NONE) == 0);
}

Stack::~Stack() {
  forget_stack(base_ + guard_, size_);
  munmap(base_, guard_ + size_);
}

}  // namespace saturn::io
