#include "wal_format.hpp"

#include "sqlite_judge.hpp"
#include "storage/database_header.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace saturn;
using namespace saturn::storage;
using judge::Bytes;

namespace {

/// Appends frames to a log, each of them chained by the linear form.
class LogWriter {
 public:
  explicit LogWriter(WalHeader header)
      : header_(header), bytes_(kWalHeaderBytes), chain_(header.page_size, header.order) {
    header_.encode(bytes_);
    running_ = header_.checksum;
  }

  void append(std::uint32_t page_number, std::uint32_t commit_pages, ByteSpan page) {
    running_ = chain_.chain(running_, page_number, commit_pages, chain_.page_contribution(page));
    const WalFrameHeader frame{page_number, commit_pages, header_.salt1, header_.salt2, running_};
    const std::size_t at = bytes_.size();
    bytes_.resize(at + kWalFrameHeaderBytes);
    frame.encode(MutableByteSpan(bytes_).subspan(at));
    bytes_.insert(bytes_.end(), page.begin(), page.end());
  }

  Bytes& bytes() { return bytes_; }
  const WalHeader& header() const { return header_; }
  WalChecksum running() const { return running_; }

 private:
  WalHeader header_;
  Bytes bytes_;
  const WalChecksumChain chain_;
  WalChecksum running_;
};

WalHeader small_header(ChecksumOrder order = ChecksumOrder::little_endian) {
  WalHeader h;
  h.order = order;
  h.page_size = 512;
  h.checkpoint_sequence = 3;
  h.salt1 = 0x1234'5678;
  h.salt2 = 0x9abc'def0;
  return h;
}

Bytes filled(std::uint8_t value, std::size_t size = 512) { return Bytes(size, value); }

WalRecovery recovered(const Bytes& log) {
  auto r = recover_wal(judge::reader_of(log), log.size());
  REQUIRE(r);
  return std::move(*r);
}

/// Overlays the frames of `log` on `database` as a reader of the last commit sees it.
Bytes overlaid(Bytes database, const Bytes& log, const WalRecovery& r) {
  const std::size_t size = r.header.page_size;
  if (r.database_pages != 0) database.resize(r.database_pages * size);
  for (const auto& [page, frame] : r.last_frame) {
    if (page > r.database_pages) continue;
    const std::uint64_t from = r.header.frame_offset(frame) + kWalFrameHeaderBytes;
    std::copy_n(log.begin() + static_cast<std::ptrdiff_t>(from), size,
                database.begin() + static_cast<std::ptrdiff_t>((page - 1) * size));
  }
  return database;
}

}  // namespace

TEST_CASE("the linear checksum equals the serial one", "[wal]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (std::uint32_t size = 512; size <= 65'536; size *= 2) {
    for (const ChecksumOrder order : {ChecksumOrder::little_endian, ChecksumOrder::big_endian}) {
      const WalChecksumChain chain(size, order);
      for (int round = 0; round < 8; ++round) {
        Bytes frame(8 + size);
        for (auto& byte : frame) byte = static_cast<std::uint8_t>(random());
        const WalChecksum before{static_cast<std::uint32_t>(random()),
                                 static_cast<std::uint32_t>(random())};
        const WalChecksum contribution = chain.page_contribution(ByteSpan(frame).subspan(8));
        CHECK(contribution == extend({}, ByteSpan(frame).subspan(8), order));
        CHECK(chain.chain(before, load_be32(frame.data()), load_be32(frame.data() + 4),
                          contribution) == extend(before, frame, order));
      }
    }
  }
}

TEST_CASE("recovery yields the prefix up to the last commit", "[wal]") {
  const auto order = GENERATE(ChecksumOrder::little_endian, ChecksumOrder::big_endian);
  LogWriter log(small_header(order));
  log.append(1, 0, filled(1));
  log.append(2, 2, filled(2));
  log.append(2, 0, filled(3));
  log.append(7, 7, filled(4));
  const WalChecksum at_commit = log.running();
  log.append(1, 0, filled(5));
  const WalRecovery r = recovered(log.bytes());
  CHECK(r.header_valid);
  CHECK(r.header == log.header());
  CHECK(r.pages == std::vector<std::uint32_t>{1, 2, 2, 7});
  CHECK(r.database_pages == 7);
  CHECK(r.discarded_frames == 1);
  CHECK(r.checksum == at_commit);
  CHECK(r.last_frame == std::unordered_map<std::uint32_t, std::uint32_t>{{1, 1}, {2, 3}, {7, 4}});
}

TEST_CASE("recovery stops at any damaged byte of a frame", "[wal]") {
  LogWriter log(small_header());
  for (std::uint32_t page = 1; page <= 4; ++page) {
    log.append(page, page, filled(static_cast<std::uint8_t>(page)));
  }
  const std::size_t third = log.header().frame_offset(3);
  for (std::size_t at = 0; at < log.header().frame_bytes(); ++at) {
    Bytes damaged = log.bytes();
    damaged[third + at] ^= 0x10;
    CHECK(recovered(damaged).pages.size() == 2);
  }
}

TEST_CASE("a log cut anywhere loses only what was cut", "[wal]") {
  LogWriter log(small_header());
  for (std::uint32_t page = 1; page <= 3; ++page) log.append(page, page, filled(9));
  for (std::size_t size = 0; size <= log.bytes().size(); ++size) {
    const Bytes cut(log.bytes().begin(), log.bytes().begin() + static_cast<std::ptrdiff_t>(size));
    const WalRecovery r = recovered(cut);
    CHECK(r.header_valid == (size >= 32));
    CHECK(r.pages.size() == (size < 32 ? 0 : (size - 32) / (24 + 512)));
  }
}

TEST_CASE("frames left from before a reset do not count", "[wal]") {
  WalHeader old = small_header();
  LogWriter before(old);
  for (std::uint32_t page = 1; page <= 3; ++page) before.append(page, page, filled(1));
  WalHeader fresh = small_header();
  fresh.salt1 += 1;
  fresh.salt2 = 42;
  LogWriter after(fresh);
  after.append(5, 5, filled(2));
  Bytes file = before.bytes();
  std::copy(after.bytes().begin(), after.bytes().end(), file.begin());
  const WalRecovery r = recovered(file);
  CHECK(r.pages == std::vector<std::uint32_t>{5});
  CHECK(r.database_pages == 5);
}

TEST_CASE("a long log ends before its first frame that is damaged", "[wal]") {
  constexpr std::uint32_t kFrames = 24'000;  // 12 MiB
  LogWriter log(small_header());
  for (std::uint32_t i = 1; i <= kFrames; ++i) log.append(i, i, filled(static_cast<std::uint8_t>(i)));
  const std::size_t frame_bytes = (log.bytes().size() - kWalHeaderBytes) / kFrames;
  for (const std::uint32_t damaged : {1U, 7'000U, 7'826U, 7'827U, 16'000U, kFrames, kFrames + 1}) {
    Bytes bytes = log.bytes();
    if (damaged <= kFrames) bytes[kWalHeaderBytes + damaged * frame_bytes - 1] ^= 1;
    const WalRecovery r = recovered(bytes);
    CHECK(r.pages.size() == damaged - 1);
    CHECK(r.database_pages == damaged - 1);
  }
}

TEST_CASE("a torn log header is an empty log, a foreign version an error", "[wal]") {
  LogWriter log(small_header());
  log.append(1, 1, filled(1));
  for (std::size_t at = 0; at < kWalHeaderBytes; ++at) {
    Bytes torn = log.bytes();
    torn[at] ^= 0x40;
    const WalRecovery r = recovered(torn);
    CHECK_FALSE(r.header_valid);
    CHECK(r.pages.empty());
  }
  Bytes foreign = log.bytes();
  store_be32(foreign.data() + 4, kWalVersion + 1);
  const WalChecksum sum = extend({}, ByteSpan(foreign).first(24), ChecksumOrder::little_endian);
  store_be32(foreign.data() + 24, sum.s0);
  store_be32(foreign.data() + 28, sum.s1);
  const auto r = recover_wal(judge::reader_of(foreign), foreign.size());
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == Code::cantopen);
}

TEST_CASE("an error of the medium ends recovery", "[wal]") {
  LogWriter log(small_header());
  log.append(1, 1, filled(1));
  const ReadAt good = judge::reader_of(log.bytes());
  const ReadAt failing = [&](std::uint64_t offset, MutableByteSpan out) -> Result<std::size_t> {
    if (offset >= kWalHeaderBytes) return Error(Code::ioerr_read);
    return good(offset, out);
  };
  const auto r = recover_wal(failing, log.bytes().size());
  REQUIRE_FALSE(r);
  CHECK(r.error().code() == Code::ioerr_read);
}

TEST_CASE("a log that SQLite wrote recovers to the pages that SQLite reads", "[wal][judge]") {
  if (!judge::available()) return;
  const std::string page_size = GENERATE("512", "4096", "65536");
  judge::TempDir dir;
  Bytes database, log;
  {
    judge::Connection c(dir.file("a.db"));
    c.run("PRAGMA page_size=" + page_size +
          "; PRAGMA journal_mode=WAL;"
          "PRAGMA wal_autocheckpoint=0; CREATE TABLE t(id INTEGER PRIMARY KEY, x BLOB);");
    for (int i = 0; i < 20; ++i) {
      c.run(
          "INSERT INTO t(x) SELECT randomblob(300) FROM (SELECT 1 UNION ALL SELECT 2), "
          "(SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3);"
          "UPDATE t SET x=randomblob(200) WHERE id%7=2; DELETE FROM t WHERE id%11=3;");
    }
    database = judge::read_file(dir.file("a.db"));
    log = judge::read_file(dir.file("a.db-wal"));
  }
  const WalRecovery r = recovered(log);
  REQUIRE(r.header_valid);
  CHECK(std::to_string(r.header.page_size) == page_size);
  // No frame is left over: SQLite filled the file with whole, committed transactions.
  CHECK(r.pages.size() * r.header.frame_bytes() + kWalHeaderBytes == log.size());
  CHECK(r.discarded_frames == 0);

  judge::write_file(dir.file("b.db"), database);
  judge::write_file(dir.file("b.db-wal"), log);
  {
    judge::Connection c(dir.file("b.db"));
    CHECK(c.ask("PRAGMA page_count") == std::to_string(r.database_pages));
    c.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  CHECK(overlaid(database, log, r) == judge::read_file(dir.file("b.db")));
}

TEST_CASE("SQLite recovers a log that our encoder wrote", "[wal][judge]") {
  if (!judge::available()) return;
  const auto order = GENERATE(ChecksumOrder::little_endian, ChecksumOrder::big_endian);
  judge::TempDir dir;
  {
    judge::Connection c(dir.file("a.db"));
    c.run("PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, x BLOB);");
  }
  const Bytes empty = judge::read_file(dir.file("a.db"));
  std::string sum;
  {
    judge::Connection c(dir.file("a.db"));
    c.run(
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) "
        "INSERT INTO t SELECT i, randomblob(100) FROM n;");
    sum = c.ask("SELECT group_concat(hex(x)) FROM t");
  }
  const Bytes full = judge::read_file(dir.file("a.db"));
  REQUIRE(full.size() > empty.size());

  WalHeader header;
  header.order = order;
  header.salt1 = 7;
  header.salt2 = 8;
  LogWriter log(header);
  const auto pages = static_cast<std::uint32_t>(full.size() / 4096);
  for (std::uint32_t page = 1; page <= pages; ++page) {
    log.append(page, page == pages ? pages : 0, ByteSpan(full).subspan((page - 1) * 4096, 4096));
  }
  log.append(2, 0, filled(0xee, 4096));  // a transaction that never committed
  judge::write_file(dir.file("b.db"), empty);
  judge::write_file(dir.file("b.db-wal"), log.bytes());
  judge::Connection c(dir.file("b.db"));
  CHECK(c.ask("SELECT group_concat(hex(x)) FROM t") == sum);
  CHECK(c.ask("PRAGMA integrity_check") == "ok");
}
