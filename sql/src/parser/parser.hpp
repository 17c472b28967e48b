#pragma once

#include "base/result.hpp"
#include "parser/arena.hpp"
#include "parser/ast.hpp"

#include <cstdint>
#include <string_view>

namespace saturn::sql {

/// One statement of a text.
struct Parsed {
  const ast::Stmt* stmt = nullptr;    ///< in the arena; null when only blanks and `;` were left
  std::size_t consumed = 0;           ///< bytes of the text taken, the statement's `;` included
  std::uint32_t parameter_count = 0;  ///< the highest parameter number
  List<const ast::Variable*> named;   ///< each named parameter once, by first appearance
};

/// Parses the first statement of `sql` (SQLite 3.50's grammar). The tree borrows from `sql` and
/// `arena`. Fails with `Code::error`, SQLite's message and the byte offset of the offending token;
/// uses bounded stack whatever the text. A text of many statements is walked by `consumed`.
Result<Parsed> parse_next(std::string_view sql, Arena& arena);

}  // namespace saturn::sql
