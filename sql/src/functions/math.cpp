#include "functions/function.hpp"

#include "value/number.hpp"

#include <cmath>
#include <numbers>

namespace saturn::sql {

namespace {

/// A number, or NULL for what is none: a text counts only when all of it is a number.
ValueRef number_of(ValueRef v) noexcept {
  if (v.is_text()) {
    const NumberForm form = parse_real(v.bytes()).form;
    return form == NumberForm::integer || form == NumberForm::real ? to_numeric(v) : ValueRef();
  }
  return v.is_numeric() ? v : ValueRef();
}

template <double (*F)(double)>
Result<ValueRef> fn_one(FunctionContext&, Arguments a) {
  const ValueRef v = number_of(a[0]);
  return v.is_null() ? v : ValueRef::real(F(to_real(v)));
}

template <double (*F)(double, double)>
Result<ValueRef> fn_two(FunctionContext&, Arguments a) {
  const ValueRef x = number_of(a[0]);
  const ValueRef y = number_of(a[1]);
  return x.is_null() || y.is_null() ? ValueRef() : ValueRef::real(F(to_real(x), to_real(y)));
}

/// ceil, floor, trunc: an integer stays one.
template <double (*F)(double)>
Result<ValueRef> fn_whole(FunctionContext&, Arguments a) {
  const ValueRef v = number_of(a[0]);
  return v.is_real() ? ValueRef::real(F(v.as_real())) : v;
}

template <double (*F)(double)>
Result<ValueRef> fn_logarithm(FunctionContext&, Arguments a) {
  const ValueRef v = number_of(a[0]);
  return v.is_null() || to_real(v) <= 0.0 ? ValueRef() : ValueRef::real(F(to_real(v)));
}

/// log(base, x). Only the base has to be a whole number; x may be any text with a numeric prefix.
Result<ValueRef> fn_log_base(FunctionContext&, Arguments a) {
  const ValueRef base = number_of(a[0]);
  if (base.is_null() || to_real(base) <= 0.0 || to_real(a[1]) <= 0.0) {
    return ValueRef();
  }
  const double divisor = std::log(to_real(base));
  return divisor <= 0.0 ? ValueRef() : ValueRef::real(std::log(to_real(a[1])) / divisor);
}

Result<ValueRef> fn_pi(FunctionContext&, Arguments) { return ValueRef::real(std::numbers::pi); }

Result<ValueRef> fn_sign(FunctionContext&, Arguments a) {
  const ValueRef v = number_of(a[0]);
  if (v.is_null()) {
    return v;
  }
  return ValueRef::integer(to_real(v) < 0 ? -1 : static_cast<int>(to_real(v) > 0));
}

double degrees(double v) { return v * (180.0 / std::numbers::pi); }
double radians(double v) { return v * (std::numbers::pi / 180.0); }

constexpr Function kFunctions[] = {
    {"acos", 1, 1, fn_one<std::acos>},
    {"acosh", 1, 1, fn_one<std::acosh>},
    {"asin", 1, 1, fn_one<std::asin>},
    {"asinh", 1, 1, fn_one<std::asinh>},
    {"atan", 1, 1, fn_one<std::atan>},
    {"atan2", 2, 2, fn_two<std::atan2>},
    {"atanh", 1, 1, fn_one<std::atanh>},
    {"ceil", 1, 1, fn_whole<std::ceil>},
    {"ceiling", 1, 1, fn_whole<std::ceil>},
    {"cos", 1, 1, fn_one<std::cos>},
    {"cosh", 1, 1, fn_one<std::cosh>},
    {"degrees", 1, 1, fn_one<degrees>},
    {"exp", 1, 1, fn_one<std::exp>},
    {"floor", 1, 1, fn_whole<std::floor>},
    {"ln", 1, 1, fn_logarithm<std::log>},
    {"log", 1, 1, fn_logarithm<std::log10>},
    {"log", 2, 2, fn_log_base},
    {"log10", 1, 1, fn_logarithm<std::log10>},
    {"log2", 1, 1, fn_logarithm<std::log2>},
    {"mod", 2, 2, fn_two<std::fmod>},
    {"pi", 0, 0, fn_pi},
    {"pow", 2, 2, fn_two<std::pow>},
    {"power", 2, 2, fn_two<std::pow>},
    {"radians", 1, 1, fn_one<radians>},
    {"sign", 1, 1, fn_sign},
    {"sin", 1, 1, fn_one<std::sin>},
    {"sinh", 1, 1, fn_one<std::sinh>},
    {"sqrt", 1, 1, fn_one<std::sqrt>},
    {"tan", 1, 1, fn_one<std::tan>},
    {"tanh", 1, 1, fn_one<std::tanh>},
    {"trunc", 1, 1, fn_whole<std::trunc>},
};

}  // namespace

std::span<const Function> math_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
