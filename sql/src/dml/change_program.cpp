#include "dml/change_program.hpp"

#include "exec/row_sorter.hpp"
#include "exec/take_rows.hpp"

namespace saturn::sql {

/// The order of the table's own key, which the rows begin with.
std::vector<SortKey> ChangeProgram::key_order() const {
  std::vector<SortKey> keys;
  const Index* primary = target_.table->primary;
  for (Slot k = 0; k < key_width_; ++k) {
    if (primary == nullptr) {
      keys.push_back({k});
      continue;
    }
    const IndexColumn& column = primary->columns[k];
    keys.push_back({k, column.descending, column.descending, column.collation});
  }
  return keys;
}

/// Takes the rows in the order of their keys, and of a row that comes several times the last.
Result<void> ChangeProgram::take_by_key(Runtime& runtime) {
  RowSorter sorter(runtime, key_order(), taken_->width());
  TRY(take_rows(runtime, *query_.root, sorter.width(),
                [&](const ValueRef* row) { return sorter.add(row); }));
  TRY(sorter.sort());
  std::vector<ValueRef> before(sorter.width());
  ValueArena arena;
  for (std::size_t count = 0;; ++count) {
    const ValueRef* row = TRY(sorter.next());
    const bool same =
        row != nullptr && count > 0 && compare_rows(before.data(), row, sorter.keys()) == 0;
    if (count > 0 && !same) TRY(taken_->append(before));
    if (row == nullptr) return taken_->finish();
    arena.reset();
    for (std::size_t i = 0; i < before.size(); ++i) before[i] = kept_in(arena, row[i]);
  }
}

Result<void> ChangeProgram::take(Runtime& runtime, bool joins) {
  const bool sorts = joins || (by_key_ && query_.found_by != nullptr);
  if (sorts && !target_.is_view) return take_by_key(runtime);
  return take_rows(runtime, *query_.root, *taken_);
}

}  // namespace saturn::sql
