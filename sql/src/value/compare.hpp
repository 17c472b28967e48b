#pragma once

#include "base/value.hpp"

#include <cstdint>
#include <string_view>

namespace saturn::sql {

/// An order of texts. Instances live for ever and are compared by address; any thread may use them.
class Collation {
 public:
  virtual ~Collation() = default;
  virtual std::string_view name() const noexcept = 0;
  /// Negative, 0 or positive.
  virtual int compare(std::string_view a, std::string_view b) const noexcept = 0;

  static const Collation& binary() noexcept;
  static const Collation& nocase() noexcept;
  static const Collation& rtrim() noexcept;
  /// By name in any case; null when there is none of that name.
  static const Collation* find(std::string_view name) noexcept;
};

/// -1, 0 or 1; exact, where a conversion of either side could round.
int compare_integer_real(std::int64_t i, double r) noexcept;

/// SQLite's order of any two values: NULL (equal to NULL), numbers, texts, blobs.
/// Negative, 0 or positive. Operators that yield NULL for NULL look for it themselves.
int compare(ValueRef a, ValueRef b, const Collation& collation = Collation::binary()) noexcept;

}  // namespace saturn::sql
