#pragma once

#include "parser/ast.hpp"

namespace saturn::sql::ast {

/// Whether two expressions are written alike: the same names, literals and operators, in any case
/// and with any blanks. A column may be qualified in one of them only. Subqueries are never alike.
bool same_expr(const Expr& a, const Expr& b);

}  // namespace saturn::sql::ast
