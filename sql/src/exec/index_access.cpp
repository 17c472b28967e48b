#include "exec/access.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace saturn::sql {

IndexAccess::IndexAccess(Runtime& runtime, const Index& index, std::string_view alias,
                         SeekSpec spec, std::vector<WantedColumn> from_index,
                         std::vector<WantedColumn> from_table, Slot rowid_slot)
    : runtime_(runtime),
      index_(index),
      encoding_(index.table->encoding),
      alias_(alias),
      keys_(runtime, std::move(spec)),
      from_index_(std::move(from_index)),
      from_table_(std::move(from_table)),
      rowid_slot_(rowid_slot),
      stored_key_(encoding_) {
  // The columns that the range is checked on, and what identifies the row.
  const SeekSpec& s = keys_.spec();
  const std::size_t checked = s.equal.size() + (s.low || s.high ? 1 : 0);
  const auto decode = [&](std::size_t place) {
    for (std::size_t i = 0; i < key_columns_.size(); ++i) {
      if (key_columns_[i].column == place) return i;
    }
    const auto slot = static_cast<Slot>(key_columns_.size());
    key_columns_.push_back({static_cast<std::uint32_t>(place), slot, false, {}});
    return key_columns_.size() - 1;
  };
  for (std::size_t i = 0; i < checked; ++i) decode(i);
  const Table& table = *index_.table;
  if (!from_table_.empty() || rowid_slot_ != kNoSlot) {
    if (!table.without_rowid) {
      row_key_.push_back(decode(index_.columns.size()));
    } else if (!index_.clustered) {
      for (const IndexColumn& column : table.primary->columns) {
        row_key_.push_back(decode(static_cast<std::size_t>(index_.place_of(column.column))));
      }
    }
  }
  entry_.resize(key_columns_.size());
  for (ValueRef& v : entry_) entry_pointers_.push_back(&v);
  std::sort(key_columns_.begin(), key_columns_.end(),
            [](const WantedColumn& a, const WantedColumn& b) { return a.column < b.column; });
}

Result<void> IndexAccess::open() {
  const Table& table = *index_.table;
  storage::Transaction& transaction = runtime_.transaction(table.database);
  cursor_.emplace(transaction, index_.root, &index_.key_info);
  if (!from_table_.empty()) {
    table_cursor_.emplace(transaction, table.root,
                          table.without_rowid ? &table.primary->key_info : nullptr);
  }
  done_ = true;
  return {};
}

Result<void> IndexAccess::reopen() {
  if (!cursor_) return open();
  done_ = true;
  return {};
}

Result<void> IndexAccess::bind(EvalContext& left, Selection selection) {
  return keys_.bind(left, selection);
}

Result<void> IndexAccess::start(RowIndex left_row) {
  started_ = false;
  done_ = !keys_.load(left_row);
  return {};
}

/// Whether the range's low value comes first in the tree.
bool IndexAccess::tree_low_first() const noexcept {
  const std::size_t n = keys_.spec().equal.size();
  return n >= index_.columns.size() || !index_.columns[n].descending;
}

/// Moves to where the current probe's entries begin; entries may still have to be checked.
Result<bool> IndexAccess::seek_probe() {
  const SeekSpec& s = keys_.spec();
  const bool low_first = tree_low_first();
  const bool has_first = low_first ? s.low != nullptr : s.high != nullptr;
  const bool has_last = low_first ? s.high != nullptr : s.low != nullptr;
  seek_key_.assign(keys_.equal.begin(), keys_.equal.end());
  if (!s.backward) {
    if (has_first) {
      seek_key_.push_back(low_first ? keys_.low : keys_.high);
      const bool inclusive = low_first ? s.low_inclusive : s.high_inclusive;
      return cursor_->seek(inclusive ? storage::Seek::ge : storage::Seek::gt,
                           stored_key_.of(seek_key_));
    }
    if (has_last && low_first) {  // a range without a start begins after the NULLs
      seek_key_.emplace_back();
      return cursor_->seek(storage::Seek::gt, stored_key_.of(seek_key_));
    }
    return seek_key_.empty() ? cursor_->first()
                             : cursor_->seek(storage::Seek::ge, stored_key_.of(seek_key_));
  }
  if (has_last) {
    seek_key_.push_back(low_first ? keys_.high : keys_.low);
    const bool inclusive = low_first ? s.high_inclusive : s.low_inclusive;
    return cursor_->seek(inclusive ? storage::Seek::le : storage::Seek::lt,
                         stored_key_.of(seek_key_));
  }
  if (has_first && !low_first) {
    seek_key_.emplace_back();
    return cursor_->seek(storage::Seek::lt, stored_key_.of(seek_key_));
  }
  return seek_key_.empty() ? cursor_->last()
                           : cursor_->seek(storage::Seek::le, stored_key_.of(seek_key_));
}

Result<bool> IndexAccess::position() {
  while (keys_.next_probe()) {
    const bool found = TRY(seek_probe());
    if (found) return true;
  }
  return false;
}

/// Whether the entry belongs to the current probe, and if not whether a later one may.
Result<IndexAccess::Match> IndexAccess::check_entry(ByteSpan record) {
  ValueArena* arena = nullptr;
  if (is_utf16(encoding_)) {
    arena = &entry_arena_;
    arena->reset();
  }
  TRY(decode_columns(record, index_.root, encoding_, key_columns_, entry_pointers_.data(), 0,
                     arena));
  const SeekSpec& s = keys_.spec();
  const std::size_t n = s.equal.size();
  for (std::size_t i = 0; i < n; ++i) {
    if (compare(entry_[i], keys_.equal[i], *index_.columns[i].collation) != 0) return Match::end;
  }
  if (!s.low && !s.high) return Match::yes;
  const ValueRef v = entry_[n];
  if (v.is_null()) return Match::end;
  const Collation& order = *index_.columns[n].collation;
  if (s.low) {
    const int c = compare(v, keys_.low, order);
    if (c < 0 || (c == 0 && !s.low_inclusive)) return Match::end;
  }
  if (s.high) {
    const int c = compare(v, keys_.high, order);
    if (c > 0 || (c == 0 && !s.high_inclusive)) return Match::end;
  }
  return Match::yes;
}

Result<void> IndexAccess::emit(const Batch& out, RowIndex row, ByteSpan record) {
  if (!from_index_.empty()) {
    TRY(decode_columns(record, index_.root, encoding_, from_index_, out.columns.data(), row,
                       &arena_));
  }
  if (row_key_.empty()) return {};
  if (rowid_slot_ != kNoSlot) {
    const ValueRef rowid = entry_[row_key_[0]];
    if (!rowid.is_integer()) return corrupt_error(index_.root, 0, "index entry without a rowid");
    out.columns[rowid_slot_][row] = rowid;
  }
  if (from_table_.empty()) return {};
  const storage::Transaction& transaction = runtime_.transaction(index_.table->database);
  const std::uint64_t misses = transaction.misses();
  TRY(find_table_row());
  const std::uint32_t behind = pace_.next(transaction.misses() != misses);
  if (behind != 0) ask_for_rows_behind(behind);
  const ByteSpan table_record = TRY(table_cursor_->payload());
  return decode_columns(table_record, index_.table->root, encoding_, from_table_,
                        out.columns.data(), row, &arena_);
}

/// The row of the current entry was not in memory: asks for those of the entries behind it on the
/// leaf.
void IndexAccess::ask_for_rows_behind(std::uint32_t rows) {
  if (index_.table->without_rowid) return;
  records_behind_.clear();
  rowids_behind_.clear();
  cursor_->look_ahead(keys_.spec().backward, rows, records_behind_);
  for (const ByteSpan record : records_behind_) {
    storage::RecordReader reader;
    reader.reset(record);
    const Result<std::uint32_t> columns = reader.column_count();
    if (!columns || *columns == 0) return;
    const Result<ValueRef> rowid = reader.column(*columns - 1);
    if (!rowid || !rowid->is_integer()) return;
    rowids_behind_.push_back(rowid->as_integer());
  }
  table_cursor_->prefetch(rowids_behind_);
  pace_.asked(rowids_behind_.size());
}

/// Moves the table's cursor to the row of the current entry.
Result<void> IndexAccess::find_table_row() {
  bool found = false;
  if (index_.table->without_rowid) {
    table_key_.clear();
    for (const std::size_t place : row_key_) table_key_.push_back(entry_[place]);
    found = TRY(table_cursor_->seek(storage::Seek::eq, stored_key_.of(table_key_)));
  } else {
    const ValueRef rowid = entry_[row_key_[0]];
    if (!rowid.is_integer()) return corrupt_error(index_.root, 0, "index entry without a rowid");
    found = TRY(table_cursor_->seek(storage::Seek::eq, rowid.as_integer()));
  }
  if (!found) return corrupt_error(index_.root, 0, "index entry without a row");
  return {};
}

Result<std::uint32_t> IndexAccess::fetch(const Batch& out, std::uint32_t at, std::uint32_t room) {
  std::uint32_t count = 0;
  const bool keeps_place = runtime_.transaction(index_.table->database).writable();
  while (!done_ && count < room) {
    bool here = false;
    if (started_) {
      if (!cursor_->valid() && keeps_place) {
        // Another statement has changed the tree: go on from the entry that was last.
        storage::RecordReader reader;
        reader.reset(place_);
        std::vector<ValueRef> key;
        const std::uint32_t columns = TRY(reader.column_count());
        for (std::uint32_t i = 0; i < columns; ++i) key.push_back(TRY(reader.column(i)));
        here =
            TRY(cursor_->seek(keys_.spec().backward ? storage::Seek::lt : storage::Seek::gt, key));
      } else {
        here = TRY(keys_.spec().backward ? cursor_->prev() : cursor_->next());
      }
    }
    ByteSpan record;
    for (;;) {
      if (!here) {
        here = TRY(position());
        started_ = here;
        if (!here) break;
      }
      record = TRY(cursor_->payload());
      const Match match = TRY(check_entry(record));
      if (match == Match::yes) break;
      here = false;
    }
    if (!here) {
      done_ = true;
      break;
    }
    if (keeps_place) place_.assign(record.begin(), record.end());
    TRY(emit(out, static_cast<RowIndex>(at + count), record));
    ++count;
  }
  runtime_.rows_read += count;
  return count;
}

std::string IndexAccess::describe() const {
  const SeekSpec& s = keys_.spec();
  const Table& table = *index_.table;
  const std::string name =
      equals_nocase(alias_, table.name) ? alias_ : cat(table.name, " AS ", alias_);
  const bool whole = s.equal.empty() && !s.low && !s.high;
  const std::string using_index =
      index_.clustered
          ? cat(name, whole ? "" : " USING PRIMARY KEY")
          : cat(name, " USING ", from_table_.empty() ? "COVERING " : "", "INDEX ", index_.name);
  if (whole) return cat("SCAN ", using_index);
  std::string what;
  const auto add = [&](std::size_t i, std::string_view op) {
    const int column = index_.columns[i].column;
    const std::string_view column_name =
        column >= 0 ? std::string_view(table.columns[static_cast<std::size_t>(column)].name)
                    : std::string_view(column == IndexColumn::kRowid ? "rowid" : "<expr>");
    what += cat(what.empty() ? "" : " AND ", column_name, op);
  };
  for (std::size_t i = 0; i < s.equal.size(); ++i) add(i, "=?");
  if (s.low) add(s.equal.size(), ">?");
  if (s.high) add(s.equal.size(), "<?");
  return cat("SEARCH ", using_index, " (", what, ")");
}

}  // namespace saturn::sql
