#include "exec/record_decode.hpp"

#include "base/bytes.hpp"
#include "storage/record.hpp"
#include "value/stored_text.hpp"

#include <bit>

namespace saturn::sql {
namespace {

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
  if (arena != nullptr) text = arena->copy(text);
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
    ValueRef value = want.absent;
    while (head < head_end && column <= want.column) {
      std::uint64_t type = 0;
      n = get_varint(head, head_end, type);
      if (n == 0) return corrupt_error(page, 0, "record header");
      head += n;
      const std::uint64_t bytes = storage::serial_type_bytes(type);
      if (column == want.column) {
        if (type == 10 || type == 11 || bytes > record.size() - body) {
          return corrupt_error(page, 0, "record column");
        }
        value = decode_value(type, start + body, bytes, encoding, arena);
        if (want.real && value.is_integer()) {
          value = ValueRef::real(static_cast<double>(value.as_integer()));
        }
      }
      if (bytes > record.size() - body) return corrupt_error(page, 0, "record column");
      body += bytes;
      ++column;
    }
    columns[want.slot][row] = value;
  }
  return {};
}

}  // namespace saturn::sql
