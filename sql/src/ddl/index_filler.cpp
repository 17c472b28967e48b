#include "ddl/index_filler.hpp"

#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "exec/row_sorter.hpp"
#include "exec/row_spool.hpp"
#include "exec/take_rows.hpp"
#include "storage/tree_builder.hpp"
#include "value/stored_text.hpp"

namespace saturn::sql {

Result<void> IndexFiller::prepare(CompileContext& context) {
  std::vector<const ast::Expr*> exprs;
  for (Slot i = 0; i < index_.columns.size(); ++i) {
    const IndexColumn& column = index_.columns[i];
    if (column.column >= 0) {
      auto* name = context.arena.make<ast::Column>();
      name->kind = ast::ExprKind::column;
      name->quoted = true;
      name->name = context.arena.copy(table_.columns[static_cast<std::size_t>(column.column)].name);
      exprs.push_back(name);
    } else {
      exprs.push_back(column.expr);
    }
    sort_keys_.push_back({key_slot(i), column.descending, column.descending, column.collation});
  }
  query_ = TRY(plan_table_rows(context, {.table = &table_,
                                         .name = table_.name,
                                         .indexed = ast::Indexed::none,
                                         .where = index_.where,
                                         .exprs = exprs}));
  for (const IndexColumn& column : index_.tail) {
    sort_keys_.push_back(
        {tail_slot(column), column.descending, column.descending, column.collation});
  }
  return {};
}

bool IndexFiller::same_key(const ValueRef* a, const ValueRef* b) const noexcept {
  for (std::size_t i = 0; i < index_.columns.size(); ++i) {
    const ValueRef x = a[key_slot(i)];
    const ValueRef y = b[key_slot(i)];
    if (x.is_null() || y.is_null()) return false;
    if (compare(x, y, *index_.columns[i].collation) != 0) return false;
  }
  return true;
}

Error IndexFiller::not_unique() const {
  std::string text;
  if (index_.has_expressions()) {
    text = cat("index '", index_.name, "'");
  } else {
    for (const IndexColumn& column : index_.columns) {
      text += cat(text.empty() ? "" : ", ", table_.name, ".",
                  table_.columns[static_cast<std::size_t>(column.column)].name);
    }
  }
  return Error(Code::constraint_unique, cat("UNIQUE constraint failed: ", text));
}

Result<void> IndexFiller::fill(Runtime& runtime, storage::PageNo root) {
  RowSorter sorter(runtime, sort_keys_,
                   static_cast<std::uint32_t>(table_.key_width() + index_.columns.size()));
  {
    const ScopedValue<std::string_view> pure(runtime.pure_in, "an index");
    TRY(take_rows(runtime, *query_.root, sorter.width(),
                  [&](const ValueRef* row) { return sorter.add(row); }));
  }
  TRY(sorter.sort());
  storage::TreeBuilder builder(runtime.transaction(table_.database), root,
                               storage::TreeKind::index);
  std::vector<ValueRef> before;  // the row before, where it has to be another
  ValueArena arena;
  std::vector<ValueRef> entry;
  std::string record;
  for (std::size_t count = 0;; ++count) {
    if (count % limits::kBatchRows == 0) TRY(runtime.poll());
    const ValueRef* row = TRY(sorter.next());
    if (row == nullptr) return builder.finish();
    if (index_.unique) {
      if (count > 0 && same_key(before.data(), row)) return not_unique();
      arena.reset();
      before.assign(row, row + sorter.width());
      if (!sorter.in_memory()) {
        for (ValueRef& value : before) value = kept_in(arena, value);
      }
    }
    entry.assign(row + key_slot(0), row + key_slot(index_.columns.size()));
    for (const IndexColumn& column : index_.tail) entry.push_back(row[tail_slot(column)]);
    record.clear();
    TRY(encode_record(entry, table_.encoding, record));
    TRY(builder.append(0, {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()}));
  }
}

}  // namespace saturn::sql
