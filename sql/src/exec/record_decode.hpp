#pragma once

#include "base/result.hpp"
#include "base/text_encoding.hpp"
#include "exec/batch.hpp"
#include "storage/page_source.hpp"
#include "value/arena.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace saturn::sql {

/// A column of a record that a scan wants.
struct WantedColumn {
  std::uint32_t column = 0;  ///< its place in the record
  Slot slot = 0;             ///< where it goes
  bool real = false;         ///< REAL affinity: integers in the record are reals
  ValueRef absent;           ///< its value when the record is too short (ALTER TABLE ADD COLUMN)
};

/// Decodes the wanted columns (ascending by `column`) of a record (file format, section 2.1) into
/// `columns[slot][row]`, texts being in `encoding` there. Texts and blobs are copied to `arena`, or
/// borrow from the record when it is null, which it never is for UTF-16. `corrupt` for a record
/// that cannot be, `page` being named in the text.
Result<void> decode_columns(ByteSpan record, storage::PageNo page, TextEncoding encoding,
                            std::span<const WantedColumn> wanted, ValueRef* const* columns,
                            RowIndex row, ValueArena* arena);

}  // namespace saturn::sql
