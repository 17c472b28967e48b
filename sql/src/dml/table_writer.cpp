#include "dml/table_writer.hpp"

#include "base/text.hpp"
#include "catalog/index_order.hpp"
#include "dml/sequences.hpp"
#include "value/number.hpp"

#include <algorithm>

// Compiling a writer, and the order of the steps of each change. What the steps do stands in
// row_checks.cpp, row_keys.cpp and rowids.cpp.

namespace saturn::sql {

// --- compiling -----------------------------------------------------------------------------------

TableWriter::TableWriter(CompileContext& context, const Table& table, WriteRules rules)
    : runtime_(context.runtime),
      table_(table),
      rules_(std::move(rules)),
      stored_key_(table.encoding) {}

Result<std::unique_ptr<TableWriter>> TableWriter::make(CompileContext& context, const Table& table,
                                                       WriteRules rules) {
  if (!table.unsupported.empty()) {
    return Error(Code::error, cat(table.unsupported, " is not supported yet"));
  }
  std::unique_ptr<TableWriter> writer(new TableWriter(context, table, std::move(rules)));
  TRY(writer->compile(context));
  return writer;
}

/// The statement's OR clause, else what the constraint was declared with.
ast::Conflict TableWriter::action(ast::Conflict declared) const noexcept {
  if (rules_.conflict != ast::Conflict::unspecified) return rules_.conflict;
  return declared != ast::Conflict::unspecified ? declared : ast::Conflict::abort;
}

/// Whether an UPDATE's SET may change the column; any may change a generated one.
bool TableWriter::update_may_change(const IndexColumn& column) const noexcept {
  const bool rowid = column.column == IndexColumn::kRowid || column.column == table_.rowid_column;
  if (!rowid && table_.columns[static_cast<std::size_t>(column.column)].generated != nullptr) {
    return true;
  }
  return std::any_of(rules_.updated.begin(), rules_.updated.end(), [&](int target) {
    return rowid ? target == kRowidTarget || target == table_.rowid_column
                 : target == column.column;
  });
}

Result<void> TableWriter::compile_index(CompileContext& context, const RowScope& scope,
                                        const Index& index) {
  if (index.clustered) {
    primary_conflict_ = action(index.conflict);
    return {};
  }
  auto writer = std::make_unique<IndexWriter>();
  writer->index = &index;
  for (const IndexColumn& column : index.columns) {
    ExprPtr expr;
    if (column.column == IndexColumn::kExpression) {
      expr = TRY(bind_row_expr(context, scope, *column.expr, false));
    }
    writer->exprs.push_back(std::move(expr));
  }
  if (index.where != nullptr) {
    writer->where = TRY(bind_row_condition(context, scope, *index.where, false));
  }
  writer->conflict = action(index.conflict);
  bool may_change = index.where != nullptr || index.has_expressions();
  for (std::size_t i = 0; i < index.entry_width(); ++i) {
    may_change = may_change || update_may_change(index.entry_column(i));
  }
  writer->may_change = may_change;
  indexes_.push_back(std::move(writer));
  return {};
}

Result<void> TableWriter::compile_defaults(CompileContext& context) {
  const RowScope none;
  static const Batch kNoColumns;
  for (const TableColumn& column : table_.columns) {
    ValueRef value;
    if (column.default_value != nullptr) {
      const ExprPtr expr = TRY(bind_row_expr(context, none, *column.default_value, false));
      ValueArena arena;
      value = TRY(eval_one(*expr, context.runtime, arena, kNoColumns));
      value = apply_affinity(value, column.affinity, arena);
      if (value.is_text()) value = ValueRef::text(context.arena.copy(value.bytes()));
      if (value.is_blob()) value = ValueRef::blob(context.arena.copy(value.bytes()));
    }
    defaults_.push_back(value);
  }
  return {};
}

/// Triggers and foreign keys.
Result<void> TableWriter::compile_rules(CompileContext& context) {
  const bool has_keys =
      rules_.updates || rules_.gives_rowid || table_.without_rowid || !unique_order_.empty();
  const bool replaces =
      rules_.conflict == ast::Conflict::replace || primary_conflict_ == ast::Conflict::replace ||
      action(table_.primary_key_conflict) == ast::Conflict::replace ||
      std::any_of(indexes_.begin(), indexes_.end(),
                  [](const auto& w) { return w->conflict == ast::Conflict::replace; });
  const bool may_replace = has_keys && replaces;
  using Event = ast::TriggerEvent;
  if (rules_.inserts) {
    TRY(insert_triggers_.compile(context, table_, table_, Event::insert, {}, rules_.conflict));
  }
  if (rules_.updates) {
    TRY(update_triggers_.compile(context, table_, table_, Event::update, rules_.updated,
                                 rules_.conflict));
  }
  if (rules_.deletes) {
    TRY(delete_triggers_.compile(context, table_, table_, Event::remove, {},
                                 ast::Conflict::unspecified));
  }
  if (may_replace && context.runtime.session.recursive_triggers) {
    TRY(replace_triggers_.compile(context, table_, table_, Event::remove, {},
                                  ast::Conflict::replace));
  }
  // Who only asks what names mean does not ask whether keys are well made.
  if (!context.runtime.session.options.foreign_keys || context.names != nullptr) return {};
  // Any change may change a generated column.
  std::vector<int> touched = rules_.updated;
  for (const std::uint32_t column : table_.generated_order) {
    touched.push_back(static_cast<int>(column));
  }
  const bool looks = rules_.many || context.trigger != nullptr || !insert_triggers_.empty();
  return foreign_keys_.compile(context, table_, touched, rules_.deletes || may_replace,
                               rules_.updates, looks);
}

Result<void> TableWriter::compile(CompileContext& context) {
  RowScope scope;
  scope.relations.push_back({&table_, table_.name, 0});
  for (const CheckConstraint& check : table_.checks) {
    checks_.push_back(TRY(bind_row_condition(context, scope, *check.expr, false)));
  }
  generated_ = TRY(bind_generated(context, table_));
  for (const auto& index : table_.indexes) {
    TRY(compile_index(context, scope, *index));
  }
  for (const Index* index : in_list_order(table_)) {
    if (index->unique) unique_order_.push_back(index);
  }
  if (table_.without_rowid) {
    const auto& key = table_.primary->columns;
    key_may_change_ = std::any_of(key.begin(), key.end(), [&](const IndexColumn& column) {
      return update_may_change(column);
    });
  } else {
    key_may_change_ = update_may_change({.column = IndexColumn::kRowid});
  }
  TRY(compile_defaults(context));
  stored_columns_ = TRY(stored_columns(context, table_));
  if (table_.autoincrement)
    sequence_table_ = context.schemas[table_.database].find_table("sqlite_sequence");
  batch_.columns.resize(width());
  record_values_.resize(table_.record_width());
  removed_row_.resize(width());
  reloaded_.resize(width());
  return compile_rules(context);
}

Result<void> TableWriter::open() {
  cursor_.emplace(runtime_.transaction(table_.database), table_.root,
                  table_.without_rowid ? &table_.primary->key_info : nullptr);
  for (auto& writer : indexes_) {
    writer->cursor.emplace(runtime_.transaction(table_.database), writer->index->root,
                           &writer->index->key_info);
  }
  if (rules_.inserts && table_.autoincrement) {
    sequence_ = TRY(sequence_of(runtime_, table_, sequence_table_));
  }
  return {};
}

void TableWriter::close() noexcept {
  cursor_.reset();
  for (auto& writer : indexes_) writer->cursor.reset();
}

const Batch& TableWriter::batch_of(const ValueRef* row) {
  for (std::size_t i = 0; i < width(); ++i) batch_.columns[i] = const_cast<ValueRef*>(row) + i;
  batch_.selection = first_rows(1);
  return batch_;
}

Result<TableWriter::Outcome> TableWriter::constraint_failed(ast::Conflict what, Code code,
                                                            std::string message) {
  if (what == ast::Conflict::ignore) return Outcome{Outcome::Kind::ignored, 0};
  if (what == ast::Conflict::fail) runtime_.on_error = OnError::fail;
  if (what == ast::Conflict::rollback) runtime_.on_error = OnError::rollback;
  return Error(code, std::move(message));
}

// --- rows ----------------------------------------------------------------------------------------

Result<bool> TableWriter::read(Key key, ValueRef* row, ValueArena& arena) {
  const bool found = TRY(seek(key));
  if (!found) return false;
  const ByteSpan record = TRY(cursor_->payload());
  const Batch& batch = batch_of(row);
  TRY(decode_columns(record, table_.root, table_.encoding, stored_columns_, batch.columns.data(), 0,
                     &arena));
  row[table_.columns.size()] = table_.without_rowid ? ValueRef() : key[0];
  if (table_.rowid_column >= 0) row[table_.rowid_column] = key[0];
  for (const GeneratedColumn& column : generated_) {
    if (!table_.columns[column.column].is_virtual()) continue;
    row[column.column] = TRY(column.value(runtime_, arena, batch));
  }
  return true;
}

Result<void> TableWriter::write_record(const ValueRef* row) {
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    const TableColumn& column = table_.columns[i];
    if (column.is_virtual()) continue;
    record_values_[static_cast<std::size_t>(column.record_place)] =
        static_cast<int>(i) == table_.rowid_column ? ValueRef()
        : column.affinity == Affinity::real        ? compact_real(row[i])
                                                   : row[i];
  }
  record_.clear();
  TRY(encode_record(record_values_, table_.encoding, record_));
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(record_.data()), record_.size());
  if (table_.without_rowid) return cursor_->insert(bytes);
  return cursor_->insert(row[table_.columns.size()].as_integer(), bytes);
}

/// Takes the row out of the indexes and the table.
Result<void> TableWriter::erase(const ValueRef* row) {
  for (auto& writer : indexes_) {
    const bool indexed = TRY(make_entry(*writer, row, old_entry_));
    if (indexed) TRY(remove_from_index(*writer, old_entry_));
  }
  key_of(row, scratch_key_);
  const bool there = TRY(seek(scratch_key_));
  if (there) TRY(cursor_->remove());
  ++runtime_.rows_written;
  return {};
}

/// The rowid that was asked for as an integer, NULL where it is to be chosen.
Result<void> TableWriter::take_rowid(ValueRef* row) {
  ValueRef& rowid = row[table_.columns.size()];
  if (table_.without_rowid || rowid.is_null()) return {};
  rowid = apply_affinity(rowid, Affinity::integer, arena_);
  if (!rowid.is_integer()) return Error(Code::mismatch, "datatype mismatch");
  return {};
}

Result<TableWriter::Outcome> TableWriter::insert(ValueRef* row, const UpsertClause* upsert) {
  arena_.reset();
  const std::size_t n = table_.columns.size();
  const Outcome ignored{Outcome::Kind::ignored, 0};
  TRY(take_rowid(row));
  if (insert_triggers_.any(ast::TriggerTime::before)) {
    // They see the columns' affinities, which the row itself gets when it is checked. Where the
    // rowid is not known yet SQLite shows -1.
    std::copy(row, row + width(), removed_row_.begin());
    ValueRef* const seen = removed_row_.data();
    if (!table_.without_rowid && seen[n].is_null()) seen[n] = ValueRef::integer(-1);
    if (table_.rowid_column >= 0) seen[table_.rowid_column] = seen[n];
    TRY(convert(seen));
    TRY(check_types(seen, true));
    const bool goes_on =
        TRY(insert_triggers_.fire(runtime_, ast::TriggerTime::before, nullptr, seen));
    if (!goes_on) return ignored;
  }
  rowid_is_chosen_ = !table_.without_rowid && row[n].is_null();
  if (rowid_is_chosen_) row[n] = ValueRef::integer(TRY(choose_rowid()));
  if (table_.rowid_column >= 0) row[table_.rowid_column] = row[n];
  // A number that was given out counts, whatever becomes of the row.
  if (table_.autoincrement) sequence_->last = std::max(sequence_->last, row[n].as_integer());
  Stopped stopped;
  const bool rowid_first = types_come_late() && (table_.strict || upsert != nullptr);
  if (rowid_first) {
    stopped = TRY(check_rowid_first(row, nullptr, upsert));
    if (stopped) return *stopped;
  }
  stopped = TRY(check_row(row));
  if (stopped) return *stopped;
  forget_entries();
  if (upsert != nullptr) {
    std::span<const UpsertClause::value_type> keys(*upsert);
    if (rowid_first && keys.front().first == nullptr) keys = keys.subspan(1);
    stopped = TRY(check_upsert_keys(row, keys));
    if (stopped) return *stopped;
  }
  std::vector<OwnedKey> replaced;
  stopped = TRY(check_keys(row, nullptr, replaced));
  if (stopped) return *stopped;
  TRY(remove_replaced(replaced));
  if (!replaced.empty() && replacing_runs_more()) TRY(check_keys_again(row, nullptr));
  TRY(foreign_keys_.before_insert(runtime_, row));
  TRY(write_record(row));
  for (auto& writer : indexes_) TRY(add_to_index(*writer, row));
  if (!table_.without_rowid) {
    runtime_.session.counters.last_insert_rowid = row[n].as_integer();
  }
  TRY(foreign_keys_.after_insert(runtime_, row));
  ++runtime_.rows_written;
  if (returning_ != nullptr) TRY(returning_->add(runtime_, row));
  if (insert_triggers_.any(ast::TriggerTime::after)) {
    TRY(insert_triggers_.fire(runtime_, ast::TriggerTime::after, nullptr, row));
  }
  return Outcome{};
}

/// What BEFORE triggers have made of a row; null when it is gone.
Result<const ValueRef*> TableWriter::read_again(const ValueRef* row) {
  key_of(row, scratch_key_);
  const bool found = TRY(read(scratch_key_, reloaded_.data(), arena_));
  return found ? reloaded_.data() : nullptr;
}

/// After BEFORE triggers the row may be gone, or have other values in columns that SET leaves.
Result<TableWriter::Stopped> TableWriter::reload(ValueRef* old_row, ValueRef* new_row) {
  if (TRY(read_again(old_row)) == nullptr) return Stopped(Outcome{Outcome::Kind::ignored, 0});
  std::copy(reloaded_.begin(), reloaded_.end(), old_row);
  for (std::size_t c = 0; c < table_.columns.size(); ++c) {
    const auto set = [&](int target) { return target == static_cast<int>(c); };
    if (static_cast<int>(c) == table_.rowid_column) continue;
    if (std::any_of(rules_.updated.begin(), rules_.updated.end(), set)) continue;
    new_row[c] = reloaded_[c];
  }
  return Stopped();
}

Result<TableWriter::Outcome> TableWriter::update(ValueRef* old_row, ValueRef* new_row) {
  arena_.reset();
  const std::size_t n = table_.columns.size();
  if (!table_.without_rowid) {
    if (table_.rowid_column >= 0) new_row[n] = new_row[table_.rowid_column];
    new_row[n] = apply_affinity(new_row[n], Affinity::integer, arena_);
    if (!new_row[n].is_integer()) return Error(Code::mismatch, "datatype mismatch");
    if (table_.rowid_column >= 0) new_row[table_.rowid_column] = new_row[n];
  }
  Stopped stopped;
  if (update_triggers_.any(ast::TriggerTime::before)) {
    TRY(convert(new_row));
    TRY(check_types(new_row, true));
    const bool goes_on =
        TRY(update_triggers_.fire(runtime_, ast::TriggerTime::before, old_row, new_row));
    if (!goes_on) return Outcome{Outcome::Kind::ignored, 0};
    stopped = TRY(reload(old_row, new_row));
    if (stopped) return *stopped;
  }
  key_of(old_row, old_key_);
  if (table_.strict && types_come_late()) {
    stopped = TRY(check_rowid_first(new_row, &old_key_, nullptr));
    if (stopped) return *stopped;
  }
  stopped = TRY(check_row(new_row));
  if (stopped) return *stopped;
  forget_entries();
  key_of(new_row, new_key_);
  std::vector<OwnedKey> replaced;
  stopped = TRY(check_keys(new_row, &old_key_, replaced));
  if (stopped) return *stopped;
  TRY(remove_replaced(replaced));
  if (!replaced.empty() && replacing_runs_more()) TRY(check_keys_again(new_row, &old_key_));
  TRY(foreign_keys_.before_update(runtime_, old_row, new_row));
  TRY(change_indexes(old_row, new_row));
  if (key_may_change_ && !same_key(old_key_, new_key_)) {
    const bool found = TRY(seek(old_key_));
    if (found) TRY(cursor_->remove());
  }
  TRY(write_record(new_row));
  ++runtime_.rows_written;
  TRY(foreign_keys_.after_update(runtime_, old_row, new_row));
  if (returning_ != nullptr) TRY(returning_->add(runtime_, new_row));
  if (update_triggers_.any(ast::TriggerTime::after)) {
    TRY(update_triggers_.fire(runtime_, ast::TriggerTime::after, old_row, new_row));
  }
  return Outcome{};
}

/// What BEFORE triggers make of the row is removed; all others see it as it was.
Result<TableWriter::Outcome> TableWriter::remove(ValueRef* row) {
  arena_.reset();
  const ValueRef* stored = row;
  if (delete_triggers_.any(ast::TriggerTime::before)) {
    const bool goes_on =
        TRY(delete_triggers_.fire(runtime_, ast::TriggerTime::before, row, nullptr));
    if (!goes_on) return Outcome{Outcome::Kind::ignored, 0};
    stored = TRY(read_again(row));
    if (stored == nullptr) return Outcome{Outcome::Kind::ignored, 0};
  }
  TRY(foreign_keys_.before_remove(runtime_, row));
  TRY(erase(stored));
  TRY(foreign_keys_.after_remove(runtime_, row));
  if (returning_ != nullptr) TRY(returning_->add(runtime_, row));
  if (delete_triggers_.any(ast::TriggerTime::after)) {
    TRY(delete_triggers_.fire(runtime_, ast::TriggerTime::after, row, nullptr));
  }
  return Outcome{};
}

bool TableWriter::updates_by_key(const Index* found_by) const noexcept {
  if (key_may_change_ || !update_triggers_.empty() || foreign_keys_.concern_removal()) return true;
  const bool replaces = rules_.conflict == ast::Conflict::replace;
  return replaces || std::any_of(indexes_.begin(), indexes_.end(), [&](const auto& writer) {
           return writer->may_change &&
                  (writer->index == found_by || writer->conflict == ast::Conflict::replace);
         });
}

bool TableWriter::may_clear() const noexcept {
  return delete_triggers_.empty() && !foreign_keys_.concern_removal();
}

Result<std::int64_t> TableWriter::clear() {
  std::int64_t count = 0;
  bool more = TRY(cursor_->first());
  while (more) {
    if (++count % 1024 == 0) TRY(runtime_.poll());
    more = TRY(cursor_->next());
  }
  storage::Transaction& transaction = runtime_.transaction(table_.database);
  TRY(storage::clear_tree(
      transaction, table_.root,
      table_.without_rowid ? storage::TreeKind::index : storage::TreeKind::table));
  for (auto& writer : indexes_) {
    TRY(storage::clear_tree(transaction, writer->index->root, storage::TreeKind::index));
  }
  runtime_.rows_written += static_cast<std::uint64_t>(count);
  return count;
}

}  // namespace saturn::sql
