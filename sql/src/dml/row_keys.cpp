#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "dml/table_writer.hpp"
#include "value/number.hpp"

#include <algorithm>

// Keys: of rows, and of their entries in indexes.

namespace saturn::sql {

void TableWriter::key_of(const ValueRef* row, OwnedKey& key) const {
  key.clear();
  if (!table_.without_rowid) {
    key.push_back(row[table_.columns.size()]);
    return;
  }
  for (const IndexColumn& column : table_.primary->columns) {
    key.push_back(row[static_cast<std::size_t>(column.column)]);
  }
}

bool TableWriter::same_key(Key a, Key b) const noexcept {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Collation& order =
        table_.without_rowid ? *table_.primary->columns[i].collation : Collation::binary();
    if (compare(a[i], b[i], order) != 0) return false;
  }
  return true;
}

/// Moves the table's cursor to a row.
Result<bool> TableWriter::seek(Key key) {
  if (table_.without_rowid) return cursor_->seek(storage::Seek::eq, stored_key_.of(key));
  return cursor_->seek(storage::Seek::eq, key[0].as_integer());
}

std::string TableWriter::key_text(const Index* index) const {
  std::string text;
  if (index == nullptr) {
    return cat(table_.name, ".",
               table_.rowid_column >= 0
                   ? table_.columns[static_cast<std::size_t>(table_.rowid_column)].name
                   : "rowid");
  }
  if (index->has_expressions()) return cat("index '", index->name, "'");
  for (const IndexColumn& column : index->columns) {
    if (!text.empty()) text += ", ";
    text += cat(table_.name, ".", table_.columns[static_cast<std::size_t>(column.column)].name);
  }
  return text;
}

Result<TableWriter::Outcome> TableWriter::duplicate(const Index* index, ast::Conflict conflict) {
  Code code = Code::constraint_unique;
  if (index == nullptr) {
    code = table_.rowid_column >= 0 ? Code::constraint_primarykey : Code::constraint_rowid;
  } else if (index->origin == IndexOrigin::primary_key) {
    code = Code::constraint_primarykey;
  }
  return constraint_failed(conflict, code, cat("UNIQUE constraint failed: ", key_text(index)));
}

/// The index's entry for a row; false when a partial index leaves the row out.
Result<bool> TableWriter::make_entry(IndexWriter& writer, const ValueRef* row,
                                     std::vector<ValueRef>& entry) {
  if (writer.where) {
    const ScopedValue<std::string_view> pure(runtime_.pure_in, "an index");
    const ValueRef v = TRY(eval_one(*writer.where, runtime_, arena_, batch_of(row)));
    if (v.is_null() || !to_boolean(v)) return false;
  }
  entry.clear();
  const Index& index = *writer.index;
  for (std::size_t i = 0; i < index.entry_width(); ++i) {
    const int column = index.entry_column(i).column;
    if (column == IndexColumn::kExpression) {
      const ScopedValue<std::string_view> pure(runtime_.pure_in, "an index");
      entry.push_back(TRY(eval_one(*writer.exprs[i], runtime_, arena_, batch_of(row))));
      continue;
    }
    const bool rowid = column == IndexColumn::kRowid || column == table_.rowid_column;
    const ValueRef v = row[rowid ? table_.columns.size() : static_cast<std::size_t>(column)];
    const bool real =
        !rowid && table_.columns[static_cast<std::size_t>(column)].affinity == Affinity::real;
    entry.push_back(real ? compact_real(v) : v);
  }
  return true;
}

/// The entry of the row that is being written, in `writer.key`; false when it has none.
Result<bool> TableWriter::make_new_entry(IndexWriter& writer, const ValueRef* row) {
  if (!writer.made) writer.indexed = TRY(make_entry(writer, row, writer.key));
  writer.made = true;
  return writer.indexed;
}

/// Another row is going to be written.
void TableWriter::forget_entries() noexcept {
  for (auto& writer : indexes_) writer->made = writer->sought = false;
}

/// The key of the row that has `writer.key`'s columns in the index; nothing when there is none or
/// one of them is NULL.
Result<std::optional<TableWriter::OwnedKey>> TableWriter::find_duplicate(IndexWriter& writer) {
  using Found = std::optional<OwnedKey>;
  const Index& index = *writer.index;
  const std::size_t columns = index.columns.size();
  for (std::size_t i = 0; i < columns; ++i) {
    if (writer.key[i].is_null()) return Found();
  }
  const bool found =
      TRY(writer.cursor->seek(storage::Seek::eq, stored_key_.of({writer.key.data(), columns})));
  writer.sought = !found;
  if (!found) return Found();
  storage::RecordReader reader;
  reader.reset(TRY(writer.cursor->payload()), index.root);
  OwnedKey key;
  if (!table_.without_rowid) {
    key.push_back(TRY(reader.column(static_cast<std::uint32_t>(columns))));
    if (!key[0].is_integer()) return corrupt_error(index.root, 0, "index entry without a rowid");
    return Found(std::move(key));
  }
  for (const IndexColumn& column : table_.primary->columns) {
    const auto place = static_cast<std::uint32_t>(index.place_of(column.column));
    const ValueRef v = from_stored(TRY(reader.column(place)), table_.encoding, arena_);
    key.push_back(v.is_text()   ? ValueRef::text(arena_.copy(v.bytes()))
                  : v.is_blob() ? ValueRef::blob(arena_.copy(v.bytes()))
                                : v);
  }
  return Found(std::move(key));
}

/// The key of the row that stands in the way of `row` in `index` (null: by the table's own key).
Result<std::optional<TableWriter::OwnedKey>> TableWriter::find_in_way(const Index* index,
                                                                      const ValueRef* row) {
  using Found = std::optional<OwnedKey>;
  if (index == nullptr || index->clustered) {
    key_of(row, scratch_key_);
    const bool exists = TRY(seek(scratch_key_));
    return exists ? Found(scratch_key_) : Found();
  }
  for (auto& writer : indexes_) {
    if (writer->index != index) continue;
    const bool indexed = TRY(make_new_entry(*writer, row));
    if (!indexed) return Found();
    return find_duplicate(*writer);
  }
  return Found();
}

/// The keys of an upsert's clauses, in their order.
Result<TableWriter::Stopped> TableWriter::check_upsert_keys(
    const ValueRef* row, std::span<const UpsertClause::value_type> keys) {
  for (const auto& [index, clause] : keys) {
    auto other = TRY(find_in_way(index, row));
    if (!other) continue;
    way_ = std::move(*other);
    return Stopped(Outcome{Outcome::Kind::conflict, clause});
  }
  return Stopped();
}

/// Whether another row may have the key of the row that is being written. `own`: of its old state.
bool TableWriter::may_collide(const Index* index, const OwnedKey* own) const noexcept {
  if (own == nullptr) return index != nullptr || !rowid_is_chosen_;
  if (index == nullptr || index->clustered) return key_may_change_;
  return std::any_of(indexes_.begin(), indexes_.end(), [&](const auto& writer) {
    return writer->index == index && writer->may_change;
  });
}

/// Looks for rows with a key of `row`, other than the row `own`. Those that REPLACE removes are put
/// into `replaced`, after everything else was found to be well.
Result<TableWriter::Stopped> TableWriter::check_keys(const ValueRef* row, const OwnedKey* own,
                                                     std::vector<OwnedKey>& replaced) {
  const auto check = [&](const Index* index, ast::Conflict conflict) -> Result<Stopped> {
    if (!may_collide(index, own)) return Stopped();
    auto other = TRY(find_in_way(index, row));
    if (!other || (own != nullptr && same_key(*other, *own))) return Stopped();
    if (conflict != ast::Conflict::replace) return Stopped(TRY(duplicate(index, conflict)));
    const bool known = std::any_of(replaced.begin(), replaced.end(),
                                   [&](const OwnedKey& key) { return same_key(key, *other); });
    if (!known) replaced.push_back(std::move(*other));
    return Stopped();
  };
  const ast::Conflict own_conflict =
      table_.without_rowid ? primary_conflict_ : action(table_.primary_key_conflict);
  for (const bool replacing : {false, true}) {
    // As in SQLite: a rowid first, then the indexes, the latest made coming first.
    if (!table_.without_rowid && (own_conflict == ast::Conflict::replace) == replacing) {
      Stopped stopped = TRY(check(nullptr, own_conflict));
      if (stopped) return stopped;
    }
    for (const Index* index : unique_order_) {
      const ast::Conflict conflict = index->clustered ? own_conflict : action(index->conflict);
      if ((conflict == ast::Conflict::replace) != replacing) continue;
      Stopped stopped = TRY(check(index, conflict));
      if (stopped) return stopped;
    }
  }
  return Stopped();
}

Result<void> TableWriter::remove_replaced(const std::vector<OwnedKey>& replaced) {
  for (const OwnedKey& key : replaced) {
    const bool found = TRY(read(key, removed_row_.data(), arena_));
    if (!found) continue;
    const ValueRef* const row = removed_row_.data();
    const ValueRef* stored = row;
    if (replace_triggers_.any(ast::TriggerTime::before)) {
      const bool goes_on =
          TRY(replace_triggers_.fire(runtime_, ast::TriggerTime::before, row, nullptr));
      stored = TRY(read_again(row));
      if (!goes_on || stored == nullptr) continue;
    }
    TRY(foreign_keys_.before_remove(runtime_, row));
    TRY(erase(stored));
    TRY(foreign_keys_.after_remove(runtime_, row));
    if (replace_triggers_.any(ast::TriggerTime::after)) {
      TRY(replace_triggers_.fire(runtime_, ast::TriggerTime::after, row, nullptr));
    }
  }
  return {};
}

/// What ran for the rows that were replaced may have put others in the way, or kept them.
Result<void> TableWriter::check_keys_again(const ValueRef* row, const OwnedKey* own) {
  const auto check = [&](const Index* index) -> Result<void> {
    const auto other = TRY(find_in_way(index, row));
    if (!other || (own != nullptr && same_key(*other, *own))) return {};
    TRY(duplicate(index, ast::Conflict::abort));
    return {};
  };
  if (!table_.without_rowid) TRY(check(nullptr));
  for (const Index* index : unique_order_) TRY(check(index));
  return {};
}

Result<void> TableWriter::add_to_index(IndexWriter& writer, const ValueRef* row) {
  const bool indexed = TRY(make_new_entry(writer, row));
  if (!indexed) return {};
  record_.clear();
  TRY(encode_record(writer.key, table_.encoding, record_));
  const ByteSpan record(reinterpret_cast<const std::uint8_t*>(record_.data()), record_.size());
  return writer.sought ? writer.cursor->insert_sought(record) : writer.cursor->insert(record);
}

Result<void> TableWriter::remove_from_index(IndexWriter& writer, std::span<const ValueRef> entry) {
  writer.sought = false;
  const bool found = TRY(writer.cursor->seek(storage::Seek::eq, stored_key_.of(entry)));
  if (!found) {
    return Error(Code::corrupt_index,
                 cat("database disk image is malformed (index ", writer.index->name,
                     " lacks an entry of table ", table_.name, ")"));
  }
  return writer.cursor->remove();
}

/// Puts the entries of `new_row` in the place of those of `old_row`, where they differ.
Result<void> TableWriter::change_indexes(const ValueRef* old_row, const ValueRef* new_row) {
  for (auto& writer : indexes_) {
    if (!writer->may_change) continue;
    const bool was_in = TRY(make_entry(*writer, old_row, old_entry_));
    const bool is_in = TRY(make_new_entry(*writer, new_row));
    bool equal = was_in == is_in;
    for (std::size_t i = 0; equal && was_in && i < old_entry_.size(); ++i) {
      equal = old_entry_[i].type() == writer->key[i].type() &&
              compare(old_entry_[i], writer->key[i]) == 0;
    }
    if (equal) continue;
    if (was_in) TRY(remove_from_index(*writer, old_entry_));
    if (is_in) TRY(add_to_index(*writer, new_row));
  }
  return {};
}

}  // namespace saturn::sql
