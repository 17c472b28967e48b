#pragma once

/// SQLite's rollback journal, read only (section 3 of SQLite's file-format page). Saturn never
/// writes one; it undoes the transaction of a process that died with one.
///
///     segment header, padded to a sector       page record, 8 bytes more than a page
///      0  magic d9d505f920a163d7                0            page number
///      8  records in this segment, or -1:       4            the page before the transaction
///         as many as the file holds             4 + page     checksum
///     12  nonce of the checksums
///     16  pages of the database before          trailer, when several files commit together
///         the transaction                       0        page number of the lock-byte page
///     20  sector size                           4        path of the super-journal, n bytes
///     24  page size (0 = the database's)        4 + n    n
///                                               8 + n    sum of the path's bytes
///                                              12 + n    magic
///
/// A journal has one segment for each time the cache was spilled to the database file; the next
/// one starts at the next multiple of the sector size. With sectors of 512 bytes and pages of
/// 1,024, a segment of 3 records ends at 512 + 3 * 1,032 = 3,608, and the next begins at 4,096.
/// The checksum of a page is the nonce plus its bytes number size-200, size-400, ... above 0.
///
/// Invariants
///  1. A journal whose first byte is 0, or that is empty, is cold: there is nothing to undo. (It
///     takes more for a journal to be hot: nobody may hold a lock on the database, and the
///     super-journal it names must exist. Those are the caller's to find out.)
///  2. Playback ends, without an error, at the first header or record that is not whole and
///     right: SQLite syncs the journal before it changes the database, so what follows such a
///     place was never relied upon.
///  3. Each page is yielded at most once, and the first image counts: it is the oldest.
///  4. Pages beyond the database's former size are not yielded; the file is cut to that size.
///  5. Page and sector size come from the first header; later ones bring count and nonce only.

#include "base/result.hpp"
#include "storage/byte_source.hpp"
#include "storage/page_source.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace saturn::storage {

inline constexpr std::uint64_t kJournalMagic = 0xd9d5'05f9'20a1'63d7;
inline constexpr std::uint32_t kJournalHeaderBytes = 28;  ///< before the padding
inline constexpr std::uint32_t kJournalSectorBytesMin = 32;
inline constexpr std::uint32_t kJournalSectorBytesMax = 65'536;
inline constexpr std::uint32_t kSuperJournalNameBytesMax = 4096;

/// Takes a page as it was before the transaction, to be written back at (page - 1) * its size.
/// The bytes are valid during the call. An error ends the playback and is passed on.
using JournalSink = std::function<Result<void>(PageNo page, ByteSpan image)>;

struct JournalPlayback {
  bool cold = true;                  ///< invariant 1, or no valid first header: nothing to undo
  std::uint32_t page_size = 0;       ///< bytes
  std::uint32_t sector_size = 0;     ///< bytes
  std::uint32_t database_pages = 0;  ///< truncate the database to this many pages
  std::uint32_t pages_played = 0;
  std::uint32_t segments = 0;
};

/// Plays a journal of `file_bytes` into `sink`. `database_page_size` stands in where the journal
/// says 0. Fails only with an error of `read` or of `sink`. May be repeated from the start after
/// a crash: the same journal gives the same images.
Result<JournalPlayback> play_journal(const ReadAt& read, std::uint64_t file_bytes,
                                     std::uint32_t database_page_size, const JournalSink& sink);

/// The path of the super-journal that the journal's trailer names; empty when there is none or
/// the trailer is damaged. If it names one that does not exist, the transaction did commit, and
/// the journal is to be deleted instead of played. Fails only with an error of `read`.
Result<std::string> super_journal_name(const ReadAt& read, std::uint64_t file_bytes);

/// The checksum of a record's page: sparse, against torn writes and not against bit rot.
std::uint32_t journal_checksum(std::uint32_t nonce, ByteSpan page) noexcept;

}  // namespace saturn::storage
