#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace saturn::shell {

/// Tells where a text of statements, fed line by line, is complete: at a `;` outside of quotes,
/// comments and the body of CREATE TRIGGER, as sqlite3_complete() has it. Each byte is looked at
/// once.
class Splitter {
 public:
  /// Takes the next bytes of the text; no word, quote mark or comment mark may be cut in two, as at
  /// the end of a line. True when, at their end, no statement is open.
  bool feed(std::string_view bytes);
  /// Nothing but blanks, comments and semicolons so far.
  bool blank() const noexcept { return blank_; }
  void reset() noexcept { *this = Splitter(); }

  struct Statement {
    std::size_t size = 0;   ///< in bytes, with its `;`; all of the text when there is none
    bool is_blank = false;  ///< only blanks and comments, or a `;` alone
  };
  static Statement first_statement(std::string_view sql);

 private:
  enum class Quote : std::uint8_t {
    none,
    single,
    dbl,
    backtick,
    bracket,
    line_comment,
    block_comment
  };
  /// How much of a statement is there. The body of a trigger ends with `; END ;`.
  enum class State : std::uint8_t {
    start,
    normal,
    explain,       ///< EXPLAIN, and what comes between it and CREATE
    create,        ///< CREATE, or CREATE TEMP
    trigger,       ///< inside of CREATE TRIGGER
    trigger_semi,  ///< ... after a `;`
    trigger_end,   ///< ... after a `; END`
  };

  /// Takes bytes up to the end of a statement, or all; returns how many.
  std::size_t advance(std::string_view bytes, bool stop_at_end);
  bool inside_quote(std::string_view bytes, std::size_t& at);
  void word(std::string_view text) noexcept;
  void other(char c) noexcept;
  void semicolon() noexcept;

  Quote quote_ = Quote::none;
  State state_ = State::start;
  bool blank_ = true;
};

}  // namespace saturn::shell
