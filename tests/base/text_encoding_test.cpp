#include "base/text_encoding.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace saturn;
using namespace std::string_literals;

namespace {

constexpr TextEncoding kUtf16[] = {TextEncoding::utf16le, TextEncoding::utf16be};

/// Bytes of which many are parts of surrogates.
std::string random_bytes(std::mt19937& random) {
  static constexpr unsigned char kBytes[] = {0x00, 0x01, 0x20, 0x41, 0x7f, 0x80,
                                             0xd8, 0xdb, 0xdc, 0xdf, 0xe0, 0xff};
  std::string bytes(random() % 9, '\0');
  for (char& c : bytes) c = static_cast<char>(kBytes[random() % std::size(kBytes)]);
  return bytes;
}

int sign(int v) { return v < 0 ? -1 : v > 0 ? 1 : 0; }

}  // namespace

TEST_CASE("valid text is UTF-8 in memory and UTF-16 in the database", "[text_encoding]") {
  const std::string text = "a\u00e9\u3042\U0001f600"s + "\0b"s;
  CHECK(to_utf16(text, TextEncoding::utf16le) == "a\0\xe9\0\x42\x30\x3d\xd8\0\xde\0\0b\0"s);
  CHECK(to_utf16(text, TextEncoding::utf16be) == "\0a\0\xe9\x30\x42\xd8\x3d\xde\0\0\0\0b"s);
  for (const TextEncoding encoding : kUtf16) {
    CHECK(from_utf16(to_utf16(text, encoding), encoding) == text);
    CHECK(utf16_size(text) == 14);
    CHECK(to_utf16("", encoding).empty());
    CHECK(from_utf16("", encoding).empty());
  }
  CHECK(enters_unchanged(text));
  CHECK(entering_text(text) == text);
  CHECK(leaves_unchanged(text));
  CHECK(leaving_text(text) == text);
}

TEST_CASE("any bytes come back from their image, and their order stays", "[text_encoding]") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const std::string a = random_bytes(random);
    const std::string b = random() % 4 == 0 ? a + random_bytes(random) : random_bytes(random);
    for (const TextEncoding encoding : kUtf16) {
      const std::string x = from_utf16(a, encoding);
      const std::string y = from_utf16(b, encoding);
      REQUIRE(to_utf16(x, encoding) == a);
      REQUIRE(x.size() == image_size(a, encoding));
      REQUIRE(utf16_size(x) == a.size());
      REQUIRE((x == y) == (a == b));
      REQUIRE(sign(compare_utf16(x, y, encoding)) == sign(a.compare(b)));
    }
  }
}

TEST_CASE("UTF-8 that is none enters as SQLite takes it", "[text_encoding]") {
  struct Case {
    std::string_view utf8;
    std::string_view image;
  };
  for (const auto& [utf8, image] : std::vector<Case>{
           {"a\xff", "a\ufffd"},
           {"\x80", "\u0080"},          // a continuation byte alone stands for itself
           {"\xe9", "\ufffd"},          // a first byte alone is below U+0080
           {"\xc0\x80", "\ufffd"},      // overlong
           {"\xe0\x83\xa9", "\u00e9"},  // overlong, and not below U+0080
           {"\xed\xa0\x80", "\ufffd"},  // a surrogate
           {"\xef\xbf\xbe\xef\xbf\xbf", "\ufffd\ufffd"},
           {"\xc3\xa9\xa9", "\u3a69"},          // one byte too many
           {"\xf4\x90\x80\x80", "\U00010000"},  // beyond the last plane: 20 bits are left
       }) {
    INFO(utf8);
    CHECK_FALSE(enters_unchanged(utf8));
    CHECK(entering_text(utf8) == image);
    CHECK(enters_unchanged(image));
  }
}

TEST_CASE("bad UTF-16 leaves as SQLite converts it", "[text_encoding]") {
  const auto leaving = [](std::string_view bytes) {
    return leaving_text(from_utf16(bytes, TextEncoding::utf16be));
  };
  CHECK(leaving("\xd8\x00"s) == "\xed\xa0\x80");   // nothing comes after it
  CHECK(leaving("\xd8\x00\0a"s) == "\U00010061");  // whatever comes after is its partner
  CHECK(leaving("\xdc\x00\xd8\x00"s) == "\U00010000");
  CHECK(leaving("\xd8\x00\xd8\x3d\xde\x00"s) == "\U0001003d\xed\xb8\x80");
  CHECK(leaving("\0a\0"s) == "a");  // half a unit
  CHECK(leaving("\xff\xfe"s) == "\xef\xbf\xbe");
  CHECK_FALSE(leaves_unchanged(from_utf16("\xd8\x00"s, TextEncoding::utf16be)));
  CHECK_FALSE(leaves_unchanged(from_utf16("a"s, TextEncoding::utf16be)));
}

TEST_CASE("two images side by side become one by way of their bytes", "[text_encoding]") {
  const auto joined = [](std::string_view a, std::string_view b) {
    const std::string images =
        from_utf16(a, TextEncoding::utf16be) + from_utf16(b, TextEncoding::utf16be);
    return to_utf16(images, TextEncoding::utf16be);
  };
  CHECK(joined("\xd8\x3d"s, "\xde\x00"s) == "\xd8\x3d\xde\x00"s);
  CHECK(joined("a", "\0b"s) == "a\0b"s);
}
