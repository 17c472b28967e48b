#include "functions/json/text.hpp"

#include "base/text.hpp"
#include "value/utf8.hpp"

namespace saturn::sql::json {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// `digits` hexadecimal digits at `from`; negative when they are not there.
std::int64_t hex_number(std::string_view text, std::size_t from, std::size_t digits) noexcept {
  if (from + digits > text.size()) return -1;
  std::int64_t v = 0;
  for (std::size_t i = from; i < from + digits; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    v = v * 16 + digit;
  }
  return v;
}

Unescaped invalid(std::size_t size) noexcept { return {0, size, false, false}; }

/// At the end of a string it stands for a NUL, as in SQLite.
Unescaped line_break(std::string_view text, std::size_t size) noexcept {
  return {0, size, true, size < text.size()};
}

/// \uXXXX, and the second half of a pair of surrogates behind it.
Unescaped unescape_unicode(std::string_view text) noexcept {
  const std::int64_t first = hex_number(text, 2, 4);
  if (first < 0) return invalid(text.size());
  Unescaped one{static_cast<std::uint32_t>(first), 6, true, false};
  if ((first & 0xfc00) != 0xd800 || text.size() < 12 || text[6] != '\\' || text[7] != 'u') {
    return one;
  }
  const std::int64_t second = hex_number(text, 8, 4);
  if (second < 0 || (second & 0xfc00) != 0xdc00) return one;
  one.character = static_cast<std::uint32_t>(0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff));
  one.size = 12;
  return one;
}

/// The next character of a label, decoded.
std::uint32_t next_character(std::string_view text, std::size_t& at, bool plain) noexcept {
  while (at < text.size()) {
    if (plain || text[at] != '\\') return read_utf8(text, at);
    const Unescaped one = unescape_one(text.substr(at));
    at += one.size;
    if (!one.nothing) return one.valid ? one.character : 0xffff'fffe;
  }
  return 0xffff'ffff;
}

}  // namespace

Unescaped unescape_one(std::string_view text) noexcept {
  if (text.size() < 2) return invalid(1);
  const auto simple = [](std::uint32_t c) { return Unescaped{c, 2, true, false}; };
  switch (text[1]) {
    case 'u': return unescape_unicode(text);
    case 'b': return simple('\b');
    case 'f': return simple('\f');
    case 'n': return simple('\n');
    case 'r': return simple('\r');
    case 't': return simple('\t');
    case 'v': return simple('\v');
    case '0':
      if (text.size() > 2 && text[2] >= '0' && text[2] <= '9') return invalid(2);
      return simple(0);
    case '\'':
    case '"':
    case '/':
    case '\\': return simple(static_cast<unsigned char>(text[1]));
    case 'x': {
      const std::int64_t v = hex_number(text, 2, 2);
      if (v < 0) return invalid(text.size());
      return {static_cast<std::uint32_t>(v), 4, true, false};
    }
    case '\n': return line_break(text, 2);
    case '\r': return line_break(text, text.size() > 2 && text[2] == '\n' ? 3 : 2);
    case '\xe2':
      if (text.size() < 4 || text[2] != '\x80' || (text[3] != '\xa8' && text[3] != '\xa9')) {
        return invalid(2);
      }
      return line_break(text, 4);
    default: return invalid(2);
  }
}

std::string unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      out += text[at++];
      continue;
    }
    const Unescaped one = unescape_one(text.substr(at));
    at += one.size;
    if (one.valid && !one.nothing) append_utf8(out, one.character);
  }
  return out;
}

bool same_label(std::string_view a, bool a_plain, std::string_view b, bool b_plain) {
  if (a_plain && b_plain) return a == b;
  std::size_t at_a = 0;
  std::size_t at_b = 0;
  for (;;) {
    const bool end_a = at_a >= a.size();
    const std::uint32_t x = end_a ? 0xffff'ffff : next_character(a, at_a, a_plain);
    const std::uint32_t y = at_b >= b.size() ? 0xffff'ffff : next_character(b, at_b, b_plain);
    if (x != y) return false;
    if (x == 0xffff'ffff) return true;
  }
}

Error malformed() { return Error(Code::error, "malformed JSON"); }

}  // namespace saturn::sql::json
