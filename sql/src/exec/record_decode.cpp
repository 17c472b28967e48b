#include "exec/record_decode.hpp"

#include "base/bytes.hpp"
#include "storage/record.hpp"
#include "value/stored_text.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace saturn::sql {
namespace {

/// Bytes of the values whose serial types are one byte.
constexpr std::array<std::uint8_t, 0x80> kBytesOf = [] {
  std::array<std::uint8_t, 0x80> bytes{};
  for (std::size_t type = 0; type < bytes.size(); ++type) {
    bytes[type] = static_cast<std::uint8_t>(storage::serial_type_bytes(type));
  }
  return bytes;
}();

/// The value of a serial type that is no reserved one; its bytes are at `p`.
ValueRef decode_value(std::uint64_t type, const std::uint8_t* p, std::uint64_t bytes,
                      TextEncoding encoding, ValueArena* arena) {
  switch (type) {
    case 0: return {};
    case 7: return ValueRef::real(std::bit_cast<double>(load_be64(p)));
    case 8: return ValueRef::integer(0);
    case 9: return ValueRef::integer(1);
    default: break;
  }
  if (type < 7) return ValueRef::integer(load_signed(p, static_cast<unsigned>(bytes)));
  std::string_view text(reinterpret_cast<const char*>(p), bytes);
  if (is_utf16(encoding) && type % 2 != 0) [[unlikely]] {
    return from_stored(ValueRef::text(text), encoding, *arena);
  }
  if (arena != nullptr) {
    char* const copy = arena->allocate(bytes);
    std::memcpy(copy, p, bytes);
    text = {copy, bytes};
  }
  return type % 2 == 0 ? ValueRef::blob(text) : ValueRef::text(text);
}

}  // namespace

Result<void> decode_columns(ByteSpan record, storage::PageNo page, TextEncoding encoding,
                            std::span<const WantedColumn> wanted, ValueRef* const* columns,
                            RowIndex row, ValueArena* arena) {
  const std::uint8_t* const start = record.data();
  const std::uint8_t* const end = start + record.size();
  std::uint64_t header_bytes = 0;
  unsigned n = get_varint(start, end, header_bytes);
  if (n == 0 || header_bytes > record.size() || header_bytes < n) {
    return corrupt_error(page, 0, "record header length");
  }
  const std::uint8_t* head = start + n;
  const std::uint8_t* const head_end = start + header_bytes;
  std::uint64_t body = header_bytes;
  std::uint32_t column = 0;
  for (const WantedColumn& want : wanted) {
    // Columns that nobody wants are stepped over. A type of one byte adds 57 bytes at most, so that
    // the sum cannot overflow before it is looked at.
    while (column < want.column && head < head_end) {
      std::uint64_t bytes = 0;
      if (*head < kBytesOf.size()) [[likely]] {
        bytes = kBytesOf[*head++];
      } else {
        std::uint64_t type = 0;
        n = get_varint(head, head_end, type);
        if (n == 0) return corrupt_error(page, 0, "record header");
        head += n;
        bytes = storage::serial_type_bytes(type);
        if (bytes > record.size()) return corrupt_error(page, 0, "record column");
      }
      body += bytes;
      ++column;
    }
    if (body > record.size()) return corrupt_error(page, 0, "record column");
    ValueRef& value = columns[want.slot][row];
    if (head >= head_end) {
      value = want.absent;
      continue;
    }
    std::uint64_t type = 0;
    n = get_varint(head, head_end, type);
    if (n == 0) return corrupt_error(page, 0, "record header");
    head += n;
    ++column;
    const std::uint64_t bytes = storage::serial_type_bytes(type);
    if (type == 10 || type == 11 || bytes > record.size() - body) {
      return corrupt_error(page, 0, "record column");
    }
    value = decode_value(type, start + body, bytes, encoding, arena);
    if (want.real && value.is_integer()) {
      value = ValueRef::real(static_cast<double>(value.as_integer()));
    }
    body += bytes;
  }
  return {};
}

}  // namespace saturn::sql
