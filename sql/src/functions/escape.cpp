#include "functions/escape.hpp"

#include "base/text.hpp"
#include "functions/format_real.hpp"
#include "functions/function.hpp"
#include "value/number.hpp"
#include "value/utf8.hpp"

#include <algorithm>
#include <cmath>

// quote(), unistr_quote() and unistr().

namespace saturn::sql {
namespace {

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20; }

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string quoted_real(double v) {
  RealFormat format;
  format.kind = 'g';
  format.precision = 15;
  format.exact = true;
  format.zero = true;
  std::string out = format_real(v, format);
  if (parse_real(out).value == v || std::isinf(v)) return out;
  format.kind = 'e';
  format.precision = 20;
  return format_real(v, format);
}

Result<ValueRef> fn_quote(FunctionContext& context, Arguments a) {
  return ValueRef::text(context.arena.copy(quoted(a[0])));
}

/// quote(), where control characters go through unistr().
Result<ValueRef> fn_unistr_quote(FunctionContext& context, Arguments a) {
  const std::string_view text = a[0].is_text() ? a[0].bytes() : std::string_view();
  const std::string_view shown = text.substr(0, text.find('\0'));
  if (!has_control_character(shown)) return fn_quote(context, a);
  std::string out = "unistr('";
  append_quoted(out, shown, '\'', true);
  return ValueRef::text(context.arena.copy(out + "')"));
}

/// unistr(text): \XXXX, \uXXXX, \+XXXXXX, \UXXXXXXXX and \\.
Result<ValueRef> fn_unistr(FunctionContext& context, Arguments a) {
  if (a[0].is_null()) return ValueRef();
  const std::string_view text = to_text(a[0], context.arena);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '\\') {
      out += text[at++];
      continue;
    }
    const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
    if (kind == '\\') {
      out += '\\';
      at += 2;
      continue;
    }
    const std::size_t digits = kind == 'U' ? 8 : kind == '+' ? 6 : 4;
    const std::size_t from = at + (kind == 'u' || kind == 'U' || kind == '+' ? 2 : 1);
    std::uint32_t character = 0;
    for (std::size_t i = from; i < from + digits; ++i) {
      const int digit = i < text.size() ? hex_digit(text[i]) : -1;
      if (digit < 0) return Error(Code::error, "invalid Unicode escape");
      character = character * 16 + static_cast<std::uint32_t>(digit);
    }
    // What is no character is cut to the 21 bits that four bytes hold.
    append_utf8(out, character > 0x1fffff ? (character & 0x1fffff) | 0x10000 : character);
    at = from + digits;
  }
  return ValueRef::text(context.arena.copy(out));
}

constexpr Function kFunctions[] = {
    {"quote", 1, 1, fn_quote},
    {"unistr", 1, 1, fn_unistr},
    {"unistr_quote", 1, 1, fn_unistr_quote},
};

}  // namespace

bool has_control_character(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), is_control);
}

void append_quoted(std::string& out, std::string_view text, char quote, bool escaped) {
  constexpr char kHex[] = "0123456789abcdef";
  for (const char c : text) {
    if (escaped && is_control(c)) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
      continue;
    }
    out.append(c == quote || (escaped && c == '\\') ? 2 : 1, c);
  }
}

std::string quoted(ValueRef v) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  switch (v.type()) {
    case Type::null: return "NULL";
    case Type::integer: return std::to_string(v.as_integer());
    case Type::real: return quoted_real(v.as_real());
    case Type::text:
      out += '\'';
      append_quoted(out, v.bytes().substr(0, v.bytes().find('\0')), '\'', false);
      return out += '\'';
    case Type::blob:
      out += "X'";
      for (const char c : v.bytes()) {
        out += kHex[static_cast<unsigned char>(c) >> 4];
        out += kHex[static_cast<unsigned char>(c) & 15];
      }
      return out += '\'';
  }
  return out;
}

std::span<const Function> escape_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
