#pragma once

#include "exec/operators.hpp"
#include "parser/ast.hpp"

#include <cstdint>
#include <optional>
#include <string>

/// Terms of ORDER BY and GROUP BY.
namespace saturn::sql {

/// "1st", "2nd", "11th".
std::string ordinal(std::size_t n);

/// `ORDER BY 2`: the number, from 1; nothing when the expression is no integer literal.
std::optional<std::int64_t> as_ordinal(const ast::Expr& expr);

/// A term whose value is in `slot`.
SortKey sort_key(Slot slot, const ast::OrderTerm& term, const Collation& collation);

}  // namespace saturn::sql
