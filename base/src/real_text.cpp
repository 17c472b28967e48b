#include "base/real_text.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace saturn {
namespace {

/// A sum of two doubles, the second being what the first cannot hold.
struct TwoDoubles {
  double high;
  double low;
};

/// The upper half of a double's bits; two such halves multiply without an error.
double upper_half(double v) noexcept {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(v) & 0xffff'ffff'fc00'0000ULL);
}

/// a * b in about twice the precision of a double (T. J. Dekker, 1971).
TwoDoubles multiply(TwoDoubles a, TwoDoubles b) noexcept {
  const double a_upper = upper_half(a.high);
  const double a_lower = a.high - a_upper;
  const double b_upper = upper_half(b.high);
  const double b_lower = b.high - b_upper;
  const double product = a_upper * b_upper;
  const double cross = a_upper * b_lower + a_lower * b_upper;
  const double sum = product + cross;
  double rest = product - sum + cross + a_lower * b_lower;
  rest = a.high * b.low + a.low * b.high + rest;
  const double high = sum + rest;
  return {high, (sum - high) + rest};
}

// Powers of ten, with what a double misses of each.
constexpr TwoDoubles kTen{1e1, 0.0};
constexpr TwoDoubles kTen10{1e10, 0.0};
constexpr TwoDoubles kTen100{1e100, -1.5902891109759918046e+83};
constexpr TwoDoubles kTenth{1e-1, -5.5511151231257827021e-18};
constexpr TwoDoubles kTenth10{1e-10, -3.6432197315497741579e-27};
constexpr TwoDoubles kTenth100{1e-100, -1.99918998026028836196e-117};

/// `v` > 0 as an integer of 18 or 19 digits times 10^exponent.
std::uint64_t scaled(double v, int& exponent) noexcept {
  constexpr double kMost = 9223372036854774784.0;  // below 2^63
  TwoDoubles r{v, 0.0};
  const auto scale = [&](TwoDoubles by, int power) {
    r = multiply(r, by);
    exponent -= power;
  };
  exponent = 0;
  if (r.high > kMost) {
    while (r.high > 9.223372036854774784e+118) scale(kTenth100, -100);
    while (r.high > 9.223372036854774784e+28) scale(kTenth10, -10);
    while (r.high > kMost) scale(kTenth, -1);
  } else {
    while (r.high < 9.223372036854774784e-83) scale(kTen100, 100);
    while (r.high < 9.223372036854774784e+07) scale(kTen10, 10);
    while (r.high < 9.22337203685477478e+17) scale(kTen, 1);
  }
  const auto whole = static_cast<std::uint64_t>(r.high);
  return r.low < 0 ? whole - static_cast<std::uint64_t>(-r.low)
                   : whole + static_cast<std::uint64_t>(r.low);
}

/// Cuts the digits to `count`, half up.
void round_half_up(RealDigits& d, int count) noexcept {
  const bool up = d.digits[count] >= '5';
  d.count = count;
  if (!up) return;
  for (int i = count - 1; i >= 0; --i) {
    if (d.digits[i] != '9') {
      ++d.digits[i];
      return;
    }
    d.digits[i] = '0';
  }
  std::memmove(d.digits + 1, d.digits, static_cast<std::size_t>(d.count));
  d.digits[0] = '1';
  ++d.count;
  ++d.point;
}

}  // namespace

RealDigits real_digits(double v, int round, int digits_max) noexcept {
  RealDigits d;
  if (v == 0.0) {
    d.digits[0] = '0';
    d.count = d.point = 1;
    return d;
  }
  int exponent = 0;
  const std::uint64_t number = scaled(v, exponent);
  const auto end = std::to_chars(d.digits, d.digits + sizeof d.digits, number);
  d.count = static_cast<int>(end.ptr - d.digits);
  d.point = d.count + exponent;
  if (round <= 0) {
    round = d.point - round;
    if (round == 0 && d.digits[0] >= '5') {
      // 0.7 to no places is 1.
      std::memmove(d.digits + 1, d.digits, static_cast<std::size_t>(d.count));
      d.digits[0] = '0';
      ++d.count;
      ++d.point;
      round = 1;
    }
  }
  if (round > 0 && (round < d.count || d.count > digits_max)) {
    round_half_up(d, std::min(round, digits_max));
  }
  while (d.count > 0 && d.digits[d.count - 1] == '0') --d.count;
  return d;
}

void append_real(std::string& out, double v) {
  if (std::isinf(v)) {
    out += v < 0 ? "-Inf" : "Inf";
    return;
  }
  if (v == 0.0) {
    out += "0.0";
    return;
  }
  constexpr int kDigits = 15;
  const RealDigits found = real_digits(std::fabs(v), kDigits, kDigits + 1);
  std::string digits(found.view());
  const int exponent = found.point - 1;
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
