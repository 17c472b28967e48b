#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// SQLite's binary form of JSON (https://www.sqlite.org/jsonb.html), in which all JSON functions
/// work: text is parsed into it, and printed from it.
///
/// An element is a header and a payload. The header's first byte has the kind in its low half and
/// in its high half the payload's size, 0 to 11, or 12 to 15 for a big-endian size of 1, 2, 4 or 8
/// bytes behind it. The payload of an array is its elements, that of an object is labels and values
/// in turn, and that of anything else is its text. [1] is 2b 13 31.
namespace saturn::sql::json {

enum class Kind : std::uint8_t {
  null,
  yes,
  no,
  integer,
  integer5,  ///< hexadecimal
  real,
  real5,  ///< with a point at its start or end
  text,   ///< the same in JSON and in SQL
  text_escaped,
  text_escaped5,  ///< with escapes that only JSON5 has
  text_raw,       ///< SQL text, to be escaped
  array,
  object,
};

constexpr bool is_text(Kind kind) noexcept { return kind >= Kind::text && kind <= Kind::text_raw; }
constexpr bool is_container(Kind kind) noexcept { return kind >= Kind::array; }
/// Whether the payload is the text itself.
constexpr bool is_plain_text(Kind kind) noexcept {
  return kind == Kind::text || kind == Kind::text_raw;
}
/// What json_type() calls it.
std::string_view type_name(Kind kind) noexcept;

struct Element {
  Kind kind = Kind::null;
  std::size_t at = 0;  ///< of the header
  std::size_t header = 1;
  std::size_t size = 0;  ///< of the payload

  std::size_t payload_at() const noexcept { return at + header; }
  std::size_t end() const noexcept { return at + header + size; }
  std::string_view payload(std::string_view document) const noexcept {
    return document.substr(at + header, size);
  }
};

/// The element at `at`, if it is one and ends before `end`.
std::optional<Element> element_at(std::string_view document, std::size_t at,
                                  std::size_t end) noexcept;
inline std::optional<Element> element_at(std::string_view document, std::size_t at) noexcept {
  return element_at(document, at, document.size());
}

/// A member of an array or object.
struct Member {
  std::optional<Element> label;  ///< of an object's
  Element value;
  std::size_t at() const noexcept { return label ? label->at : value.at; }
};
enum class Walk : std::uint8_t { member, end, malformed };
/// Reads the member of `container` that starts at `at`, and moves `at` behind it.
Walk next_member(std::string_view document, const Element& container, std::size_t& at,
                 Member& out) noexcept;

/// Appends an element with the shortest header.
void append_element(std::string& document, Kind kind, std::string_view payload);
/// The same in two parts: what is appended between the two calls is the payload.
std::size_t begin_container(std::string& document, Kind kind);
void end_container(std::string& document, std::size_t at);
/// Says that `by` bytes have been added to the payload of the element at `at` (or taken, when
/// negative). The header becomes the shortest; returns by how much the whole element has grown.
std::ptrdiff_t grow(std::string& document, std::size_t at, std::ptrdiff_t by);

/// Makes the header of the only element of `element` longer by `bytes`, where a header of that size
/// exists; false where none does.
bool stretch_header(std::string& element, std::size_t bytes);

/// Whether a blob looks like JSONB: one element, all of it.
bool looks_like_jsonb(std::string_view blob) noexcept;
/// The place, from 1, of the first byte that breaks the format's rules; 0 when there is none.
std::size_t find_jsonb_error(std::string_view blob);

}  // namespace saturn::sql::json
