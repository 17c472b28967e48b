#include "dml/foreign_keys.hpp"
#include "plan/table_columns.hpp"
#include "pragma/pragma.hpp"

#include <optional>

// PRAGMA foreign_key_check: rows without the parent that a foreign key asks for.

namespace saturn::sql {
namespace {

/// Walks the rows of one table for all its foreign keys.
class KeyCheck {
 public:
  KeyCheck(const PragmaCall& call, const Table& table)
      : call_(call), table_(table), context_{call.schemas, call.runtime, arena_} {}
  Result<void> run();

 private:
  Result<void> check_key(std::size_t number);
  Result<void> read_row(storage::BTreeCursor& cursor);

  const PragmaCall& call_;
  const Table& table_;
  Arena arena_;
  CompileContext context_;
  std::vector<std::optional<ForeignKeys::ParentKey>> parents_;  ///< nothing: no such table
  std::vector<WantedColumn> wanted_;
  std::vector<GeneratedColumn> generated_;
  std::vector<ValueRef> row_;
  Batch batch_;
  ValueArena row_arena_;
};

Result<void> KeyCheck::run() {
  wanted_ = TRY(stored_columns(context_, table_));
  generated_ = TRY(bind_generated(context_, table_));
  row_.resize(table_.columns.size() + 1);
  for (ValueRef& value : row_) batch_.columns.push_back(&value);
  batch_.selection = first_rows(1);
  // The latest key of the definition is number 0, as in foreign_key_list.
  for (std::size_t k = table_.foreign_keys.size(); k-- > 0;) {
    const ForeignKey& key = table_.foreign_keys[k];
    parents_.emplace_back();
    if (call_.schemas[table_.database].find_table(key.parent) == nullptr) continue;
    parents_.back() = TRY(ForeignKeys::find_parent_key(call_.schemas, table_, key));
  }
  storage::BTreeCursor cursor(call_.runtime.transaction(table_.database), table_.root,
                              table_.without_rowid ? &table_.primary->key_info : nullptr);
  bool more = TRY(cursor.first());
  for (std::uint64_t n = 1; more; ++n) {
    if (n % 256 == 0) TRY(call_.runtime.poll());
    TRY(read_row(cursor));
    for (std::size_t number = 0; number < parents_.size(); ++number) TRY(check_key(number));
    more = TRY(cursor.next());
  }
  return {};
}

Result<void> KeyCheck::read_row(storage::BTreeCursor& cursor) {
  row_arena_.reset();
  TRY(decode_columns(TRY(cursor.payload()), table_.root, table_.encoding, wanted_,
                     batch_.columns.data(), 0, &row_arena_));
  row_.back() = table_.without_rowid ? ValueRef() : ValueRef::integer(cursor.rowid());
  if (table_.rowid_column >= 0) row_[static_cast<std::size_t>(table_.rowid_column)] = row_.back();
  for (const GeneratedColumn& column : generated_) {
    if (!table_.columns[column.column].is_virtual()) continue;
    row_[column.column] = TRY(column.value(call_.runtime, row_arena_, batch_));
  }
  return {};
}

Result<void> KeyCheck::check_key(std::size_t number) {
  const ForeignKey& key = table_.foreign_keys[table_.foreign_keys.size() - 1 - number];
  for (const std::uint32_t column : key.columns) {
    if (row_[column].is_null()) return {};
  }
  const auto& parent = parents_[number];
  const bool held =
      parent && TRY(ForeignKeys::has_parent(call_.runtime.transaction(table_.database), *parent,
                                            row_.data(), row_arena_));
  if (held) return {};
  call_.rows.push_back({Value(table_.name), Value(row_.back()), Value(key.parent),
                        Value(static_cast<std::int64_t>(number))});
  return {};
}

}  // namespace

Result<void> pragma_foreign_key_check(const PragmaCall& call) {
  if (!call.asks() && call.schemas[call.database()].find_table(call.argument) == nullptr) {
    return Error(Code::error, cat("no such table: ", call.argument));
  }
  for (const Table* table : call.schemas[call.database()].tables()) {
    if (table->kind != TableKind::table) continue;
    if (!call.asks() && !equals_nocase(table->name, call.argument)) continue;
    TRY(KeyCheck(call, *table).run());
  }
  return {};
}

}  // namespace saturn::sql
