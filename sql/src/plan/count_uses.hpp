#pragma once

#include "parser/ast.hpp"

#include <cstddef>
#include <string_view>

namespace saturn::sql {

/// How often a query reads a table of this name, in its WITH and its subqueries too. What has the
/// name there for another reason (another WITH) counts as well.
std::size_t count_uses(const ast::Select& select, std::string_view name);

}  // namespace saturn::sql
