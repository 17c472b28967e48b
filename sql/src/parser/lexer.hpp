#pragma once

#include "parser/keywords.hpp"

#include <cstdint>
#include <string_view>

namespace saturn::sql {

/// Token kinds of SQLite's lexical grammar. Keywords are `kw_` and their lower-case spelling.
enum class Tok : std::uint8_t {
  end,      ///< end of the text
  poison,   ///< the parser has failed; matches nothing
  illegal,  ///< "unrecognized token"
  identifier,
  string,
  integer,
  real,
  qnumber,  ///< a number with digit separators
  blob,
  variable,
  semicolon,
  lparen,
  rparen,
  comma,
  dot,
  plus,
  minus,
  star,
  slash,
  percent,
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
  lshift,
  rshift,
  bit_and,
  bit_or,
  bit_not,
  concat,
  arrow,
  long_arrow,
#define SATURN_X(word, kind) kw_##word,
  SATURN_SQL_KEYWORDS(SATURN_X)
#undef SATURN_X
};

enum class KeywordClass : std::uint8_t { reserved, fallback, join };

/// One token: its kind and its bytes in the SQL text, quotes and all.
struct Token {
  Tok kind = Tok::end;
  std::uint32_t at = 0;  ///< byte offset in the SQL text
  std::string_view text;
};

/// The keyword that `word` spells in any case, or `Tok::identifier`.
Tok find_keyword(std::string_view word) noexcept;
/// The class of a keyword kind; `reserved` for what is no keyword.
KeywordClass keyword_class(Tok kind) noexcept;
/// True when `kind` is an identifier, or a keyword that may stand for one.
inline bool is_identifier_like(Tok kind) noexcept {
  return kind == Tok::identifier || keyword_class(kind) == KeywordClass::fallback;
}

/// Cuts SQL text into tokens; white space and comments are dropped. Copying a lexer is how one
/// looks ahead. OVER, FILTER and WINDOW are told from identifiers by their surroundings, as in
/// SQLite. The text must outlive the lexer; a NUL byte ends it.
class Lexer {
 public:
  explicit Lexer(std::string_view text, std::uint32_t start = 0) noexcept;
  Token next() noexcept;
  std::string_view text() const noexcept { return text_; }

 private:
  unsigned char at(std::size_t i) const noexcept {
    return i < text_.size() ? static_cast<unsigned char>(text_[i]) : 0;
  }
  Token raw() noexcept;
  bool skip_blank() noexcept;
  Tok scan(std::size_t& i) noexcept;
  Tok scan_operator(std::size_t& i) noexcept;
  Tok scan_quoted(std::size_t& i) noexcept;
  Tok scan_number(std::size_t& i) noexcept;
  Tok scan_blob(std::size_t& i) noexcept;
  Tok scan_variable(std::size_t& i) noexcept;
  Tok contextual(Tok kind) const noexcept;

  std::string_view text_;
  std::size_t pos_ = 0;
  Tok last_ = Tok::end;
};

}  // namespace saturn::sql
