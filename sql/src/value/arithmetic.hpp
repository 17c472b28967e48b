#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "value/arena.hpp"

namespace saturn::sql {

/// SQLite's operators on any two values. NULL in, NULL out. Integers that overflow go on as reals;
/// division by zero gives NULL. Texts and blobs count as their longest numeric prefix.
ValueRef add(ValueRef a, ValueRef b) noexcept;
ValueRef subtract(ValueRef a, ValueRef b) noexcept;
ValueRef multiply(ValueRef a, ValueRef b) noexcept;
ValueRef divide(ValueRef a, ValueRef b) noexcept;
ValueRef remainder(ValueRef a, ValueRef b) noexcept;
ValueRef negate(ValueRef v) noexcept;

ValueRef bit_and(ValueRef a, ValueRef b) noexcept;
ValueRef bit_or(ValueRef a, ValueRef b) noexcept;
ValueRef bit_not(ValueRef v) noexcept;
/// A negative distance shifts the other way; 64 and more shifts everything out.
ValueRef shift_left(ValueRef a, ValueRef b) noexcept;
ValueRef shift_right(ValueRef a, ValueRef b) noexcept;

/// The operator ||: always a text. Fails with `toobig` past `limits::kLengthMax` bytes.
Result<ValueRef> concatenate(ValueRef a, ValueRef b, ValueArena& arena);

}  // namespace saturn::sql
