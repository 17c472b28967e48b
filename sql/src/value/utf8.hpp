#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace saturn::sql {

/// Decodes the character at `text[at]` and moves `at` behind it. Never fails: as in SQLite, a
/// malformed sequence is U+FFFD and a stray continuation byte is its own value.
/// Precondition: `at < text.size()`.
inline std::uint32_t read_utf8(std::string_view text, std::size_t& at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::uint32_t c = byte(at++);
  if (c < 0xc0) {
    return c;
  }
  c = c < 0xe0 ? c & 0x1f : c < 0xf0 ? c & 0x0f : c < 0xf8 ? c & 0x07 : c < 0xfc ? c & 3 : c & 1;
  if (byte(at - 1) >= 0xfe) {
    c = 0;
  }
  while (at < text.size() && (byte(at) & 0xc0) == 0x80) {
    c = (c << 6) + (byte(at++) & 0x3f);
  }
  const bool invalid = c < 0x80 || (c & 0xfffff800U) == 0xd800 || (c & 0xfffffffeU) == 0xfffe;
  return invalid ? 0xfffd : c;
}

/// Moves `at` behind the character it stands on: a lead byte and its continuation bytes.
inline void skip_utf8(std::string_view text, std::size_t& at) noexcept {
  if (static_cast<unsigned char>(text[at++]) >= 0xc0) {
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) {
      ++at;
    }
  }
}

/// Appends the UTF-8 form of `c`, at most U+10FFFF.
inline void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xe0 | (c >> 12));
    } else {
      out += static_cast<char>(0xf0 | (c >> 18));
      out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    }
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
  }
  out += static_cast<char>(0x80 | (c & 0x3f));
}

/// The number of characters, counted as `skip_utf8` steps.
inline std::size_t count_utf8(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    skip_utf8(text, at);
  }
  return count;
}

}  // namespace saturn::sql
