#include "value/affinity.hpp"

#include "base/text.hpp"
#include "value/number.hpp"

#include <cmath>
#include <limits>

namespace saturn::sql {

namespace {

/// The integer that equals `v`, where there is one within 64 bits (its two ends excluded).
ValueRef integer_if_exact(double v) noexcept {
  const std::int64_t i = real_to_integer(v);
  if (static_cast<double>(i) == v && i > std::numeric_limits<std::int64_t>::min() &&
      i < std::numeric_limits<std::int64_t>::max()) {
    return ValueRef::integer(i);
  }
  return ValueRef::real(v);
}

/// Whether a text cannot be a whole number: a date, say, or a word. Tells many apart at little
/// cost.
bool is_surely_no_number(std::string_view text) noexcept {
  char before = ' ';
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    const bool sign = c == '-' || c == '+';
    if (sign && ((before >= '0' && before <= '9') || before == '.')) return true;
    if (!digit && !sign && c != '.' && c != 'e' && c != 'E' && c != ' ' && (c < '\t' || c > '\r')) {
      return true;
    }
    before = c;
  }
  return text.empty();
}

/// A text that is wholly a number becomes it; any other value stays.
ValueRef numeric_of_text(ValueRef v) noexcept {
  if (!v.is_text() || is_surely_no_number(v.bytes())) {
    return v;
  }
  const ParsedReal real = parse_real(v.bytes());
  if (real.form == NumberForm::integer) {
    const ParsedInteger integer = parse_integer(v.bytes());
    if (integer.fits) {
      return ValueRef::integer(integer.value);
    }
    return ValueRef::real(real.value);
  }
  return real.form == NumberForm::real ? ValueRef::real(real.value) : v;
}

bool contains_nocase(std::string_view text, std::string_view word) noexcept {
  for (std::size_t i = 0; i + word.size() <= text.size(); ++i) {
    if (equals_nocase(text.substr(i, word.size()), word)) {
      return true;
    }
  }
  return false;
}

ValueRef cast_numeric(ValueRef v) noexcept {
  const ValueRef number = to_numeric(v);
  // Only reals that a 52-bit mantissa holds beyond doubt become integers here.
  constexpr std::int64_t kExact = 2'251'799'813'685'248;
  if (number.is_real() && !v.is_real()) {
    const std::int64_t i = real_to_integer(number.as_real());
    if (static_cast<double>(i) == number.as_real() && i >= -kExact && i < kExact) {
      return ValueRef::integer(i);
    }
  }
  return number;
}

}  // namespace

Affinity affinity_of_type(std::string_view declared_type) noexcept {
  const auto has = [&](std::string_view word) { return contains_nocase(declared_type, word); };
  if (declared_type.empty()) {
    return Affinity::blob;
  }
  if (has("int")) {
    return Affinity::integer;
  }
  if (has("char") || has("clob") || has("text")) {
    return Affinity::text;
  }
  if (has("blob")) {
    return Affinity::blob;
  }
  if (has("real") || has("floa") || has("doub")) {
    return Affinity::real;
  }
  return Affinity::numeric;
}

ValueRef apply_affinity(ValueRef v, Affinity affinity, ValueArena& arena) {
  switch (affinity) {
    case Affinity::none:
    case Affinity::blob: return v;
    case Affinity::text: return v.is_numeric() ? ValueRef::text(to_text(v, arena)) : v;
    case Affinity::real: {
      const ValueRef number = numeric_of_text(v);
      return number.is_integer() ? ValueRef::real(static_cast<double>(number.as_integer()))
                                 : number;
    }
    case Affinity::numeric:
    case Affinity::integer: {
      const ValueRef number = numeric_of_text(v);
      return number.is_real() ? integer_if_exact(number.as_real()) : number;
    }
  }
  return v;
}

ValueRef compact_real(ValueRef v) noexcept {
  if (!v.is_real()) return v;
  const double r = v.as_real();
  if (r < -140737488355328.0 || r > 140737488355327.0) return v;
  const auto i = static_cast<std::int64_t>(r);
  if (static_cast<double>(i) != r) return v;  // of -0.0 the sign is lost, as in SQLite
  return ValueRef::integer(i);
}

Affinity comparison_affinity(Affinity left, Affinity right) noexcept {
  if (left != Affinity::none && right != Affinity::none) {
    return is_numeric(left) || is_numeric(right) ? Affinity::numeric : Affinity::blob;
  }
  return left == Affinity::none ? right : left;
}

void apply_comparison_affinity(ValueRef& left, ValueRef& right, Affinity affinity,
                               ValueArena& arena) {
  if (!left.is_text() && !right.is_text()) {
    return;
  }
  if (is_numeric(affinity)) {
    left = numeric_of_text(left);
    right = numeric_of_text(right);
  } else if (affinity == Affinity::text) {
    left = apply_affinity(left, affinity, arena);
    right = apply_affinity(right, affinity, arena);
  }
}

ValueRef with_comparison_affinity(ValueRef v, Affinity affinity, ValueArena& arena) {
  if (affinity <= Affinity::blob) return v;
  ValueRef other = is_numeric(affinity) ? ValueRef::integer(0) : ValueRef::text("");
  apply_comparison_affinity(v, other, affinity, arena);
  return v;
}

ValueRef cast(ValueRef v, Affinity affinity, ValueArena& arena) {
  if (v.is_null()) {
    return v;
  }
  switch (affinity) {
    case Affinity::none: return v;
    case Affinity::blob: return v.is_blob() ? v : ValueRef::blob(to_text(v, arena));
    case Affinity::text: return v.is_text() ? v : ValueRef::text(to_text(v, arena));
    case Affinity::numeric: return cast_numeric(v);
    case Affinity::integer: return ValueRef::integer(to_integer(v));
    case Affinity::real: return ValueRef::real(to_real(v));
  }
  return v;
}

}  // namespace saturn::sql
