#include "journal_format.hpp"

#include "base/assert.hpp"
#include "storage/database_header.hpp"
#include "storage/freelist.hpp"

#include <optional>
#include <unordered_set>
#include <vector>

namespace saturn::storage {
namespace {

constexpr std::uint32_t kAllTheFileHolds = 0xffff'ffff;

constexpr bool is_valid_sector_size(std::uint32_t bytes) noexcept {
  return bytes >= kJournalSectorBytesMin && bytes <= kJournalSectorBytesMax &&
         (bytes & (bytes - 1)) == 0;
}

struct SegmentHeader {
  std::uint32_t records = 0;
  std::uint32_t nonce = 0;
  std::uint32_t database_pages = 0;
  std::uint32_t sector_size = 0;
  std::uint32_t page_size = 0;
};

/// One playback, a segment at a time.
class Player {
 public:
  Player(const ReadAt& read, std::uint64_t file_bytes, std::uint32_t database_page_size,
         const JournalSink& sink)
      : read_(read),
        sink_(sink),
        file_bytes_(file_bytes),
        database_page_size_(database_page_size) {}

  Result<JournalPlayback> play() {
    std::optional<SegmentHeader> header = TRY(read_header(0));
    if (!header || !accept_first(*header)) return out_;
    record_.resize(std::size_t{out_.page_size} + 8);
    std::uint64_t at = 0;
    while (header) {
      ++out_.segments;
      at += out_.sector_size;
      if (!TRY(play_records(*header, at))) break;
      // The next header is at the next whole sector.
      at = (at + out_.sector_size - 1) / out_.sector_size * out_.sector_size;
      header = TRY(read_header(at));
    }
    return out_;
  }

 private:
  /// Nothing when the bytes at `offset` are no segment header.
  Result<std::optional<SegmentHeader>> read_header(std::uint64_t offset) {
    std::uint8_t bytes[kJournalHeaderBytes];
    if (offset >= file_bytes_) return std::optional<SegmentHeader>();
    const std::size_t got = TRY(read_(offset, bytes));
    if (got < kJournalHeaderBytes || load_be64(bytes) != kJournalMagic) {
      return std::optional<SegmentHeader>();
    }
    return std::optional(SegmentHeader{load_be32(bytes + 8), load_be32(bytes + 12),
                                       load_be32(bytes + 16), load_be32(bytes + 20),
                                       load_be32(bytes + 24)});
  }

  /// Takes over the sizes of the first header (invariant 5); false when they are impossible.
  bool accept_first(const SegmentHeader& header) {
    const std::uint32_t page_size = header.page_size == 0 ? database_page_size_ : header.page_size;
    if (!is_valid_page_size(page_size) || !is_valid_sector_size(header.sector_size)) return false;
    if (header.sector_size > file_bytes_) return false;
    out_.cold = false;
    out_.page_size = page_size;
    out_.sector_size = header.sector_size;
    out_.database_pages = header.database_pages;
    return true;
  }

  /// Plays a segment's records from `at`, which moves behind them; false where playback ends.
  Result<bool> play_records(const SegmentHeader& header, std::uint64_t& at) {
    const std::uint64_t held = at < file_bytes_ ? (file_bytes_ - at) / record_.size() : 0;
    const std::uint64_t count = header.records == kAllTheFileHolds ? held : header.records;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i == held) return false;
      const std::size_t got = TRY(read_(at, record_));
      if (got < record_.size()) return false;
      at += record_.size();
      const PageNo page = load_be32(record_.data());
      if (page == 0 || page == lock_byte_page(out_.page_size)) return false;
      if (page > out_.database_pages || done_.contains(page)) continue;
      const ByteSpan image = ByteSpan(record_).subspan(4, out_.page_size);
      const std::uint32_t checksum = load_be32(record_.data() + 4 + out_.page_size);
      if (journal_checksum(header.nonce, image) != checksum) return false;
      done_.insert(page);
      TRY(sink_(page, image));
      ++out_.pages_played;
    }
    return true;
  }

  const ReadAt& read_;
  const JournalSink& sink_;
  const std::uint64_t file_bytes_;
  const std::uint32_t database_page_size_;
  JournalPlayback out_;
  std::vector<std::uint8_t> record_;
  std::unordered_set<PageNo> done_;
};

}  // namespace

std::uint32_t journal_checksum(std::uint32_t nonce, ByteSpan page) noexcept {
  ASSERT(is_valid_page_size(static_cast<std::uint32_t>(page.size())));
  std::uint32_t sum = nonce;
  for (std::size_t at = page.size() - 200; at > 0 && at < page.size(); at -= 200) sum += page[at];
  return sum;
}

Result<JournalPlayback> play_journal(const ReadAt& read, std::uint64_t file_bytes,
                                     std::uint32_t database_page_size, const JournalSink& sink) {
  return Player(read, file_bytes, database_page_size, sink).play();
}

Result<std::string> super_journal_name(const ReadAt& read, std::uint64_t file_bytes) {
  constexpr std::uint32_t kTailBytes = 16;
  if (file_bytes < kTailBytes) return std::string();
  std::uint8_t tail[kTailBytes];
  const std::size_t tail_got = TRY(read(file_bytes - kTailBytes, tail));
  if (tail_got < kTailBytes || load_be64(tail + 8) != kJournalMagic) return std::string();
  const std::uint32_t length = load_be32(tail);
  if (length == 0 || length > kSuperJournalNameBytesMax || length > file_bytes - kTailBytes) {
    return std::string();
  }
  std::string name(length, '\0');
  const MutableByteSpan bytes(reinterpret_cast<std::uint8_t*>(name.data()), length);
  const std::size_t got = TRY(read(file_bytes - kTailBytes - length, bytes));
  if (got < length) return std::string();
  // SQLite sums `char`s, which are signed on some machines and not on others: both are right.
  std::uint32_t as_unsigned = 0;
  std::uint32_t as_signed = 0;
  for (const std::uint8_t byte : bytes) {
    as_unsigned += byte;
    as_signed += static_cast<std::uint32_t>(static_cast<std::int8_t>(byte));
  }
  const std::uint32_t stored = load_be32(tail + 4);
  if (stored != as_unsigned && stored != as_signed) return std::string();
  return name;
}

}  // namespace saturn::storage
