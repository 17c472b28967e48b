#include "parser/lexer.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace saturn::sql {
namespace {

struct Keyword {
  std::string_view word;
  Tok kind;
  KeywordClass keyword_class;
};

constexpr Keyword kKeywords[] = {
#define SATURN_X(word, kind) {#word, Tok::kw_##word, KeywordClass::kind},
    SATURN_SQL_KEYWORDS(SATURN_X)
#undef SATURN_X
};
static_assert(std::is_sorted(std::begin(kKeywords), std::end(kKeywords),
                             [](const Keyword& a, const Keyword& b) { return a.word < b.word; }));

constexpr std::size_t kKeywordLengthMax = 17;  // current_timestamp

bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_hex(unsigned char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_alpha(unsigned char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_identifier_char(unsigned char c) {
  return is_alpha(c) || is_digit(c) || c == '_' || c == '$' || c >= 0x80;
}

}  // namespace

Tok find_keyword(std::string_view word) noexcept {
  if (word.size() < 2 || word.size() > kKeywordLengthMax) return Tok::identifier;
  std::array<char, kKeywordLengthMax> folded;
  std::transform(word.begin(), word.end(), folded.begin(), ascii_lower);
  const std::string_view lower(folded.data(), word.size());
  const auto* found =
      std::lower_bound(std::begin(kKeywords), std::end(kKeywords), lower,
                       [](const Keyword& k, std::string_view w) { return k.word < w; });
  return found != std::end(kKeywords) && found->word == lower ? found->kind : Tok::identifier;
}

KeywordClass keyword_class(Tok kind) noexcept {
  if (kind < kKeywords[0].kind) return KeywordClass::reserved;
  return kKeywords[static_cast<std::size_t>(kind) - static_cast<std::size_t>(kKeywords[0].kind)]
      .keyword_class;
}

Lexer::Lexer(std::string_view text, std::uint32_t start) noexcept
    : text_(text.substr(0, text.find('\0'))), pos_(start) {}

Token Lexer::next() noexcept {
  Token token = raw();
  if (token.kind == Tok::kw_over || token.kind == Tok::kw_filter || token.kind == Tok::kw_window) {
    token.kind = contextual(token.kind);
  }
  last_ = token.kind;
  return token;
}

Token Lexer::raw() noexcept {
  while (skip_blank()) {
  }
  const std::size_t start = pos_;
  if (start >= text_.size()) {
    return {Tok::end, static_cast<std::uint32_t>(text_.size()), text_.substr(text_.size())};
  }
  std::size_t i = start;
  const Tok kind = scan(i);
  pos_ = std::min(i, text_.size());
  return {kind, static_cast<std::uint32_t>(start), text_.substr(start, pos_ - start)};
}

/// OVER and FILTER are keywords after `)` and before what can follow them; WINDOW is one before
/// `name AS`. Everywhere else they are ordinary identifiers.
Tok Lexer::contextual(Tok kind) const noexcept {
  Lexer ahead = *this;
  const auto is_name = [](Tok t) {
    return t == Tok::string || t == Tok::kw_over || t == Tok::kw_window || is_identifier_like(t) ||
           keyword_class(t) == KeywordClass::join;
  };
  const Tok following = ahead.raw().kind;
  if (kind == Tok::kw_window) {
    return is_name(following) && ahead.raw().kind == Tok::kw_as ? kind : Tok::identifier;
  }
  if (last_ != Tok::rparen) return Tok::identifier;
  if (following == Tok::lparen) return kind;
  return kind == Tok::kw_over && is_name(following) ? kind : Tok::identifier;
}

/// Skips one run of white space, a byte-order mark or one comment; false when there is none.
bool Lexer::skip_blank() noexcept {
  const std::size_t start = pos_;
  // A vertical tab goes on with white space but does not begin it, as in SQLite.
  if (at(pos_) != '\v') {
    while (pos_ < text_.size() && is_space(at(pos_))) ++pos_;
  }
  if (at(pos_) == '-' && at(pos_ + 1) == '-') {
    pos_ = std::min(text_.find('\n', pos_), text_.size());
  } else if (at(pos_) == '/' && at(pos_ + 1) == '*' && pos_ + 2 < text_.size()) {
    const std::size_t close = text_.find("*/", pos_ + 2);
    pos_ = close == std::string_view::npos ? text_.size() : close + 2;
  } else if (at(pos_) == 0xef && at(pos_ + 1) == 0xbb && at(pos_ + 2) == 0xbf) {
    pos_ += 3;
  }
  return pos_ != start;
}

/// The kind of the token at `i`, which is moved past it.
Tok Lexer::scan(std::size_t& i) noexcept {
  const unsigned char c = at(i);
  if ((c == 'x' || c == 'X') && at(i + 1) == '\'') return scan_blob(i);
  if (is_digit(c) || (c == '.' && is_digit(at(i + 1)))) return scan_number(i);
  if (c == '$' || c == '@' || c == ':' || c == '#') return scan_variable(i);
  if (is_identifier_char(c)) {
    const std::size_t start = i;
    while (is_identifier_char(at(i))) ++i;
    return find_keyword(text_.substr(start, i - start));
  }
  if (c == '\'' || c == '"' || c == '`' || c == '[') return scan_quoted(i);
  if (c == '?') {
    do ++i;
    while (is_digit(at(i)));
    return Tok::variable;
  }
  return scan_operator(i);
}

Tok Lexer::scan_operator(std::size_t& i) noexcept {
  const unsigned char c = at(i++);
  const auto follow = [&](char wanted) {
    if (at(i) != static_cast<unsigned char>(wanted)) return false;
    ++i;
    return true;
  };
  switch (c) {
    case ';': return Tok::semicolon;
    case '(': return Tok::lparen;
    case ')': return Tok::rparen;
    case ',': return Tok::comma;
    case '.': return Tok::dot;
    case '+': return Tok::plus;
    case '*': return Tok::star;
    case '/': return Tok::slash;
    case '%': return Tok::percent;
    case '&': return Tok::bit_and;
    case '~': return Tok::bit_not;
    case '|': return follow('|') ? Tok::concat : Tok::bit_or;
    case '=': follow('='); return Tok::eq;
    case '!': return follow('=') ? Tok::ne : Tok::illegal;
    case '-':
      if (!follow('>')) return Tok::minus;
      return follow('>') ? Tok::long_arrow : Tok::arrow;
    case '<':
      if (follow('=')) return Tok::le;
      if (follow('>')) return Tok::ne;
      return follow('<') ? Tok::lshift : Tok::lt;
    case '>':
      if (follow('=')) return Tok::ge;
      return follow('>') ? Tok::rshift : Tok::gt;
    default: return Tok::illegal;
  }
}

Tok Lexer::scan_quoted(std::size_t& i) noexcept {
  const unsigned char open = at(i++);
  const char close = open == '[' ? ']' : static_cast<char>(open);
  for (;;) {
    i = text_.find(close, i);
    if (i == std::string_view::npos) {
      i = text_.size();
      return Tok::illegal;
    }
    ++i;
    if (open == '[' || at(i) != open) break;
    ++i;
  }
  return open == '\'' ? Tok::string : Tok::identifier;
}

Tok Lexer::scan_number(std::size_t& i) noexcept {
  Tok kind = Tok::integer;
  bool separated = false;
  const auto digits = [&](bool (*is_kind)(unsigned char)) {
    for (; is_kind(at(i)) || at(i) == '_'; ++i) separated |= at(i) == '_';
  };
  if (at(i) == '0' && (at(i + 1) | 0x20) == 'x' && is_hex(at(i + 2))) {
    i += 2;
    digits(is_hex);
  } else {
    digits(is_digit);
    if (at(i) == '.') {
      kind = Tok::real;
      ++i;
      digits(is_digit);
    }
    const bool sign = at(i + 1) == '+' || at(i + 1) == '-';
    if ((at(i) | 0x20) == 'e' && is_digit(at(i + (sign ? 2 : 1)))) {
      kind = Tok::real;
      i += 2;
      digits(is_digit);
    }
  }
  if (separated) kind = Tok::qnumber;
  for (; is_identifier_char(at(i)); ++i) kind = Tok::illegal;
  return kind;
}

Tok Lexer::scan_blob(std::size_t& i) noexcept {
  const std::size_t start = i;
  i += 2;
  while (is_hex(at(i))) ++i;
  const bool good = at(i) == '\'' && (i - start) % 2 == 0;
  while (i < text_.size() && at(i) != '\'') ++i;
  if (i < text_.size()) ++i;
  return good ? Tok::blob : Tok::illegal;
}

/// `:name`, `@name`, `$name`, and Tcl's `$a::b(c)`.
Tok Lexer::scan_variable(std::size_t& i) noexcept {
  bool named = false;
  for (++i; i < text_.size(); ++i) {
    const unsigned char c = at(i);
    if (is_identifier_char(c)) {
      named = true;
    } else if (c == '(' && named) {
      while (i < text_.size() && at(i) != ')' && !is_space(at(i))) ++i;
      if (at(i) != ')') return Tok::illegal;
      ++i;
      break;
    } else if (c == ':' && at(i + 1) == ':') {
      ++i;
    } else {
      break;
    }
  }
  return named ? Tok::variable : Tok::illegal;
}

}  // namespace saturn::sql
