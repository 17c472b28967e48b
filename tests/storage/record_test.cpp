#include "storage/record.hpp"
#include "memory_page_source.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <random>
#include <set>

using namespace saturn;
using namespace saturn::storage;

namespace {

ByteSpan bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

int nocase(std::string_view a, std::string_view b) noexcept {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (fold(a[i]) != fold(b[i])) return fold(a[i]) - fold(b[i]);
  }
  return static_cast<int>(a.size()) - static_cast<int>(b.size());
}

}  // namespace

TEST_CASE("record gives back every value it was encoded from") {
  const std::string long_text(20000, 'x');
  std::vector<ValueRef> values = {ValueRef::null(),          ValueRef::real(-1.5),
                                  ValueRef::text("abc"),     ValueRef::blob("\1\2"),
                                  ValueRef::text(long_text), ValueRef::text("")};
  for (int bit = 0; bit < 64; ++bit) {
    const auto v = static_cast<std::int64_t>(std::uint64_t{1} << bit);
    for (std::int64_t d = -1; d <= 1; ++d) {
      const auto shifted = static_cast<std::uint64_t>(v) + static_cast<std::uint64_t>(d);
      values.push_back(ValueRef::integer(static_cast<std::int64_t>(shifted)));
      values.push_back(ValueRef::integer(static_cast<std::int64_t>(~shifted)));
    }
  }
  std::string record;
  REQUIRE(encode_record(values, record));
  RecordReader reader;
  reader.reset(bytes_of(record));
  REQUIRE(reader.column_count().value() == values.size());
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    INFO("column " << i);
    const ValueRef got = reader.column(i).value();
    CHECK(got.type() == values[i].type());
    CHECK(compare_values(got, values[i], nullptr) == 0);
  }
  CHECK(reader.column(5000).value().is_null());
}

TEST_CASE("record of small integers has SQLite's bytes") {
  const ValueRef values[] = {ValueRef::integer(0), ValueRef::integer(1), ValueRef::integer(-128),
                             ValueRef::integer(128), ValueRef::text("a")};
  std::string record;
  REQUIRE(encode_record(values, record));
  CHECK(record == std::string("\x06\x08\x09\x01\x02\x0f\x80\x00\x80"
                              "a",
                              10));
}

TEST_CASE("record with hostile bytes is an error or a value, never a crash") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  RecordReader reader;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 24, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 4 == 0 ? random() : random() % 20);
    const std::string copy(bytes);  // exactly sized: a read past it is a sanitizer's find
    reader.reset(bytes_of(copy));
    for (std::uint32_t i = 0; i < 6; ++i) {
      const auto value = reader.column(i);
      if (!value) CHECK(value.error().code() == Code::corrupt);
    }
  }
  const std::string past_end("\x02\x0f", 2);
  reader.reset(bytes_of(past_end));
  CHECK_FALSE(reader.column(0));
  const std::string long_header("\x7f\x01", 2);
  reader.reset(bytes_of(long_header));
  CHECK_FALSE(reader.column_count());
}

TEST_CASE("values compare in SQLite's order") {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const ValueRef ordered[] = {ValueRef::null(),
                              ValueRef::real(-1e300),
                              ValueRef::integer(std::numeric_limits<std::int64_t>::min()),
                              ValueRef::integer(-1),
                              ValueRef::real(-0.5),
                              ValueRef::integer(0),
                              ValueRef::real(static_cast<double>(big - 1)),
                              ValueRef::integer(big),
                              ValueRef::real(1e300),
                              ValueRef::text(""),
                              ValueRef::text("B"),
                              ValueRef::text("a"),
                              ValueRef::text("\xff"),
                              ValueRef::blob("")};
  for (std::size_t i = 0; i < std::size(ordered); ++i) {
    for (std::size_t j = 0; j < std::size(ordered); ++j) {
      CHECK(compare_values(ordered[i], ordered[j], nullptr) == (i < j ? -1 : i > j ? 1 : 0));
    }
  }
  CHECK(compare_values(ValueRef::text("ABC"), ValueRef::text("abc"), nocase) == 0);
}

TEST_CASE("key order obeys descending and nulls flags") {
  const ValueRef one[] = {ValueRef::integer(1)};
  std::string null_record;
  const ValueRef null_value[] = {ValueRef::null()};
  REQUIRE(encode_record(null_value, null_record));
  std::string two_record;
  const ValueRef two_value[] = {ValueRef::integer(2)};
  REQUIRE(encode_record(two_value, two_record));
  const auto order = [&](const std::string& record, bool descending, bool big_nulls) {
    return compare_key(one, bytes_of(record), KeyInfo{{{nullptr, descending, big_nulls}}}).value();
  };
  CHECK(order(two_record, false, false) < 0);
  CHECK(order(two_record, true, false) > 0);
  CHECK(order(two_record, false, true) < 0);
  CHECK(order(two_record, true, true) > 0);
  CHECK(order(null_record, false, false) > 0);
  CHECK(order(null_record, true, false) < 0);
  CHECK(order(null_record, false, true) < 0);
  CHECK(order(null_record, true, true) > 0);
}

TEST_CASE("freelist gives back each freed page once") {
  MemoryPageSource source(512, 0, false);
  std::set<PageNo> pages;
  for (int i = 0; i < 500; ++i) pages.insert(source.allocate().value());
  REQUIRE(pages.size() == 500);
  for (const PageNo page : pages) REQUIRE(source.free_page(page));
  CHECK(freelist_count(source).value() == 500);
  std::set<PageNo> again;
  for (int i = 0; i < 500; ++i) again.insert(source.allocate().value());
  CHECK(again == pages);
  CHECK(freelist_take(source).value() == 0);
  CHECK_FALSE(freelist_put(source, 1));
}

TEST_CASE("growth steps over the lock byte and the pointer maps") {
  CHECK(lock_byte_page(4096) == 262145);
  CHECK(next_page_past_end(262144, 4096, 4096, false) == 262146);
  CHECK(next_page_past_end(1, 512, 512, true) == 3);
  CHECK(pointer_map_page(104, 512, 512) == 2);
  CHECK(pointer_map_page(105, 512, 512) == 105);
}

TEST_CASE("freelist with nonsense in it is corrupt") {
  MemoryPageSource source(512, 0, false);
  const PageNo page = source.allocate().value();
  (void)source.allocate().value();
  REQUIRE(source.free_page(page));
  store_be32(source.write(page).value() + 4, 1000);
  CHECK(freelist_take(source).error().code() == Code::corrupt);
}
