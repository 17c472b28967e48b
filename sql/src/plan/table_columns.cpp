#include "plan/table_columns.hpp"

#include "base/scoped_value.hpp"

#include <algorithm>

namespace saturn::sql {

namespace {

/// -0x8000000000000000 is an error where it is computed. In rows older than the column SQLite has
/// the negated number, as a real.
bool is_negated_minimum(const ast::Expr& expr) {
  const auto* unary = ast::as_if<ast::Unary>(&expr);
  if (unary == nullptr || unary->op != ast::UnaryOp::minus) return false;
  const auto* literal = ast::as_if<ast::Literal>(unary->operand);
  return literal != nullptr && literal->literal == ast::LiteralKind::integer &&
         equals_nocase(literal->text, "0x8000000000000000");
}

}  // namespace

Result<ValueRef> absent_value(CompileContext& context, const TableColumn& column) {
  if (column.default_value == nullptr) return ValueRef();
  if (is_negated_minimum(*column.default_value)) {
    ValueArena arena;
    return apply_affinity(ValueRef::real(9223372036854775808.0), column.affinity, arena);
  }
  auto expr = bind_row_expr(context, {}, *column.default_value, false);
  if (!expr || !(*expr)->run_constant()) return ValueRef();  // then the column was never added
  static const Batch kNoColumns;
  ValueArena arena;
  const ValueRef v = apply_affinity(TRY(eval_one(**expr, context.runtime, arena, kNoColumns)),
                                    column.affinity, arena);
  if (v.is_text()) return ValueRef::text(context.arena.copy(v.bytes()));
  if (v.is_blob()) return ValueRef::blob(context.arena.copy(v.bytes()));
  return v;
}

Result<std::vector<WantedColumn>> stored_columns(CompileContext& context, const Table& table) {
  std::vector<WantedColumn> columns;
  for (std::uint32_t c = 0; c < table.columns.size(); ++c) {
    const TableColumn& column = table.columns[c];
    if (column.is_virtual() || static_cast<int>(c) == table.rowid_column) continue;
    columns.push_back({static_cast<std::uint32_t>(column.record_place), c,
                       column.affinity == Affinity::real, TRY(absent_value(context, column))});
  }
  std::sort(columns.begin(), columns.end(),
            [](const WantedColumn& a, const WantedColumn& b) { return a.column < b.column; });
  return columns;
}

Result<ValueRef> GeneratedColumn::value(Runtime& runtime, ValueArena& arena,
                                        const Batch& row) const {
  const ScopedValue<std::string_view> pure(runtime.pure_in, "a generated column");
  return apply_affinity(TRY(eval_one(*expr, runtime, arena, row)), affinity, arena);
}

Result<void> check_generated_loop(const Table& table) {
  if (table.generated_loop.empty()) return {};
  return Error(Code::error, cat("generated column loop on \"", table.generated_loop, "\""));
}

Result<std::vector<GeneratedColumn>> bind_generated(CompileContext& context, const Table& table) {
  TRY(check_generated_loop(table));
  RowScope scope;
  scope.relations.push_back({&table, table.name, 0});
  std::vector<GeneratedColumn> columns;
  for (const std::uint32_t c : table.generated_order) {
    const TableColumn& column = table.columns[c];
    columns.push_back(
        {c, column.affinity, TRY(bind_row_expr(context, scope, *column.generated, false))});
  }
  return columns;
}

}  // namespace saturn::sql
