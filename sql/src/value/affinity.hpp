#pragma once

#include "base/value.hpp"
#include "value/arena.hpp"

#include <cstdint>
#include <string_view>

namespace saturn::sql {

/// The affinity of a column or expression (https://www.sqlite.org/datatype3.html, section 3).
/// `none` is that of an expression without one; a column without a type has `blob`.
enum class Affinity : std::uint8_t { none, blob, text, numeric, integer, real };

constexpr bool is_numeric(Affinity affinity) noexcept { return affinity >= Affinity::numeric; }

/// The affinity of a declared type; `blob` for an empty one.
Affinity affinity_of_type(std::string_view declared_type) noexcept;

/// The value as a column of this affinity stores it. A REAL column gives back reals, whatever the
/// record format does to save room.
ValueRef apply_affinity(ValueRef v, Affinity affinity, ValueArena& arena);

/// The form in which records keep a real: small whole numbers as integers, to save room.
ValueRef compact_real(ValueRef v) noexcept;

/// The affinity that a comparison applies to both its operands, from the affinities of the two.
Affinity comparison_affinity(Affinity left, Affinity right) noexcept;
/// Applies it: to both operands, and only where one of them is a text.
void apply_comparison_affinity(ValueRef& left, ValueRef& right, Affinity affinity,
                               ValueArena& arena);

/// One operand alone, as it would be converted beside one that needs no conversion: for keys of
/// indexes and sets.
ValueRef with_comparison_affinity(ValueRef v, Affinity affinity, ValueArena& arena);

/// CAST(v AS type of this affinity).
ValueRef cast(ValueRef v, Affinity affinity, ValueArena& arena);

}  // namespace saturn::sql
