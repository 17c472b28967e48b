#pragma once

#include "base/value.hpp"
#include "catalog/schemas.hpp"
#include "parser/parser.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Statements that differ in nothing but their literals share one compiled program: where a literal
// is only a value (a row of VALUES, what a column is compared with or set to) it is compiled as a
// parameter, and a statement of the same shape brings its own values. A literal anywhere else (in a
// result column, whose name it is; LIMIT; a function's argument) is part of what was compiled.
//
// A statement that has parameters is left alone: who writes those shares programs already.

namespace saturn::sql {

/// A statement's text with its literals taken out of it. Borrows the text that it has read.
class StatementShape {
 public:
  struct Literal {
    std::uint32_t at = 0;  ///< byte offset in the text
    std::string_view text;
  };

  /// False when nothing of the text may be shared: it is no single SELECT, INSERT, UPDATE or
  /// DELETE, is too long, or has parameters, blobs, comments or anything else out of the ordinary.
  bool read(std::string_view sql);

  /// The same for texts that differ in literals only, and never the text of a statement.
  const std::string& key() const noexcept { return key_; }
  std::span<const Literal> literals() const noexcept { return literals_; }
  /// The value that literal `index` has in SQL.
  Value value(std::size_t index) const;

 private:
  bool read_number(std::string_view sql, std::size_t& at);
  bool read_string(std::string_view sql, std::size_t& at);

  std::string key_;
  std::vector<Literal> literals_;
};

/// What became of a shape's literals when its first statement was compiled.
struct SharedLiterals {
  static constexpr std::uint32_t kFixed = 0;

  std::vector<std::uint32_t> parameters;  ///< of each literal its parameter's number, or kFixed
  std::vector<std::string> fixed;         ///< of each literal its text, if it is fixed
  std::vector<bool> negative;             ///< of each literal whether a minus stands before it
  std::uint32_t count = 0;                ///< of parameters

  /// Whether a statement of the same shape may use the program.
  bool accepts(const StatementShape& shape) const noexcept;
  /// Gives the parameters the values that the statement's literals have.
  void bind(const StatementShape& shape, std::vector<Value>& values) const;
};

/// Makes parameters of the literals in `parsed` that are only values; its nodes are in `arena`, and
/// `shape` has read its text. `count` is 0 when there are none, or when plans depend on them: on a
/// partial index or one on an expression.
SharedLiterals share_literals(const Parsed& parsed, const StatementShape& shape,
                              const Schemas& schemas, Arena& arena);

}  // namespace saturn::sql
