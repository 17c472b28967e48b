#include "functions/format_real.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace saturn::sql {
namespace {

/// The decimal digits of a positive number, `d.ddd * 10^exponent`.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal decimal_of(double v, bool exact) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*e", exact ? 25 : 17, v);
  Decimal d;
  const char* p = buffer;
  for (; *p != 'e'; ++p) {
    if (*p != '.') d.digits += *p;
  }
  d.exponent = std::atoi(p + 1);
  return d;
}

/// Keeps the first `count` digits, half up; 0 digits may round up to one.
void round_to(Decimal& d, std::int64_t count) {
  if (count < 0) {
    d.digits = "0";
    d.exponent = 0;
    return;
  }
  if (count >= static_cast<std::int64_t>(d.digits.size())) return;
  const bool up = d.digits[static_cast<std::size_t>(count)] >= '5';
  d.digits.resize(static_cast<std::size_t>(count));
  if (!up) {
    if (count == 0) {
      d.digits = "0";
      d.exponent = 0;
    }
    return;
  }
  std::size_t i = d.digits.size();
  while (i > 0 && d.digits[i - 1] == '9') d.digits[--i] = '0';
  if (i > 0) {
    ++d.digits[i - 1];
  } else {
    d.digits.insert(d.digits.begin(), '1');
    ++d.exponent;
    if (d.digits.size() > 1) d.digits.pop_back();
  }
}

}  // namespace

std::string format_real(double v, const RealFormat& format) {
  std::string prefix = std::signbit(v) && v != 0 ? "-"
                       : format.plus             ? "+"
                       : format.space            ? " "
                                                 : "";
  if (std::isinf(v)) return (prefix == " " ? "" : prefix) + "Inf";
  std::int64_t precision =
      format.precision < 0 ? 6 : std::min<std::int64_t>(format.precision, 100'000'000);
  char kind = format.kind == 'E' ? 'e' : format.kind == 'G' ? 'g' : format.kind;
  const std::int64_t digits_max = format.exact ? 26 : 16;
  Decimal d = decimal_of(std::fabs(v), format.exact);
  if (kind == 'g' && precision == 0) precision = 1;
  const std::int64_t wanted = kind == 'f'   ? d.exponent + 1 + precision
                              : kind == 'e' ? precision + 1
                                            : precision;
  if (v != 0) round_to(d, std::min(wanted, digits_max));
  bool trim_zeros = false;
  if (kind == 'g') {
    trim_zeros = !format.alternate;
    if (d.exponent < -4 || d.exponent >= precision) {
      kind = 'e';
      --precision;
    } else {
      kind = 'f';
      precision -= d.exponent + 1;
    }
  }
  const auto digit = [&](std::int64_t at) {
    return at >= 0 && at < static_cast<std::int64_t>(d.digits.size())
               ? d.digits[static_cast<std::size_t>(at)]
               : '0';
  };
  std::string whole;
  std::string fraction;
  if (kind == 'e') {
    whole = digit(0);
    for (std::int64_t i = 1; i <= precision; ++i) fraction += digit(i);
  } else {
    for (std::int64_t i = 0; i <= d.exponent; ++i) whole += digit(i);
    if (whole.empty()) whole = "0";
    for (std::int64_t i = 1; i <= precision; ++i) fraction += digit(d.exponent + i);
  }
  if (format.commas && kind == 'f') {
    for (std::size_t i = whole.size(); i > 3; i -= 3) whole.insert(i - 3, ",");
  }
  bool point = precision > 0 || format.alternate || format.exact;
  if (trim_zeros) {
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    if (fraction.empty() && !format.exact) point = false;
  }
  if (format.exact && fraction.empty()) fraction = "0";
  std::string body = whole + (point ? "." : "") + fraction;
  if (kind == 'e') {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "%c%c%02d",
                  format.kind == 'E' || format.kind == 'G' ? 'E' : 'e', d.exponent < 0 ? '-' : '+',
                  std::abs(d.exponent));
    body += buffer;
  }
  if (format.zero) {
    const auto room = format.width - static_cast<std::int64_t>(prefix.size() + body.size());
    if (room > 0) body.insert(0, static_cast<std::size_t>(room), '0');
  }
  return prefix + body;
}

}  // namespace saturn::sql
