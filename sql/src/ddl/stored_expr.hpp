#pragma once

#include "base/result.hpp"
#include "catalog/schema.hpp"
#include "parser/ast.hpp"

namespace saturn::sql {

/// Where the schema keeps an expression.
enum class StoredExpr : std::uint8_t { check, index_key, partial_index, generated, default_value };

/// What such an expression may not be made of, with SQLite's errors: parameters and subqueries
/// everywhere, functions that answer differently from call to call in an index, columns in a
/// DEFAULT. `column` is the one that a DEFAULT is for.
Result<void> check_stored_expr(const Table& table, const ast::Expr& expr, StoredExpr use,
                               std::string_view column = {});

}  // namespace saturn::sql
