#include "journal_format.hpp"

#include "sqlite_judge.hpp"
#include "storage/database_header.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace saturn;
using namespace saturn::storage;
using judge::Bytes;

namespace {

constexpr std::uint32_t kPage = 512;

void put32(Bytes& out, std::uint32_t v) {
  out.resize(out.size() + 4);
  store_be32(out.data() + out.size() - 4, v);
}

/// A journal by hand, with sectors of 512 bytes.
struct Journal {
  Bytes bytes;
  std::uint32_t nonce = 0;

  Journal& segment(std::uint32_t records, std::uint32_t with_nonce, std::uint32_t pages = 10,
                   std::uint32_t page_size = kPage) {
    nonce = with_nonce;
    bytes.resize((bytes.size() + 511) / 512 * 512);
    const std::size_t end = bytes.size() + 512;
    put32(bytes, 0xd9d505f9);
    put32(bytes, 0x20a163d7);
    for (const std::uint32_t v : {records, nonce, pages, 512U, page_size}) put32(bytes, v);
    bytes.resize(end);
    return *this;
  }
  Journal& record(PageNo page, std::uint8_t fill, std::uint32_t spoil = 0) {
    put32(bytes, page);
    const Bytes image(kPage, fill);
    bytes.insert(bytes.end(), image.begin(), image.end());
    put32(bytes, journal_checksum(nonce, image) + spoil);
    return *this;
  }
};

struct Played {
  JournalPlayback result;
  std::map<PageNo, Bytes> images;
  std::vector<int> fills() const {
    std::vector<int> out;
    for (const auto& [page, image] : images) out.push_back(static_cast<int>(page) * 100 + image[0]);
    return out;
  }
};

Played play(const Bytes& journal, std::uint32_t database_page_size = kPage) {
  Played out;
  auto result = play_journal(judge::reader_of(journal), journal.size(), database_page_size,
                             [&](PageNo page, ByteSpan image) -> Result<void> {
                               CHECK(out.images.count(page) == 0);
                               out.images[page] = Bytes(image.begin(), image.end());
                               return {};
                             });
  REQUIRE(result);
  out.result = *result;
  CHECK(out.result.pages_played == out.images.size());
  return out;
}

std::string super_of(const Bytes& journal) {
  auto name = super_journal_name(judge::reader_of(journal), journal.size());
  REQUIRE(name);
  return *name;
}

}  // namespace

TEST_CASE("the journal checksum takes every 200th byte from the end", "[journal]") {
  Bytes page(1024, 0);
  page[824] = 1;
  page[624] = 2;
  page[424] = 4;
  page[224] = 8;
  page[24] = 16;
  page[1023] = page[0] = 99;
  CHECK(journal_checksum(1000, page) == 1031);
}

TEST_CASE("an empty or zeroed journal is cold", "[journal]") {
  CHECK(play({}).result.cold);
  CHECK(play(Bytes(27, 0xd9)).result.cold);
  Journal j;
  j.segment(1, 5).record(1, 1);
  CHECK_FALSE(play(j.bytes).result.cold);
  j.bytes[0] = 0;
  CHECK(play(j.bytes).result.cold);
}

TEST_CASE("the first image of a page counts, across segments", "[journal]") {
  Journal j;
  j.segment(3, 5).record(1, 1).record(2, 2).record(1, 3);
  j.segment(2, 999).record(2, 4).record(3, 5);
  const Played p = play(j.bytes);
  CHECK(p.fills() == std::vector<int>{101, 202, 305});
  CHECK(p.result.segments == 2);
  CHECK(p.result.database_pages == 10);
}

TEST_CASE("a record count of -1 means all that the file holds", "[journal]") {
  Journal j;
  j.segment(0xffff'ffff, 5).record(1, 1).record(2, 2);
  j.bytes.insert(j.bytes.end(), 100, 7);
  CHECK(play(j.bytes).fills() == std::vector<int>{101, 202});
}

TEST_CASE("records beyond the count are not played", "[journal]") {
  Journal j;
  j.segment(1, 5).record(1, 1).record(2, 2);
  CHECK(play(j.bytes).fills() == std::vector<int>{101});
  Journal none;
  none.segment(0, 5).record(1, 1);
  CHECK(play(none.bytes).fills().empty());
}

TEST_CASE("pages past the former end are skipped, not played", "[journal]") {
  Journal j;
  j.segment(3, 5, 4).record(5, 1, 1).record(4, 2).record(1, 3);
  CHECK(play(j.bytes).fills() == std::vector<int>{103, 402});
}

TEST_CASE("playback ends at a damaged record, and with it the later segments", "[journal]") {
  const auto damage = GENERATE(0, 1, 2);
  Journal j;
  j.segment(2, 5).record(1, 1);
  if (damage == 0) j.record(2, 2, 1);                     // a wrong checksum
  if (damage == 1) j.record(0, 2);                        // no page
  if (damage == 2) j.record(0x4000'0000 / kPage + 1, 2);  // the lock-byte page
  j.segment(1, 6).record(3, 3);
  CHECK(play(j.bytes).fills() == std::vector<int>{101});
}

TEST_CASE("a journal cut anywhere plays its whole records", "[journal]") {
  Journal j;
  j.segment(3, 5).record(1, 1).record(2, 2).record(3, 3);
  for (std::size_t size = 0; size < j.bytes.size(); ++size) {
    const Bytes cut(j.bytes.begin(), j.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    const Played p = play(cut);
    CHECK(p.result.cold == (size < 512));
    CHECK(p.images.size() == (size < 512 ? 0 : (size - 512) / (kPage + 8)));
  }
}

TEST_CASE("a page size of 0 is the database's", "[journal]") {
  Journal j;
  j.segment(1, 5, 10, 0).record(1, 1);
  CHECK(play(j.bytes).fills() == std::vector<int>{101});
  CHECK(play(j.bytes, 0).result.cold);
}

TEST_CASE("impossible sizes make a cold journal", "[journal]") {
  for (const std::size_t at : {20U, 24U}) {
    for (const std::uint32_t size : {1U, 513U, 131'072U, 0xffff'ffffU}) {
      Journal j;
      j.segment(1, 5).record(1, 1);
      store_be32(j.bytes.data() + at, size);
      CHECK(play(j.bytes).result.cold);
    }
  }
}

TEST_CASE("errors of the medium and of the sink end playback", "[journal]") {
  Journal j;
  j.segment(1, 5).record(1, 1);
  const auto sink_fails =
      play_journal(judge::reader_of(j.bytes), j.bytes.size(), kPage,
                   [](PageNo, ByteSpan) -> Result<void> { return Error(Code::ioerr_write); });
  REQUIRE_FALSE(sink_fails);
  CHECK(sink_fails.error().code() == Code::ioerr_write);
  const auto read_fails = play_journal(
      [](std::uint64_t, MutableByteSpan) -> Result<std::size_t> { return Error(Code::ioerr_read); },
      j.bytes.size(), kPage, [](PageNo, ByteSpan) -> Result<void> { return {}; });
  REQUIRE_FALSE(read_fails);
  CHECK(read_fails.error().code() == Code::ioerr_read);
}

TEST_CASE("the trailer names the super-journal, if it is whole", "[journal]") {
  for (const bool as_signed : {false, true}) {
    Journal j;
    j.segment(1, 5).record(1, 1);
    CHECK(super_of(j.bytes).empty());
    const std::string name = "/tmp/\xc3\xa4-mj12";
    put32(j.bytes, 0x4000'0000 / kPage + 1);
    j.bytes.insert(j.bytes.end(), name.begin(), name.end());
    put32(j.bytes, static_cast<std::uint32_t>(name.size()));
    std::uint32_t sum = 0;
    for (const char c : name) {
      sum += as_signed ? static_cast<std::uint32_t>(static_cast<signed char>(c))
                       : static_cast<unsigned char>(c);
    }
    put32(j.bytes, sum);
    put32(j.bytes, 0xd9d505f9);
    put32(j.bytes, 0x20a163d7);
    CHECK(super_of(j.bytes) == name);
    CHECK(play(j.bytes).fills() == std::vector<int>{101});
    const std::size_t tail = j.bytes.size() - 16 - name.size();
    for (std::size_t at = tail; at < j.bytes.size(); ++at) {
      Bytes damaged = j.bytes;
      damaged[at] ^= 0x20;
      CHECK(super_of(damaged).empty());
    }
  }
}

TEST_CASE("a journal that SQLite left hot undoes the transaction", "[journal][judge]") {
  if (!judge::available()) return;
  // Without syncs SQLite writes one segment of count -1; with them, one for each spill.
  const bool synced = GENERATE(true, false);
  const std::string page_size = GENERATE("512", "4096");
  judge::TempDir dir;
  Bytes before, spilled, journal;
  {
    judge::Connection c(dir.file("a.db"));
    c.run("PRAGMA page_size=" + page_size +
          "; CREATE TABLE t(id INTEGER PRIMARY KEY, x BLOB);"
          "WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) "
          "INSERT INTO t SELECT i, randomblob(200) FROM n;");
    before = judge::read_file(dir.file("a.db"));
    c.run(std::string("PRAGMA synchronous=") + (synced ? "FULL" : "OFF") +
          "; PRAGMA cache_size=10; BEGIN; UPDATE t SET x=randomblob(190);"
          "WITH n(i) AS (SELECT 3000 UNION ALL SELECT i+1 FROM n WHERE i<4000) "
          "INSERT INTO t SELECT i, randomblob(200) FROM n; UPDATE t SET x=randomblob(210);");
    spilled = judge::read_file(dir.file("a.db"));
    journal = judge::read_file(dir.file("a.db-journal"));
    c.run("ROLLBACK");
  }
  REQUIRE(spilled != before);
  const auto header = DatabaseHeader::decode(before);
  REQUIRE(header);
  const Played p = play(journal, header->page_size);
  REQUIRE_FALSE(p.result.cold);
  CHECK(p.result.page_size == header->page_size);
  CHECK((p.result.segments > 1) == synced);
  CHECK(super_of(journal).empty());

  Bytes undone = spilled;
  for (const auto& [page, image] : p.images) {
    const std::size_t at = (std::size_t{page} - 1) * p.result.page_size;
    if (undone.size() < at + image.size()) undone.resize(at + image.size());
    std::copy(image.begin(), image.end(), undone.begin() + static_cast<std::ptrdiff_t>(at));
  }
  undone.resize(std::size_t{p.result.database_pages} * p.result.page_size);
  CHECK(undone == before);

  judge::write_file(dir.file("b.db"), spilled);
  judge::write_file(dir.file("b.db-journal"), journal);
  judge::Connection c(dir.file("b.db"));
  CHECK(c.ask("PRAGMA integrity_check") == "ok");
  CHECK(judge::read_file(dir.file("b.db")) == undone);
}
