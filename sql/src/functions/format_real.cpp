#include "functions/format_real.hpp"

#include "base/real_text.hpp"

#include <algorithm>
#include <cmath>

namespace saturn::sql {
namespace {

constexpr std::int64_t kPrecisionMax = 100'000'000;

/// The digits before the point, in groups of three if asked for.
std::string whole_part(const RealDigits& d, std::int64_t exponent, bool commas) {
  if (exponent < 0) return "0";
  std::string whole(d.view().substr(0, static_cast<std::size_t>(exponent) + 1));
  whole.resize(static_cast<std::size_t>(exponent) + 1, '0');
  if (commas) {
    for (std::size_t i = whole.size(); i > 3; i -= 3) whole.insert(i - 3, ",");
  }
  return whole;
}

/// `precision` digits behind the point; zeros at their end may be left out.
std::string fraction_part(const RealDigits& d, std::int64_t exponent, std::int64_t precision,
                          bool trimmed) {
  std::string fraction;
  if (exponent < -1) {
    fraction.assign(static_cast<std::size_t>(std::min(-1 - exponent, precision)), '0');
  }
  const auto room = static_cast<std::size_t>(precision) - fraction.size();
  const std::string_view digits = d.view();
  const std::size_t from = exponent < 0 ? 0 : static_cast<std::size_t>(exponent) + 1;
  if (from < digits.size()) fraction += digits.substr(from, room);
  if (!trimmed) {
    fraction.resize(static_cast<std::size_t>(precision), '0');
  } else {
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  }
  return fraction;
}

std::string exponent_part(std::int64_t exponent, bool upper) {
  std::string out = upper ? "E" : "e";
  out += exponent < 0 ? '-' : '+';
  const std::int64_t magnitude = exponent < 0 ? -exponent : exponent;
  if (magnitude < 10) out += '0';
  return out + std::to_string(magnitude);
}

}  // namespace

std::string format_real(double v, const RealFormat& format) {
  const bool upper = format.kind == 'E' || format.kind == 'G';
  const char kind = format.kind == 'E' ? 'e' : format.kind == 'G' ? 'g' : format.kind;
  std::int64_t precision = format.precision < 0 ? 6 : std::min(format.precision, kPrecisionMax);
  if (kind == 'g' && precision == 0) precision = 1;
  const bool negative = std::signbit(v) && v != 0;
  const char plus = format.prefix;
  std::string prefix = negative ? "-" : plus != '\0' ? std::string(1, plus) : "";

  RealDigits d;
  if (!std::isinf(v)) {
    const std::int64_t round = kind == 'f' ? -precision : kind == 'e' ? precision + 1 : precision;
    d = real_digits(std::fabs(v), static_cast<int>(round), format.exact ? 26 : 16);
  } else if (format.zero) {
    // Where zeros fill the width an infinity is a number too: 9 with a thousand digits.
    d.digits[0] = '9';
    d.count = 1;
    d.point = 1000;
  } else {
    return prefix + "Inf";
  }
  const std::int64_t exponent = d.point - 1;
  bool scientific = kind == 'e';
  bool trimmed = format.exact;
  if (kind == 'g') {
    --precision;
    trimmed = !format.alternate;
    scientific = exponent < -4 || exponent > precision;
    if (!scientific) precision -= exponent;
  }
  const std::int64_t place = scientific ? 0 : exponent;
  std::string body = whole_part(d, place, format.commas && !scientific);
  const bool point = precision > 0 || format.alternate || format.exact;
  std::string fraction = fraction_part(d, place, std::max<std::int64_t>(precision, 0), trimmed);
  if (trimmed && fraction.empty() && format.exact) fraction = "0";
  if (point && !(trimmed && fraction.empty())) body += '.';
  body += fraction;
  if (scientific) body += exponent_part(exponent, upper);
  if (format.zero && !format.left) {
    const auto room = format.width - static_cast<std::int64_t>(prefix.size() + body.size());
    if (room > 0) body.insert(0, static_cast<std::size_t>(room), '0');
  }
  return prefix + body;
}

}  // namespace saturn::sql
