#include "base/limits.hpp"
#include "functions/escape.hpp"
#include "functions/format_real.hpp"
#include "functions/function.hpp"
#include "value/number.hpp"
#include "value/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <string>

// format(), SQLite's printf (https://www.sqlite.org/printf.html). Widths and precisions of texts
// count bytes, or characters with the flag '!'.

namespace saturn::sql {

namespace {

constexpr std::int64_t kFieldMax = 0x7fff'ffff;

struct Spec {
  bool left = false;
  char prefix = '\0';  ///< of what is not negative: a plus or a blank
  bool zero = false;
  bool alternate = false;  ///< '#'
  bool exact = false;      ///< '!'
  bool commas = false;
  std::int64_t width = 0;
  std::int64_t precision = -1;
};

/// Reads the arguments in order; past the last one there are only NULLs.
struct Source {
  Arguments arguments;
  std::size_t at = 0;
  ValueRef next() { return at < arguments.size() ? arguments[at++] : ValueRef(); }
};

/// A text up to its first NUL.
std::string_view c_text(ValueRef v, ValueArena& arena) {
  const std::string_view text = to_text(v, arena);
  return text.substr(0, text.find('\0'));
}

/// Reads the conversions of one format.
class SpecReader {
 public:
  SpecReader(std::string_view format, std::size_t& at, Source& source)
      : format_(format), at_(at), source_(source) {}

  /// Flags, width and precision; the place is then on the letter of the conversion.
  Spec read() {
    Spec spec;
    while (read_flag(spec)) ++at_;
    if (peek() == '*') {
      spec.width = star();
      spec.left = spec.left || spec.width < 0;
      spec.width = spec.width < -kFieldMax ? 0 : std::abs(spec.width);
      ++at_;
    } else if (peek() >= '1' && peek() <= '9') {
      spec.width = number();
    }
    if (peek() == '.') {
      ++at_;
      if (peek() == '*') {
        spec.precision = star();
        spec.precision = spec.precision < -kFieldMax ? -1 : std::abs(spec.precision);
        ++at_;
      } else {
        spec.precision = number();
      }
    }
    for (int i = 0; i < 2 && peek() == 'l'; ++i) ++at_;
    return spec;
  }

 private:
  char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }
  bool read_flag(Spec& spec) const {
    switch (peek()) {
      case '-': spec.left = true; return true;
      case '+':
      case ' ': spec.prefix = peek(); return true;
      case '0': spec.zero = true; return true;
      case '#': spec.alternate = true; return true;
      case '!': spec.exact = true; return true;
      case ',': spec.commas = true; return true;
      default: return false;
    }
  }
  /// An argument in 32 bits.
  std::int64_t star() { return static_cast<std::int32_t>(to_integer(source_.next())); }
  std::int64_t number() {
    std::uint32_t v = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      v = v * 10 + static_cast<std::uint32_t>(peek() - '0');
    }
    return v & kFieldMax;
  }

  std::string_view format_;
  std::size_t& at_;
  Source& source_;
};

std::string ordinal_suffix(std::uint64_t number) {
  constexpr std::string_view kSuffixes[] = {"th", "st", "nd", "rd"};
  const std::uint64_t last = number % 10;
  return std::string(kSuffixes[last >= 4 || number / 10 % 10 == 1 ? 0 : last]);
}

std::string integer_body(ValueRef v, char kind, const Spec& spec) {
  const std::int64_t value = to_integer(v);
  const bool is_signed = kind == 'd' || kind == 'i' || kind == 'r';
  const bool hexadecimal = kind == 'x' || kind == 'X' || kind == 'p';
  const int base = kind == 'o' ? 8 : hexadecimal ? 16 : 10;
  const bool negative = is_signed && value < 0;
  const auto bits = static_cast<std::uint64_t>(value);
  const std::uint64_t magnitude = negative ? 0 - bits : bits;
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), magnitude, base);
  std::string digits(buffer, end.ptr);
  if (kind == 'r') digits += ordinal_suffix(magnitude);
  if (kind == 'X' || kind == 'p') {
    for (char& c : digits) c = c >= 'a' ? static_cast<char>(c - 32) : c;
  }
  const char sign = negative ? '-' : is_signed ? spec.prefix : '\0';
  std::int64_t least = spec.precision;
  if (spec.zero) least = std::max(least, spec.width - (sign != '\0' ? 1 : 0));
  if (const auto size = static_cast<std::int64_t>(digits.size()); size < least) {
    digits.insert(0, static_cast<std::size_t>(least - size), '0');
  }
  if (spec.commas && (kind == 'd' || kind == 'i' || kind == 'u')) {
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  }
  if (sign != '\0') digits.insert(0, 1, sign);
  if (spec.alternate && value != 0 && base != 10) {
    digits.insert(0, base == 8 ? "0" : kind == 'X' ? "0X" : "0x");
  }
  return digits;
}

std::string real_body(ValueRef v, char kind, const Spec& spec) {
  RealFormat format;
  format.kind = kind;
  format.precision = spec.precision;
  format.width = spec.width;
  format.prefix = spec.prefix;
  format.left = spec.left;
  format.zero = spec.zero;
  format.alternate = spec.alternate;
  format.exact = spec.exact;
  format.commas = spec.commas;
  return format_real(v.is_null() ? 0.0 : to_real(v), format);
}

/// The first bytes or characters that the precision lets pass.
std::string_view first_of(std::string_view text, const Spec& spec) {
  if (spec.precision < 0) return text;
  if (!spec.exact) return text.substr(0, static_cast<std::size_t>(spec.precision));
  std::size_t at = 0;
  for (std::int64_t i = spec.precision; i > 0 && at < text.size(); --i) skip_utf8(text, at);
  return text.substr(0, at);
}

/// %q doubles quotes, %Q also puts them around, %w is %q for double quotes. With '#' control
/// characters and backslashes are escaped for unistr().
std::string quoted_body(ValueRef v, char kind, const Spec& spec, ValueArena& arena) {
  if (v.is_null()) return std::string(first_of(kind == 'Q' ? "NULL" : "(NULL)", spec));
  const std::string_view text = first_of(c_text(v, arena), spec);
  const bool escaped =
      spec.alternate && (kind == 'q' || (kind == 'Q' && has_control_character(text)));
  std::string body = kind != 'Q' ? "" : escaped ? "unistr('" : "'";
  append_quoted(body, text, kind == 'w' ? '"' : '\'', escaped);
  if (kind == 'Q') body += escaped ? "')" : "'";
  return body;
}

/// A character, as often as the precision says; NUL where there is none.
std::string character_body(ValueRef v, const Spec& spec, ValueArena& arena) {
  const std::string_view text = c_text(v, arena);
  std::size_t size = 0;
  if (!text.empty()) skip_utf8(text, size);
  const std::string one = text.empty() ? std::string(1, '\0') : std::string(text.substr(0, size));
  std::string body;
  for (std::int64_t i = std::max<std::int64_t>(spec.precision, 1); i > 0; --i) body += one;
  return body;
}

/// Appends one conversion; false when there is none of this kind.
bool append_conversion(std::string& out, char kind, Spec spec, Source& source, ValueArena& arena) {
  std::string body;
  bool is_text = false;
  switch (kind) {
    case '%': body = "%"; break;
    case 'n': return true;
    case 'd':
    case 'i':
    case 'u':
    case 'r':
    case 'x':
    case 'X':
    case 'p':
    case 'o': body = integer_body(source.next(), kind, spec); break;
    case 'f':
    case 'e':
    case 'E':
    case 'g':
    case 'G': body = real_body(source.next(), kind, spec); break;
    case 's':
    case 'z':
      body = first_of(c_text(source.next(), arena), spec);
      is_text = true;
      break;
    case 'c':
      body = character_body(source.next(), spec, arena);
      spec.exact = true;
      is_text = true;
      break;
    case 'q':
    case 'Q':
    case 'w':
      body = quoted_body(source.next(), kind, spec, arena);
      is_text = true;
      break;
    default: return false;
  }
  auto size = static_cast<std::int64_t>(body.size());
  if (is_text && spec.exact) {
    size -= std::count_if(body.begin(), body.end(),
                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; });
  }
  const auto fill = static_cast<std::size_t>(std::max<std::int64_t>(spec.width - size, 0));
  out.append(spec.left ? 0 : fill, ' ');
  out += body;
  out.append(spec.left ? fill : 0, ' ');
  return true;
}

/// Up to the first conversion that is none. NULL when not even an empty text was to be written.
Result<ValueRef> fn_format(FunctionContext& context, Arguments a) {
  if (a.empty() || a[0].is_null()) return ValueRef();
  const std::string_view format = c_text(a[0], context.arena);
  Source source{a.subspan(1)};
  std::string out;
  bool written = false;
  for (std::size_t at = 0; at < format.size(); written = true) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    if (++at >= format.size()) {
      out += '%';
      continue;
    }
    const Spec spec = SpecReader(format, at, source).read();
    if (std::max(spec.width, spec.precision) > limits::kLengthMax) return Error(Code::toobig);
    const char kind = at < format.size() ? format[at++] : '\0';
    if (!append_conversion(out, kind, spec, source, context.arena)) break;
    if (out.size() > limits::kLengthMax) return Error(Code::toobig);
  }
  return written ? ValueRef::text(context.arena.copy(out)) : ValueRef();
}

constexpr Function kFunctions[] = {
    {"format", 0, -1, fn_format},
    {"printf", 0, -1, fn_format},
};

}  // namespace

std::span<const Function> format_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
