#include "value/arena.hpp"

#include <cstring>

namespace saturn::sql {

namespace {
constexpr std::size_t kChunkBytes = 16U << 10;
}

std::string_view ValueArena::copy(std::string_view bytes) {
  char* out = allocate(bytes.size());
  if (!bytes.empty()) {
    std::memcpy(out, bytes.data(), bytes.size());
  }
  return {out, bytes.size()};
}

void ValueArena::reset() noexcept {
  large_.clear();
  large_bytes_ = 0;
  if (chunks_.empty()) {
    return;
  }
  chunks_.resize(1);
  next_ = chunks_.front().get();
  end_ = next_ + kChunkBytes;
}

void ValueArena::grow(std::size_t bytes) {
  // A large value gets a chunk of its own size; the next small one starts an ordinary chunk.
  auto& list = bytes > kChunkBytes ? large_ : chunks_;
  const std::size_t size = bytes > kChunkBytes ? bytes : kChunkBytes;
  list.emplace_back(new char[size]);
  if (bytes > kChunkBytes) large_bytes_ += size;
  next_ = list.back().get();
  end_ = next_ + size;
}

ValueRef ValueArena::copy(ValueRef v) {
  if (v.is_text()) return ValueRef::text(copy(v.bytes()));
  if (v.is_blob()) return ValueRef::blob(copy(v.bytes()));
  return v;
}

}  // namespace saturn::sql
