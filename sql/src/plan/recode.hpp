#pragma once

#include "exec/recode_node.hpp"
#include "functions/function.hpp"
#include "plan/compile.hpp"

// Where expressions meet the encoding of a UTF-16 database: operators and functions work on UTF-8,
// and SQLite's results tell that it holds other bytes. In a UTF-8 database all of this returns what
// it is given.

namespace saturn::sql {

/// The operand with a conversion around it, if its values may need one. Constants are converted at
/// once.
ExprPtr recode(const CompileContext& context, ExprPtr operand, Recode mode);

/// A string literal, or anything else in the statement that becomes a text.
std::string literal_text(const CompileContext& context, std::string_view text);

/// The arguments as `function` is to see them.
void recode_arguments(const CompileContext& context, const Function& function,
                      std::span<ExprPtr> arguments);
/// A call of `function`, with its result as the database would have it.
ExprPtr recode_result(const CompileContext& context, const Function& function, ExprPtr call);

}  // namespace saturn::sql
