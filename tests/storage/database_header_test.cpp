#include "storage/database_header.hpp"

#include "sqlite_judge.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

using namespace saturn;
using namespace saturn::storage;

namespace {

using Header = std::array<std::uint8_t, DatabaseHeader::kBytes>;

Header encoded(const DatabaseHeader& h) {
  Header bytes{};
  h.encode(bytes);
  return bytes;
}

void check_refused(Header bytes, Code code, const std::string& message) {
  const auto decoded = DatabaseHeader::decode(bytes);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code() == code);
  CHECK(decoded.error().message() == message);
}

}  // namespace

TEST_CASE("every field of the database header survives a round trip", "[header]") {
  DatabaseHeader h;
  h.write_version = 2;
  h.read_version = 2;
  h.reserved_bytes = 32;
  h.change_counter = 11;
  h.page_count_field = 12;
  h.freelist_trunk = 13;
  h.freelist_pages = 14;
  h.schema_cookie = 15;
  h.schema_format = 4;
  h.default_cache_size = -2000;
  h.largest_root = 16;
  h.text_encoding_field = 3;
  h.user_version = 17;
  h.incremental_vacuum = 1;
  h.application_id = 18;
  h.expansion.fill(0xa5);
  h.version_valid_for = 11;
  h.sqlite_version = DatabaseHeader::kSqliteVersion;
  for (std::uint32_t size = 512; size <= 65'536; size *= 2) {
    h.page_size = size;
    const Header bytes = encoded(h);
    const auto back = DatabaseHeader::decode(bytes);
    REQUIRE(back);
    CHECK(*back == h);
    CHECK(encoded(*back) == bytes);
  }
}

TEST_CASE("page size 65536 is stored as 1", "[header]") {
  DatabaseHeader h;
  h.page_size = 65'536;
  const Header bytes = encoded(h);
  CHECK(bytes[16] == 0);
  CHECK(bytes[17] == 1);
}

TEST_CASE("what is no database header is refused with SQLite's texts", "[header]") {
  const Header good = encoded(DatabaseHeader{});
  const std::string notadb = "file is not a database";
  for (std::size_t at : {0U, 15U, 16U, 17U, 19U, 21U, 22U, 23U}) {
    Header bytes = good;
    bytes[at] ^= 0x55;
    check_refused(bytes, Code::notadb, notadb);
  }
  Header tight = good;  // 512 - 33 = 479 usable bytes, one below the least
  tight[16] = 2;
  tight[17] = 0;
  tight[20] = 32;
  CHECK(DatabaseHeader::decode(tight));
  tight[20] = 33;
  check_refused(tight, Code::notadb, notadb);

  Header future = good;
  future[47] = 5;
  check_refused(future, Code::error, "unsupported file format");
  CHECK_FALSE(DatabaseHeader::decode(ByteSpan(good).first(99)));
}

TEST_CASE("a write version from the future makes the file read-only", "[header]") {
  Header bytes = encoded(DatabaseHeader{});
  bytes[18] = 3;
  const auto h = DatabaseHeader::decode(bytes);
  REQUIRE(h);
  CHECK(h->is_read_only());
}

TEST_CASE("the page count is trusted only while version-valid-for agrees", "[header]") {
  DatabaseHeader h;
  h.page_count_field = 3;
  h.change_counter = h.version_valid_for = 9;
  CHECK(*h.page_count(5 * 4096) == 3);
  CHECK(*h.page_count(3 * 4096) == 3);
  CHECK(h.page_count(2 * 4096).error().code() == Code::corrupt);
  h.change_counter = 10;
  CHECK(*h.page_count(5 * 4096) == 5);
  CHECK(*h.page_count(5 * 4096 + 1) == 6);
  h.stamp(7);
  CHECK(h.change_counter == 11);
  CHECK(*h.page_count(9 * 4096) == 7);
}

TEST_CASE("headers that SQLite wrote decode to what SQLite says", "[header][judge]") {
  if (!judge::available()) return;
  for (const std::string size : {"512", "4096", "65536"}) {
    for (const std::string encoding : {"UTF-8", "UTF-16le", "UTF-16be"}) {
      judge::TempDir dir;
      {
        judge::Connection c(dir.file("a.db"));
        c.run("PRAGMA page_size=" + size + "; PRAGMA encoding='" + encoding +
              "'; PRAGMA auto_vacuum=2; CREATE TABLE t(x); PRAGMA user_version=-5;"
              "PRAGMA application_id=77; PRAGMA journal_mode=WAL;");
      }
      const judge::Bytes file = judge::read_file(dir.file("a.db"));
      const auto h = DatabaseHeader::decode(file);
      REQUIRE(h);
      judge::Connection c(dir.file("a.db"));
      CHECK(std::to_string(h->page_size) == size);
      CHECK(std::to_string(*h->page_count(file.size())) == c.ask("PRAGMA page_count"));
      CHECK(std::to_string(h->schema_cookie) == c.ask("PRAGMA schema_version"));
      CHECK(std::to_string(static_cast<std::int32_t>(h->user_version)) ==
            c.ask("PRAGMA user_version"));
      CHECK(h->application_id == 77);
      CHECK(h->incremental_vacuum == 1);
      CHECK(h->auto_vacuum());
      CHECK(h->is_wal());
      CHECK(static_cast<int>(h->text_encoding()) == (encoding == "UTF-8"      ? 1
                                                     : encoding == "UTF-16le" ? 2
                                                                              : 3));
      CHECK(encoded(*h) == [&] {
        Header first{};
        std::copy_n(file.begin(), first.size(), first.begin());
        return first;
      }());
    }
  }
}
