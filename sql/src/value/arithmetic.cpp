#include "value/arithmetic.hpp"

#include "base/limits.hpp"
#include "value/number.hpp"

#include <cstring>
#include <limits>

namespace saturn::sql {

namespace {

/// `exact` computes the 64-bit result and says whether it overflowed; `rounded` is for reals.
template <typename Exact, typename Rounded>
ValueRef arithmetic(ValueRef a, ValueRef b, Exact exact, Rounded rounded) noexcept {
  if (a.is_null() || b.is_null()) {
    return {};
  }
  a = to_numeric(a);
  b = to_numeric(b);
  if (a.is_integer() && b.is_integer()) {
    std::int64_t out = 0;
    if (!exact(a.as_integer(), b.as_integer(), &out)) {
      return ValueRef::integer(out);
    }
  }
  return ValueRef::real(rounded(to_real(a), to_real(b)));
}

ValueRef shift(ValueRef a, ValueRef b, bool left) noexcept {
  if (a.is_null() || b.is_null()) {
    return {};
  }
  const std::int64_t value = to_integer(a);
  std::int64_t distance = to_integer(b);
  if (distance < 0) {
    left = !left;
    distance = distance > -64 ? -distance : 64;
  }
  if (distance >= 64) {
    return ValueRef::integer(value >= 0 || left ? 0 : -1);
  }
  return ValueRef::integer(
      left ? static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << distance)
           : value >> distance);
}

}  // namespace

ValueRef add(ValueRef a, ValueRef b) noexcept {
  return arithmetic(
      a, b, [](auto x, auto y, auto* out) { return __builtin_add_overflow(x, y, out); },
      [](double x, double y) { return x + y; });
}

ValueRef subtract(ValueRef a, ValueRef b) noexcept {
  return arithmetic(
      a, b, [](auto x, auto y, auto* out) { return __builtin_sub_overflow(x, y, out); },
      [](double x, double y) { return x - y; });
}

ValueRef multiply(ValueRef a, ValueRef b) noexcept {
  return arithmetic(
      a, b, [](auto x, auto y, auto* out) { return __builtin_mul_overflow(x, y, out); },
      [](double x, double y) { return x * y; });
}

ValueRef divide(ValueRef a, ValueRef b) noexcept {
  if (!b.is_null() && to_real(to_numeric(b)) == 0.0) {
    return {};
  }
  return arithmetic(
      a, b,
      [](std::int64_t x, std::int64_t y, std::int64_t* out) {
        if (y == -1) {
          return __builtin_sub_overflow(std::int64_t{0}, x, out);
        }
        *out = x / y;
        return false;
      },
      [](double x, double y) { return x / y; });
}

ValueRef remainder(ValueRef a, ValueRef b) noexcept {
  if (a.is_null() || b.is_null()) {
    return {};
  }
  // The integer prefix of a text counts here, not its numeric one: '1e3' % 7 is 1.0.
  const std::int64_t divisor = to_integer(b);
  if (divisor == 0) {
    return {};
  }
  // MIN % -1 would trap; anything modulo -1 is 0.
  const std::int64_t out = divisor == -1 ? 0 : to_integer(a) % divisor;
  return to_numeric(a).is_integer() && to_numeric(b).is_integer()
             ? ValueRef::integer(out)
             : ValueRef::real(static_cast<double>(out));
}

ValueRef negate(ValueRef v) noexcept { return subtract(ValueRef::integer(0), v); }

ValueRef bit_and(ValueRef a, ValueRef b) noexcept {
  return a.is_null() || b.is_null() ? ValueRef() : ValueRef::integer(to_integer(a) & to_integer(b));
}

ValueRef bit_or(ValueRef a, ValueRef b) noexcept {
  return a.is_null() || b.is_null() ? ValueRef() : ValueRef::integer(to_integer(a) | to_integer(b));
}

ValueRef bit_not(ValueRef v) noexcept {
  return v.is_null() ? ValueRef() : ValueRef::integer(~to_integer(v));
}

ValueRef shift_left(ValueRef a, ValueRef b) noexcept { return shift(a, b, true); }
ValueRef shift_right(ValueRef a, ValueRef b) noexcept { return shift(a, b, false); }

Result<ValueRef> concatenate(ValueRef a, ValueRef b, ValueArena& arena) {
  if (a.is_null() || b.is_null()) {
    return ValueRef();
  }
  const std::string_view left = to_text(a, arena);
  const std::string_view right = to_text(b, arena);
  const std::size_t size = left.size() + right.size();
  if (size > limits::kLengthMax) {
    return Error(Code::toobig);
  }
  char* out = arena.allocate(size);
  if (!left.empty()) {
    std::memcpy(out, left.data(), left.size());
  }
  if (!right.empty()) {
    std::memcpy(out + left.size(), right.data(), right.size());
  }
  return ValueRef::text({out, size});
}

}  // namespace saturn::sql
