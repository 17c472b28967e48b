#include "wal_format.hpp"

#include "base/assert.hpp"
#include "base/text.hpp"
#include "storage/database_header.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace saturn::storage {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kRecoveryReadBytes = 1U << 20;

template <ChecksumOrder order>
std::uint32_t load_word(const std::uint8_t* p) noexcept {
  std::uint32_t v;
  std::memcpy(&v, p, 4);
  return order == ChecksumOrder::big_endian ? __builtin_bswap32(v) : v;
}

template <ChecksumOrder order>
WalChecksum extend_words(WalChecksum sum, const std::uint8_t* p, std::size_t bytes) noexcept {
  for (const std::uint8_t* end = p + bytes; p != end; p += 8) {
    sum.s0 += load_word<order>(p) + sum.s1;
    sum.s1 += load_word<order>(p + 4) + sum.s0;
  }
  return sum;
}

/// The checksums of the four quarters of `p`, each from zero.
template <ChecksumOrder order>
void quarter_sums(const std::uint8_t* p, std::size_t quarter_bytes,
                  WalChecksum (&out)[4]) noexcept {
  WalChecksum a, b, c, d;
  const std::size_t q = quarter_bytes;
  for (const std::uint8_t* end = p + q; p != end; p += 8) {
    a.s0 += load_word<order>(p) + a.s1;
    b.s0 += load_word<order>(p + q) + b.s1;
    c.s0 += load_word<order>(p + 2 * q) + c.s1;
    d.s0 += load_word<order>(p + 3 * q) + d.s1;
    a.s1 += load_word<order>(p + 4) + a.s0;
    b.s1 += load_word<order>(p + q + 4) + b.s0;
    c.s1 += load_word<order>(p + 2 * q + 4) + c.s0;
    d.s1 += load_word<order>(p + 3 * q + 4) + d.s0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

WalChecksum header_pair(WalChecksum sum, std::uint32_t page_number, std::uint32_t commit_pages,
                        ChecksumOrder order) noexcept {
  std::uint8_t bytes[8];
  store_be32(bytes, page_number);
  store_be32(bytes + 4, commit_pages);
  return extend(sum, bytes, order);
}

}  // namespace

WalChecksum extend(WalChecksum start, ByteSpan bytes, ChecksumOrder order) noexcept {
  ASSERT(bytes.size() % 8 == 0);
  return order == ChecksumOrder::little_endian
             ? extend_words<ChecksumOrder::little_endian>(start, bytes.data(), bytes.size())
             : extend_words<ChecksumOrder::big_endian>(start, bytes.data(), bytes.size());
}

WalChecksumChain::WalChecksumChain(std::uint32_t page_size, ChecksumOrder order)
    : page_size_(page_size),
      order_(order),
      over_quarter_(power(page_size / 32)),
      over_page_(power(page_size / 8)) {
  ASSERT(is_valid_page_size(page_size));
}

WalChecksumChain::Matrix WalChecksumChain::multiply(Matrix x, Matrix y) noexcept {
  return {x.a * y.a + x.b * y.b, x.a * y.b + x.b * y.d, x.b * y.b + x.d * y.d};
}

WalChecksumChain::Matrix WalChecksumChain::power(std::uint32_t pairs) noexcept {
  Matrix result;
  for (Matrix square{1, 1, 2}; pairs != 0; pairs >>= 1) {
    if (pairs & 1) result = multiply(result, square);
    square = multiply(square, square);
  }
  return result;
}

WalChecksum WalChecksumChain::apply(Matrix m, WalChecksum v, WalChecksum add) noexcept {
  return {m.a * v.s0 + m.b * v.s1 + add.s0, m.b * v.s0 + m.d * v.s1 + add.s1};
}

WalChecksum WalChecksumChain::page_contribution(ByteSpan page) const noexcept {
  ASSERT(page.size() == page_size_);
  WalChecksum sums[4];
  if (order_ == ChecksumOrder::little_endian) {
    quarter_sums<ChecksumOrder::little_endian>(page.data(), page_size_ / 4, sums);
  } else {
    quarter_sums<ChecksumOrder::big_endian>(page.data(), page_size_ / 4, sums);
  }
  WalChecksum sum = sums[0];
  for (int i = 1; i < 4; ++i) sum = apply(over_quarter_, sum, sums[i]);
  return sum;
}

WalChecksum WalChecksumChain::chain(WalChecksum before, std::uint32_t page_number,
                                    std::uint32_t commit_pages,
                                    WalChecksum contribution) const noexcept {
  return apply(over_page_, header_pair(before, page_number, commit_pages, order_), contribution);
}

void WalHeader::encode(MutableByteSpan out) {
  ASSERT(out.size() >= kWalHeaderBytes);
  ASSERT(is_valid_page_size(page_size));
  std::uint8_t* p = out.data();
  store_be32(p, kWalMagic | static_cast<std::uint32_t>(order));
  store_be32(p + 4, kWalVersion);
  store_be32(p + 8, page_size);
  store_be32(p + 12, checkpoint_sequence);
  store_be32(p + 16, salt1);
  store_be32(p + 20, salt2);
  checksum = extend({}, out.first(24), order);
  store_be32(p + 24, checksum.s0);
  store_be32(p + 28, checksum.s1);
}

Result<WalHeader::Decoded> WalHeader::decode(ByteSpan bytes) {
  Decoded decoded;
  if (bytes.size() < kWalHeaderBytes) return decoded;
  const std::uint8_t* p = bytes.data();
  const std::uint32_t magic = load_be32(p);
  if ((magic & ~1U) != kWalMagic) return decoded;

  WalHeader& h = decoded.header;
  h.order = static_cast<ChecksumOrder>(magic & 1);
  h.page_size = load_be32(p + 8);
  h.checkpoint_sequence = load_be32(p + 12);
  h.salt1 = load_be32(p + 16);
  h.salt2 = load_be32(p + 20);
  h.checksum = {load_be32(p + 24), load_be32(p + 28)};
  if (!is_valid_page_size(h.page_size)) return decoded;
  if (extend({}, bytes.first(24), h.order) != h.checksum) return decoded;
  if (const std::uint32_t version = load_be32(p + 4); version != kWalVersion) {
    return Error(Code::cantopen,
                 cat("unable to open database file (log format version ", version, ")"));
  }
  decoded.valid = true;
  return decoded;
}

void WalFrameHeader::encode(MutableByteSpan out) const {
  ASSERT(out.size() >= kWalFrameHeaderBytes);
  ASSERT(page_number != 0);
  std::uint8_t* p = out.data();
  store_be32(p, page_number);
  store_be32(p + 4, commit_pages);
  store_be32(p + 8, salt1);
  store_be32(p + 12, salt2);
  store_be32(p + 16, checksum.s0);
  store_be32(p + 20, checksum.s1);
}

WalFrameHeader WalFrameHeader::decode(ByteSpan bytes) noexcept {
  ASSERT(bytes.size() >= kWalFrameHeaderBytes);
  const std::uint8_t* p = bytes.data();
  return {load_be32(p),
          load_be32(p + 4),
          load_be32(p + 8),
          load_be32(p + 12),
          {load_be32(p + 16), load_be32(p + 20)}};
}

namespace {

/// Recovery, a frame at a time.
class Scanner {
 public:
  explicit Scanner(const WalHeader& header)
      : header_(header), chain_(header.page_size, header.order), running_(header.checksum) {}

  /// False when the frame in `bytes` is not valid: the log ends before it.
  bool take(ByteSpan bytes, WalRecovery& out) {
    const WalFrameHeader frame = WalFrameHeader::decode(bytes);
    if (frame.page_number == 0) return false;
    if (frame.salt1 != header_.salt1 || frame.salt2 != header_.salt2) return false;
    const WalChecksum after =
        chain_.chain(running_, frame.page_number, frame.commit_pages,
                     chain_.page_contribution(bytes.subspan(kWalFrameHeaderBytes)));
    if (after != frame.checksum) return false;
    running_ = after;
    out.pages.push_back(frame.page_number);
    if (frame.is_commit()) {
      committed_ = out.pages.size();
      out.checksum = after;
      out.database_pages = frame.commit_pages;
    }
    return true;
  }

  void finish(WalRecovery& out) const {
    out.discarded_frames = static_cast<std::uint32_t>(out.pages.size() - committed_);
    out.pages.resize(committed_);
    out.last_frame.reserve(std::min<std::size_t>(committed_, out.database_pages));
    for (std::size_t i = 0; i < committed_; ++i) {
      out.last_frame[out.pages[i]] = static_cast<std::uint32_t>(i + 1);
    }
  }

 private:
  const WalHeader& header_;
  const WalChecksumChain chain_;
  WalChecksum running_;
  std::size_t committed_ = 0;
};

}  // namespace

Result<WalRecovery> recover_wal(const ReadAt& read, std::uint64_t file_bytes) {
  WalRecovery out;
  if (file_bytes < kWalHeaderBytes) return out;
  std::uint8_t header_bytes[kWalHeaderBytes];
  const std::size_t got = TRY(read(0, header_bytes));
  const WalHeader::Decoded decoded = TRY(WalHeader::decode(ByteSpan(header_bytes).first(got)));
  if (!decoded.valid) return out;
  out.header_valid = true;
  out.header = decoded.header;
  out.checksum = out.header.checksum;

  const std::uint64_t frame_bytes = out.header.frame_bytes();
  // Frame numbers are 32 bits; a file longer than that (16 TiB of 4 KiB pages) ends there for us.
  const std::uint64_t frames =
      std::min<std::uint64_t>((file_bytes - kWalHeaderBytes) / frame_bytes, 0xffff'ffff);
  const std::uint64_t at_once = std::max<std::uint64_t>(1, kRecoveryReadBytes / frame_bytes);
  std::vector<std::uint8_t> buffer(std::min(frames, at_once) * frame_bytes);
  Scanner scanner(out.header);
  bool valid = true;
  for (std::uint64_t frame = 1; valid && frame <= frames;) {
    const std::uint64_t count = std::min(at_once, frames - frame + 1);
    const auto wanted = MutableByteSpan(buffer).first(count * frame_bytes);
    const std::size_t bytes =
        TRY(read(out.header.frame_offset(static_cast<std::uint32_t>(frame)), wanted));
    const std::uint64_t whole = bytes / frame_bytes;
    for (std::uint64_t i = 0; valid && i < whole; ++i) {
      valid = scanner.take(wanted.subspan(i * frame_bytes, frame_bytes), out);
    }
    if (whole < count) break;
    frame += count;
  }
  scanner.finish(out);
  return out;
}

}  // namespace saturn::storage
