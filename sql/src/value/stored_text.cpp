#include "value/stored_text.hpp"

#include "storage/record.hpp"

namespace saturn::sql {

std::string stored_name(ValueRef stored, TextEncoding encoding) {
  if (!stored.is_text()) return {};
  if (!is_utf16(encoding)) return std::string(stored.bytes());
  return leaving_text(from_utf16(stored.bytes(), encoding));
}

std::string_view stored_bytes(std::string_view text, TextEncoding encoding, ValueArena& arena) {
  if (!is_utf16(encoding)) return text;
  const std::size_t size = utf16_size(text);
  char* const out = arena.allocate(size);
  write_utf16(text, encoding, out);
  return {out, size};
}

Result<void> encode_record(std::span<const ValueRef> values, TextEncoding encoding,
                           std::string& out) {
  if (!is_utf16(encoding)) return storage::encode_record(values, out);
  return storage::encode_record(StoredKey(encoding).of(values), out);
}

std::span<const ValueRef> StoredKey::converted(std::span<const ValueRef> values) {
  arena_.reset();
  values_.assign(values.begin(), values.end());
  for (ValueRef& value : values_) {
    if (value.is_text()) value = ValueRef::text(stored_bytes(value.bytes(), encoding_, arena_));
  }
  return values_;
}

}  // namespace saturn::sql
