#pragma once

#include "storage/record.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

/// The beginning of `compare_key`, for searches: most comparisons are decided by an integer or a
/// text in the first column.
namespace saturn::storage {

/// The order of `key` and the record's first value in the column's order; 0 when they are equal,
/// and also where that takes more than comparing integers or bytes. Reads nothing past the record.
inline int first_column_order(ValueRef key, ByteSpan record, const KeyColumn& column) noexcept {
  if (record.size() < 2) return 0;
  const unsigned header_bytes = record[0];
  const unsigned type = record[1];
  // One byte each, and the type within the header.
  if (header_bytes < 2 || header_bytes >= 0x80 || type >= 0x80 || header_bytes > record.size())
    return 0;
  const std::uint8_t* const value = record.data() + header_bytes;
  const std::size_t rest = record.size() - header_bytes;
  int order = 0;
  if (type - 1 < 6 && key.is_integer()) {
    const auto bytes = static_cast<unsigned>(serial_type_bytes(type));
    if (bytes > rest) return 0;
    const std::int64_t other = load_signed(value, bytes);
    order = key.as_integer() < other ? -1 : key.as_integer() > other ? 1 : 0;
  } else if (type >= 13 && type % 2 == 1 && key.is_text() && column.collation == nullptr) {
    const std::size_t bytes = (type - 13) / 2;
    if (bytes > rest) return 0;
    const std::string_view text = key.bytes();
    order = std::memcmp(text.data(), value, std::min(bytes, text.size()));
    if (order == 0) order = text.size() < bytes ? -1 : text.size() > bytes ? 1 : 0;
  }
  return column.descending ? -order : order;
}

}  // namespace saturn::storage
