#include "base/text.hpp"
#include "dml/table_writer.hpp"
#include "value/number.hpp"

#include <algorithm>
#include <limits>
#include <random>

// Rowids that the writer chooses, and AUTOINCREMENT's counter in sqlite_sequence.

namespace saturn::sql {
namespace {

constexpr std::int64_t kRowidMax = std::numeric_limits<std::int64_t>::max();

}  // namespace

Result<void> TableWriter::load_sequence() {
  sequence_loaded_ = true;
  sequence_ = 0;
  sequence_stored_ = -1;
  if (sequence_table_ == nullptr) return corrupt_error(1, 0, "sqlite_sequence is missing");
  storage::BTreeCursor cursor(runtime_.transaction(table_.database), sequence_table_->root);
  storage::RecordReader reader;
  bool more = TRY(cursor.first());
  while (more) {
    reader.reset(TRY(cursor.payload()), sequence_table_->root);
    const std::string name = stored_name(TRY(reader.column(0)), table_.encoding);
    const ValueRef value = from_stored(TRY(reader.column(1)), table_.encoding, arena_);
    if (equals_nocase(name, table_.name)) {
      sequence_ = value.is_null() ? 0 : to_integer(value);
      sequence_stored_ = sequence_;
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
    return last + 1;
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
  if (sequence_ == sequence_stored_) return {};
  storage::BTreeCursor cursor(runtime_.transaction(table_.database), sequence_table_->root);
  storage::RecordReader reader;
  std::int64_t rowid = 1;
  bool more = TRY(cursor.first());
  while (more) {
    reader.reset(TRY(cursor.payload()), sequence_table_->root);
    const std::string name = stored_name(TRY(reader.column(0)), table_.encoding);
    rowid = cursor.rowid();
    if (equals_nocase(name, table_.name)) break;
    ++rowid;
    more = TRY(cursor.next());
  }
  const ValueRef values[] = {ValueRef::text(table_.name), ValueRef::integer(sequence_)};
  std::string record;
  TRY(encode_record(values, table_.encoding, record));
  return cursor.insert(rowid,
                       {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()});
}

}  // namespace saturn::sql
