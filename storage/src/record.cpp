#include "storage/record.hpp"

#include "base/limits.hpp"
#include "key_order.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace saturn::storage {
namespace {

std::uint64_t serial_type_of(ValueRef value) noexcept {
  switch (value.type()) {
    case Type::null: return 0;
    case Type::real: return 7;
    case Type::text: return 13 + 2 * static_cast<std::uint64_t>(value.bytes().size());
    case Type::blob: return 12 + 2 * static_cast<std::uint64_t>(value.bytes().size());
    case Type::integer: break;
  }
  const std::int64_t v = value.as_integer();
  if (v == 0 || v == 1) return 8 + static_cast<std::uint64_t>(v);
  // The magnitude without the sign bit: -128 and 127 both give 127.
  const std::uint64_t m = static_cast<std::uint64_t>(v < 0 ? ~v : v);
  if (m <= 0x7f) return 1;
  if (m <= 0x7fff) return 2;
  if (m <= 0x7f'ffff) return 3;
  if (m <= 0x7fff'ffff) return 4;
  if (m <= 0x7fff'ffff'ffff) return 5;
  return 6;
}

/// Exact order of an integer and a real (never NaN): no rounding of the integer decides.
int compare_integer_real(std::int64_t i, double r) noexcept {
  if (r >= 9223372036854775808.0) return -1;
  if (r < -9223372036854775808.0) return 1;
  const auto whole = static_cast<std::int64_t>(r);
  if (i != whole) return i < whole ? -1 : 1;
  const double fraction = r - static_cast<double>(whole);
  return fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
}

int storage_rank(Type type) noexcept {
  switch (type) {
    case Type::null: return 0;
    case Type::integer:
    case Type::real: return 1;
    case Type::text: return 2;
    case Type::blob: return 3;
  }
  return 3;
}

int sign(int v) noexcept { return v < 0 ? -1 : v > 0 ? 1 : 0; }

/// The value of a serial type that is no reserved one; its `bytes` bytes are at `p`.
ValueRef value_of(std::uint64_t type, const std::uint8_t* p, std::uint64_t bytes) noexcept {
  switch (type) {
    case 0: return ValueRef::null();
    case 7: return ValueRef::real(std::bit_cast<double>(load_be64(p)));
    case 8: return ValueRef::integer(0);
    case 9: return ValueRef::integer(1);
    default: break;
  }
  if (type < 7) return ValueRef::integer(load_signed(p, static_cast<unsigned>(bytes)));
  const std::string_view view(reinterpret_cast<const char*>(p), bytes);
  return (type & 1) != 0 ? ValueRef::text(view) : ValueRef::blob(view);
}

/// The order of `key` and a value as `value_of` has it.
int compare_stored(ValueRef key, std::uint64_t type, const std::uint8_t* p, std::uint64_t bytes,
                   Collation collation) noexcept {
  if (key.is_integer() && type - 1 < 6) {
    const std::int64_t other = load_signed(p, static_cast<unsigned>(bytes));
    return key.as_integer() < other ? -1 : key.as_integer() > other ? 1 : 0;
  }
  return compare_values(key, value_of(type, p, bytes), collation);
}

void append_value(ValueRef value, std::uint64_t serial_type, std::string& out) {
  if (serial_type >= 12) {
    out.append(value.bytes());
    return;
  }
  const std::uint64_t bytes = serial_type_bytes(serial_type);
  const std::uint64_t bits = serial_type == 7 ? std::bit_cast<std::uint64_t>(value.as_real())
                                              : static_cast<std::uint64_t>(value.as_integer());
  std::uint8_t buffer[8];
  store_be64(buffer, bits);
  out.append(reinterpret_cast<const char*>(buffer) + 8 - bytes, bytes);
}

}  // namespace

void RecordReader::reset(ByteSpan record, PageNo page) noexcept {
  record_ = record;
  columns_.clear();
  header_at_ = header_end_ = body_at_ = 0;
  page_ = page;
}

Result<void> RecordReader::decode_through(std::uint32_t index) {
  const std::uint8_t* base = record_.data();
  if (header_end_ == 0) {
    std::uint64_t length = 0;
    const unsigned n = get_varint(base, base + record_.size(), length);
    if (n == 0 || length < n || length > record_.size()) {
      return corrupt_error(page_, 0, "record header length");
    }
    header_at_ = n;
    header_end_ = body_at_ = length;
  }
  while (columns_.size() <= index && header_at_ < header_end_) {
    std::uint64_t type = 0;
    const unsigned n = get_varint(base + header_at_, base + header_end_, type);
    if (n == 0) return corrupt_error(page_, 0, "record header runs past its end");
    if (type == 10 || type == 11) return corrupt_error(page_, 0, "reserved serial type");
    const std::uint64_t bytes = serial_type_bytes(type);
    if (bytes > record_.size() - body_at_) {
      return corrupt_error(page_, 0, "value runs past the record's end");
    }
    columns_.push_back({type, body_at_});
    header_at_ += n;
    body_at_ += bytes;
  }
  return {};
}

Result<ValueRef> RecordReader::column(std::uint32_t index) {
  if (columns_.size() <= index) {
    TRY(decode_through(index));
    if (columns_.size() <= index) return ValueRef::null();
  }
  const Column column = columns_[index];
  return value_of(column.serial_type, record_.data() + column.offset,
                  serial_type_bytes(column.serial_type));
}

Result<std::uint32_t> RecordReader::column_count() {
  TRY(decode_through(~std::uint32_t{0} - 1));
  return static_cast<std::uint32_t>(columns_.size());
}

Result<void> encode_record(std::span<const ValueRef> values, std::string& out) {
  std::uint64_t types_bytes = 0;
  std::uint64_t body_bytes = 0;
  for (const ValueRef& value : values) {
    const std::uint64_t type = serial_type_of(value);
    types_bytes += varint_length(type);
    body_bytes += serial_type_bytes(type);
  }
  // The header's length counts its own varint: 126 bytes of types make 127, but 127 make 129.
  std::uint64_t header_bytes = types_bytes + 1;
  while (types_bytes + varint_length(header_bytes) != header_bytes) {
    header_bytes = types_bytes + varint_length(header_bytes);
  }
  if (header_bytes + body_bytes > limits::kLengthMax) return Error(Code::toobig);
  out.reserve(out.size() + header_bytes + body_bytes);
  std::uint8_t buffer[kVarintBytesMax];
  const auto put = [&](std::uint64_t v) {
    out.append(reinterpret_cast<const char*>(buffer), put_varint(buffer, v));
  };
  put(header_bytes);
  for (const ValueRef& value : values) put(serial_type_of(value));
  for (const ValueRef& value : values) append_value(value, serial_type_of(value), out);
  return {};
}

int compare_values(ValueRef a, ValueRef b, Collation collation) noexcept {
  const int rank = storage_rank(a.type());
  if (const int other = storage_rank(b.type()); rank != other) return rank < other ? -1 : 1;
  if (rank == 0) return 0;
  if (rank == 1) {
    if (a.is_integer() && b.is_integer()) {
      return a.as_integer() < b.as_integer() ? -1 : a.as_integer() > b.as_integer() ? 1 : 0;
    }
    if (a.is_integer()) return compare_integer_real(a.as_integer(), b.as_real());
    if (b.is_integer()) return -compare_integer_real(b.as_integer(), a.as_real());
    return a.as_real() < b.as_real() ? -1 : a.as_real() > b.as_real() ? 1 : 0;
  }
  if (rank == 2 && collation != nullptr) return sign(collation(a.bytes(), b.bytes()));
  return sign(a.bytes().compare(b.bytes()));  // char_traits<char> compares as unsigned bytes
}

Result<int> compare_key(std::span<const ValueRef> key, ByteSpan record, const KeyInfo& info,
                        PageNo page) {
  const std::uint8_t* head = record.data();
  const std::uint8_t* const end = head + record.size();
  if (!key.empty() && !info.columns.empty()) {
    const int order = first_column_order(key[0], record, info.columns[0]);
    if (order != 0) return order;
  }
  std::uint64_t header_bytes = 0;
  const unsigned length = get_varint(head, end, header_bytes);
  if (length == 0 || header_bytes < length || header_bytes > record.size()) {
    return corrupt_error(page, 0, "record header length");
  }
  const std::uint8_t* body = head + header_bytes;
  const std::uint8_t* const head_end = body;
  head += length;
  for (std::size_t i = 0; i < key.size(); ++i) {
    std::uint64_t type = 0;
    std::uint64_t bytes = 0;
    if (head < head_end) {
      const unsigned n = get_varint(head, head_end, type);
      if (n == 0) return corrupt_error(page, 0, "record header runs past its end");
      if (type == 10 || type == 11) return corrupt_error(page, 0, "reserved serial type");
      bytes = serial_type_bytes(type);
      if (bytes > static_cast<std::uint64_t>(end - body)) {
        return corrupt_error(page, 0, "value runs past the record's end");
      }
      head += n;
    }
    const KeyColumn column = i < info.columns.size() ? info.columns[i] : KeyColumn{};
    const int order = compare_stored(key[i], type, body, bytes, column.collation);
    if (order != 0) {
      const bool has_null = key[i].is_null() || type == 0;
      // Big nulls turn NULLs round once more: ascending they come last, descending first.
      const bool turned = column.big_nulls ? column.descending != has_null : column.descending;
      return turned ? -order : order;
    }
    body += bytes;
  }
  return 0;
}

}  // namespace saturn::storage
