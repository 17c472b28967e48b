// Fuzz target: a database file, its log, and SQL to run on them.
//
// The input: a byte of flags, the database's and the log's lengths in two big-endian words of 32
// bits, the database, the log, and the rest as SQL. With flag 1 the log's salts and checksums are
// made right first, since no mutation would ever get past them; with flag 2 the file is opened
// read-only.

#include "harness.hpp"
#include "wal_format.hpp"

#include "base/bytes.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace saturn;

namespace {

constexpr std::uint8_t kRepairLog = 1;
constexpr std::uint8_t kReadOnly = 2;
constexpr std::size_t kHeadBytes = 9;

/// Reads all there is and changes what there may be.
constexpr std::string_view kStatements =
    "PRAGMA integrity_check; SELECT * FROM sqlite_schema; SELECT * FROM t ORDER BY 1;"
    "SELECT * FROM t WHERE b = 'x' ORDER BY b; SELECT count(*) FROM w;"
    "INSERT INTO t SELECT a + 100, b, c FROM t; UPDATE t SET b = b || 'longer than it was';"
    "DELETE FROM t WHERE a % 3 = 0; INSERT INTO w SELECT k || 'x', n, v FROM w; ANALYZE;"
    "CREATE TABLE fresh(x UNIQUE); INSERT INTO fresh SELECT a FROM t; DROP TABLE t;"
    "PRAGMA incremental_vacuum; VACUUM; PRAGMA integrity_check;";

void repair_log(std::vector<std::uint8_t>& log) {
  using namespace storage;
  if (log.size() < kWalHeaderBytes) return;
  WalHeader header;
  header.order = (log[3] & 1) != 0 ? ChecksumOrder::big_endian : ChecksumOrder::little_endian;
  const std::uint32_t page_size = load_be32(log.data() + 8);
  header.page_size = page_size >= 512 && page_size <= 65'536 && (page_size & (page_size - 1)) == 0
                         ? page_size
                         : 512;
  header.encode(log);
  WalChecksum running = header.checksum;
  for (std::size_t at = kWalHeaderBytes; at + header.frame_bytes() <= log.size();
       at += header.frame_bytes()) {
    WalFrameHeader frame;
    frame.page_number = load_be32(log.data() + at);
    if (frame.page_number == 0) return;  // ends the log, whatever its checksum is
    frame.commit_pages = load_be32(log.data() + at + 4);
    running = extend(running, ByteSpan(log).subspan(at, 8), header.order);
    running = extend(running, ByteSpan(log).subspan(at + kWalFrameHeaderBytes, header.page_size),
                     header.order);
    frame.checksum = running;
    frame.encode(MutableByteSpan(log).subspan(at, kWalFrameHeaderBytes));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kHeadBytes) return 0;
  fuzz::quiet();
  ByteSpan rest(data + kHeadBytes, size - kHeadBytes);
  const auto take = [&](std::uint32_t bytes) {
    const ByteSpan taken = rest.first(std::min<std::size_t>(bytes, rest.size()));
    rest = rest.subspan(taken.size());
    return taken;
  };
  const ByteSpan file = take(load_be32(data + 1));
  const ByteSpan log_bytes = take(load_be32(data + 5));
  std::vector<std::uint8_t> log(log_bytes.begin(), log_bytes.end());
  if ((data[0] & kRepairLog) != 0) repair_log(log);
  const auto vfs = io::make_memory_vfs();
  io::run([&] {
    fuzz::put_file(*vfs, "fuzz", file);
    if (!log.empty()) fuzz::put_file(*vfs, "fuzz-wal", log);
    sql::DatabaseOptions options = fuzz::database_options();
    options.storage.read_only = (data[0] & kReadOnly) != 0;
    auto database = sql::Database::open(*vfs, "fuzz", options);
    if (!database) return;
    {
      sql::Session session(*database);
      fuzz::run_sql(session, {reinterpret_cast<const char*>(rest.data()), rest.size()});
      session.rollback();
      fuzz::run_sql(session, kStatements);
    }
    static_cast<void>((*database)->close());
  });
  return 0;
}
