#include "base/text_encoding.hpp"

#include <algorithm>
#include <cstring>

namespace saturn {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;

constexpr bool is_surrogate(std::uint32_t c) noexcept { return (c & 0xFFFF'F800U) == 0xD800; }
constexpr bool is_high(std::uint32_t c) noexcept { return (c & 0xFFFF'FC00U) == 0xD800; }
constexpr bool is_low(std::uint32_t c) noexcept { return (c & 0xFFFF'FC00U) == 0xDC00; }
constexpr bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// What the first byte of a sequence contributes to its code point.
constexpr std::uint32_t lead_bits(std::uint32_t lead) noexcept {
  if (lead < 0xE0) return lead & 0x1F;
  if (lead < 0xF0) return lead & 0x0F;
  if (lead < 0xF8) return lead & 0x07;
  if (lead < 0xFC) return lead & 0x03;
  return lead < 0xFE ? lead & 0x01 : 0;
}

/// The half of the first 0x10'FFFF code points that UTF-16 has two units for.
constexpr std::uint32_t high_of(std::uint32_t c) noexcept {
  return 0xD800 | (((c - 0x1'0000) >> 10) & 0x3FF);
}
constexpr std::uint32_t low_of(std::uint32_t c) noexcept { return 0xDC00 | (c & 0x3FF); }

/// Reads sequences as SQLite does: a first byte takes all continuation bytes that follow, and a
/// continuation byte without one stands for itself.
class Utf8Reader {
 public:
  explicit Utf8Reader(std::string_view text) noexcept
      : at_(text.data()), end_(text.data() + text.size()) {}
  bool more() const noexcept { return at_ < end_; }
  std::uint32_t next() noexcept {
    const char* const start = at_;
    std::uint32_t c = static_cast<unsigned char>(*at_++);
    odd_ = false;
    if (c < 0xC0) return c;
    const std::uint32_t lead = c;
    c = lead_bits(lead);
    while (at_ < end_ && is_continuation(*at_)) {
      c = (c << 6) | (static_cast<unsigned char>(*at_++) & 0x3F);
    }
    odd_ = lead == 0xE0 && c < 0x100 && at_ - start == 3;
    return c;
  }
  /// Whether the latest sequence was an image's form of a single byte.
  bool odd() const noexcept { return odd_; }

 private:
  const char* at_;
  const char* const end_;
  bool odd_ = false;
};

/// What SQLite makes of a code point that it has read from UTF-8.
constexpr std::uint32_t accepted(std::uint32_t c, bool is_sequence) noexcept {
  const bool overlong = is_sequence && c < 0x80;
  return overlong || is_surrogate(c) || (c & 0xFFFF'FFFEU) == 0xFFFE ? kReplacement : c;
}

class Utf16Reader {
 public:
  Utf16Reader(std::string_view bytes, TextEncoding encoding) noexcept
      : at_(reinterpret_cast<const unsigned char*>(bytes.data())),
        units_end_(at_ + (bytes.size() & ~std::size_t{1})),
        little_(encoding == TextEncoding::utf16le ? 0 : 1) {}
  bool more() const noexcept { return at_ < units_end_; }
  std::uint32_t peek() const noexcept {
    return at_[little_] | static_cast<std::uint32_t>(at_[1 - little_]) << 8;
  }
  std::uint32_t unit() noexcept {
    const std::uint32_t u = peek();
    at_ += 2;
    return u;
  }
  /// A code point, or a surrogate without a partner.
  std::uint32_t next() noexcept {
    const std::uint32_t u = unit();
    if (!is_high(u) || !more()) return u;
    const std::uint32_t partner = peek();
    if (!is_low(partner)) return u;
    at_ += 2;
    return 0x1'0000 + ((u & 0x3FF) << 10) + (partner & 0x3FF);
  }
  /// The same as SQLite reads it.
  std::uint32_t next_lenient() noexcept {
    const std::uint32_t u = unit();
    if (!is_surrogate(u) || !more()) return u;
    return 0x1'0000 + ((u & 0x3FF) << 10) + (unit() & 0x3FF);
  }

 private:
  const unsigned char* at_;
  const unsigned char* const units_end_;
  const int little_;  ///< where a unit's lower byte is
};

constexpr std::size_t utf8_bytes(std::uint32_t c) noexcept {
  return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x1'0000 ? 3 : 4;
}

char* put_utf8(std::uint32_t c, char* out) noexcept {
  const auto put = [&](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x1'0000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18 & 7));
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
  return out;
}

void append_utf8(std::string& out, std::uint32_t c) {
  char buffer[4];
  out.append(buffer, put_utf8(c, buffer));
}

/// One after the other the bytes of an image in UTF-16.
class Utf16Bytes {
 public:
  Utf16Bytes(std::string_view image, TextEncoding encoding) noexcept
      : reader_(image), little_(encoding == TextEncoding::utf16le) {}
  /// -1 at the end.
  int next() noexcept {
    if (at_ == count_ && !fill()) return -1;
    return buffer_[at_++];
  }

 private:
  bool fill() noexcept {
    if (!reader_.more()) return false;
    at_ = count_ = 0;
    const std::uint32_t c = reader_.next();
    if (reader_.odd()) {
      buffer_[count_++] = static_cast<unsigned char>(c);
    } else if (c < 0x1'0000) {
      put(c);
    } else {
      put(high_of(c));
      put(low_of(c));
    }
    return true;
  }
  void put(std::uint32_t unit) noexcept {
    buffer_[count_++] = static_cast<unsigned char>(little_ ? unit : unit >> 8);
    buffer_[count_++] = static_cast<unsigned char>(little_ ? unit >> 8 : unit);
  }

  Utf8Reader reader_;
  const bool little_;
  unsigned char buffer_[4] = {};
  unsigned at_ = 0;
  unsigned count_ = 0;
};

/// Whether one of the forms that only images have may be in the text.
bool has_image_forms(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const auto second = static_cast<unsigned char>(text[i + 1]);
    if (lead == 0xED && second >= 0xA0) return true;
    if (lead == 0xE0 && second < 0xA0) return true;
  }
  return false;
}

}  // namespace

std::size_t utf16_size(std::string_view image) noexcept {
  std::size_t size = 0;
  Utf8Reader reader(image);
  while (reader.more()) {
    const std::uint32_t c = reader.next();
    size += reader.odd() ? 1 : c < 0x1'0000 ? 2 : 4;
  }
  return size;
}

void write_utf16(std::string_view image, TextEncoding to, char* out) noexcept {
  Utf16Bytes bytes(image, to);
  for (int byte = bytes.next(); byte >= 0; byte = bytes.next()) *out++ = static_cast<char>(byte);
}

std::string to_utf16(std::string_view image, TextEncoding to) {
  std::string out(utf16_size(image), '\0');
  write_utf16(image, to, out.data());
  return out;
}

std::size_t image_size(std::string_view bytes, TextEncoding from) noexcept {
  std::size_t size = bytes.size() % 2 == 0 ? 0 : 3;
  Utf16Reader reader(bytes, from);
  while (reader.more()) size += utf8_bytes(reader.next());
  return size;
}

void write_image(std::string_view bytes, TextEncoding from, char* out) noexcept {
  Utf16Reader reader(bytes, from);
  while (reader.more()) out = put_utf8(reader.next(), out);
  if (bytes.size() % 2 == 0) return;
  const std::uint32_t odd = static_cast<unsigned char>(bytes.back());
  *out++ = static_cast<char>(0xE0);
  *out++ = static_cast<char>(0x80 | odd >> 6);
  *out++ = static_cast<char>(0x80 | (odd & 0x3F));
}

std::string from_utf16(std::string_view bytes, TextEncoding from) {
  std::string out(image_size(bytes, from), '\0');
  write_image(bytes, from, out.data());
  return out;
}

bool enters_unchanged(std::string_view utf8) noexcept {
  // Most texts are ASCII.
  std::size_t i = 0;
  while (i < utf8.size() && static_cast<unsigned char>(utf8[i]) < 0x80) ++i;
  Utf8Reader reader(utf8.substr(i));
  const char* at = utf8.data() + i;
  while (reader.more()) {
    const std::uint32_t lead = static_cast<unsigned char>(*at);
    const std::uint32_t c = reader.next();
    char canonical[4];
    if (c > 0x10'FFFF || accepted(c, lead >= 0xC0) != c) return false;
    const std::size_t bytes = utf8_bytes(c);
    put_utf8(c, canonical);
    const auto left = static_cast<std::size_t>(utf8.data() + utf8.size() - at);
    if (bytes > left || std::memcmp(at, canonical, bytes) != 0) return false;
    at += bytes;
  }
  return true;
}

std::string entering_text(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size());
  Utf8Reader reader(utf8);
  const char* const start = utf8.data();
  std::size_t at = 0;
  while (reader.more()) {
    const bool is_sequence = static_cast<unsigned char>(start[at]) >= 0xC0;
    std::uint32_t c = accepted(reader.next(), is_sequence);
    ++at;
    while (is_sequence && at < utf8.size() && is_continuation(start[at])) ++at;
    // Two units hold 20 bits.
    if (c >= 0x1'0000) c = 0x1'0000 + ((c - 0x1'0000) & 0xF'FFFF);
    append_utf8(out, c);
  }
  return out;
}

bool leaves_unchanged(std::string_view image) noexcept { return !has_image_forms(image); }

std::string leaving_text(std::string_view image) {
  if (leaves_unchanged(image)) return std::string(image);
  const std::string units = to_utf16(image, TextEncoding::utf16le);
  std::string out;
  Utf16Reader reader(units, TextEncoding::utf16le);
  while (reader.more()) append_utf8(out, reader.next_lenient());
  return out;
}

int compare_utf16(std::string_view a, std::string_view b, TextEncoding encoding) noexcept {
  const std::size_t common = std::min(a.size(), b.size());
  auto at = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin()).first -
      a.begin());
  if (at == a.size() && at == b.size()) return 0;
  // Both begin a sequence at `at`, or end there.
  const auto inside = [&](std::string_view text) {
    return at < text.size() && is_continuation(text[at]);
  };
  while (at > 0 && (inside(a) || inside(b))) --at;
  Utf16Bytes x(a.substr(at), encoding);
  Utf16Bytes y(b.substr(at), encoding);
  for (;;) {
    const int i = x.next();
    const int j = y.next();
    if (i != j) return i < j ? -1 : 1;
    if (i < 0) return 0;
  }
}

}  // namespace saturn
