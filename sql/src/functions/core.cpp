#include "functions/function.hpp"

#include "base/limits.hpp"
#include "functions/random.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>

namespace saturn::sql {

namespace {

Result<ValueRef> fn_abs(FunctionContext&, Arguments a) {
  if (a[0].is_null()) {
    return ValueRef();
  }
  if (!a[0].is_integer()) {
    return ValueRef::real(std::fabs(to_real(a[0])));
  }
  if (a[0].as_integer() == std::numeric_limits<std::int64_t>::min()) {
    return Error(Code::error, "integer overflow");
  }
  return ValueRef::integer(a[0].as_integer() < 0 ? -a[0].as_integer() : a[0].as_integer());
}

Result<ValueRef> fn_coalesce(FunctionContext&, Arguments a) {
  for (const ValueRef v : a) {
    if (!v.is_null()) {
      return v;
    }
  }
  return ValueRef();
}

Result<ValueRef> fn_iif(FunctionContext&, Arguments a) {
  std::size_t i = 0;
  for (; i + 1 < a.size(); i += 2) {
    if (!a[i].is_null() && to_boolean(a[i])) {
      return a[i + 1];
    }
  }
  return i < a.size() ? a[i] : ValueRef();
}

Result<ValueRef> fn_nullif(FunctionContext& context, Arguments a) {
  return compare(a[0], a[1], *context.collation) == 0 ? ValueRef() : a[0];
}

Result<ValueRef> fn_first(FunctionContext&, Arguments a) { return a[0]; }

/// min() and max() of several arguments: NULL when any is. Of equals, min() takes the last and
/// max() the first, which shows where an integer equals a real.
template <int Sign>
Result<ValueRef> fn_extreme(FunctionContext& context, Arguments a) {
  ValueRef best = a[0];
  for (const ValueRef v : a) {
    if (v.is_null()) {
      return ValueRef();
    }
    if (compare(v, best, *context.collation) * Sign >= (Sign > 0 ? 1 : 0)) {
      best = v;
    }
  }
  return best;
}

Result<ValueRef> fn_subtype(FunctionContext&, Arguments a) {
  return ValueRef::integer(a[0].subtype());
}

Result<ValueRef> fn_typeof(FunctionContext&, Arguments a) {
  constexpr std::string_view kNames[] = {"null", "integer", "real", "text", "blob"};
  return ValueRef::text(kNames[static_cast<int>(a[0].type())]);
}

Result<ValueRef> fn_random(FunctionContext&, Arguments) {
  return ValueRef::integer(static_cast<std::int64_t>(random_bits()));
}

Result<ValueRef> fn_randomblob(FunctionContext& context, Arguments a) {
  const std::int64_t size = std::max<std::int64_t>(to_integer(a[0]), 1);
  if (size > limits::kLengthMax) {
    return Error(Code::toobig);
  }
  char* out = context.arena.allocate(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    out[i] = static_cast<char>(random_bits());
  }
  return ValueRef::blob({out, static_cast<std::size_t>(size)});
}

Result<ValueRef> fn_zeroblob(FunctionContext& context, Arguments a) {
  const std::int64_t size = std::max<std::int64_t>(to_integer(a[0]), 0);
  if (size > limits::kLengthMax) {
    return Error(Code::toobig);
  }
  char* out = context.arena.allocate(static_cast<std::size_t>(size));
  std::memset(out, 0, static_cast<std::size_t>(size));
  return ValueRef::blob({out, static_cast<std::size_t>(size)});
}

Result<ValueRef> fn_changes(FunctionContext& context, Arguments) {
  return ValueRef::integer(context.counters.changes);
}
Result<ValueRef> fn_total_changes(FunctionContext& context, Arguments) {
  return ValueRef::integer(context.counters.total_changes);
}
Result<ValueRef> fn_last_insert_rowid(FunctionContext& context, Arguments) {
  return ValueRef::integer(context.counters.last_insert_rowid);
}

/// `v` with `digits` (at most 30) digits behind the point; a tie goes away from zero, where
/// printf's would go to even. |v| < 2^52.
std::string decimal(double v, std::size_t digits) {
  char text[80];
  const int size = std::snprintf(text, sizeof(text), "%.40f", v);
  const auto end = static_cast<std::size_t>(size) - 40 + digits;
  std::string out(text, end);
  if (text[end] < '5') {
    return out;
  }
  for (std::size_t i = out.size(); i-- > 0;) {
    if (out[i] == '.') {
      continue;
    }
    if (out[i] == '-') {
      return out.insert(1, "1");
    }
    if (out[i] != '9') {
      ++out[i];
      return out;
    }
    out[i] = '0';
  }
  return out.insert(0, "1");
}

/// round(x, n): half away from zero on the decimal digits, n from 0 to 30.
Result<ValueRef> fn_round(FunctionContext&, Arguments a) {
  std::int64_t digits = 0;
  if (a.size() == 2) {
    if (a[1].is_null()) {
      return ValueRef();
    }
    digits = std::min<std::int64_t>(std::max<std::int64_t>(to_integer(a[1]), 0), 30);
  }
  if (a[0].is_null()) {
    return ValueRef();
  }
  double v = to_real(a[0]);
  if (std::fabs(v) >= 4503599627370496.0) {
    return ValueRef::real(v);  // no fraction left to round
  }
  if (digits == 0) {
    return ValueRef::real(static_cast<double>(static_cast<std::int64_t>(v + (v < 0 ? -0.5 : 0.5))));
  }
  return ValueRef::real(parse_real(decimal(v, static_cast<std::size_t>(digits))).value);
}

constexpr Function kFunctions[] = {
    {"abs", 1, 1, fn_abs},
    {"changes", 0, 0, fn_changes, nullptr, false},
    {"coalesce", 2, -1, fn_coalesce},
    {"if", 2, -1, fn_iif},
    {"ifnull", 2, 2, fn_coalesce},
    {"iif", 2, -1, fn_iif},
    {"last_insert_rowid", 0, 0, fn_last_insert_rowid, nullptr, false},
    {"likelihood", 2, 2, fn_first},
    {"likely", 1, 1, fn_first},
    {"max", 2, -1, fn_extreme<1>},
    {"min", 2, -1, fn_extreme<-1>},
    {"nullif", 2, 2, fn_nullif},
    {"random", 0, 0, fn_random, nullptr, false},
    {"randomblob", 1, 1, fn_randomblob, nullptr, false},
    {"round", 1, 2, fn_round},
    {"subtype", 1, 1, fn_subtype, nullptr, true, true},
    {"total_changes", 0, 0, fn_total_changes, nullptr, false},
    {"typeof", 1, 1, fn_typeof},
    {"unlikely", 1, 1, fn_first},
    {"zeroblob", 1, 1, fn_zeroblob},
};

}  // namespace

std::uint64_t random_bits() {
  thread_local std::mt19937_64 random{(std::uint64_t{std::random_device{}()} << 32) ^
                                      std::random_device{}()};
  return random();
}

std::span<const Function> core_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
