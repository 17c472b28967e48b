#include "base/limits.hpp"
#include "functions/format_real.hpp"
#include "functions/function.hpp"
#include "value/number.hpp"
#include "value/utf8.hpp"

#include <algorithm>
#include <charconv>
#include <string>

namespace saturn::sql {

namespace {

struct Spec {
  bool left = false, plus = false, space = false, zero = false, alternate = false;
  bool commas = false, exact = false;  // ',' and '!'
  std::int64_t width = 0;
  std::int64_t precision = -1;
};

constexpr std::int64_t kFieldMax = 100'000'000;

/// Reads the arguments in order; past the last one there are only NULLs.
struct Source {
  Arguments arguments;
  std::size_t at = 0;
  ValueRef next() { return at < arguments.size() ? arguments[at++] : ValueRef(); }
};

std::int64_t read_number(std::string_view format, std::size_t& at, Source& source) {
  if (at < format.size() && format[at] == '*') {
    ++at;
    return std::clamp(to_integer(source.next()), -kFieldMax, kFieldMax);
  }
  std::int64_t v = 0;
  for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
    v = std::min(v * 10 + (format[at] - '0'), kFieldMax);
  }
  return v;
}

Spec read_spec(std::string_view format, std::size_t& at, Source& source) {
  Spec spec;
  for (; at < format.size(); ++at) {
    switch (format[at]) {
      case '-': spec.left = true; continue;
      case '+': spec.plus = true; continue;
      case ' ': spec.space = true; continue;
      case '0': spec.zero = true; continue;
      case '#': spec.alternate = true; continue;
      case ',': spec.commas = true; continue;
      case '!': spec.exact = true; continue;
      default: break;
    }
    break;
  }
  spec.width = read_number(format, at, source);
  if (spec.width < 0) {
    spec.left = true;
    spec.width = -spec.width;
  }
  if (at < format.size() && format[at] == '.') {
    ++at;
    spec.precision = read_number(format, at, source);
    spec.precision = spec.precision < 0 ? -spec.precision : spec.precision;
  }
  while (at < format.size() && format[at] == 'l') {
    ++at;
  }
  return spec;
}

void pad(std::string& out, std::string_view body, const Spec& spec) {
  const auto size = static_cast<std::int64_t>(count_utf8(body));
  const auto fill = static_cast<std::size_t>(std::max<std::int64_t>(spec.width - size, 0));
  out.append(spec.left ? 0 : fill, ' ');
  out += body;
  out.append(spec.left ? fill : 0, ' ');
}

std::string integer_body(ValueRef v, char kind, const Spec& spec) {
  const std::int64_t value = to_integer(v);
  const bool is_signed = kind == 'd' || kind == 'i';
  const bool negative = is_signed && value < 0;
  const auto bits = static_cast<std::uint64_t>(value);
  const int base = kind == 'o' ? 8 : kind == 'x' || kind == 'X' ? 16 : 10;
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), negative ? 0 - bits : bits, base);
  std::string digits(buffer, end.ptr);
  std::string prefix = negative ? "-" : is_signed && spec.plus ? "+" : "";
  if (prefix.empty() && is_signed && spec.space) {
    prefix = " ";
  }
  if (kind == 'X') {
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
  }
  if (spec.alternate && value != 0 && base != 10) {
    prefix = base == 8 ? "0" : kind == 'x' ? "0x" : "0X";
  }
  std::int64_t least = spec.precision;
  if (spec.zero && !spec.left) {
    least = std::max(least, spec.width - static_cast<std::int64_t>(prefix.size()));
  }
  if (const auto size = static_cast<std::int64_t>(digits.size()); size < least) {
    digits.insert(0, static_cast<std::size_t>(least - size), '0');
  }
  if (spec.commas && base == 10) {
    for (std::size_t i = digits.size(); i > 3; i -= 3) {
      digits.insert(i - 3, ",");
    }
  }
  return prefix + digits;
}

/// %q doubles quotes, %Q also puts them around, %w is %q for double quotes.
std::string quoted_body(ValueRef v, char kind, ValueArena& arena) {
  if (v.is_null()) {
    return kind == 'Q' ? "NULL" : "(NULL)";
  }
  const char quote = kind == 'w' ? '"' : '\'';
  std::string out(kind == 'Q' ? 1 : 0, '\'');
  for (const char c : to_text(v, arena)) {
    out.append(c == quote ? 2 : 1, c);
  }
  return out.append(kind == 'Q' ? 1 : 0, '\'');
}

std::string first_characters(std::string_view text, std::int64_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) {
    skip_utf8(text, at);
  }
  return std::string(text.substr(0, at));
}

std::string real_body(ValueRef v, char kind, const Spec& spec) {
  RealFormat format;
  format.kind = kind;
  format.precision = spec.precision;
  format.width = spec.width;
  format.plus = spec.plus;
  format.space = spec.space;
  format.zero = spec.zero && !spec.left;
  format.alternate = spec.alternate;
  format.exact = spec.exact;
  format.commas = spec.commas;
  return format_real(v.is_null() ? 0.0 : to_real(v), format);
}

/// format(), SQLite's printf.
Result<ValueRef> fn_format(FunctionContext& context, Arguments a) {
  if (a.empty() || a[0].is_null()) {
    return ValueRef();
  }
  const std::string_view format = to_text(a[0], context.arena);
  Source source{a.subspan(1)};
  std::string out;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      out += format[at++];
      continue;
    }
    if (++at >= format.size()) {
      out += '%';
      break;
    }
    const Spec spec = read_spec(format, at, source);
    const char kind = at < format.size() ? format[at++] : '\0';
    switch (kind) {
      case '%': out += '%'; break;
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': pad(out, integer_body(source.next(), kind, spec), spec); break;
      case 'f':
      case 'e':
      case 'E':
      case 'g':
      case 'G': pad(out, real_body(source.next(), kind, spec), spec); break;
      case 's':
      case 'z': {
        const std::string_view text = to_text(source.next(), context.arena);
        const std::int64_t count = spec.precision;
        pad(out, count < 0 ? std::string(text) : first_characters(text, count), spec);
        break;
      }
      case 'c': {
        // A character, as often as the precision says.
        const std::string one = first_characters(to_text(source.next(), context.arena), 1);
        std::string body;
        for (std::int64_t i = std::max<std::int64_t>(spec.precision, 1); i > 0; --i) body += one;
        pad(out, body, spec);
        break;
      }
      case 'q':
      case 'Q':
      case 'w': pad(out, quoted_body(source.next(), kind, context.arena), spec); break;
      default: return Error(Code::error, std::string("format: unsupported conversion %") + kind);
    }
    if (out.size() > limits::kLengthMax) {
      return Error(Code::toobig);
    }
  }
  return ValueRef::text(context.arena.copy(out));
}

constexpr Function kFunctions[] = {
    {"format", 0, -1, fn_format},
    {"printf", 0, -1, fn_format},
};

}  // namespace

std::span<const Function> format_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
