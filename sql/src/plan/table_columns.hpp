#pragma once

#include "catalog/schema.hpp"
#include "exec/expr.hpp"
#include "exec/record_decode.hpp"
#include "plan/compile.hpp"

#include <vector>

/// What a table's rows have beyond the bytes of their records.
namespace saturn::sql {

/// The value of a column in records that are too short for it: rows from before ALTER TABLE ADD
/// COLUMN have the default. Texts and blobs live in the context's arena.
Result<ValueRef> absent_value(CompileContext& context, const TableColumn& column);

/// All columns that a record of the table has, in the order of the record; column c goes to slot c.
/// The rowid's own column is left out.
Result<std::vector<WantedColumn>> stored_columns(CompileContext& context, const Table& table);

/// How a generated column gets its value.
struct GeneratedColumn {
  std::uint32_t column = 0;
  Affinity affinity = Affinity::none;
  ExprPtr expr;

  /// For a batch of one row. // SUSPENDS
  Result<ValueRef> value(Runtime& runtime, ValueArena& arena, const Batch& row) const;
};

/// "generated column loop on "x"" where there is one.
Result<void> check_generated_loop(const Table& table);

/// The generated columns of a table, each behind those that it reads, over rows whose column c is
/// in slot c and whose rowid is behind them.
Result<std::vector<GeneratedColumn>> bind_generated(CompileContext& context, const Table& table);

}  // namespace saturn::sql
