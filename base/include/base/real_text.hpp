#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace saturn {

/// Decimal digits of a real: 0.d1d2d3... * 10^point.
struct RealDigits {
  char digits[24];
  int count = 0;  ///< trailing zeros are cut off
  int point = 0;
  std::string_view view() const noexcept { return {digits, static_cast<std::size_t>(count)}; }
};

/// The digits of a finite `v` >= 0 as SQLite 3.50 finds them: the first 18 or 19, in arithmetic
/// that may be off in the last one, rounded half up to `round` of them, or to `-round` places
/// behind the point when `round` <= 0, and to at most `digits_max`.
RealDigits real_digits(double v, int round, int digits_max) noexcept;

/// Appends `v` as SQLite prints a REAL: 15 significant digits, always with a point ("1.0",
/// "1.0e+20"), "Inf" and "-Inf" for infinities.
void append_real(std::string& out, double v);

}  // namespace saturn
