#include "base/limits.hpp"
#include "base/text.hpp"
#include "functions/json/jsonb.hpp"
#include "functions/json/text.hpp"

#include <array>

// JSON and JSON5 (https://spec.json5.org) to JSONB, in one pass. Numbers and strings are copied as
// they stand, and their kind says what about them is not standard. Beyond JSON5, SQLite takes
// Infinity and NaN in any case, "inf", and control characters in strings.

namespace saturn::sql::json {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_alphanumeric(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// What stands at a place of the text.
enum class Token : std::uint8_t { value, end_object, end_array, comma, colon, end, error };

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text.substr(0, text.find('\0'))) {}

  Parsed parse() {
    if (value(0) != Token::value) return std::move(result_);
    skip_blanks();
    if (skip_blanks5()) result_.standard = false;
    result_.valid = at_ == text_.size();
    return std::move(result_);
  }

 private:
  char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  Token fail(std::size_t at) noexcept {
    result_.error_at = at;
    return Token::error;
  }
  /// Where what follows the whole value is wrong, the last such place is reported, as by SQLite.
  Token mark(Token token) noexcept {
    result_.error_at = at_;
    return token;
  }
  Token append(Kind kind, std::size_t from, std::size_t to) {
    append_element(result_.document, kind, text_.substr(from, to - from));
    at_ = to;
    return Token::value;
  }
  Token word(Kind kind, std::size_t size) {
    append_element(result_.document, kind, "");
    at_ += size;
    return Token::value;
  }

  void skip_blanks() noexcept {
    while (is_blank(peek())) ++at_;
  }
  std::size_t blank5_size() const noexcept;
  std::size_t comment_size() const noexcept;
  /// Blanks that only JSON5 has, and the others between them; false when there were none.
  bool skip_blanks5() noexcept {
    const std::size_t before = at_;
    while (const std::size_t size = blank5_size()) at_ += size;
    return at_ != before;
  }

  Token value(std::uint32_t depth);
  Token object(std::uint32_t depth);
  Token array(std::uint32_t depth);
  Token separator(Token close);
  Token label(std::uint32_t depth);
  bool bare_label_character(bool first, std::size_t& size, bool& escaped) const noexcept;
  Token string();
  bool escape(std::size_t& at, Kind& kind) const noexcept;
  Token number();
  Token decimals(std::size_t from, bool json5);
  Token special_number(std::size_t sign);
  Token named_number();

  const std::string_view text_;
  std::size_t at_ = 0;
  Parsed result_;
};

std::size_t Parser::comment_size() const noexcept {
  if (peek(1) == '*') {
    const std::size_t end = text_.find("*/", at_ + 2);
    return end == std::string_view::npos ? 0 : end + 2 - at_;
  }
  if (peek(1) != '/') return 0;
  std::size_t end = at_ + 2;
  for (; end < text_.size(); ++end) {
    if (text_[end] == '\n' || text_[end] == '\r') return end + 1 - at_;
    const std::string_view three = text_.substr(end, 3);
    if (three == "\xe2\x80\xa8" || three == "\xe2\x80\xa9") return end + 3 - at_;
  }
  return end - at_;
}

/// The bytes of one blank or comment at the place.
std::size_t Parser::blank5_size() const noexcept {
  const char c = peek();
  if (is_blank(c) || c == '\v' || c == '\f') return 1;
  if (c == '/') return comment_size();
  const std::string_view rest = text_.substr(at_);
  if (rest.starts_with("\xc2\xa0")) return 2;
  // U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F, U+3000, U+FEFF
  constexpr std::string_view kThree[] = {"\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                         "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
                                         "\xef\xbb\xbf"};
  for (const std::string_view blank : kThree) {
    if (rest.starts_with(blank)) return 3;
  }
  if (rest.starts_with("\xe2\x80")) {
    const auto last = static_cast<unsigned char>(peek(2));
    if (last >= 0x80 && last <= 0x8a) return 3;
  }
  return 0;
}

Token Parser::value(std::uint32_t depth) {
  skip_blanks();
  switch (peek()) {
    case '{': return object(depth);
    case '[': return array(depth);
    case '"':
    case '\'': return string();
    case '}': return mark(Token::end_object);
    case ']': return mark(Token::end_array);
    case ',': return mark(Token::comma);
    case ':': return mark(Token::colon);
    case '\0': return Token::end;
    case '+':
    case '-':
    case '.': return number();
    case '\v':
    case '\f':
    case '/':
    case '\xc2':
    case '\xe1':
    case '\xe2':
    case '\xe3':
    case '\xef':
      if (!skip_blanks5()) return fail(at_);
      result_.standard = false;
      return value(depth);
    default: break;
  }
  if (is_digit(peek())) return number();
  const std::string_view rest = text_.substr(at_);
  if (rest.starts_with("true") && !is_alphanumeric(peek(4))) return word(Kind::yes, 4);
  if (rest.starts_with("false") && !is_alphanumeric(peek(5))) return word(Kind::no, 5);
  if (rest.starts_with("null") && !is_alphanumeric(peek(4))) return word(Kind::null, 4);
  return named_number();
}

/// After a value: a comma, or `close`; anything else is an error.
Token Parser::separator(Token close) {
  const auto here = [&](Token& out) {
    const char c = peek();
    out = c == ',' ? Token::comma : c == '}' ? Token::end_object : Token::end_array;
    return c == ',' || (c == '}' && close == Token::end_object) ||
           (c == ']' && close == Token::end_array);
  };
  Token found = Token::error;
  if (here(found)) return found;
  skip_blanks();
  if (here(found)) return found;
  const std::size_t before = at_;
  if (skip_blanks5() && here(found)) {
    result_.standard = false;
    return mark(found);
  }
  return fail(before);
}

Token Parser::array(std::uint32_t depth) {
  if (depth == limits::kJsonNestingMax) return fail(at_);
  const std::size_t start = begin_container(result_.document, Kind::array);
  ++at_;
  bool empty = true;
  for (;;) {
    const std::size_t before = at_;
    const Token token = value(depth + 1);
    if (token == Token::end_array) {
      if (!empty) result_.standard = false;  // a comma before the end
      break;
    }
    if (token == Token::error) return token;
    if (token != Token::value) return fail(before);
    empty = false;
    const Token next = separator(Token::end_array);
    if (next == Token::error) return next;
    if (next == Token::end_array) break;
    ++at_;
  }
  ++at_;
  end_container(result_.document, start);
  return Token::value;
}

Token Parser::object(std::uint32_t depth) {
  if (depth == limits::kJsonNestingMax) return fail(at_);
  const std::size_t start = begin_container(result_.document, Kind::object);
  ++at_;
  bool empty = true;
  for (;;) {
    const Token token = label(depth + 1);
    if (token == Token::end_object) {
      if (!empty) result_.standard = false;
      break;
    }
    if (token != Token::value) return token;
    empty = false;
    skip_blanks();
    if (peek() != ':') {
      const std::size_t before = at_;
      if (!skip_blanks5() || peek() != ':') {
        // What is wrong with a value in the colon's place is reported first.
        return value(depth + 1) == Token::error ? Token::error : fail(before);
      }
      result_.standard = false;
      mark(Token::colon);
    }
    ++at_;
    const std::size_t before = at_;
    const Token member = value(depth + 1);
    if (member == Token::error) return member;
    if (member != Token::value) return fail(before);
    const Token next = separator(Token::end_object);
    if (next == Token::error) return next;
    if (next == Token::end_object) break;
    ++at_;
  }
  ++at_;
  end_container(result_.document, start);
  return Token::value;
}

/// One character of a label without quotes; \uXXXX may stand for any.
bool Parser::bare_label_character(bool first, std::size_t& size, bool& escaped) const noexcept {
  const char c = peek();
  size = 1;
  if (c == '\\') {
    if (peek(1) != 'u') return false;
    for (std::size_t i = 2; i < 6; ++i) {
      if (!is_hex(peek(i))) return false;
    }
    escaped = true;
    return true;
  }
  if (static_cast<unsigned char>(c) >= 0x80) return first || blank5_size() == 0;
  return c == '_' || c == '$' || (is_alphanumeric(c) && (!first || !is_digit(c)));
}

/// A label, or the end of the object.
Token Parser::label(std::uint32_t depth) {
  std::size_t before = at_;
  const std::size_t place = result_.document.size();
  const Token token = value(depth);
  if (token == Token::end_object) return token;
  if (token == Token::value) {
    const auto kind = static_cast<Kind>(result_.document[place] & 0x0f);
    return is_text(kind) ? token : fail(before);
  }
  at_ = before;
  skip_blanks5();
  before = at_;
  bool escaped = false;
  std::size_t size = 0;
  if (!bare_label_character(true, size, escaped)) {
    return token == Token::error ? token : fail(before);
  }
  do {
    at_ += size;
  } while (bare_label_character(false, size, escaped));
  result_.standard = false;
  result_.document.resize(place);
  return append(escaped ? Kind::text_escaped : Kind::text, before, at_);
}

/// Checks the escape whose backslash is at `at`, and moves to its last byte.
bool Parser::escape(std::size_t& at, Kind& kind) const noexcept {
  const auto byte = [&](std::size_t i) { return at + i < text_.size() ? text_[at + i] : '\0'; };
  const auto all_hex = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if (!is_hex(byte(i))) return false;
    }
    return true;
  };
  const char c = byte(1);
  switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't': break;
    case 'u':
      if (!all_hex(2, 6)) return false;
      break;
    case '0':
      if (is_digit(byte(2))) return false;
      kind = Kind::text_escaped5;
      break;
    case 'x':
      if (!all_hex(2, 4)) return false;
      kind = Kind::text_escaped5;
      break;
    case '\r':
      kind = Kind::text_escaped5;
      at += byte(2) == '\n' ? 2 : 1;
      return true;
    case '\xe2':
      if (byte(2) != '\x80' || (byte(3) != '\xa8' && byte(3) != '\xa9')) return false;
      kind = Kind::text_escaped5;
      break;
    case '\'':
    case 'v':
    case '\n': kind = Kind::text_escaped5; break;
    default: return false;
  }
  if (kind == Kind::text) kind = Kind::text_escaped;
  ++at;
  return true;
}

Token Parser::string() {
  const char quote = peek();
  Kind kind = Kind::text;
  bool json5 = quote == '\'';
  const std::size_t from = at_ + 1;
  for (std::size_t at = from; at < text_.size(); ++at) {
    const char c = text_[at];
    if (c == quote) {
      if (json5 || kind == Kind::text_escaped5) result_.standard = false;
      append(kind, from, at);
      ++at_;
      return Token::value;
    }
    if (c == '\\') {
      const std::size_t backslash = at;
      if (!escape(at, kind)) return fail(backslash + 1);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '"') {
      kind = Kind::text_escaped5;
    }
  }
  return fail(text_.size());
}

/// +Infinity, -inf.
Token Parser::special_number(std::size_t sign) {
  const std::string_view rest = text_.substr(at_ + sign);
  if (!equals_nocase(rest.substr(0, 3), "inf")) return fail(at_);
  result_.standard = false;
  append_element(result_.document, Kind::real, peek() == '-' ? "-9e999" : "9e999");
  at_ += sign + (equals_nocase(rest.substr(3, 5), "inity") ? 8 : 3);
  return Token::value;
}

/// Infinity and NaN, which is null.
Token Parser::named_number() {
  struct Name {
    std::string_view name;
    Kind kind;
  };
  constexpr Name kNames[] = {{"inf", Kind::real},
                             {"infinity", Kind::real},
                             {"nan", Kind::null},
                             {"qnan", Kind::null},
                             {"snan", Kind::null}};
  for (const Name& name : kNames) {
    const std::size_t size = name.name.size();
    if (!equals_nocase(text_.substr(at_, size), name.name) || is_alphanumeric(peek(size))) continue;
    result_.standard = false;
    append_element(result_.document, name.kind, name.kind == Kind::real ? "9e999" : "");
    at_ += size;
    return Token::value;
  }
  return fail(at_);
}

Token Parser::number() {
  const std::size_t sign = peek() == '-' || peek() == '+' ? 1 : 0;
  const std::size_t from = peek() == '+' ? at_ + 1 : at_;  // a plus is not kept
  if (peek() == '+') result_.standard = false;
  if (peek(sign) == '.') {
    if (sign == 0 && !is_digit(peek(1))) return fail(at_);
    result_.standard = false;
    return decimals(from, true);
  }
  if (!is_digit(peek(sign))) return special_number(sign);
  if (peek(sign) == '0') {
    if (is_digit(peek(sign + 1))) return fail(at_ + 1);
    if ((peek(sign + 1) == 'x' || peek(sign + 1) == 'X') && is_hex(peek(sign + 2))) {
      std::size_t end = at_ + sign + 3;
      while (end < text_.size() && is_hex(text_[end])) ++end;
      result_.standard = false;
      return append(Kind::integer5, from, end);
    }
  }
  return decimals(from, false);
}

/// Digits with a point and an exponent; the place is on the sign, if there is one.
Token Parser::decimals(std::size_t from, bool json5) {
  const auto byte = [&](std::size_t i) { return i < text_.size() ? text_[i] : '\0'; };
  bool real = false;
  bool exponent = false;
  bool point = false;
  // A point with no digit behind it needs one before it.
  const auto bad_end = [&](std::size_t end) {
    if (is_digit(byte(end - 1))) return false;
    if (byte(end - 1) != '.' || end < at_ + 2 || !is_digit(byte(end - 2))) return true;
    json5 = true;
    result_.standard = false;
    return false;
  };
  std::size_t at = byte(at_) == '.' ? at_ : at_ + 1;
  for (;; ++at) {
    const char c = byte(at);
    if (is_digit(c)) continue;
    if (c == '.') {
      if (point || exponent) return fail(at);
      point = real = true;
    } else if (c == 'e' || c == 'E') {
      if (exponent || bad_end(at)) return fail(at);
      real = exponent = true;
      if (byte(at + 1) == '+' || byte(at + 1) == '-') ++at;
      if (!is_digit(byte(at + 1))) return fail(at);
    } else {
      break;
    }
  }
  if (bad_end(at)) return fail(at);
  const Kind kind =
      real ? (json5 ? Kind::real5 : Kind::real) : (json5 ? Kind::integer5 : Kind::integer);
  return append(kind, from, at);
}

}  // namespace

Parsed parse(std::string_view text) { return Parser(text).parse(); }

}  // namespace saturn::sql::json
