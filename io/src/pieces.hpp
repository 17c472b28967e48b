#pragma once

#include <sys/uio.h>
#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace saturn::io {

/// The pieces of a transfer that are still to be done, as the kernel wants them. Borrows the
/// buffers. A single piece costs no allocation.
class Pieces {
 public:
  template <typename Buffers>
  explicit Pieces(const Buffers& buffers) {
    if (buffers.size() > 1) many_.reserve(buffers.size());
    for (const auto& b : buffers) {
      if (b.empty()) continue;
      one_ = {const_cast<std::uint8_t*>(b.data()), b.size()};
      if (buffers.size() > 1) many_.push_back(one_);
      ++size_;
    }
  }
  bool empty() const noexcept { return next_ == size_; }
  const iovec* data() const noexcept { return base() + next_; }
  /// As many as one system call takes.
  int count() const noexcept {
    return static_cast<int>(std::min<std::size_t>(size_ - next_, IOV_MAX));
  }
  /// Whether one system call takes all of them, as far as counts and sizes go.
  bool fit_one_call() const noexcept {
    constexpr std::size_t kBytesMax = 0x7ffff000;  // MAX_RW_COUNT
    std::size_t bytes = 0;
    for (std::size_t i = next_; i < size_; ++i) bytes += base()[i].iov_len;
    return size_ - next_ <= IOV_MAX && bytes <= kBytesMax;
  }
  void advance(std::size_t bytes) {
    while (bytes > 0) {
      iovec& piece = const_cast<iovec&>(base()[next_]);
      const std::size_t n = std::min(bytes, piece.iov_len);
      piece.iov_base = static_cast<std::uint8_t*>(piece.iov_base) + n;
      piece.iov_len -= n;
      bytes -= n;
      if (piece.iov_len == 0) ++next_;
    }
  }

 private:
  const iovec* base() const noexcept { return many_.empty() ? &one_ : many_.data(); }

  iovec one_{};
  std::vector<iovec> many_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;
};

}  // namespace saturn::io
