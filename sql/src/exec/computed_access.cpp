#include "base/scoped_value.hpp"
#include "exec/access.hpp"

namespace saturn::sql {

void ComputedAccess::recycle() noexcept {
  arena_.reset();
  input_->recycle();
}

Result<std::uint32_t> ComputedAccess::fetch(const Batch& out, std::uint32_t at,
                                            std::uint32_t room) {
  const std::uint32_t count = TRY(input_->fetch(out, at, room));
  if (count == 0) return count;
  const Selection rows{first_rows(at + count).rows + at, count};
  const ScopedValue<std::string_view> pure(runtime_.pure_in, "a generated column");
  EvalContext context{runtime_, arena_, out};
  for (const Column& column : columns_) {
    ValueRef* const values = out.columns[column.slot];
    TRY(column.expr->eval(context, rows, values));
    for (const RowIndex row : rows) {
      values[row] = apply_affinity(values[row], column.affinity, arena_);
    }
  }
  return count;
}

}  // namespace saturn::sql
