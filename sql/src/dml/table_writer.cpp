#include "dml/table_writer.hpp"

#include "base/text.hpp"
#include "exec/nodes.hpp"
#include "exec/row_store.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace saturn::sql {
namespace {

constexpr std::int64_t kRowidMax = std::numeric_limits<std::int64_t>::max();

/// REAL columns keep small whole numbers as integers, as SQLite's files do.
ValueRef compact_real(ValueRef v) noexcept {
  if (!v.is_real()) return v;
  const double r = v.as_real();
  if (r < -140737488355328.0 || r > 140737488355327.0) return v;
  const auto i = static_cast<std::int64_t>(r);
  if (static_cast<double>(i) != r || (i == 0 && std::signbit(r))) return v;
  return ValueRef::integer(i);
}

}  // namespace

// --- compiling -----------------------------------------------------------------------------------

TableWriter::TableWriter(CompileContext& context, const Table& table, ast::Conflict conflict)
    : runtime_(context.runtime), table_(table), conflict_(conflict) {}

Result<std::unique_ptr<TableWriter>> TableWriter::make(CompileContext& context, const Table& table,
                                                       ast::Conflict conflict) {
  if (!table.unsupported.empty()) {
    return Error(Code::error, cat(table.unsupported, " is not supported yet"));
  }
  if (!table.unsupported_write.empty()) {
    return Error(Code::error, cat(table.unsupported_write, " is not supported yet"));
  }
  std::unique_ptr<TableWriter> writer(new TableWriter(context, table, conflict));
  TRY(writer->compile(context));
  return writer;
}

/// The statement's OR clause, else what the constraint was declared with.
ast::Conflict TableWriter::action(ast::Conflict declared) const noexcept {
  if (conflict_ != ast::Conflict::unspecified) return conflict_;
  return declared != ast::Conflict::unspecified ? declared : ast::Conflict::abort;
}

Result<void> TableWriter::compile(CompileContext& context) {
  RowScope scope;
  scope.relations.push_back({&table_, table_.name, 0});
  for (const CheckConstraint& check : table_.checks) {
    checks_.push_back(TRY(bind_row_expr(context, scope, *check.expr, false)));
  }
  for (const auto& index : table_.indexes) {
    auto writer = std::make_unique<IndexWriter>();
    writer->index = index.get();
    for (const IndexColumn& column : index->columns) {
      ExprPtr expr;
      if (column.column == IndexColumn::kExpression) {
        expr = TRY(bind_row_expr(context, scope, *column.expr, false));
      }
      writer->exprs.push_back(std::move(expr));
    }
    if (index->where != nullptr) {
      writer->where = TRY(bind_row_expr(context, scope, *index->where, false));
    }
    writer->conflict = action(index->conflict);
    indexes_.push_back(std::move(writer));
  }
  const RowScope none;
  static const Batch kNoColumns;
  for (std::uint32_t i = 0; i < table_.columns.size(); ++i) {
    const TableColumn& column = table_.columns[i];
    WantedColumn wanted{i, i, column.affinity == Affinity::real, {}};
    ValueRef value;
    if (column.default_value != nullptr) {
      ExprPtr expr = TRY(bind_row_expr(context, none, *column.default_value, false));
      ValueArena arena;
      value = TRY(eval_one(*expr, context.runtime, arena, kNoColumns));
      value = apply_affinity(value, column.affinity, arena);
      if (value.is_text()) value = ValueRef::text(context.arena.copy(value.bytes()));
      if (value.is_blob()) value = ValueRef::blob(context.arena.copy(value.bytes()));
    }
    wanted.absent = value;
    defaults_.push_back(value);
    if (static_cast<int>(i) != table_.rowid_column) all_columns_.push_back(wanted);
  }
  if (table_.autoincrement) sequence_table_ = context.schema.find_table("sqlite_sequence");
  batch_.columns.resize(width());
  stored_.resize(table_.columns.size());
  removed_row_.resize(width());
  return {};
}

Result<void> TableWriter::open() {
  cursor_.emplace(*runtime_.transaction, table_.root);
  for (auto& writer : indexes_) {
    writer->cursor.emplace(*runtime_.transaction, writer->index->root, &writer->index->key_info);
  }
  sequence_loaded_ = false;
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

// --- constraints ---------------------------------------------------------------------------------

Result<TableWriter::Outcome> TableWriter::constraint_failed(ast::Conflict what, Code code,
                                                            std::string message) {
  if (what == ast::Conflict::ignore) return Outcome{Outcome::Kind::ignored, 0, 0};
  if (what == ast::Conflict::fail) runtime_.on_error = OnError::fail;
  if (what == ast::Conflict::rollback) runtime_.on_error = OnError::rollback;
  return Error(code, std::move(message));
}

/// Affinities, NOT NULL and CHECK. An outcome when the row is not to be written.
Result<std::optional<TableWriter::Outcome>> TableWriter::check_row(ValueRef* row) {
  for (std::size_t i = 0; i < table_.columns.size(); ++i) {
    if (static_cast<int>(i) == table_.rowid_column) continue;
    const TableColumn& column = table_.columns[i];
    row[i] = apply_affinity(row[i], column.affinity, arena_);
    if (!column.not_null || !row[i].is_null()) continue;
    const ast::Conflict what = action(column.not_null_conflict);
    if (what == ast::Conflict::replace && !defaults_[i].is_null()) {
      row[i] = defaults_[i];
      continue;
    }
    return std::optional(
        TRY(constraint_failed(what, Code::constraint_notnull,
                              cat("NOT NULL constraint failed: ", table_.name, ".", column.name))));
  }
  if (runtime_.session.ignore_check_constraints) return std::optional<Outcome>();
  const Batch& batch = batch_of(row);
  for (std::size_t i = 0; i < checks_.size(); ++i) {
    const ValueRef v = TRY(eval_one(*checks_[i], runtime_, arena_, batch));
    if (v.is_null() || to_boolean(v)) continue;
    ast::Conflict what = action(ast::Conflict::unspecified);
    if (what == ast::Conflict::replace) what = ast::Conflict::abort;
    const CheckConstraint& check = table_.checks[i];
    return std::optional(TRY(constraint_failed(
        what, Code::constraint_check,
        cat("CHECK constraint failed: ", check.name.empty() ? check.text : check.name))));
  }
  return std::optional<Outcome>();
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

/// The index's key of a row, its rowid last; false when a partial index leaves the row out.
Result<bool> TableWriter::make_key(IndexWriter& writer, const ValueRef* row,
                                   std::vector<ValueRef>& key) {
  if (writer.where) {
    const ValueRef v = TRY(eval_one(*writer.where, runtime_, arena_, batch_of(row)));
    if (v.is_null() || !to_boolean(v)) return false;
  }
  key.clear();
  const Index& index = *writer.index;
  for (std::size_t i = 0; i < index.columns.size(); ++i) {
    const int column = index.columns[i].column;
    if (column >= 0) {
      const ValueRef v = column == table_.rowid_column ? row[table_.columns.size()] : row[column];
      key.push_back(compact_real(v));
    } else {
      key.push_back(TRY(eval_one(*writer.exprs[i], runtime_, arena_, batch_of(row))));
    }
  }
  key.push_back(row[table_.columns.size()]);
  return true;
}

/// The rowid of an entry with the same key columns; nothing when there is none or one is NULL.
Result<std::optional<std::int64_t>> TableWriter::find_duplicate(IndexWriter& writer,
                                                                const std::vector<ValueRef>& key) {
  const std::size_t columns = writer.index->columns.size();
  for (std::size_t i = 0; i < columns; ++i) {
    if (key[i].is_null()) return std::optional<std::int64_t>();
  }
  const bool found = TRY(writer.cursor->seek(storage::Seek::eq, {key.data(), columns}));
  if (!found) return std::optional<std::int64_t>();
  storage::RecordReader reader;
  reader.reset(TRY(writer.cursor->payload()), writer.index->root);
  const ValueRef rowid = TRY(reader.column(static_cast<std::uint32_t>(columns)));
  if (!rowid.is_integer()) {
    return corrupt_error(writer.index->root, 0, "index entry without a rowid");
  }
  return std::optional(rowid.as_integer());
}

/// Looks for rows with a key of `row`, other than the row `own_rowid`. Those that REPLACE removes
/// are put into `replaced`, after everything else was found to be well.
Result<std::optional<TableWriter::Outcome>> TableWriter::check_keys(
    const ValueRef* row, const std::int64_t* own_rowid, const UpsertClause* upsert,
    std::vector<std::int64_t>& replaced) {
  const std::int64_t rowid = row[table_.columns.size()].as_integer();
  const auto found = [&](const Index* index, std::int64_t other,
                         ast::Conflict conflict) -> Result<std::optional<Outcome>> {
    if (conflict != ast::Conflict::replace) {
      return std::optional(TRY(duplicate(index, conflict)));
    }
    if (std::find(replaced.begin(), replaced.end(), other) == replaced.end()) {
      replaced.push_back(other);
    }
    return std::optional<Outcome>();
  };
  // The clauses of an upsert are tried in the order in which they were written.
  for (const auto& [index, clause] : upsert != nullptr ? *upsert : UpsertClause()) {
    std::optional<std::int64_t> other;
    if (index == nullptr) {
      const bool exists = TRY(cursor_->seek(storage::Seek::eq, rowid));
      if (exists) other = rowid;
    } else {
      for (auto& writer : indexes_) {
        if (writer->index != index) continue;
        const bool indexed = TRY(make_key(*writer, row, writer->key));
        if (indexed) other = TRY(find_duplicate(*writer, writer->key));
      }
    }
    if (other) return std::optional(Outcome{Outcome::Kind::conflict, *other, clause});
  }
  if (own_rowid == nullptr || *own_rowid != rowid) {
    const bool exists = TRY(cursor_->seek(storage::Seek::eq, rowid));
    if (exists) {
      auto outcome = TRY(found(nullptr, rowid, action(table_.primary_key_conflict)));
      if (outcome) return outcome;
    }
  }
  for (const bool replacing : {false, true}) {
    for (auto& writer : indexes_) {
      if (!writer->index->unique) continue;
      if ((writer->conflict == ast::Conflict::replace) != replacing) continue;
      const bool indexed = TRY(make_key(*writer, row, writer->key));
      if (!indexed) continue;
      const auto other = TRY(find_duplicate(*writer, writer->key));
      if (!other || (own_rowid != nullptr && *other == *own_rowid)) continue;
      auto outcome = TRY(found(writer->index, *other, writer->conflict));
      if (outcome) return outcome;
    }
  }
  return std::optional<Outcome>();
}

// --- rowids --------------------------------------------------------------------------------------

Result<void> TableWriter::load_sequence() {
  sequence_loaded_ = true;
  sequence_ = 0;
  if (sequence_table_ == nullptr) return corrupt_error(1, 0, "sqlite_sequence is missing");
  storage::BTreeCursor cursor(*runtime_.transaction, sequence_table_->root);
  storage::RecordReader reader;
  bool more = TRY(cursor.first());
  while (more) {
    reader.reset(TRY(cursor.payload()), sequence_table_->root);
    const ValueRef name = TRY(reader.column(0));
    const ValueRef value = TRY(reader.column(1));
    if (name.is_text() && equals_nocase(name.bytes(), table_.name)) {
      sequence_ = value.is_null() ? 0 : to_integer(value);
      return {};
    }
    more = TRY(cursor.next());
  }
  return {};
}

Result<std::int64_t> TableWriter::choose_rowid() {
  const bool any = TRY(cursor_->last());
  std::int64_t last = any ? cursor_->rowid() : 0;
  if (table_.autoincrement) {
    if (!sequence_loaded_) TRY(load_sequence());
    last = std::max(last, sequence_);
    if (last == kRowidMax) return Error(Code::full);
    // A number that was given out counts, whatever becomes of the row.
    sequence_ = last + 1;
    return sequence_;
  }
  if (last < kRowidMax) return any ? last + 1 : std::int64_t{1};
  static thread_local std::mt19937_64 random{std::random_device{}()};
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto candidate = static_cast<std::int64_t>(random() >> 2) + 1;
    const bool taken = TRY(cursor_->seek(storage::Seek::eq, candidate));
    if (!taken) return candidate;
  }
  return Error(Code::full);
}

Result<void> TableWriter::finish_insert() {
  if (!table_.autoincrement) return {};
  if (!sequence_loaded_) TRY(load_sequence());
  storage::BTreeCursor cursor(*runtime_.transaction, sequence_table_->root);
  storage::RecordReader reader;
  std::int64_t rowid = 1;
  bool more = TRY(cursor.first());
  while (more) {
    reader.reset(TRY(cursor.payload()), sequence_table_->root);
    const ValueRef name = TRY(reader.column(0));
    rowid = cursor.rowid();
    if (name.is_text() && equals_nocase(name.bytes(), table_.name)) break;
    ++rowid;
    more = TRY(cursor.next());
  }
  const ValueRef values[] = {ValueRef::text(table_.name), ValueRef::integer(sequence_)};
  std::string record;
  TRY(storage::encode_record(values, record));
  return cursor.insert(rowid,
                       {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()});
}

// --- writing -------------------------------------------------------------------------------------

Result<void> TableWriter::write_record(const ValueRef* row) {
  for (std::size_t i = 0; i < stored_.size(); ++i) {
    stored_[i] = table_.columns[i].affinity == Affinity::real ? compact_real(row[i]) : row[i];
  }
  if (table_.rowid_column >= 0) stored_[static_cast<std::size_t>(table_.rowid_column)] = ValueRef();
  record_.clear();
  TRY(storage::encode_record(stored_, record_));
  return cursor_->insert(
      row[table_.columns.size()].as_integer(),
      ByteSpan(reinterpret_cast<const std::uint8_t*>(record_.data()), record_.size()));
}

Result<void> TableWriter::add_to_index(IndexWriter& writer, const ValueRef* row) {
  const bool indexed = TRY(make_key(writer, row, writer.key));
  if (!indexed) return {};
  record_.clear();
  TRY(storage::encode_record(writer.key, record_));
  return writer.cursor->insert(
      ByteSpan(reinterpret_cast<const std::uint8_t*>(record_.data()), record_.size()));
}

Result<void> TableWriter::remove_from_index(IndexWriter& writer, const ValueRef* row) {
  const bool indexed = TRY(make_key(writer, row, writer.key));
  if (!indexed) return {};
  const bool found = TRY(writer.cursor->seek(storage::Seek::eq, writer.key));
  if (!found) {
    return Error(Code::corrupt_index,
                 cat("database disk image is malformed (index ", writer.index->name,
                     " lacks the entry of row ", row[table_.columns.size()].as_integer(), ")"));
  }
  return writer.cursor->remove();
}

Result<TableWriter::Outcome> TableWriter::insert(ValueRef* row, const UpsertClause* upsert) {
  arena_.reset();
  const std::size_t n = table_.columns.size();
  if (row[n].is_null()) {
    row[n] = ValueRef::integer(TRY(choose_rowid()));
  } else {
    row[n] = apply_affinity(row[n], Affinity::integer, arena_);
    if (row[n].is_real() && row[n].as_real() == static_cast<double>(to_integer(row[n]))) {
      row[n] = ValueRef::integer(to_integer(row[n]));
    }
    if (!row[n].is_integer()) return Error(Code::mismatch, "datatype mismatch");
  }
  if (table_.rowid_column >= 0) row[table_.rowid_column] = row[n];
  auto stopped = TRY(check_row(row));
  if (stopped) return *stopped;
  std::vector<std::int64_t> replaced;
  stopped = TRY(check_keys(row, nullptr, upsert, replaced));
  if (stopped) return *stopped;
  for (const std::int64_t other : replaced) TRY(remove(other));
  TRY(write_record(row));
  for (auto& writer : indexes_) TRY(add_to_index(*writer, row));
  const std::int64_t rowid = row[n].as_integer();
  if (table_.autoincrement) {
    if (!sequence_loaded_) TRY(load_sequence());
    sequence_ = std::max(sequence_, rowid);
  }
  ++runtime_.rows_written;
  return Outcome{Outcome::Kind::done, rowid, 0};
}

Result<bool> TableWriter::read(std::int64_t rowid, ValueRef* row, ValueArena& arena) {
  const bool found = TRY(cursor_->seek(storage::Seek::eq, rowid));
  if (!found) return false;
  const ByteSpan record = TRY(cursor_->payload());
  const Batch& batch = batch_of(row);
  TRY(decode_columns(record, table_.root, all_columns_, batch.columns.data(), 0, &arena));
  row[table_.columns.size()] = ValueRef::integer(rowid);
  if (table_.rowid_column >= 0) row[table_.rowid_column] = ValueRef::integer(rowid);
  return true;
}

Result<TableWriter::Outcome> TableWriter::update(const ValueRef* old_row, ValueRef* new_row) {
  arena_.reset();
  const std::size_t n = table_.columns.size();
  if (table_.rowid_column >= 0) new_row[n] = new_row[table_.rowid_column];
  new_row[n] = apply_affinity(new_row[n], Affinity::integer, arena_);
  if (!new_row[n].is_integer()) return Error(Code::mismatch, "datatype mismatch");
  if (table_.rowid_column >= 0) new_row[table_.rowid_column] = new_row[n];
  auto stopped = TRY(check_row(new_row));
  if (stopped) return *stopped;
  const std::int64_t old_rowid = old_row[n].as_integer();
  const std::int64_t new_rowid = new_row[n].as_integer();
  std::vector<std::int64_t> replaced;
  stopped = TRY(check_keys(new_row, &old_rowid, nullptr, replaced));
  if (stopped) return *stopped;
  for (const std::int64_t other : replaced) TRY(remove(other));
  std::vector<ValueRef> old_key;
  for (auto& writer : indexes_) {
    const bool was_in = TRY(make_key(*writer, old_row, old_key));
    const bool is_in = TRY(make_key(*writer, new_row, writer->key));
    bool equal = was_in == is_in;
    for (std::size_t i = 0; equal && was_in && i < old_key.size(); ++i) {
      equal =
          old_key[i].type() == writer->key[i].type() && compare(old_key[i], writer->key[i]) == 0;
    }
    if (equal) continue;
    if (was_in) TRY(remove_from_index(*writer, old_row));
    if (is_in) TRY(add_to_index(*writer, new_row));
  }
  if (old_rowid != new_rowid) {
    const bool found = TRY(cursor_->seek(storage::Seek::eq, old_rowid));
    if (found) TRY(cursor_->remove());
  }
  TRY(write_record(new_row));
  ++runtime_.rows_written;
  return Outcome{Outcome::Kind::done, new_rowid, 0};
}

Result<bool> TableWriter::remove(std::int64_t rowid) {
  const bool found = TRY(read(rowid, removed_row_.data(), arena_));
  if (!found) return false;
  for (auto& writer : indexes_) TRY(remove_from_index(*writer, removed_row_.data()));
  const bool there = TRY(cursor_->seek(storage::Seek::eq, rowid));
  if (there) TRY(cursor_->remove());
  ++runtime_.rows_written;
  return true;
}

Result<std::int64_t> TableWriter::clear() {
  std::int64_t count = 0;
  bool more = TRY(cursor_->first());
  while (more) {
    if (++count % 1024 == 0) TRY(runtime_.poll());
    more = TRY(cursor_->next());
  }
  storage::Transaction& transaction = *runtime_.transaction;
  TRY(storage::clear_tree(transaction, table_.root, storage::TreeKind::table));
  for (auto& writer : indexes_) {
    TRY(storage::clear_tree(transaction, writer->index->root, storage::TreeKind::index));
  }
  runtime_.rows_written += static_cast<std::uint64_t>(count);
  return count;
}

// --- targets and RETURNING -----------------------------------------------------------------------

Result<int> target_column(const Table& table, std::string_view name, std::uint32_t at) {
  const int column = table.find_column(name);
  if (column >= 0) return column == table.rowid_column ? kRowidTarget : column;
  if (equals_nocase(name, "rowid") || equals_nocase(name, "_rowid_") ||
      equals_nocase(name, "oid")) {
    return kRowidTarget;
  }
  return Error(Code::error, cat("table ", table.name, " has no column named ", name)).at(at);
}

Result<const Table*> find_target(CompileContext& context, const ast::Target& target) {
  const bool known = !ast::present(target.schema) || equals_nocase(target.schema, "main") ||
                     equals_nocase(target.schema, "temp");
  const Table* table = known ? context.schema.find_table(target.name) : nullptr;
  if (table == nullptr) {
    const std::string prefix = ast::present(target.schema) ? cat(target.schema, ".") : "";
    return Error(Code::error, cat("no such table: ", prefix, target.name)).at(target.at);
  }
  if (table->kind == TableKind::view) {
    return Error(Code::error, cat("cannot modify ", table->name, " because it is a view"))
        .at(target.at);
  }
  if (table->kind == TableKind::virtual_table) {
    return Error(Code::error, "virtual tables are not supported yet").at(target.at);
  }
  if (equals_nocase(table->name, "sqlite_schema") ||
      equals_nocase(table->name, "sqlite_temp_schema")) {
    return Error(Code::error, "table sqlite_master may not be modified").at(target.at);
  }
  return table;
}

Result<void> Returning::compile(CompileContext& context, const Table& table, std::string_view alias,
                                const List<ast::ResultColumn>& columns) {
  if (columns.empty()) return {};
  RowScope scope;
  scope.relations.push_back(
      {&table, ast::present(alias) ? alias : std::string_view(table.name), 0});
  bound_ = TRY(bind_returning(context, scope, columns));
  rows_ = std::make_unique<RowStore>(static_cast<std::uint32_t>(bound_.exprs.size()));
  values_.resize(bound_.exprs.size());
  in_.columns.resize(table.columns.size() + 1);
  in_.selection = first_rows(1);
  return {};
}

void Returning::clear() {
  if (rows_) rows_->clear();
  shown_ = 0;
}

Result<void> Returning::add(Runtime& runtime, const ValueRef* row) {
  if (!wanted()) return {};
  arena_.reset();
  for (std::size_t i = 0; i < in_.columns.size(); ++i) {
    in_.columns[i] = const_cast<ValueRef*>(row) + i;
  }
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i] = TRY(eval_one(*bound_.exprs[i], runtime, arena_, in_));
  }
  rows_->append(values_);
  return {};
}

const Batch* Returning::next() {
  if (!rows_ || shown_ == rows_->size()) return nullptr;
  while (buffers_.size() < values_.size()) {
    buffers_.push_back(make_column());
    out_.columns.push_back(buffers_.back().get());
  }
  const auto count =
      static_cast<std::uint32_t>(std::min<std::size_t>(limits::kBatchRows, rows_->size() - shown_));
  for (std::uint32_t r = 0; r < count; ++r) {
    const ValueRef* row = rows_->row(shown_ + r);
    for (std::size_t c = 0; c < values_.size(); ++c) out_.columns[c][r] = row[c];
  }
  shown_ += count;
  out_.selection = first_rows(count);
  return &out_;
}

}  // namespace saturn::sql
