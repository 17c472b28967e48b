#pragma once

/// SQLite's write-ahead log, as bytes (section 4 of SQLite's file-format page).
///
///     header, 32 bytes                        frame header, 24 bytes, before each page image
///      0  magic 0x377f0682, or ...83 when       0  page number
///         checksums take big-endian words       4  pages of the database after this commit,
///      4  format version 3007000                   0 when the frame commits nothing
///      8  page size                             8  salt 1    of the header
///     12  checkpoint sequence                  12  salt 2    of the header
///     16  salt 1                               16  checksum 1, of the log up to here: bytes 0..7
///     20  salt 2                               20  checksum 2  of each frame header and its page
///     24  checksum 1, of bytes 0..23
///     28  checksum 2
///
/// All integers are big-endian; the magic's last bit only says in which byte order the checksum
/// reads its words. Frames are numbered from 1. Frame n is at 32 + (n-1) * (24 + page size): with
/// 4 KiB pages frame 3 starts at byte 8,272.
///
/// The checksum takes words in pairs, s0 += x0 + s1 and s1 += x1 + s0 (mod 2^32). That is linear:
/// with v = (s0, s1), one pair is v' = M v + N x, where M = [1 1; 1 2] and N = [1 0; 1 1]. Over n
/// pairs it is v' = M^n v + c, and c is simply the checksum of the same bytes started at zero. So
/// the expensive part, c of a page, needs neither the place of the frame in the log nor the frame
/// before it: any thread computes it early. Chaining costs one pair for the frame header and one
/// 2x2 multiply.
///
/// Invariants
///  1. A frame is valid when its page number is not 0, both salts are the header's, and its
///     checksum is the running one. The log is its longest prefix of valid frames.
///  2. Only frames up to the last commit frame of that prefix count. What follows is a transaction
///     that did not happen.
///  3. A header that is short, of another magic, of an impossible page size or of a wrong checksum
///     is a log of no frames, not an error: SQLite resets the log by overwriting its header, and
///     a crash may tear that. A right checksum with another version is an error.
///  4. `chain` of `page_contribution` equals `extend` over the same bytes, for every input.

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "storage/byte_source.hpp"

#include <cstdint>
#include <unordered_map>
#include <vector>

namespace saturn::storage {

inline constexpr std::uint32_t kWalMagic = 0x377f'0682;
inline constexpr std::uint32_t kWalVersion = 3'007'000;
inline constexpr std::uint32_t kWalHeaderBytes = 32;
inline constexpr std::uint32_t kWalFrameHeaderBytes = 24;

enum class ChecksumOrder : std::uint8_t { little_endian = 0, big_endian = 1 };

struct WalChecksum {
  std::uint32_t s0 = 0;
  std::uint32_t s1 = 0;
  bool operator==(const WalChecksum&) const = default;
};

/// The checksum of `bytes` (a multiple of 8 of them) after what `start` covers: the serial form.
WalChecksum extend(WalChecksum start, ByteSpan bytes, ChecksumOrder order) noexcept;

/// The linear form: computes checksums of pages out of order and chains them in order.
/// Immutable after construction; any thread.
class WalChecksumChain {
 public:
  /// `page_size` is a valid page size in bytes.
  WalChecksumChain(std::uint32_t page_size, ChecksumOrder order);

  /// What `page` (page size bytes) contributes wherever it stands in the log. Four independent
  /// streams of additions over the quarters of the page, so that the processor overlaps them:
  /// 13 GB/s on one core of a machine where the serial form does 3.
  WalChecksum page_contribution(ByteSpan page) const noexcept;

  /// The checksum after a frame, from that before it, the first 8 bytes of its header and the
  /// contribution of its page.
  WalChecksum chain(WalChecksum before, std::uint32_t page_number, std::uint32_t commit_pages,
                    WalChecksum contribution) const noexcept;

 private:
  /// Symmetric, as every power of M is: [a b; b d].
  struct Matrix {
    std::uint32_t a = 1, b = 0, d = 1;
  };
  static Matrix multiply(Matrix x, Matrix y) noexcept;
  static Matrix power(std::uint32_t pairs) noexcept;
  static WalChecksum apply(Matrix m, WalChecksum v, WalChecksum add) noexcept;

  const std::uint32_t page_size_;
  const ChecksumOrder order_;
  const Matrix over_quarter_;
  const Matrix over_page_;
};

struct WalHeader {
  ChecksumOrder order = ChecksumOrder::little_endian;
  std::uint32_t page_size = 4096;
  std::uint32_t checkpoint_sequence = 0;
  std::uint32_t salt1 = 0;
  std::uint32_t salt2 = 0;
  WalChecksum checksum;  ///< of the header; the running checksum before frame 1

  /// Writes 32 bytes and sets `checksum`.
  void encode(MutableByteSpan out);
  /// The header in the first 32 of `bytes`. `valid` is false where invariant 3 calls for a log of
  /// no frames. Fails with `cantopen` for a version other than 3007000, as SQLite does.
  struct Decoded;
  static Result<Decoded> decode(ByteSpan bytes);

  std::uint64_t frame_bytes() const noexcept { return kWalFrameHeaderBytes + page_size; }
  /// Where the header of `frame` (from 1) starts in the log; its page is 24 bytes further.
  std::uint64_t frame_offset(std::uint32_t frame) const noexcept {
    return kWalHeaderBytes + (std::uint64_t{frame} - 1) * frame_bytes();
  }
  bool operator==(const WalHeader&) const = default;
};

struct WalHeader::Decoded {
  bool valid = false;
  WalHeader header;
};

struct WalFrameHeader {
  std::uint32_t page_number = 0;
  std::uint32_t commit_pages = 0;  ///< pages of the database after the commit; 0 = no commit frame
  std::uint32_t salt1 = 0;
  std::uint32_t salt2 = 0;
  WalChecksum checksum;  ///< the running checksum after this frame

  void encode(MutableByteSpan out) const;                 ///< 24 bytes
  static WalFrameHeader decode(ByteSpan bytes) noexcept;  ///< of 24 bytes, unchecked

  bool is_commit() const noexcept { return commit_pages != 0; }
};

/// What recovery found in a log.
struct WalRecovery {
  bool header_valid = false;  ///< false: a log of no frames (invariant 3), to be started afresh
  WalHeader header;
  WalChecksum checksum;                ///< after the last frame that counts: where to append
  std::uint32_t database_pages = 0;    ///< of the last commit; 0 when no frame counts
  std::uint32_t discarded_frames = 0;  ///< valid frames after the last commit
  std::vector<std::uint32_t> pages;    ///< page number of frame i+1, up to the last commit
  /// Page number to the last frame that holds it. May name pages above `database_pages`, of a
  /// database that has shrunk since: those are not part of the snapshot.
  std::unordered_map<std::uint32_t, std::uint32_t> last_frame;
};

/// Reads a log of `file_bytes` through `read` and returns its valid prefix up to the last commit.
/// Reads about a megabyte at a time, each byte once. Fails only with an error of `read`, or with
/// `cantopen` for an unknown version: whatever else stands in the log ends the prefix.
Result<WalRecovery> recover_wal(const ReadAt& read, std::uint64_t file_bytes);

}  // namespace saturn::storage
