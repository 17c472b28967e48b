#include "ddl/index_filler.hpp"

#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "storage/tree_builder.hpp"
#include "value/stored_text.hpp"

#include <algorithm>

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

Result<void> IndexFiller::check_unique(const std::vector<const ValueRef*>& order) const {
  if (!index_.unique) return {};
  for (std::size_t r = 1; r < order.size(); ++r) {
    bool equal = true;
    for (std::size_t i = 0; equal && i < index_.columns.size(); ++i) {
      const ValueRef a = order[r - 1][key_slot(i)];
      const ValueRef b = order[r][key_slot(i)];
      equal = !a.is_null() && !b.is_null() && compare(a, b, *index_.columns[i].collation) == 0;
    }
    if (!equal) continue;
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
  return {};
}

Result<void> IndexFiller::fill(Runtime& runtime, storage::PageNo root) {
  RowStore keys(static_cast<std::uint32_t>(table_.key_width() + index_.columns.size()),
                runtime.session.memory);
  {
    const ScopedValue<std::string_view> pure(runtime.pure_in, "an index");
    TRY(take_rows(runtime, *query_.root, keys));
  }
  std::vector<const ValueRef*> order;
  for (std::size_t i = 0; i < keys.size(); ++i) order.push_back(keys.row(i));
  std::sort(order.begin(), order.end(), [&](const ValueRef* a, const ValueRef* b) {
    return compare_rows(a, b, sort_keys_) < 0;
  });
  TRY(check_unique(order));
  storage::TreeBuilder builder(runtime.transaction(table_.database), root,
                               storage::TreeKind::index);
  std::vector<ValueRef> entry;
  std::string record;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const ValueRef* row = order[i];
    entry.assign(row + key_slot(0), row + key_slot(index_.columns.size()));
    for (const IndexColumn& column : index_.tail) entry.push_back(row[tail_slot(column)]);
    record.clear();
    TRY(encode_record(entry, table_.encoding, record));
    TRY(builder.append(0, {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()}));
    if (i % limits::kBatchRows == 0) TRY(runtime.poll());
  }
  return builder.finish();
}

}  // namespace saturn::sql
