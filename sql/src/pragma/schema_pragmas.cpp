#include "catalog/index_order.hpp"
#include "pragma/pragma.hpp"

#include <algorithm>

// Pragmas that answer from the catalog.

namespace saturn::sql {
namespace {

Value number(std::size_t n) { return Value(static_cast<std::int64_t>(n)); }

Value declared_default(const TableColumn& column) {
  return column.default_value == nullptr ? Value() : Value(column.default_text);
}

/// The type that a view's column is shown with: as it was declared, if that gives the column's
/// affinity, else a type that does (SQLite 3.41 and later).
std::string type_of(std::string_view declared, Affinity affinity) {
  if (affinity == Affinity::none) return {};
  if (!declared.empty() && affinity_of_type(declared) == affinity) return std::string(declared);
  switch (affinity) {
    case Affinity::text: return "TEXT";
    case Affinity::numeric: return "NUM";
    case Affinity::integer: return "INT";
    case Affinity::real: return "REAL";
    default: return "BLOB";
  }
}

/// The columns of a view are those of its query.
Result<std::vector<ResultColumn>> view_columns(const PragmaCall& call, const Table& view) {
  Arena arena;
  CompileContext context{call.schemas, call.runtime, arena, {&view}};
  Query query = TRY(plan_select(context, *view.view));
  std::vector<std::string> names = names_as_table(query, view.view_column_names);
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    query.columns[i].name = std::move(names[i]);
    query.columns[i].decltype_text = type_of(query.columns[i].decltype_text, query.affinities[i]);
  }
  return std::move(query.columns);
}

/// A table function has its arguments for hidden columns.
Result<void> function_info(const PragmaCall& call, const TableFunction& function, bool extended) {
  std::size_t place = 0;
  const auto add = [&](const TableFunction::Column& column, bool hidden) {
    if (hidden && !extended) return;
    Row row{number(place++), Value(column.name), Value(column.type), Value(0), Value(), Value(0)};
    if (extended) row.emplace_back(hidden ? 1 : 0);
    call.rows.push_back(std::move(row));
  };
  for (const TableFunction::Column& column : function.columns) add(column, false);
  for (const TableFunction::Column& column : function.arguments) add(column, true);
  return {};
}

Result<void> table_info(const PragmaCall& call, bool extended) {
  const Table* table = call.table();
  if (table == nullptr && !call.asks()) {
    if (const TableFunction* function = find_table_function(call.argument)) {
      return function_info(call, *function, extended);
    }
  }
  if (table == nullptr || table->kind == TableKind::virtual_table) return {};
  if (table->kind == TableKind::view) {
    const std::vector<ResultColumn> columns = TRY(view_columns(call, *table));
    for (std::size_t i = 0; i < columns.size(); ++i) {
      Row row{number(i), Value(columns[i].name), Value(columns[i].decltype_text), Value(0), Value(),
              Value(0)};
      if (extended) row.emplace_back(0);
      call.rows.push_back(std::move(row));
    }
    return {};
  }
  std::size_t shown = 0;
  for (const TableColumn& column : table->columns) {
    if (column.generated != nullptr && !extended) continue;
    Row row{number(shown++),          Value(column.name),
            Value(column.type),       Value(column.not_null ? 1 : 0),
            declared_default(column), number(column.primary_key)};
    if (extended)
      row.emplace_back(column.generated == nullptr ? 0 : column.generated_stored ? 3 : 2);
    call.rows.push_back(std::move(row));
  }
  return {};
}

Row index_row(std::size_t place, const Table& table, const IndexColumn& column, bool extended,
              bool key) {
  Row row{number(place), Value(column.column),
          column.column >= 0 ? Value(table.columns[static_cast<std::size_t>(column.column)].name)
                             : Value()};
  if (extended) {
    row.emplace_back(column.descending ? 1 : 0);
    row.emplace_back(column.collation->name());
    row.emplace_back(key ? 1 : 0);
  }
  return row;
}

/// A WITHOUT ROWID table goes by its own name too, as the index that it is.
const Index* find_index(const PragmaCall& call) {
  const Index* index = call.schemas.find_index(call.qualifier, call.argument);
  if (index != nullptr) return index;
  const Table* table = call.table();
  return table == nullptr ? nullptr : table->primary;
}

Result<void> index_info(const PragmaCall& call, bool extended) {
  const Index* index = find_index(call);
  if (index == nullptr) return {};
  std::size_t place = 0;
  for (const IndexColumn& column : index->columns) {
    call.rows.push_back(index_row(place++, *index->table, column, extended, true));
  }
  if (!extended) return {};
  for (const IndexColumn& column : index->tail) {
    call.rows.push_back(index_row(place++, *index->table, column, true, false));
  }
  return {};
}

std::string_view action_name(ast::Action action) {
  switch (action) {
    case ast::Action::set_null: return "SET NULL";
    case ast::Action::set_default: return "SET DEFAULT";
    case ast::Action::cascade: return "CASCADE";
    case ast::Action::restrict: return "RESTRICT";
    default: return "NO ACTION";
  }
}

}  // namespace

Result<void> pragma_table_info(const PragmaCall& call) { return table_info(call, false); }
Result<void> pragma_table_xinfo(const PragmaCall& call) { return table_info(call, true); }
Result<void> pragma_index_info(const PragmaCall& call) { return index_info(call, false); }
Result<void> pragma_index_xinfo(const PragmaCall& call) { return index_info(call, true); }

Result<void> pragma_table_list(const PragmaCall& call) {
  const auto add = [&](const Table& table, std::string_view schema) -> Result<void> {
    if (!call.asks() && !equals_nocase(table.name, call.argument)) return {};
    std::size_t count = table.columns.size();
    std::string_view type = "table";
    if (table.kind == TableKind::virtual_table) type = "virtual";
    if (table.kind == TableKind::view) {
      type = "view";
      // A view that cannot be planned has no columns to count.
      if (auto columns = view_columns(call, table)) count = columns->size();
    }
    call.rows.push_back({Value(schema), Value(table.name), Value(type), number(count),
                         Value(table.without_rowid ? 1 : 0), Value(table.strict ? 1 : 0)});
    return {};
  };
  for (std::size_t i = 0; i < call.schemas.size(); ++i) {
    const auto no = static_cast<DatabaseNo>(i);
    if (call.qualifier && no != *call.qualifier) continue;
    for (const Table* table : call.schemas[no].tables()) TRY(add(*table, call.schemas.name(no)));
    TRY(add(call.schemas[no].own_table(), call.schemas.name(no)));
  }
  return {};
}

Result<void> pragma_index_list(const PragmaCall& call) {
  const Table* table = call.table();
  if (table == nullptr) return {};
  std::size_t place = 0;
  for (const Index* listed : in_list_order(*table)) {
    const Index& index = *listed;
    const std::string_view origin = index.origin == IndexOrigin::create_index  ? "c"
                                    : index.origin == IndexOrigin::primary_key ? "pk"
                                                                               : "u";
    call.rows.push_back({number(place++), Value(index.name), Value(index.unique ? 1 : 0),
                         Value(origin), Value(index.where != nullptr ? 1 : 0)});
  }
  return {};
}

Result<void> pragma_foreign_key_list(const PragmaCall& call) {
  const Table* table = call.table();
  if (table == nullptr) return {};
  std::size_t id = 0;
  for (std::size_t k = table->foreign_keys.size(); k-- > 0; ++id) {
    const ForeignKey& key = table->foreign_keys[k];
    for (std::size_t i = 0; i < key.columns.size(); ++i) {
      call.rows.push_back(
          {number(id), number(i), Value(key.parent), Value(table->columns[key.columns[i]].name),
           key.parent_columns.empty() ? Value() : Value(key.parent_columns[i]),
           Value(action_name(key.on_update)), Value(action_name(key.on_delete)), Value("NONE")});
    }
  }
  return {};
}

Result<void> pragma_function_list(const PragmaCall& call) {
  constexpr std::int64_t kDeterministic = 0x800;
  for (const auto functions : all_functions()) {
    for (const Function& function : functions) {
      const std::int64_t flags = function.deterministic ? kDeterministic : 0;
      for (int n = function.arguments_max < 0 ? -1 : function.arguments_min;
           n <= function.arguments_max; ++n) {
        call.rows.push_back({Value(function.name), Value(1),
                             Value(function.scalar != nullptr ? "s" : "w"), Value("utf8"), Value(n),
                             Value(flags)});
      }
    }
  }
  return {};
}

}  // namespace saturn::sql
