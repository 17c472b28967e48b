#pragma once

#include <cstddef>
#include <string_view>

namespace saturn::protocol {

/// The first part of a text: `size` bytes, at least one, that are one well-formed character or one
/// maximal ill-formed part (table 3-7 and section 3.9 of the Unicode standard).
struct Utf8Part {
  std::size_t size;
  bool valid;
};

/// `text` is not empty.
Utf8Part first_utf8_part(std::string_view text) noexcept;

}  // namespace saturn::protocol
