#include "base/limits.hpp"
#include "catalog/schema.hpp"
#include "parser/ast_children.hpp"

#include <algorithm>

// From a parsed CREATE to a Table or an Index.

namespace saturn::sql {
namespace {

Error fail(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

Result<const Collation*> collation_named(std::string_view name, const Table& table,
                                         std::uint32_t position) {
  const Collation* collation = Collation::find(name, table.encoding);
  if (collation == nullptr) return fail(position, cat("no such collation sequence: ", name));
  return collation;
}

/// A name in double quotes.
bool is_text(const ast::Expr* expr) noexcept {
  const auto* column = ast::as_if<ast::Column>(expr);
  return column != nullptr && column->double_quoted && !ast::present(column->table);
}

/// Keys of indexes and generated columns do not see the rowid: "rowid" is a text there.
void hide_rowid(ast::Expr& expr) {
  if (expr.kind == ast::ExprKind::column) static_cast<ast::Column&>(expr).never_rowid = true;
  // The nodes are those of the definition's own tree, which nobody else has yet.
  ast::for_each_child(expr,
                      [](const ast::Expr& child) { hide_rowid(const_cast<ast::Expr&>(child)); });
}

/// SQLite keeps its standard types as such, and shows them in capitals however they were written.
std::string_view standard_type(std::string_view type) noexcept {
  static constexpr std::string_view kStandard[] = {"ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"};
  const auto* found =
      std::find_if(std::begin(kStandard), std::end(kStandard),
                   [&](std::string_view name) { return equals_nocase(name, type); });
  return found != std::end(kStandard) ? *found : type;
}

bool is_integer_type(std::string_view type) noexcept { return equals_nocase(type, "INTEGER"); }

/// Builds the parts of a table from its definition.
class TableDefiner {
 public:
  TableDefiner(Table& table, const ast::CreateTableStmt& stmt) : table_(table), stmt_(stmt) {}

  Result<void> run() {
    for (const ast::ColumnDef* column : stmt_.columns) TRY(add_column(*column));
    for (const ast::Constraint* constraint : stmt_.constraints) TRY(add_constraint(*constraint));
    table_.without_rowid = stmt_.without_rowid;
    table_.strict = stmt_.strict;
    if (stmt_.without_rowid && autoincrement_) {
      return fail(stmt_.at, "AUTOINCREMENT not allowed on WITHOUT ROWID tables");
    }
    if (stmt_.without_rowid && !has_primary_key_) {
      return fail(stmt_.at, cat("PRIMARY KEY missing on table ", table_.name));
    }
    if (late_key_ != nullptr) {
      TRY(add_unique(*late_key_, std::move(late_columns_), IndexOrigin::primary_key));
    }
    if (stmt_.strict) TRY(check_strict());
    if (table_.autoincrement && table_.rowid_column < 0) {
      return fail(stmt_.at, "AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY");
    }
    TRY(check_generated());
    order_generated();
    lay_out();
    return {};
  }

 private:
  Result<void> add_column(const ast::ColumnDef& def);
  Result<void> add_column_constraint(const ast::Constraint& constraint, std::uint32_t column);
  Result<void> add_constraint(const ast::Constraint& constraint);
  Result<void> add_primary_key(const ast::Constraint& constraint, std::vector<IndexColumn> columns,
                               bool plain_column);
  Result<void> add_unique(const ast::Constraint& constraint, std::vector<IndexColumn> columns,
                          IndexOrigin origin);
  Result<std::vector<IndexColumn>> key_columns(const ast::Constraint& constraint);
  Result<void> add_foreign_key(const ast::Constraint& constraint,
                               std::vector<std::uint32_t> columns);
  Result<void> check_strict();
  Result<void> check_generated() const;
  void order_generated();
  bool place_generated(std::uint32_t column, std::vector<std::uint8_t>& state);
  void lay_out();

  Table& table_;
  const ast::CreateTableStmt& stmt_;
  bool has_primary_key_ = false;
  bool autoincrement_ = false;
  const ast::Constraint* late_key_ = nullptr;
  std::vector<IndexColumn> late_columns_;
};

Result<void> TableDefiner::add_column(const ast::ColumnDef& def) {
  if (table_.find_column(def.name) >= 0) {
    return fail(def.at, cat("duplicate column name: ", def.name));
  }
  if (table_.columns.size() == limits::kColumnsMax) {
    return fail(def.at, cat("too many columns on ", table_.name));
  }
  TableColumn column;
  column.name = std::string(def.name);
  if (ast::present(def.type)) column.type = std::string(standard_type(def.type));
  column.affinity = affinity_of_type(column.type);
  column.collation = &Collation::binary(table_.encoding);
  table_.columns.push_back(std::move(column));
  const auto number = static_cast<std::uint32_t>(table_.columns.size() - 1);
  for (const ast::Constraint* constraint : def.constraints) {
    // A collation counts for the keys of the same column wherever it stands.
    if (constraint->kind != ast::ConstraintKind::collate) continue;
    table_.columns[number].collation =
        TRY(collation_named(constraint->collation, table_, constraint->at));
  }
  for (const ast::Constraint* constraint : def.constraints) {
    TRY(add_column_constraint(*constraint, number));
  }
  return {};
}

Result<void> TableDefiner::add_column_constraint(const ast::Constraint& constraint,
                                                 std::uint32_t number) {
  TableColumn& column = table_.columns[number];
  switch (constraint.kind) {
    case ast::ConstraintKind::not_null:
      column.not_null = true;
      column.not_null_conflict = constraint.conflict;
      return {};
    case ast::ConstraintKind::default_value:
      column.default_value = constraint.expr;
      column.default_text = std::string(constraint.text);
      return {};
    case ast::ConstraintKind::check:
      table_.checks.push_back({ast::present(constraint.name) ? std::string(constraint.name) : "",
                               std::string(constraint.text), constraint.expr});
      return {};
    case ast::ConstraintKind::primary_key: {
      IndexColumn key;
      key.column = static_cast<int>(number);
      key.collation = column.collation;
      key.descending = constraint.order == ast::SortOrder::desc && table_.descending_keys;
      return add_primary_key(constraint, {key}, true);
    }
    case ast::ConstraintKind::unique: {
      IndexColumn key;
      key.column = static_cast<int>(number);
      key.collation = column.collation;
      return add_unique(constraint, {key}, IndexOrigin::unique);
    }
    case ast::ConstraintKind::foreign_key: return add_foreign_key(constraint, {number});
    case ast::ConstraintKind::generated:
      column.generated = constraint.expr;
      hide_rowid(*constraint.expr);
      column.generated_stored = constraint.stored;
      return {};
    case ast::ConstraintKind::collate:
    case ast::ConstraintKind::null: return {};
  }
  return {};
}

Result<std::vector<IndexColumn>> TableDefiner::key_columns(const ast::Constraint& constraint) {
  std::vector<IndexColumn> columns;
  for (const ast::OrderTerm& term : constraint.key) {
    const ast::Expr* expr = term.expr;
    IndexColumn key;
    const Collation* collation = nullptr;
    if (const auto* collate = ast::as_if<ast::Collate>(expr)) {
      collation = TRY(collation_named(collate->collation, table_, collate->at));
      expr = collate->operand;
    }
    std::string_view name;
    if (const auto* column = ast::as_if<ast::Column>(expr)) {
      if (ast::present(column->table)) {
        return fail(column->at, "the \".\" operator prohibited in index expressions");
      }
      name = column->name;
    } else if (const auto* literal = ast::as_if<ast::Literal>(expr);
               literal != nullptr && literal->literal == ast::LiteralKind::string) {
      name = literal->text;
    } else {
      return fail(constraint.at, "expressions prohibited in PRIMARY KEY and UNIQUE constraints");
    }
    key.column = table_.find_column(name);
    if (key.column < 0) {
      return fail(constraint.at, cat("no such column: ", name));
    }
    key.collation = collation != nullptr
                        ? collation
                        : table_.columns[static_cast<std::size_t>(key.column)].collation;
    key.descending = term.order == ast::SortOrder::desc && table_.descending_keys;
    columns.push_back(key);
  }
  return columns;
}

Result<void> TableDefiner::add_constraint(const ast::Constraint& constraint) {
  switch (constraint.kind) {
    case ast::ConstraintKind::primary_key: {
      std::vector<IndexColumn> columns = TRY(key_columns(constraint));
      return add_primary_key(constraint, std::move(columns), false);
    }
    case ast::ConstraintKind::unique: {
      std::vector<IndexColumn> columns = TRY(key_columns(constraint));
      return add_unique(constraint, std::move(columns), IndexOrigin::unique);
    }
    case ast::ConstraintKind::check:
      table_.checks.push_back({ast::present(constraint.name) ? std::string(constraint.name) : "",
                               std::string(constraint.text), constraint.expr});
      return {};
    case ast::ConstraintKind::foreign_key: {
      std::vector<std::uint32_t> columns;
      for (const std::string_view name : constraint.columns) {
        const int column = table_.find_column(name);
        if (column < 0) {
          return fail(constraint.at,
                      cat("unknown column \"", name, "\" in foreign key definition"));
        }
        columns.push_back(static_cast<std::uint32_t>(column));
      }
      return add_foreign_key(constraint, std::move(columns));
    }
    default: return {};
  }
}

Result<void> TableDefiner::add_primary_key(const ast::Constraint& constraint,
                                           std::vector<IndexColumn> columns, bool plain_column) {
  if (has_primary_key_) {
    return fail(constraint.at, cat("table \"", table_.name, "\" has more than one primary key"));
  }
  has_primary_key_ = true;
  TableColumn& first_column = table_.columns[static_cast<std::size_t>(columns[0].column)];
  const bool first_column_not_null = first_column.not_null;
  for (std::uint32_t i = 0; i < columns.size(); ++i) {
    TableColumn& column = table_.columns[static_cast<std::size_t>(columns[i].column)];
    if (column.primary_key == 0) column.primary_key = i + 1;
    if (stmt_.without_rowid || stmt_.strict) column.not_null = true;
  }
  const TableColumn& first = table_.columns[static_cast<std::size_t>(columns[0].column)];
  // "INTEGER PRIMARY KEY DESC" at the column is, for old files' sake, not the rowid.
  const bool is_rowid = columns.size() == 1 && is_integer_type(first.type) &&
                        !(plain_column && constraint.order == ast::SortOrder::desc);
  if (constraint.autoincrement && !is_rowid) {
    return fail(constraint.at, "AUTOINCREMENT is only allowed on an INTEGER PRIMARY KEY");
  }
  autoincrement_ = constraint.autoincrement;
  if (is_rowid && stmt_.without_rowid) {
    // SQLite makes the index of such a key when it has seen the whole definition, from the column's
    // name alone: a COLLATE in the constraint is forgotten.
    columns[0].collation = first.collation;
    late_key_ = &constraint;
    late_columns_ = std::move(columns);
    return {};
  }
  if (is_rowid) {
    first_column.not_null = first_column_not_null;
    table_.rowid_column = columns[0].column;
    table_.primary_key_conflict = constraint.conflict;
    table_.autoincrement = constraint.autoincrement;
    return {};
  }
  return add_unique(constraint, std::move(columns), IndexOrigin::primary_key);
}

Result<void> TableDefiner::add_unique(const ast::Constraint& constraint,
                                      std::vector<IndexColumn> columns, IndexOrigin origin) {
  // The same key again needs no second index.
  for (const auto& known : table_.indexes) {
    const bool equal = std::equal(known->columns.begin(), known->columns.end(), columns.begin(),
                                  columns.end(), [](const IndexColumn& a, const IndexColumn& b) {
                                    return a.column == b.column && a.collation == b.collation;
                                  });
    if (!equal) continue;
    if (known->conflict == ast::Conflict::unspecified) known->conflict = constraint.conflict;
    if (constraint.conflict != ast::Conflict::unspecified &&
        known->conflict != constraint.conflict) {
      return fail(constraint.at, "conflicting ON CONFLICT clauses specified");
    }
    if (origin == IndexOrigin::primary_key) known->origin = origin;
    return {};
  }
  auto index = std::make_unique<Index>();
  index->table = &table_;
  index->unique = true;
  index->origin = origin;
  index->conflict = constraint.conflict;
  index->name = cat("sqlite_autoindex_", table_.name, "_", table_.indexes.size() + 1);
  index->columns = std::move(columns);
  table_.indexes.push_back(std::move(index));
  return {};
}

Result<void> TableDefiner::add_foreign_key(const ast::Constraint& constraint,
                                           std::vector<std::uint32_t> columns) {
  const ast::References& references = *constraint.references;
  ForeignKey key;
  key.parent = std::string(references.table);
  key.on_delete = references.on_delete;
  key.on_update = references.on_update;
  key.deferred = references.initially == ast::Deferral::deferred;
  for (const std::string_view name : references.columns) key.parent_columns.emplace_back(name);
  if (!key.parent_columns.empty() && key.parent_columns.size() != columns.size()) {
    if (columns.size() == 1 && constraint.of_column) {
      return fail(constraint.at, cat("foreign key on ", table_.columns[columns[0]].name,
                                     " should reference only one column of table ", key.parent));
    }
    return fail(constraint.at,
                "number of columns in foreign key does not match the number of "
                "columns in the referenced table");
  }
  key.columns = std::move(columns);
  table_.foreign_keys.push_back(std::move(key));
  return {};
}

Result<void> TableDefiner::check_strict() {
  static constexpr std::string_view kTypes[] = {"INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"};
  for (TableColumn& column : table_.columns) {
    if (column.type.empty()) {
      return fail(stmt_.at, cat("missing datatype for ", table_.name, ".", column.name));
    }
    const bool known =
        std::any_of(std::begin(kTypes), std::end(kTypes),
                    [&](std::string_view type) { return equals_nocase(type, column.type); });
    if (!known) {
      return fail(stmt_.at, cat("unknown datatype for ", table_.name, ".", column.name, ": \"",
                                column.type, "\""));
    }
    if (equals_nocase(column.type, "ANY")) column.affinity = Affinity::blob;
  }
  return {};
}

Result<void> TableDefiner::check_generated() const {
  bool any_plain = false;
  for (const TableColumn& column : table_.columns) {
    any_plain = any_plain || column.generated == nullptr;
    if (column.generated == nullptr) continue;
    if (column.primary_key != 0) {
      return fail(stmt_.at, "generated columns cannot be part of the PRIMARY KEY");
    }
    if (column.default_value != nullptr) {
      return fail(stmt_.at, "cannot use DEFAULT on a generated column");
    }
  }
  if (!any_plain) return fail(stmt_.at, "must have at least one non-generated column");
  return {};
}

void collect_names(const ast::Expr& expr, std::vector<std::string_view>& names) {
  if (const auto* column = ast::as_if<ast::Column>(&expr)) names.push_back(column->name);
  ast::for_each_child(expr, [&](const ast::Expr& child) { collect_names(child, names); });
}

/// `state`: 0 = untouched, 1 = its operands are being placed, 2 = placed. False at a loop.
bool TableDefiner::place_generated(std::uint32_t column, std::vector<std::uint8_t>& state) {
  if (state[column] == 2) return true;
  if (state[column] == 1) {
    table_.generated_loop = table_.columns[column].name;
    return false;
  }
  state[column] = 1;
  std::vector<std::string_view> names;
  collect_names(*table_.columns[column].generated, names);
  for (const std::string_view name : names) {
    const int used = table_.find_column(name);
    if (used < 0 || table_.columns[static_cast<std::size_t>(used)].generated == nullptr) continue;
    if (!place_generated(static_cast<std::uint32_t>(used), state)) return false;
  }
  state[column] = 2;
  table_.generated_order.push_back(column);
  return true;
}

void TableDefiner::order_generated() {
  std::vector<std::uint8_t> state(table_.columns.size());
  bool placed = true;
  for (std::uint32_t c = 0; c < table_.columns.size() && placed; ++c) {
    placed = table_.columns[c].generated == nullptr || place_generated(c, state);
  }
  if (placed) return;
  // SQLite names what the last column with a loop runs into.
  for (std::uint32_t c = static_cast<std::uint32_t>(table_.columns.size()); c-- > 0;) {
    state.assign(table_.columns.size(), 0);
    if (table_.columns[c].generated != nullptr && !place_generated(c, state)) return;
  }
}

/// What an entry of the index has behind its key, and the order of its tree.
void complete_index(Index& index) {
  const Table& table = *index.table;
  const auto has = [&](const IndexColumn& wanted, bool any_collation) {
    const auto equal = [&](const IndexColumn& own) {
      return own.column == wanted.column && (any_collation || own.collation == wanted.collation);
    };
    return std::any_of(index.columns.begin(), index.columns.end(), equal) ||
           std::any_of(index.tail.begin(), index.tail.end(), equal);
  };
  if (!table.without_rowid) {
    index.tail.emplace_back().column = IndexColumn::kRowid;
  } else if (!index.clustered) {
    for (const IndexColumn& key : table.primary->columns) {
      if (has(key, false)) continue;
      index.tail.push_back(key);
      // Behind a constraint's key the rest is ascending whatever the primary key says: SQLite has
      // written files like this since it has WITHOUT ROWID tables.
      if (index.origin != IndexOrigin::create_index) index.tail.back().descending = false;
    }
  } else {
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      IndexColumn column;
      column.column = static_cast<int>(c);
      column.collation = &Collation::binary(table.encoding);
      if (!table.columns[c].is_virtual() && !has(column, true)) index.tail.push_back(column);
    }
  }
  const std::size_t compared = index.clustered ? index.columns.size() : index.entry_width();
  for (std::size_t i = 0; i < compared; ++i) {
    const IndexColumn& column = index.entry_column(i);
    index.key_info.columns.push_back(
        {storage_collation(*column.collation), column.descending, false});
  }
  if (index.clustered) index.key_info.key_columns = static_cast<std::uint32_t>(compared);
}

/// Places in records, and what indexes carry.
void TableDefiner::lay_out() {
  for (const auto& index : table_.indexes) {
    if (!table_.without_rowid || index->origin != IndexOrigin::primary_key) continue;
    index->clustered = true;
    table_.primary = index.get();
    std::vector<IndexColumn> key;
    for (const IndexColumn& column : index->columns) {
      const bool known = std::any_of(key.begin(), key.end(), [&](const IndexColumn& k) {
        return k.column == column.column && k.collation == column.collation;
      });
      if (!known) key.push_back(column);
    }
    index->columns = std::move(key);
  }
  for (const auto& index : table_.indexes) complete_index(*index);
  int place = 0;
  for (std::size_t c = 0; c < table_.columns.size(); ++c) {
    TableColumn& column = table_.columns[c];
    column.record_place = column.is_virtual() ? TableColumn::kNotStored
                          : table_.primary != nullptr
                              ? table_.primary->place_of(static_cast<int>(c))
                              : place++;
  }
}

}  // namespace

Result<void> define_table(Table& table, const ast::CreateTableStmt& stmt) {
  return TableDefiner(table, stmt).run();
}

Result<void> define_index(Index& index, const Table& table, const ast::CreateIndexStmt& stmt) {
  if (stmt.key.size() > limits::kColumnsMax) return fail(0, "too many columns in index");
  index.table = &table;
  index.unique = stmt.unique;
  index.where = stmt.where;
  for (const ast::OrderTerm& term : stmt.key) {
    const ast::Expr* expr = term.expr;
    IndexColumn key;
    key.collation = &Collation::binary(table.encoding);
    const Collation* collation = nullptr;
    if (const auto* collate = ast::as_if<ast::Collate>(expr)) {
      collation = TRY(collation_named(collate->collation, table, collate->at));
      expr = collate->operand;
    }
    key.descending = term.order == ast::SortOrder::desc && table.descending_keys;
    std::string_view name;
    if (const auto* column = ast::as_if<ast::Column>(expr);
        column != nullptr && !ast::present(column->table)) {
      name = column->name;
    } else if (const auto* literal = ast::as_if<ast::Literal>(expr);
               literal != nullptr && literal->literal == ast::LiteralKind::string) {
      name = literal->text;
    }
    if (ast::present(name)) {
      key.column = table.find_column(name);
      if (key.column < 0 && !is_text(expr)) {
        return fail(expr->at, cat("no such column: ", name));
      }
      if (key.column < 0) {
        // In double quotes, what is no column is a text.
        key.column = IndexColumn::kExpression;
        key.expr = expr;
      } else if (key.column != table.rowid_column) {
        key.collation = table.columns[static_cast<std::size_t>(key.column)].collation;
      }
    } else {
      key.column = IndexColumn::kExpression;
      key.expr = expr;
    }
    if (key.expr != nullptr) hide_rowid(*term.expr);
    if (collation != nullptr) key.collation = collation;
    index.columns.push_back(key);
  }
  complete_index(index);
  return {};
}

}  // namespace saturn::sql
