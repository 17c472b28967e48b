#include "base/real_text.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

namespace saturn {
namespace {

/// The first 15 significant digits of `v` > 0, a tie rounded up as SQLite 3.50 does, and the
/// decimal exponent of the first.
int significant_digits(double v, std::string& digits) {
  constexpr int kDigits = 15;
  constexpr int kPrecision = 18;
  char buffer[40];  // d.<18 digits>e[+-]xxx
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), v, std::chars_format::scientific, kPrecision);
  digits.assign(1, buffer[0]);
  digits.append(buffer + 2, kDigits);
  int exponent = 0;
  const char* e = buffer + kPrecision + 3;
  std::from_chars(*e == '+' ? e + 1 : e, end.ptr, exponent);
  const bool up = digits.back() >= '5';
  digits.pop_back();
  if (up) {
    std::size_t i = digits.size();
    while (i > 0 && digits[i - 1] == '9') {
      digits[--i] = '0';
    }
    if (i == 0) {
      digits.insert(digits.begin(), '1');
      digits.pop_back();
      ++exponent;
    } else {
      ++digits[i - 1];
    }
  }
  return exponent;
}

}  // namespace

void append_real(std::string& out, double v) {
  if (std::isinf(v)) {
    out += v < 0 ? "-Inf" : "Inf";
    return;
  }
  if (v == 0.0) {
    out += "0.0";
    return;
  }
  std::string digits;
  const int exponent = significant_digits(std::fabs(v), digits);
  while (digits.size() > 1 && digits.back() == '0') {
    digits.pop_back();
  }
  if (v < 0) {
    out += '-';
  }
  if (exponent < -4 || exponent > 14) {
    out += digits[0];
    out += '.';
    out += digits.size() > 1 ? std::string_view(digits).substr(1) : std::string_view("0");
    out += exponent < 0 ? "e-" : "e+";
    const int magnitude = exponent < 0 ? -exponent : exponent;
    if (magnitude < 10) {
      out += '0';
    }
    out += std::to_string(magnitude);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-exponent - 1), '0');
    out += digits;
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) {
      digits.append(whole - digits.size(), '0');
      out += digits;
      out += ".0";
    } else {
      out.append(digits, 0, whole);
      out += '.';
      out.append(digits, whole);
    }
  }
}

}  // namespace saturn
