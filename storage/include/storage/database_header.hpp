#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text_encoding.hpp"

#include <array>
#include <cstdint>

namespace saturn::storage {

using saturn::TextEncoding;

/// What the header's field says: SQLite looks at the low two bits only, and takes 0 (no schema yet)
/// for UTF-8.
constexpr TextEncoding text_encoding_of(std::uint32_t field) noexcept {
  const auto bits = static_cast<std::uint8_t>(field & 3);
  return bits == 0 ? TextEncoding::utf8 : static_cast<TextEncoding>(bits);
}

/// The first 100 bytes of page 1 (section 1.3 of SQLite's file-format page).
///
///     offset size                            offset size
///          0  16  "SQLite format 3\0"            44   4  schema format (0 = no schema yet)
///         16   2  page size (1 = 65536)          48   4  suggested cache size
///         18   1  write version (2 = WAL)        52   4  largest root page (0 = no auto-vacuum)
///         19   1  read version  (2 = WAL)        56   4  text encoding
///         20   1  reserved bytes a page          60   4  user version
///         21   3  payload fractions 64 32 32     64   4  incremental vacuum
///         24   4  change counter                 68   4  application id
///         28   4  pages in the file              72  20  reserved for expansion
///         32   4  first freelist trunk           92   4  change counter that `28` is valid for
///         36   4  freelist pages                 96   4  version of SQLite that wrote last
///         40   4  schema cookie
///
/// Invariants
///  1. Whatever `decode` returns satisfies: the page size is a power of two in 512..65536, at
///     least 480 bytes of each page are usable, the read version is 1 or 2.
///  2. `encode` of what `decode` returned gives the same 100 bytes, those reserved for expansion
///     included: a file of a later SQLite loses nothing by our writing to it.
///  3. The page count in the header counts only while change counter and version-valid-for agree
///     (`page_count`): SQLite before 3.7.0 changed files without updating it.
///
/// A plain value: any thread, no locks.
struct DatabaseHeader {
  static constexpr std::uint32_t kBytes = 100;
  static constexpr std::uint8_t kVersionRollback = 1;
  static constexpr std::uint8_t kVersionWal = 2;
  static constexpr std::uint32_t kSchemaFormatMax = 4;
  static constexpr std::uint32_t kUsableBytesMin = 480;
  /// What `sqlite_version` we write: that of the SQLite whose dialect Saturn speaks.
  static constexpr std::uint32_t kSqliteVersion = 3'050'004;

  std::uint32_t page_size = 4096;  ///< bytes
  std::uint8_t write_version = kVersionRollback;
  std::uint8_t read_version = kVersionRollback;
  std::uint8_t reserved_bytes = 0;  ///< at the end of each page, for extensions
  std::uint32_t change_counter = 0;
  std::uint32_t page_count_field = 1;  ///< as stored; ask `page_count` instead
  std::uint32_t freelist_trunk = 0;    ///< page number, 0 = empty freelist
  std::uint32_t freelist_pages = 0;
  std::uint32_t schema_cookie = 0;
  std::uint32_t schema_format = 0;
  std::int32_t default_cache_size = 0;
  std::uint32_t largest_root = 0;
  std::uint32_t text_encoding_field = 0;  ///< as stored; ask `text_encoding` instead
  std::uint32_t user_version = 0;
  std::uint32_t incremental_vacuum = 0;
  std::uint32_t application_id = 0;
  std::array<std::uint8_t, 20> expansion{};
  std::uint32_t version_valid_for = 0;
  std::uint32_t sqlite_version = 0;

  /// Decodes and validates the first bytes of a database file, as SQLite does when it takes its
  /// first lock. Fails with `notadb` ("file is not a database") for fewer than 100 bytes, a wrong
  /// magic, an impossible page size or payload fraction, or a read version from the future, and
  /// with `error` ("unsupported file format") for a schema format above 4. A file of no bytes at
  /// all is an empty database, which the caller handles before asking here.
  static Result<DatabaseHeader> decode(ByteSpan bytes);

  /// Writes all 100 bytes to the start of `page`, which has room for them.
  void encode(MutableByteSpan page) const;

  std::uint32_t usable_bytes() const noexcept { return page_size - reserved_bytes; }
  bool is_wal() const noexcept { return read_version == kVersionWal; }
  /// A write version from the future: the file may be read and not written.
  bool is_read_only() const noexcept { return write_version > kVersionWal; }
  /// Nothing was ever put into it.
  bool is_empty() const noexcept { return schema_format == 0 && schema_cookie == 0; }
  bool auto_vacuum() const noexcept { return largest_root != 0; }
  TextEncoding text_encoding() const noexcept { return text_encoding_of(text_encoding_field); }
  /// The pages of the database (invariant 3): the header's count when it may be trusted, else
  /// what the file holds, a partial last page counted. `file_bytes` is the size of the file, or
  /// of the snapshot in pages times the page size when a log overrides it. Fails with `corrupt`
  /// when the header counts more pages than the file has.
  Result<std::uint32_t> page_count(std::uint64_t file_bytes) const;

  /// To be called by a writer for each transaction that changes the file outside WAL mode, and
  /// when page 1 changes inside it: steps the change counter and vouches for the page count.
  void stamp(std::uint32_t pages) noexcept;

  bool operator==(const DatabaseHeader&) const = default;
};

/// A power of two between 512 and 65,536.
constexpr bool is_valid_page_size(std::uint32_t bytes) noexcept {
  return bytes >= 512 && bytes <= 65'536 && (bytes & (bytes - 1)) == 0;
}

}  // namespace saturn::storage
