#include "dml/foreign_keys.hpp"

#include "base/text.hpp"
#include "value/stored_text.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

std::string quote_name(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

bool acts(ast::Action action) noexcept {
  return action == ast::Action::cascade || action == ast::Action::set_null ||
         action == ast::Action::set_default;
}

/// What SQLite says of an action that would set a generated column.
Result<void> check_settable(const Table& child, const ForeignKey& key) {
  for (const std::uint32_t c : key.columns) {
    const TableColumn& column = child.columns[c];
    if (column.generated == nullptr) continue;
    return Error(Code::error, cat("cannot UPDATE generated column \"", column.name, "\""));
  }
  return {};
}

/// The SQL texts of what a foreign key does to the children of a row.
class KeyText {
 public:
  KeyText(const Table& parent, const Table& child, const ForeignKey& key,
          const std::vector<int>& parent_columns)
      : parent_(parent), child_(child), key_(key), parent_columns_(parent_columns) {}

  /// How many rows of the child, apart from the parent's row itself, refer to `row` (OLD or NEW).
  std::string count(std::string_view row) const {
    std::string text = cat("SELECT count(*) FROM ", quote_name(child_.name), " WHERE ");
    text += matches(row);
    if (&parent_ != &child_) return text;
    if (!parent_.without_rowid) return text + " AND rowid IS NOT OLD.rowid";
    text += " AND NOT (";
    for (const IndexColumn& column : parent_.primary->columns) {
      const std::string name =
          quote_name(parent_.columns[static_cast<std::size_t>(column.column)].name);
      text +=
          cat(&column == parent_.primary->columns.data() ? "" : " AND ", name, " IS OLD.", name);
    }
    return text + ")";
  }

  std::string act(ast::Action action, bool deleted) const {
    const std::string child = quote_name(child_.name);
    if (action == ast::Action::cascade && deleted) {
      return cat("DELETE FROM ", child, " WHERE ", matches("OLD"));
    }
    std::string text = cat("UPDATE ", child, " SET ");
    for (std::size_t i = 0; i < key_.columns.size(); ++i) {
      const TableColumn& column = child_.columns[key_.columns[i]];
      std::string value = "NULL";
      if (action == ast::Action::cascade) value = cat("NEW.", parent_name(i));
      if (action == ast::Action::set_default && column.default_value != nullptr) {
        value = cat("(", column.default_text, ")");
      }
      text += cat(i == 0 ? "" : ", ", quote_name(column.name), " = ", value);
    }
    return cat(text, " WHERE ", matches("OLD"));
  }

 private:
  std::string parent_name(std::size_t i) const {
    const int column = parent_columns_[i];
    return column < 0 ? "rowid"
                      : quote_name(parent_.columns[static_cast<std::size_t>(column)].name);
  }
  std::string matches(std::string_view row) const {
    std::string text;
    for (std::size_t i = 0; i < key_.columns.size(); ++i) {
      text += cat(i == 0 ? "" : " AND ", row, ".", parent_name(i), " = ",
                  quote_name(child_.columns[key_.columns[i]].name));
    }
    return text;
  }

  const Table& parent_;
  const Table& child_;
  const ForeignKey& key_;
  const std::vector<int>& parent_columns_;
};

/// The columns of the parent that the key names, in its order; -2 for one that is not there.
std::vector<int> named_columns(const Table& parent, const ForeignKey& key) {
  std::vector<int> named;
  for (const std::string& name : key.parent_columns) {
    const int column = parent.find_column(name);
    named.push_back(column >= 0 ? column : -2);
  }
  if (!named.empty()) return named;
  if (parent.rowid_column >= 0) return {parent.rowid_column};
  for (const auto& index : parent.indexes) {
    if (index->origin != IndexOrigin::primary_key) continue;
    for (const IndexColumn& column : index->columns) named.push_back(column.column);
  }
  return named;
}

}  // namespace

// --- keys ----------------------------------------------------------------------------------------

Result<ForeignKeys::ParentKey> ForeignKeys::find_parent_key(const Schemas& schemas,
                                                            const Table& child,
                                                            const ForeignKey& key) {
  ParentKey found;
  found.table = schemas[child.database].find_table(key.parent);
  if (found.table == nullptr)
    return Error(Code::error,
                 cat("no such table: ", schemas.name(child.database), ".", key.parent));
  const Table& parent = *found.table;
  const std::vector<int> named = named_columns(parent, key);
  const auto mismatch = [&] {
    return Error(Code::error, cat("foreign key mismatch - \"", child.name, "\" referencing \"",
                                  parent.name, "\""));
  };
  if (parent.kind != TableKind::table || named.size() != key.columns.size()) return mismatch();
  if (key.parent_columns.empty() && parent.rowid_column < 0) {
    // Without names it is the PRIMARY KEY, whatever its collations.
    for (const auto& index : parent.indexes) {
      if (index->origin != IndexOrigin::primary_key) continue;
      found.index = index.get();
      found.columns = key.columns;
      return found;
    }
    return mismatch();
  }
  if (named.size() == 1 && named[0] >= 0 && named[0] == parent.rowid_column) {
    found.columns = key.columns;
    return found;
  }
  for (const auto& index : parent.indexes) {
    if (!index->unique || index->where != nullptr || index->has_expressions()) continue;
    if (index->columns.size() != named.size()) continue;
    std::vector<std::uint32_t> columns;
    for (const IndexColumn& column : index->columns) {
      const auto place = std::find(named.begin(), named.end(), column.column);
      if (place == named.end()) break;
      if (column.collation != parent.columns[static_cast<std::size_t>(column.column)].collation) {
        break;
      }
      columns.push_back(key.columns[static_cast<std::size_t>(place - named.begin())]);
    }
    if (columns.size() != named.size()) continue;
    found.index = index.get();
    found.columns = std::move(columns);
    return found;
  }
  return mismatch();
}

Result<bool> ForeignKeys::has_parent(storage::PageSource& source, const ParentKey& key,
                                     const ValueRef* child_row, ValueArena& arena) {
  std::vector<ValueRef> values;
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const ValueRef v = child_row[key.columns[i]];
    if (v.is_null()) return true;
    if (key.table == nullptr) continue;
    Affinity affinity = Affinity::integer;
    if (key.index != nullptr) {
      const int column = key.index->columns[i].column;
      affinity = key.table->columns[static_cast<std::size_t>(column)].affinity;
    }
    values.push_back(compact_real(apply_affinity(v, affinity, arena)));
  }
  if (key.table == nullptr) return false;
  if (key.index != nullptr) {
    storage::BTreeCursor cursor(source, key.index->root, &key.index->key_info);
    return cursor.seek(storage::Seek::eq, StoredKey(key.table->encoding).of(values));
  }
  if (!values[0].is_integer()) return false;
  storage::BTreeCursor cursor(source, key.table->root);
  return cursor.seek(storage::Seek::eq, values[0].as_integer());
}

Result<void> ForeignKeys::add_parent(CompileContext& context, const Table& child,
                                     const ForeignKey& key, bool removes, bool changes,
                                     bool looks) {
  auto found = find_parent_key(context.schemas, child, key);
  // A single row that is inserted cannot be in the way of an immediate key.
  looks = looks || removes || changes || key.deferred || context.runtime.session.defer_foreign_keys;
  if (!found && (!looks || !context.triggers)) return {};
  TRY(std::move(found));
  const bool sets = key.on_delete != ast::Action::cascade && acts(key.on_delete);
  if ((removes && sets) || (changes && acts(key.on_update))) TRY(check_settable(child, key));
  AsParent parent;
  parent.key = &key;
  parent.child = &child;
  parent.columns = named_columns(*table_, key);
  const KeyText text(*table_, child, key, parent.columns);
  const auto program = [&](std::string sql) {
    return RowProgram::from_text(context, *table_, std::move(sql));
  };
  parent.count_old = TRY(program(text.count("OLD")));
  parent.count_new = TRY(program(text.count("NEW")));
  parent.count_old->use_affinities();
  parent.count_new->use_affinities();
  if (acts(key.on_delete)) parent.on_delete = TRY(program(text.act(key.on_delete, true)));
  if (acts(key.on_update)) parent.on_update = TRY(program(text.act(key.on_update, false)));
  parents_.push_back(std::move(parent));
  return {};
}

bool ForeignKeys::touches(std::span<const int> updated, int column) const noexcept {
  if (column == table_->rowid_column) column = -1;
  return std::find(updated.begin(), updated.end(), column) != updated.end();
}

Result<void> ForeignKeys::compile(CompileContext& context, const Table& table,
                                  std::span<const int> updated, bool removes, bool updates,
                                  bool looks) {
  table_ = &table;
  const auto any_touched = [&](const auto& columns) {
    return std::any_of(columns.begin(), columns.end(),
                       [&](auto column) { return touches(updated, static_cast<int>(column)); });
  };
  const auto refers_here = [&](const ForeignKey& key) {
    return equals_nocase(key.parent, table.name) && any_touched(named_columns(table, key));
  };
  const auto is_touched = [&](const Table* child) {
    const auto& keys = child->foreign_keys;
    return std::any_of(keys.begin(), keys.end(), refers_here);
  };
  // A change that leaves all keys alone asks nothing of them, not even that they are well made.
  const auto& others = context.schemas[table.database].tables();
  if (updates && !removes && std::none_of(others.begin(), others.end(), is_touched) &&
      std::none_of(table.foreign_keys.begin(), table.foreign_keys.end(),
                   [&](const ForeignKey& key) { return any_touched(key.columns); })) {
    return {};
  }
  for (const ForeignKey& key : table.foreign_keys) {
    // A row may be its own parent: then a change of its key is one of its reference too.
    const bool own = equals_nocase(key.parent, table.name);
    if (updates && !own && !any_touched(key.columns)) continue;
    auto parent = find_parent_key(context.schemas, table, key);
    if (!parent && !context.triggers) {
      const bool missing = context.schemas[table.database].find_table(key.parent) == nullptr;
      if (missing) children_.push_back({&key, {nullptr, nullptr, key.columns}});
      continue;
    }
    children_.push_back({&key, TRY(std::move(parent))});
  }
  for (const Table* child : context.schemas[table.database].tables()) {
    for (const ForeignKey& key : child->foreign_keys) {
      if (!equals_nocase(key.parent, table.name)) continue;
      const bool changes = updates && any_touched(named_columns(table, key));
      if (updates && !removes && !changes) continue;
      TRY(add_parent(context, *child, key, removes, changes, looks));
    }
  }
  return {};
}

std::int64_t& ForeignKeys::violations(Runtime& runtime, const ForeignKey& key) noexcept {
  SessionState& session = runtime.session;
  const bool deferred = key.deferred || session.defer_foreign_keys;
  return deferred ? session.deferred_violations : session.immediate_violations;
}

ValueRef ForeignKeys::value_of(const ValueRef* row, int column) const noexcept {
  return row[column < 0 ? table_->columns.size() : static_cast<std::size_t>(column)];
}

// --- as a child ----------------------------------------------------------------------------------

Result<bool> ForeignKeys::check_child(Runtime& runtime, const AsChild& child, const ValueRef* row) {
  arena_.reset();
  return has_parent(runtime.transaction(table_->database), child.parent, row, arena_);
}

/// Whether an update leaves the reference as it was.
bool ForeignKeys::keeps_parent(const AsChild& child, const ValueRef* a,
                               const ValueRef* b) const noexcept {
  if (child.parent.table == table_) return false;
  const std::vector<std::uint32_t>& columns = child.key->columns;
  return std::all_of(columns.begin(), columns.end(), [&](std::uint32_t c) {
    return a[c].type() == b[c].type() && compare(a[c], b[c]) == 0;
  });
}

// --- as a parent ---------------------------------------------------------------------------------

bool ForeignKeys::key_changed(const AsParent& parent, const ValueRef* a,
                              const ValueRef* b) const noexcept {
  return std::any_of(parent.columns.begin(), parent.columns.end(), [&](int c) {
    const ValueRef x = value_of(a, c);
    const ValueRef y = value_of(b, c);
    return x.type() != y.type() || compare(x, y) != 0;
  });
}

/// The children of `old_row` lose it.
Result<void> ForeignKeys::lose_children(Runtime& runtime, AsParent& parent, ast::Action action,
                                        const ValueRef* old_row, const ValueRef* new_row) {
  for (const int column : parent.columns) {
    if (value_of(old_row, column).is_null()) return {};
  }
  const std::int64_t count = TRY(parent.count_old->count(runtime, old_row, new_row));
  if (count == 0) return {};
  if (action == ast::Action::restrict && !runtime.session.defer_foreign_keys) {
    return Error(Code::constraint_trigger, "FOREIGN KEY constraint failed");
  }
  violations(runtime, *parent.key) += count;
  return {};
}

/// Children without a parent find it in `new_row`.
Result<void> ForeignKeys::gain_children(Runtime& runtime, AsParent& parent, const ValueRef* old_row,
                                        const ValueRef* new_row) {
  std::int64_t& count = violations(runtime, *parent.key);
  if (count <= 0) return {};
  for (const int column : parent.columns) {
    if (value_of(new_row, column).is_null()) return {};
  }
  count -= TRY(parent.count_new->count(runtime, old_row, new_row));
  return {};
}

// --- changes -------------------------------------------------------------------------------------

Result<void> ForeignKeys::before_insert(Runtime& runtime, const ValueRef* row) {
  for (AsParent& parent : parents_) TRY(gain_children(runtime, parent, nullptr, row));
  return {};
}

Result<void> ForeignKeys::after_insert(Runtime& runtime, const ValueRef* row) {
  for (const AsChild& child : children_) {
    const bool has = TRY(check_child(runtime, child, row));
    if (!has) ++violations(runtime, *child.key);
  }
  return {};
}

Result<void> ForeignKeys::before_update(Runtime& runtime, const ValueRef* old_row,
                                        const ValueRef* new_row) {
  for (const AsChild& child : children_) {
    std::int64_t& count = violations(runtime, *child.key);
    if (count <= 0 || keeps_parent(child, old_row, new_row)) continue;
    const bool had = TRY(check_child(runtime, child, old_row));
    if (!had) --count;
  }
  for (AsParent& parent : parents_) {
    if (!key_changed(parent, old_row, new_row)) continue;
    TRY(lose_children(runtime, parent, parent.key->on_update, old_row, new_row));
    TRY(gain_children(runtime, parent, old_row, new_row));
  }
  return {};
}

Result<void> ForeignKeys::after_update(Runtime& runtime, const ValueRef* old_row,
                                       const ValueRef* new_row) {
  for (const AsChild& child : children_) {
    if (keeps_parent(child, old_row, new_row)) continue;
    const bool has = TRY(check_child(runtime, child, new_row));
    if (!has) ++violations(runtime, *child.key);
  }
  for (AsParent& parent : parents_) {
    if (!parent.on_update || !key_changed(parent, old_row, new_row)) continue;
    TRY(parent.on_update->run(runtime, old_row, new_row));
  }
  return {};
}

Result<void> ForeignKeys::before_remove(Runtime& runtime, const ValueRef* row) {
  for (const AsChild& child : children_) {
    std::int64_t& count = violations(runtime, *child.key);
    if (count <= 0) continue;
    const bool had = TRY(check_child(runtime, child, row));
    if (!had) --count;
  }
  for (AsParent& parent : parents_) {
    TRY(lose_children(runtime, parent, parent.key->on_delete, row, nullptr));
  }
  return {};
}

Result<void> ForeignKeys::after_remove(Runtime& runtime, const ValueRef* row) {
  for (AsParent& parent : parents_) {
    if (parent.on_delete) TRY(parent.on_delete->run(runtime, row, nullptr));
  }
  return {};
}

}  // namespace saturn::sql
