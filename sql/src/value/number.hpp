#pragma once

#include "base/real_text.hpp"
#include "base/value.hpp"
#include "value/arena.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace saturn::sql {

/// What a text looks like as a number, as SQLite's conversions see it.
enum class NumberForm : std::uint8_t {
  none,         ///< no digits, or an integer with something else behind it
  real_prefix,  ///< a real followed by something that is no number
  integer,      ///< a whole integer literal, spaces around it allowed
  real,         ///< a whole real literal (a point or an exponent), spaces allowed
};

/// A text read as a real: the value of its longest numeric prefix (0.0 when there is none).
struct ParsedReal {
  NumberForm form;
  double value;
};
ParsedReal parse_real(std::string_view text) noexcept;

/// A text read as an integer: the value of its longest integer prefix, clamped to 64 bits.
struct ParsedInteger {
  std::int64_t value;
  bool fits;   ///< false when the value was clamped
  bool whole;  ///< there were digits, and nothing but spaces around them
};
ParsedInteger parse_integer(std::string_view text) noexcept;

/// Truncates towards zero and clamps to the range of 64-bit integers.
std::int64_t real_to_integer(double v) noexcept;

/// The operand of an arithmetic operator: NULL, INTEGER or REAL, from the longest numeric prefix of
/// a text or blob.
ValueRef to_numeric(ValueRef v) noexcept;
/// CAST to INTEGER or REAL of anything but NULL, for which they give 0.
std::int64_t to_integer(ValueRef v) noexcept;
double to_real(ValueRef v) noexcept;
/// SQLite's truth of a value that is not NULL.
bool to_boolean(ValueRef v) noexcept;

/// The text of a value: its own bytes for a text or blob, the arena's for a number, an empty view
/// for NULL.
std::string_view to_text(ValueRef v, ValueArena& arena);

}  // namespace saturn::sql
