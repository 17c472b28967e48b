#pragma once

#include "catalog/schema.hpp"
#include "plan/compile.hpp"

namespace saturn::sql {

/// Whether an expression has a subquery.
bool has_subquery(const ast::Expr& expr);
/// Whether a subquery of the expression, or the SELECT, reads the table, be it through a view or a
/// CTE. A CTE is taken for what it names, whether it is read or not.
bool reads_table(const CompileContext& context, const ast::Expr& expr, const Table& table);
bool reads_table(const CompileContext& context, const ast::Select& select, const Table& table);

}  // namespace saturn::sql
