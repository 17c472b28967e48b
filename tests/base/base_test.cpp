#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "base/value.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <limits>
#include <string>
#include <vector>

using namespace saturn;

TEST_CASE("varints of every length survive a round trip", "[bytes]") {
  for (unsigned shift = 0; shift < 64; ++shift) {
    for (std::uint64_t v : {(1ULL << shift) - 1, 1ULL << shift, (1ULL << shift) | 5}) {
      std::array<std::uint8_t, kVarintBytesMax> buffer{};
      const unsigned length = put_varint(buffer.data(), v);
      CHECK(length == varint_length(v));
      std::uint64_t back = 0;
      CHECK(get_varint(buffer.data(), buffer.data() + length, back) == length);
      CHECK(back == v);
      CHECK(get_varint(buffer.data(), buffer.data() + length - 1, back) == 0);
    }
  }
}

TEST_CASE("the longest varint is nine bytes of ones", "[bytes]") {
  std::array<std::uint8_t, kVarintBytesMax> buffer{};
  CHECK(put_varint(buffer.data(), std::numeric_limits<std::uint64_t>::max()) == 9);
  for (std::uint8_t byte : buffer) CHECK(byte == 0xff);
}

namespace {

Result<int> half(int v) {
  if (v % 2 != 0) return Error(Code::range, "odd");
  return v / 2;
}

Result<int> quarter(int v) { return TRY(half(TRY(half(v)))); }

Result<void> check(int v) {
  if (v < 0) return Error(Code::busy);
  return {};
}

}  // namespace

TEST_CASE("TRY hands an error to the caller and a value on", "[result]") {
  CHECK(*quarter(12) == 3);
  auto failed = quarter(6);
  REQUIRE(!failed);
  CHECK(failed.error().code() == Code::range);
  CHECK(failed.error().message() == "odd");
  CHECK(check(1).has_value());
  CHECK(check(-1).message() == "database is locked");
}

TEST_CASE("extended codes know their name and their primary code", "[error]") {
  CHECK(code_name(Code::constraint_unique) == "SQLITE_CONSTRAINT_UNIQUE");
  CHECK(primary(Code::constraint_unique) == Code::constraint);
  CHECK(static_cast<int>(Code::constraint_unique) == 2067);
  CHECK(static_cast<int>(Code::busy_snapshot) == 517);
}

TEST_CASE("a NaN is NULL", "[value]") {
  CHECK(ValueRef::real(std::numeric_limits<double>::quiet_NaN()).is_null());
  CHECK(Value(std::string("x")).ref().bytes() == "x");
  CHECK(Value(ValueRef::blob("ab")) == Value(Value::Blob{"ab"}));
}

TEST_CASE("nearest_name finds a mistyped word only within two edits", "[text]") {
  const std::vector<std::string_view> names{"listen", "data_dir", "threads"};
  CHECK(nearest_name("lisen", names) == "listen");
  CHECK(nearest_name("datadir", names) == "data_dir");
  CHECK(nearest_name("zebra", names).empty());
  CHECK(cat("page ", 7, ' ', true, ' ', 1.5) == "page 7 true 1.5");
}
