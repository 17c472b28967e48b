#pragma once

#include "base/text_encoding.hpp"
#include "base/value.hpp"

#include <cstdint>
#include <string_view>

namespace saturn::sql {

/// An order of texts. Instances live for ever and are compared by address; any thread may use them.
/// Each of the three has an instance for each encoding, and within a database all are of its own:
/// BINARY orders the bytes of its encoding, NOCASE and RTRIM those of UTF-8.
class Collation {
 public:
  enum class Kind : std::uint8_t { binary, nocase, rtrim };

  constexpr Collation(Kind k, TextEncoding e) noexcept : kind(k), encoding(e) {}
  virtual ~Collation() = default;
  std::string_view name() const noexcept;
  /// Negative, 0 or positive.
  virtual int compare(std::string_view a, std::string_view b) const noexcept = 0;

  static const Collation& of(Kind kind, TextEncoding encoding) noexcept;
  static const Collation& binary(TextEncoding encoding = TextEncoding::utf8) noexcept {
    return of(Kind::binary, encoding);
  }
  /// By name in any case; null when there is none of that name.
  static const Collation* find(std::string_view name, TextEncoding encoding) noexcept;

  const Kind kind;
  const TextEncoding encoding;
};

/// -1, 0 or 1; exact, where a conversion of either side could round.
int compare_integer_real(std::int64_t i, double r) noexcept;

/// SQLite's order of any two values: NULL (equal to NULL), numbers, texts, blobs.
/// Negative, 0 or positive. Operators that yield NULL for NULL look for it themselves.
int compare(ValueRef a, ValueRef b, const Collation& collation = Collation::binary()) noexcept;

}  // namespace saturn::sql
