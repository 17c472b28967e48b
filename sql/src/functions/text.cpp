#include "functions/function.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "value/number.hpp"
#include "value/pattern.hpp"
#include "value/recode.hpp"
#include "value/stored_text.hpp"
#include "value/utf8.hpp"

#include <algorithm>
#include <functional>

namespace saturn::sql {

namespace {

Result<ValueRef> text_result(FunctionContext& context, std::string_view text) {
  if (text.size() > limits::kLengthMax) {
    return Error(Code::toobig);
  }
  return ValueRef::text(context.arena.copy(text));
}

Result<ValueRef> fn_char(FunctionContext& context, Arguments a) {
  std::string out;
  for (const ValueRef v : a) {
    const std::int64_t c = to_integer(v);
    append_utf8(out, c < 0 || c > 0x10ffff ? 0xfffd : static_cast<std::uint32_t>(c));
  }
  return text_result(context, out);
}

/// A separator stands only where something is before it.
std::string join(FunctionContext& context, Arguments a, std::string_view separator) {
  std::string out;
  for (const ValueRef v : a) {
    if (v.is_null()) {
      continue;
    }
    if (!out.empty()) {
      out += separator;
    }
    out += to_text(v, context.arena);
  }
  return out;
}

Result<ValueRef> fn_concat(FunctionContext& context, Arguments a) {
  return text_result(context, join(context, a, ""));
}

Result<ValueRef> fn_concat_ws(FunctionContext& context, Arguments a) {
  if (a[0].is_null()) {
    return ValueRef();
  }
  return text_result(context, join(context, a.subspan(1), to_text(a[0], context.arena)));
}

bool any_null(Arguments a) {
  return std::any_of(a.begin(), a.end(), [](ValueRef v) { return v.is_null(); });
}

/// like(pattern, text [, escape]). A blob is like nothing.
Result<ValueRef> fn_like(FunctionContext& context, Arguments a) {
  if (a[0].is_blob() || a[1].is_blob()) {
    return ValueRef::integer(0);
  }
  const std::string_view pattern = to_text(a[0], context.arena);
  if (pattern.size() > limits::kLikePatternBytesMax) {
    return Error(Code::error, "LIKE or GLOB pattern too complex");
  }
  std::uint32_t escape = kNoEscape;
  if (a.size() == 3) {
    if (a[2].is_null()) {
      return ValueRef();
    }
    const std::string_view text = to_text(a[2], context.arena);
    std::size_t at = 0;
    if (count_utf8(text) != 1) {
      return Error(Code::error, "ESCAPE expression must be a single character");
    }
    escape = read_utf8(text, at);
  }
  if (any_null(a)) {
    return ValueRef();
  }
  return ValueRef::integer(like(pattern, to_text(a[1], context.arena), escape) ? 1 : 0);
}

Result<ValueRef> fn_glob(FunctionContext& context, Arguments a) {
  if (a[0].is_blob() || a[1].is_blob()) {
    return ValueRef::integer(0);
  }
  const std::string_view pattern = to_text(a[0], context.arena);
  if (pattern.size() > limits::kLikePatternBytesMax) {
    return Error(Code::error, "LIKE or GLOB pattern too complex");
  }
  if (any_null(a)) {
    return ValueRef();
  }
  return ValueRef::integer(glob(pattern, to_text(a[1], context.arena)) ? 1 : 0);
}

Result<ValueRef> fn_hex(FunctionContext& context, Arguments a) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string_view bytes = to_text(a[0], context.arena);
  if (a[0].is_text()) bytes = stored_bytes(bytes, context.collation->encoding, context.arena);
  if (bytes.size() > limits::kLengthMax / 2) return Error(Code::toobig);
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return text_result(context, out);
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// unhex(text [, ignored]): NULL when anything but pairs of digits and ignored characters between
/// the pairs is there.
Result<ValueRef> fn_unhex(FunctionContext& context, Arguments a) {
  if (any_null(a)) {
    return ValueRef();
  }
  std::string_view text = to_text(a[0], context.arena);
  text = text.substr(0, text.find('\0'));
  const std::string_view ignored =
      a.size() == 2 ? to_text(a[1], context.arena) : std::string_view();
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const int high = hex_digit(text[at]);
    if (high >= 0) {
      const int low = at + 1 < text.size() ? hex_digit(text[at + 1]) : -1;
      if (low < 0) {
        return ValueRef();
      }
      out += static_cast<char>(high * 16 + low);
      at += 2;
      continue;
    }
    const std::size_t from = at;
    skip_utf8(text, at);
    if (ignored.find(text.substr(from, at - from)) == std::string_view::npos) {
      return ValueRef();
    }
  }
  return ValueRef::blob(context.arena.copy(out));
}

/// instr(haystack, needle): in characters, or in bytes when both are blobs; 0 = not there.
Result<ValueRef> fn_instr(FunctionContext& context, Arguments a) {
  if (any_null(a)) {
    return ValueRef();
  }
  const bool bytes = a[0].is_blob() && a[1].is_blob();
  const auto text = [&](ValueRef v) {
    const TextEncoding encoding = context.collation->encoding;
    if (bytes || !is_utf16(encoding)) return to_text(v, context.arena);
    return to_text(recoded(v, Recode::text, encoding, false, context.arena), context.arena);
  };
  const std::string_view haystack = text(a[0]);
  const std::string_view needle = text(a[1]);
  // A match in a text begins with a character, and what goes on with one before counts as no other.
  const auto goes_on = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; };
  std::size_t at = haystack.find(needle);
  while (!bytes && at != std::string_view::npos && at > 0 && at < haystack.size() &&
         goes_on(haystack[at])) {
    at = haystack.find(needle, at + 1);
  }
  // Half a unit, of which nothing is left, SQLite finds where a text ends.
  if (needle.empty() && a[1].is_blob() && !a[1].bytes().empty()) {
    at = std::min(haystack.find('\0'), haystack.size());
  }
  if (at == std::string_view::npos) {
    return ValueRef::integer(0);
  }
  if (bytes || at == 0) return ValueRef::integer(static_cast<std::int64_t>(at) + 1);
  const std::string_view passed = haystack.substr(1, at - 1);
  return ValueRef::integer(2 + std::count_if(passed.begin(), passed.end(), std::not_fn(goes_on)));
}

Result<ValueRef> fn_length(FunctionContext& context, Arguments a) {
  if (a[0].is_null()) {
    return ValueRef();
  }
  const std::string_view text = to_text(a[0], context.arena);
  return ValueRef::integer(static_cast<std::int64_t>(
      a[0].is_blob() ? text.size() : count_utf8(text.substr(0, text.find('\0')))));
}

Result<ValueRef> fn_octet_length(FunctionContext& context, Arguments a) {
  if (a[0].is_null()) {
    return ValueRef();
  }
  const std::string_view text = to_text(a[0], context.arena);
  const bool utf16 = is_utf16(context.collation->encoding) && !a[0].is_blob();
  return ValueRef::integer(static_cast<std::int64_t>(utf16 ? utf16_size(text) : text.size()));
}

Result<ValueRef> fn_lower(FunctionContext& context, Arguments a) {
  return a[0].is_null()
             ? ValueRef()
             : ValueRef::text(context.arena.copy(to_lower(to_text(a[0], context.arena))));
}

Result<ValueRef> fn_upper(FunctionContext& context, Arguments a) {
  if (a[0].is_null()) {
    return ValueRef();
  }
  std::string out(to_text(a[0], context.arena));
  for (char& c : out) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return text_result(context, out);
}

/// ltrim, rtrim and trim of the characters of the second argument, spaces when there is none.
template <bool Left, bool Right>
Result<ValueRef> fn_trim(FunctionContext& context, Arguments a) {
  if (any_null(a)) {
    return ValueRef();
  }
  std::string_view text = to_text(a[0], context.arena);
  std::string_view set = a.size() == 2 ? to_text(a[1], context.arena) : " ";
  set = set.substr(0, set.find('\0'));
  const auto trimmed = [&](bool left) {
    for (std::size_t at = 0; at < set.size();) {
      const std::size_t from = at;
      skip_utf8(set, at);
      const std::string_view c = set.substr(from, at - from);
      if (left ? text.starts_with(c) : text.ends_with(c)) {
        left ? text.remove_prefix(c.size()) : text.remove_suffix(c.size());
        return true;
      }
    }
    return false;
  };
  while (Left && trimmed(true)) {
  }
  while (Right && trimmed(false)) {
  }
  return ValueRef::text(text);
}

Result<ValueRef> fn_replace(FunctionContext& context, Arguments a) {
  if (a[0].is_null() || a[1].is_null()) {
    return ValueRef();
  }
  const std::string_view text = to_text(a[0], context.arena);
  const std::string_view pattern = to_text(a[1], context.arena);
  if (pattern.empty() || pattern[0] == '\0') {
    return ValueRef::text(text);
  }
  if (a[2].is_null()) {
    return ValueRef();
  }
  const std::string_view with = to_text(a[2], context.arena);
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = 0; (at = text.find(pattern, from)) != std::string_view::npos;) {
    out += text.substr(from, at - from);
    out += with;
    from = at + pattern.size();
    if (out.size() > limits::kLengthMax) {
      return Error(Code::toobig);
    }
  }
  out += text.substr(from);
  return text_result(context, out);
}

/// substr(x, start [, length]): start counts from 1, or from the end when negative; a negative
/// length takes what stands before the start. Characters of a text, bytes of a blob.
Result<ValueRef> fn_substr(FunctionContext& context, Arguments a) {
  if (any_null(a)) {
    return ValueRef();
  }
  const bool blob = a[0].is_blob();
  std::string_view text = to_text(a[0], context.arena);
  if (!blob) text = text.substr(0, text.find('\0'));
  if (blob && text.empty()) {
    return ValueRef();
  }
  const auto size = static_cast<std::int64_t>(blob ? text.size() : count_utf8(text));
  constexpr std::int64_t kFar = std::int64_t{1} << 40;  // past any text, far from overflow
  std::int64_t start = std::clamp(to_integer(a[1]), -kFar, kFar);
  std::int64_t length =
      a.size() == 3 ? std::clamp(to_integer(a[2]), -kFar, kFar) : std::int64_t{limits::kLengthMax};
  const bool backwards = length < 0;
  length = backwards ? -length : length;
  if (start < 0) {
    start += size;
    if (start < 0) {
      length = backwards ? length : std::max<std::int64_t>(length + start, 0);
      start = 0;
    }
  } else if (start > 0) {
    --start;
  } else if (length > 0 && !backwards) {
    --length;
  }
  if (backwards) {
    length = std::min(length, start);
    start -= length;
  }
  start = std::min(start, size);
  length = std::min(length, size - start);
  if (blob) {
    return ValueRef::blob(
        text.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(length)));
  }
  std::size_t from = 0;
  for (std::int64_t i = 0; i < start; ++i) {
    skip_utf8(text, from);
  }
  std::size_t to = from;
  for (std::int64_t i = 0; i < length; ++i) {
    skip_utf8(text, to);
  }
  return ValueRef::text(text.substr(from, to - from));
}

/// soundex(text): its first letter and what three more consonants sound like.
Result<ValueRef> fn_soundex(FunctionContext& context, Arguments a) {
  constexpr std::string_view kCodes = "01230120022455012623010202";  // of A to Z
  const auto is_letter = [](char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; };
  // Of a byte that is not ASCII the low seven bits count, as in SQLite.
  const auto code_of = [&](char c) {
    c = static_cast<char>(static_cast<unsigned char>(c) & 0x7fU);
    return is_letter(c) ? kCodes[static_cast<std::size_t>(ascii_lower(c) - 'a')] : '0';
  };
  const std::string_view text = to_text(a[0], context.arena);
  std::size_t at = 0;
  while (at < text.size() && text[at] != '\0' && !is_letter(text[at])) ++at;
  if (at == text.size() || text[at] == '\0') return ValueRef::text("?000");
  std::string out(1, static_cast<char>(text[at] & 0xdf));
  char last = code_of(text[at]);
  for (; out.size() < 4 && at < text.size() && text[at] != '\0'; ++at) {
    const char code = code_of(text[at]);
    if (code != '0' && code != last) out += code;
    last = code;
  }
  out.resize(4, '0');
  return ValueRef::text(context.arena.copy(out));
}

Result<ValueRef> fn_unicode(FunctionContext& context, Arguments a) {
  const std::string_view text = to_text(a[0], context.arena);
  std::size_t at = 0;
  return text.empty() || text[0] == '\0'
             ? ValueRef()
             : ValueRef::integer(static_cast<std::int64_t>(read_utf8(text, at)));
}

constexpr Function kFunctions[] = {
    {"char", 0, -1, fn_char},
    {"concat", 1, -1, fn_concat},
    {"concat_ws", 2, -1, fn_concat_ws},
    {"glob", 2, 2, fn_glob},
    {"hex", 1, 1, fn_hex},
    {"instr", 2, 2, fn_instr},
    {"length", 1, 1, fn_length},
    {"like", 2, 3, fn_like},
    {"lower", 1, 1, fn_lower},
    {"ltrim", 1, 2, fn_trim<true, false>},
    {"octet_length", 1, 1, fn_octet_length},
    {"replace", 3, 3, fn_replace},
    {"rtrim", 1, 2, fn_trim<false, true>},
    {"soundex", 1, 1, fn_soundex},
    {"substr", 2, 3, fn_substr},
    {"substring", 2, 3, fn_substr},
    {"trim", 1, 2, fn_trim<true, true>},
    {"unhex", 1, 2, fn_unhex},
    {"unicode", 1, 1, fn_unicode},
    {"upper", 1, 1, fn_upper},
};

}  // namespace

std::span<const Function> text_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
