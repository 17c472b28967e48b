#include "dml/sequences.hpp"

#include "base/text.hpp"
#include "storage/btree.hpp"
#include "storage/record.hpp"
#include "value/number.hpp"
#include "value/stored_text.hpp"

#include <string>

namespace saturn::sql {
namespace {

/// What sqlite_sequence has for `sequence.table`.
Result<void> load(Runtime& runtime, Sequence& sequence) {
  const TextEncoding encoding = runtime.session.encoding();
  storage::BTreeCursor cursor(runtime.transaction(sequence.database), sequence.root);
  storage::RecordReader reader;
  ValueArena arena;
  bool more = TRY(cursor.first());
  while (more) {
    reader.reset(TRY(cursor.payload()), sequence.root);
    const std::string name = stored_name(TRY(reader.column(0)), encoding);
    const ValueRef value = from_stored(TRY(reader.column(1)), encoding, arena);
    if (equals_nocase(name, sequence.table)) {
      sequence.last = value.is_null() ? 0 : to_integer(value);
      sequence.stored = sequence.last;
      sequence.rowid = cursor.rowid();
      return {};
    }
    more = TRY(cursor.next());
  }
  return {};
}

Result<void> write(Runtime& runtime, Sequence& sequence) {
  if (sequence.stored == sequence.last) return {};
  storage::BTreeCursor cursor(runtime.transaction(sequence.database), sequence.root);
  if (!sequence.rowid) {
    const bool any = TRY(cursor.last());
    sequence.rowid = any ? cursor.rowid() + 1 : 1;
  }
  const ValueRef values[] = {ValueRef::text(sequence.table), ValueRef::integer(sequence.last)};
  std::string record;
  TRY(encode_record(values, runtime.session.encoding(), record));
  sequence.stored = sequence.last;
  return cursor.insert(*sequence.rowid,
                       {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()});
}

}  // namespace

void forget_sequences(SessionState& session) noexcept { session.sequences.clear(); }

Result<Sequence*> sequence_of(Runtime& runtime, const Table& table, const Table* sequence_table) {
  if (sequence_table == nullptr) return corrupt_error(1, 0, "sqlite_sequence is missing");
  std::deque<Sequence>& sequences = runtime.session.sequences;
  for (Sequence& known : sequences) {
    if (known.database == table.database && equals_nocase(known.table, table.name)) return &known;
  }
  Sequence sequence;
  sequence.database = table.database;
  sequence.root = sequence_table->root;
  sequence.table = table.name;
  TRY(load(runtime, sequence));
  return &sequences.emplace_back(std::move(sequence));
}

Result<void> write_sequences(Runtime& runtime) {
  // As in SQLite those that were needed last come first.
  std::deque<Sequence>& sequences = runtime.session.sequences;
  for (auto sequence = sequences.rbegin(); sequence != sequences.rend(); ++sequence) {
    TRY(write(runtime, *sequence));
  }
  sequences.clear();
  return {};
}

}  // namespace saturn::sql
