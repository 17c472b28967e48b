#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace saturn {

using ByteSpan = std::span<const std::uint8_t>;
using MutableByteSpan = std::span<std::uint8_t>;

/// Big-endian loads and stores at any alignment: SQLite's file format is big-endian throughout.
inline std::uint16_t load_be16(const std::uint8_t* p) noexcept {
  return static_cast<std::uint16_t>((p[0] << 8) | p[1]);
}
inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, 4);
  return __builtin_bswap32(v);
}
inline std::uint64_t load_be64(const std::uint8_t* p) noexcept {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return __builtin_bswap64(v);
}
inline void store_be16(std::uint8_t* p, std::uint16_t v) noexcept {
  p[0] = static_cast<std::uint8_t>(v >> 8);
  p[1] = static_cast<std::uint8_t>(v);
}
inline void store_be32(std::uint8_t* p, std::uint32_t v) noexcept {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, 4);
}
inline void store_be64(std::uint8_t* p, std::uint64_t v) noexcept {
  v = __builtin_bswap64(v);
  std::memcpy(p, &v, 8);
}

/// The longest varint of the file format, in bytes (section 1.6 of SQLite's file-format page).
inline constexpr unsigned kVarintBytesMax = 9;

/// Decodes the varint at `p`, reading no byte at or past `end`.
/// Returns its length in bytes (1..9), or 0 when it runs past `end`.
unsigned get_varint_slow(const std::uint8_t* p, const std::uint8_t* end, std::uint64_t& v) noexcept;
inline unsigned get_varint(const std::uint8_t* p, const std::uint8_t* end,
                           std::uint64_t& v) noexcept {
  if (p < end && *p < 0x80) [[likely]] {
    v = *p;
    return 1;
  }
  if (end - p >= 2 && p[1] < 0x80) [[likely]] {
    v = (std::uint64_t{p[0] & 0x7fU} << 7) | p[1];
    return 2;
  }
  if (end - p >= 3 && p[2] < 0x80) {
    v = (std::uint64_t{p[0] & 0x7fU} << 14) | (std::uint64_t{p[1] & 0x7fU} << 7) | p[2];
    return 3;
  }
  return get_varint_slow(p, end, v);
}

/// The signed big-endian integer of `bytes` (1..8) bytes at `p`.
inline std::int64_t load_signed(const std::uint8_t* p, unsigned bytes) noexcept {
  std::uint64_t v = 0;
  for (unsigned i = 0; i < bytes; ++i) v = (v << 8) | p[i];
  const unsigned unused = 64 - 8 * bytes;
  return static_cast<std::int64_t>(v << unused) >> unused;
}

/// Writes `v` as a varint at `p` (room for 9 bytes) and returns its length in bytes.
unsigned put_varint(std::uint8_t* p, std::uint64_t v) noexcept;
/// The length in bytes that `put_varint` would write.
unsigned varint_length(std::uint64_t v) noexcept;

}  // namespace saturn
