#include "ddl/schema_writer.hpp"

#include "base/text.hpp"
#include "parser/lexer.hpp"
#include "storage/record.hpp"
#include "value/stored_text.hpp"

#include <algorithm>
#include <vector>

namespace saturn::sql {

Result<void> add_schema_entry(storage::Transaction& transaction, TextEncoding encoding,
                              const SchemaEntry& entry) {
  storage::DatabaseHeader header = TRY(transaction.header());
  if (header.is_empty() && header.text_encoding() != encoding) {
    header.text_encoding_field = static_cast<std::uint32_t>(encoding);
    TRY(transaction.set_header(header));
  }
  storage::BTreeCursor cursor(transaction, 1);
  const bool any = TRY(cursor.last());
  const std::int64_t rowid = any ? cursor.rowid() + 1 : 1;
  const ValueRef values[] = {ValueRef::text(entry.type), ValueRef::text(entry.name),
                             ValueRef::text(entry.table), ValueRef::integer(entry.root),
                             entry.sql.empty() ? ValueRef() : ValueRef::text(entry.sql)};
  std::string record;
  TRY(encode_record(values, header.text_encoding(), record));
  return cursor.insert(rowid,
                       {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()});
}

Result<void> change_schema_rows(storage::Transaction& transaction,
                                const std::function<Result<bool>(SchemaRow&)>& change) {
  const TextEncoding encoding = TRY(transaction.header()).text_encoding();
  std::vector<std::pair<std::int64_t, SchemaRow>> changed;
  {
    storage::BTreeCursor cursor(transaction, 1);
    storage::RecordReader reader;
    bool more = TRY(cursor.first());
    while (more) {
      reader.reset(TRY(cursor.payload()), 1);
      SchemaRow row;
      std::string* const texts[] = {&row.type, &row.name, &row.table, nullptr, &row.sql};
      for (std::uint32_t i = 0; i < 5; ++i) {
        const ValueRef v = TRY(reader.column(i));
        if (texts[i] != nullptr) *texts[i] = stored_name(v, encoding);
        if (texts[i] == nullptr && v.is_integer()) row.root = v.as_integer();
      }
      const bool wanted = TRY(change(row));
      if (wanted) changed.emplace_back(cursor.rowid(), std::move(row));
      more = TRY(cursor.next());
    }
  }
  storage::BTreeCursor cursor(transaction, 1);
  std::string record;
  for (const auto& [rowid, row] : changed) {
    const ValueRef values[] = {ValueRef::text(row.type), ValueRef::text(row.name),
                               ValueRef::text(row.table), ValueRef::integer(row.root),
                               row.sql.empty() ? ValueRef() : ValueRef::text(row.sql)};
    record.clear();
    TRY(encode_record(values, encoding, record));
    TRY(cursor.insert(rowid,
                      {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()}));
  }
  return {};
}

Result<void> remove_rows(storage::Transaction& transaction, storage::PageNo root,
                         std::uint32_t column, std::string_view value,
                         std::string_view first_column) {
  const TextEncoding encoding = TRY(transaction.header()).text_encoding();
  storage::BTreeCursor cursor(transaction, root);
  storage::RecordReader reader;
  std::vector<std::int64_t> rowids;
  bool more = TRY(cursor.first());
  while (more) {
    reader.reset(TRY(cursor.payload()), root);
    const ValueRef v = TRY(reader.column(column));
    const std::string first = stored_name(TRY(reader.column(0)), encoding);
    const bool fits = first_column.empty() || first == first_column;
    if (fits && v.is_text() && equals_nocase(stored_name(v, encoding), value)) {
      rowids.push_back(cursor.rowid());
    }
    more = TRY(cursor.next());
  }
  for (const std::int64_t rowid : rowids) {
    const bool found = TRY(cursor.seek(storage::Seek::eq, rowid));
    if (found) TRY(cursor.remove());
  }
  return {};
}

Result<void> drop_trees(storage::Transaction& transaction, std::vector<DroppedTree> trees) {
  // The largest root first: none of those still to be dropped is moved then.
  std::sort(trees.begin(), trees.end(),
            [](const DroppedTree& a, const DroppedTree& b) { return a.root > b.root; });
  for (const DroppedTree& tree : trees) {
    const storage::PageNo moved = TRY(storage::drop_tree(transaction, tree.root, tree.kind));
    if (moved == 0) continue;
    TRY(change_schema_rows(transaction, [&](SchemaRow& row) -> Result<bool> {
      if (row.root != moved) return false;
      row.root = tree.root;
      return true;
    }));
  }
  return {};
}

Result<void> check_databases(const CompileContext& context, DatabaseNo database,
                             const List<std::string_view>& mentioned, std::string_view what,
                             std::string_view name, std::uint32_t at) {
  if (database == kTempDatabase) return {};
  for (const std::string_view other : mentioned) {
    if (equals_nocase(other, context.schemas.name(database))) continue;
    return Error(Code::error, cat(what, " ", name, " cannot reference objects in database ", other))
        .at(at);
  }
  return {};
}

std::string stored_sql(std::string_view head, std::string_view statement) {
  Lexer lexer(statement);
  Token token = lexer.next();
  while (token.kind != Tok::kw_table && token.kind != Tok::kw_index && token.kind != Tok::kw_view &&
         token.kind != Tok::kw_trigger && token.kind != Tok::end) {
    token = lexer.next();
  }
  token = lexer.next();
  if (token.kind == Tok::kw_if) {
    for (int i = 0; i < 3; ++i) token = lexer.next();
  }
  const Token after = lexer.next();
  if (after.kind == Tok::dot) token = lexer.next();
  return cat(head, " ", statement.substr(token.at));
}

}  // namespace saturn::sql
