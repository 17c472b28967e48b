#include "base/bytes.hpp"

namespace saturn {

unsigned get_varint_slow(const std::uint8_t* p, const std::uint8_t* end,
                         std::uint64_t& v) noexcept {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if (p + i >= end) return 0;
    value = (value << 7) | (p[i] & 0x7fU);
    if (p[i] < 0x80) {
      v = value;
      return i + 1;
    }
  }
  if (p + 8 >= end) return 0;
  v = (value << 8) | p[8];
  return 9;
}

unsigned put_varint(std::uint8_t* p, std::uint64_t v) noexcept {
  if (v < 0x80) {
    p[0] = static_cast<std::uint8_t>(v);
    return 1;
  }
  if (v >> 56 != 0) {
    p[8] = static_cast<std::uint8_t>(v);
    v >>= 8;
    for (int i = 7; i >= 0; --i) {
      p[i] = static_cast<std::uint8_t>((v & 0x7f) | 0x80);
      v >>= 7;
    }
    return 9;
  }
  const unsigned length = varint_length(v);
  for (unsigned i = length; i-- > 0;) {
    p[i] = static_cast<std::uint8_t>((v & 0x7f) | (i + 1 == length ? 0 : 0x80));
    v >>= 7;
  }
  return length;
}

unsigned varint_length(std::uint64_t v) noexcept {
  unsigned length = 1;
  while ((v >>= 7) != 0 && length < kVarintBytesMax) ++length;
  return length;
}

}  // namespace saturn
