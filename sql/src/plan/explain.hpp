#pragma once

#include "exec/program.hpp"
#include "parser/ast.hpp"
#include "plan/compile.hpp"

namespace saturn::sql {

/// What a statement with EXPLAIN before it runs instead of `program`, which is that of the
/// statement alone:
///
/// - EXPLAIN shows the program in SQLite's eight columns, a row for each of its parts: `addr`, the
///   row's number; `opcode`, the kind of part; `p1`, a slot, a parameter or a database; `p2`, the
///   `addr` of what it is a part of; `p3`, how deep it is below the first row; `p4`, a name or
///   value; `p5`, always 0; `comment`, what it is to the part around it.
/// - EXPLAIN QUERY PLAN shows its operators, in SQLite's four columns.
/// - EXPLAIN ANALYZE runs it, and shows with the operators what they did.
/// - EXPLAIN (FORMAT JSON) and EXPLAIN (ANALYZE, FORMAT JSON) show the same as JSON, in one row: an
///   array of operators with `detail`, the figures, and `inputs`, which are operators again.
ProgramPtr explain(const CompileContext& context, const ast::Stmt& stmt, ProgramPtr program);

}  // namespace saturn::sql
