#pragma once

#include <cstdint>
#include <string>

namespace saturn::sql {

/// The flags of a conversion that matter for reals.
struct RealFormat {
  char kind = 'g';             ///< f, e, E, g, G
  std::int64_t precision = 6;  ///< digits, as the conversion means them
  std::int64_t width = 0;      ///< only for `zero`
  char prefix = '\0';          ///< of what is not negative: a plus or a blank
  bool left = false;           ///< blanks behind it fill the width
  bool zero = false;           ///< zeros fill the width
  bool alternate = false;      ///< '#': keeps the point and trailing zeros
  bool exact = false;  ///< '!': up to 26 significant digits instead of 16, and always a point
  bool commas = false;
};

/// A real as SQLite's printf gives it, not padded with blanks.
std::string format_real(double v, const RealFormat& format);

}  // namespace saturn::sql
