#pragma once

#include "base/result.hpp"
#include "base/text_encoding.hpp"
#include "base/value.hpp"
#include "value/arena.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

// Between values as the engine has them and as the records of a database store them: in a UTF-16
// database texts are images (base/text_encoding.hpp) here and UTF-16 there. In a UTF-8 database all
// of this hands on what it is given.

namespace saturn::sql {

/// The value of a record. Borrows from it unless it is a text in UTF-16.
inline ValueRef from_stored(ValueRef stored, TextEncoding encoding, ValueArena& arena) {
  if (!is_utf16(encoding) || !stored.is_text()) return stored;
  const std::string_view bytes = stored.bytes();
  const std::size_t size = image_size(bytes, encoding);
  char* const out = arena.allocate(size);
  write_image(bytes, encoding, out);
  return ValueRef::text({out, size});
}

/// The text of a record as a name or a definition; empty for what is no text.
std::string stored_name(ValueRef stored, TextEncoding encoding);

/// The bytes of a text in the database's encoding.
std::string_view stored_bytes(std::string_view text, TextEncoding encoding, ValueArena& arena);

/// Appends the record of `values` to `out`, as `storage::encode_record` does.
Result<void> encode_record(std::span<const ValueRef> values, TextEncoding encoding,
                           std::string& out);

/// Keys as an index tree compares them with its records.
class StoredKey {
 public:
  explicit StoredKey(TextEncoding encoding) noexcept : encoding_(encoding) {}
  /// Valid until the next call and as long as `values`.
  std::span<const ValueRef> of(std::span<const ValueRef> values) {
    return is_utf16(encoding_) ? converted(values) : values;
  }

 private:
  std::span<const ValueRef> converted(std::span<const ValueRef> values);

  const TextEncoding encoding_;
  std::vector<ValueRef> values_;
  ValueArena arena_;
};

}  // namespace saturn::sql
