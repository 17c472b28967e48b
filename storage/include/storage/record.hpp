#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/value.hpp"
#include "storage/page_source.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The record format (file format, section 2.1): a header of serial types, then the values' bytes.
/// Texts in records and keys are bytes in the database's encoding: whoever makes and reads them
/// converts.
namespace saturn::storage {

/// Bytes that a value of `serial_type` takes in a record's body.
constexpr std::uint64_t serial_type_bytes(std::uint64_t serial_type) noexcept {
  constexpr std::uint8_t kFixed[12] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0};
  return serial_type < 12 ? kFixed[serial_type] : (serial_type - 12) / 2;
}

/// Reads columns out of one record, decoding the header only as far as it is asked. Keeps its
/// vectors between records, so that a scan does not allocate. Borrows the record's bytes: they must
/// outlive the values that `column` returns.
class RecordReader {
 public:
  /// Starts on a new record; `page` is only for the texts of errors.
  void reset(ByteSpan record, PageNo page = 0) noexcept;
  /// The value of column `index`, or NULL when the record has fewer columns. `Code::corrupt` when
  /// the header runs past its end, a value past the record's, or a serial type is a reserved one.
  Result<ValueRef> column(std::uint32_t index);
  /// How many columns the record has; decodes the whole header.
  Result<std::uint32_t> column_count();

 private:
  struct Column {
    std::uint64_t serial_type;
    std::uint64_t offset;
  };
  Result<void> decode_through(std::uint32_t index);

  ByteSpan record_;
  std::vector<Column> columns_;
  std::uint64_t header_at_ = 0;   ///< next undecoded byte of the header
  std::uint64_t header_end_ = 0;  ///< 0 = header length not yet read
  std::uint64_t body_at_ = 0;     ///< where the next column's value starts
  PageNo page_ = 0;
};

/// Appends the record of `values` to `out`. Integers take their shortest form, 0 and 1 none
/// (schema format 4). `Code::toobig` past `limits::kLengthMax`.
Result<void> encode_record(std::span<const ValueRef> values, std::string& out);

/// Negative, 0 or positive in a collating sequence's order. A null pointer is BINARY.
using Collation = int (*)(std::string_view a, std::string_view b) noexcept;

/// How one column of an index key is ordered.
struct KeyColumn {
  Collation collation = nullptr;
  bool descending = false;
  /// NULLs come where SQLite's default does not put them: last if ascending, first if descending.
  bool big_nulls = false;
};

/// The order of an index tree's records. Columns past the end are ordered as `KeyColumn{}`.
struct KeyInfo {
  std::vector<KeyColumn> columns;
  /// The leading columns that tell entries apart; a WITHOUT ROWID table carries more after them.
  std::uint32_t key_columns = ~std::uint32_t{0};
};

/// The order of two values: NULL < numbers < texts < blobs; integers and reals exactly.
int compare_values(ValueRef a, ValueRef b, Collation collation) noexcept;

/// Compares `key`, which may be a prefix, with `record`: negative when the key comes first, 0 when
/// all columns of the key are equal. A column that the record lacks is NULL. Decodes no more of the
/// record than it takes; `page` is only for the text of `Code::corrupt`.
Result<int> compare_key(std::span<const ValueRef> key, ByteSpan record, const KeyInfo& info,
                        PageNo page = 0);

}  // namespace saturn::storage
