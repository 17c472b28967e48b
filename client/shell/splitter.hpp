#pragma once

#include <cstdint>
#include <string_view>

namespace saturn::shell {

/// Tells where a text of statements, fed line by line, is complete: at a `;` outside of quotes,
/// comments and the body of CREATE TRIGGER, as sqlite3_complete() has it. Each byte is looked at
/// once.
class Splitter {
 public:
  /// Takes the next bytes of the text. True when, at their end, no statement is open.
  bool feed(std::string_view bytes);
  /// Nothing but blanks and comments since the last complete statement.
  bool empty() const noexcept { return empty_; }
  void reset() { *this = Splitter(); }

 private:
  enum class Quote : std::uint8_t { none, single, dbl, backtick, bracket, line_comment, block_comment };
  void word(std::string_view text);
  void semicolon();

  Quote quote_ = Quote::none;
  char last_ = 0;            ///< the last byte that is no blank; 'w' for a word
  bool empty_ = true;
  int words_ = 0;            ///< of the statement, while it may still be a CREATE TRIGGER
  bool is_create_ = false;
  bool is_trigger_ = false;
  bool end_seen_ = false;    ///< `END` was the last word of a trigger's body
};

}  // namespace saturn::shell
