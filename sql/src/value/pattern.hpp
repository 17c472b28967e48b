#pragma once

#include <cstdint>
#include <string_view>

namespace saturn::sql {

/// No character has this value: LIKE without ESCAPE.
inline constexpr std::uint32_t kNoEscape = 0xffff'ffff;

/// `text LIKE pattern ESCAPE escape`: % is any run, _ one character, ASCII letters in any case
/// unless `case_sensitive`. Pattern and text end at their first NUL, as in SQLite.
/// Time is O(pattern * text).
bool like(std::string_view pattern, std::string_view text, std::uint32_t escape = kNoEscape,
          bool case_sensitive = false) noexcept;

/// `text GLOB pattern`: * is any run, ? one character, [...] a set, case counts.
bool glob(std::string_view pattern, std::string_view text) noexcept;

}  // namespace saturn::sql
