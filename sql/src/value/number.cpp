#include "value/number.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace saturn::sql {

namespace {

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Walks over a text without ever reading past its end ('\0' stands for the end).
struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  char peek() const noexcept { return at < text.size() ? text[at] : '\0'; }
  bool done() const noexcept { return at >= text.size(); }
  void skip_spaces() noexcept {
    while (!done() && is_space(text[at])) {
      ++at;
    }
  }
  std::size_t skip_digits() noexcept {
    const std::size_t from = at;
    while (!done() && is_digit(text[at])) {
      ++at;
    }
    return at - from;
  }
  bool skip_sign() noexcept {
    const bool negative = peek() == '-';
    if (negative || peek() == '+') {
      ++at;
    }
    return negative;
  }
};

/// The value of digits that overflow or underflow a double: infinity when the first digit that
/// counts stands before the decimal point, else zero.
double out_of_range(std::string_view digits) noexcept {
  std::int64_t magnitude = 0;
  bool point = false;
  bool significant = false;
  std::size_t i = 0;
  for (; i < digits.size() && (is_digit(digits[i]) || digits[i] == '.'); ++i) {
    if (digits[i] == '.') {
      point = true;
      continue;
    }
    significant = significant || digits[i] != '0';
    if (!point && significant) {
      ++magnitude;
    } else if (point && !significant) {
      --magnitude;
    }
  }
  if (!significant) {
    return 0.0;
  }
  if (i < digits.size()) {
    ++i;
    const bool negative = digits[i] == '-';
    std::int64_t exponent = 0;
    for (; i < digits.size(); ++i) {
      if (is_digit(digits[i]) && exponent < 1'000'000'000'000) {
        exponent = exponent * 10 + (digits[i] - '0');
      }
    }
    magnitude += negative ? -exponent : exponent;
  }
  return magnitude > 0 ? std::numeric_limits<double>::infinity() : 0.0;
}

}  // namespace

ParsedReal parse_real(std::string_view text) noexcept {
  Cursor c{text};
  c.skip_spaces();
  const bool negative = c.skip_sign();
  const std::size_t from = c.at;
  std::size_t digits = c.skip_digits();
  unsigned kind = 1;  // 1 = integer, +1 for a point, +1 for an exponent
  bool exponent_valid = true;
  if (c.peek() == '.' && !c.done()) {
    ++kind;
    ++c.at;
    digits += c.skip_digits();
  }
  std::size_t number_end = c.at;
  if (!c.done() && (c.peek() == 'e' || c.peek() == 'E')) {
    ++kind;
    ++c.at;
    c.skip_sign();
    exponent_valid = c.skip_digits() > 0;
    if (exponent_valid) {
      number_end = c.at;
    }
  }
  c.skip_spaces();
  if (digits == 0) {
    return {NumberForm::none, 0.0};
  }
  double value = 0.0;
  const std::string_view number = text.substr(from, number_end - from);
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{}) {
    value = out_of_range(number);
  }
  value = negative ? -value : value;
  if (c.done() && exponent_valid) {
    return {kind == 1 ? NumberForm::integer : NumberForm::real, value};
  }
  if (kind == 3 || (kind == 2 && exponent_valid)) {
    return {NumberForm::real_prefix, value};
  }
  return {NumberForm::none, value};
}

ParsedInteger parse_integer(std::string_view text) noexcept {
  Cursor c{text};
  c.skip_spaces();
  const bool negative = c.skip_sign();
  const std::size_t from = c.at;
  const std::size_t digits = c.skip_digits();
  std::uint64_t magnitude = 0;
  bool fits = true;
  const auto parsed = std::from_chars(text.data() + from, text.data() + c.at, magnitude);
  const std::uint64_t limit = (std::uint64_t{1} << 63) - (negative ? 0 : 1);
  if (digits > 0 && (parsed.ec != std::errc{} || magnitude > limit)) {
    magnitude = limit;
    fits = false;
  }
  c.skip_spaces();
  const auto value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  return {value, fits, digits > 0 && c.done()};
}

std::int64_t real_to_integer(double v) noexcept {
  // The largest double below 2^63: beyond it the conversion would be undefined.
  constexpr double kEdge = 9223372036854774784.0;
  if (v < -kEdge) {
    return std::numeric_limits<std::int64_t>::min();
  }
  if (v > kEdge) {
    return std::numeric_limits<std::int64_t>::max();
  }
  return static_cast<std::int64_t>(v);
}

ValueRef to_numeric(ValueRef v) noexcept {
  if (!v.is_text() && !v.is_blob()) {
    return v;
  }
  const ParsedReal real = parse_real(v.bytes());
  if (real.form == NumberForm::none || real.form == NumberForm::integer) {
    const ParsedInteger integer = parse_integer(v.bytes());
    if (integer.fits) {
      return ValueRef::integer(integer.value);
    }
  }
  return ValueRef::real(real.value);
}

std::int64_t to_integer(ValueRef v) noexcept {
  switch (v.type()) {
    case Type::null: return 0;
    case Type::integer: return v.as_integer();
    case Type::real: return real_to_integer(v.as_real());
    default: return parse_integer(v.bytes()).value;
  }
}

double to_real(ValueRef v) noexcept {
  switch (v.type()) {
    case Type::null: return 0.0;
    case Type::integer: return static_cast<double>(v.as_integer());
    case Type::real: return v.as_real();
    default: return parse_real(v.bytes()).value;
  }
}

bool to_boolean(ValueRef v) noexcept {
  return v.is_integer() ? v.as_integer() != 0 : to_real(v) != 0.0;
}

std::string_view to_text(ValueRef v, ValueArena& arena) {
  switch (v.type()) {
    case Type::null: return {};
    case Type::integer: {
      char buffer[24];
      const auto end = std::to_chars(buffer, buffer + sizeof(buffer), v.as_integer());
      return arena.copy({buffer, static_cast<std::size_t>(end.ptr - buffer)});
    }
    case Type::real: {
      std::string out;
      append_real(out, v.as_real());
      return arena.copy(out);
    }
    default: return v.bytes();
  }
}

}  // namespace saturn::sql
