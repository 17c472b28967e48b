#include "pragma/integrity.hpp"

#include "base/text.hpp"
#include "storage/btree.hpp"
#include "storage/tree_check.hpp"

namespace saturn::sql {
namespace {

class IntegrityCheck {
 public:
  IntegrityCheck(Runtime& runtime, const Schema& schema, bool quick, std::size_t problems_max)
      : runtime_(runtime),
        source_(*runtime.transaction),
        schema_(schema),
        quick_(quick),
        problems_max_(problems_max),
        trees_(source_, problems_max) {}

  Result<std::vector<std::string>> run() {
    TRY(trees_.freelist());
    TRY(trees_.tree(1));
    for (const Table* table : schema_.tables()) {
      if (table->kind == TableKind::table && table->root > 1) TRY(check_table(*table));
    }
    if (!source_.auto_vacuum()) trees_.unused_pages();
    std::vector<std::string> problems = trees_.problems();
    problems.insert(problems.end(), problems_.begin(), problems_.end());
    if (problems.size() > problems_max_) problems.resize(problems_max_);
    return problems;
  }

 private:
  Result<void> check_table(const Table& table);
  Result<void> check_rows(const Table& table);

  Runtime& runtime_;
  storage::Transaction& source_;
  const Schema& schema_;
  const bool quick_;
  const std::size_t problems_max_;
  storage::TreeCheck trees_;
  std::vector<std::string> problems_;
};

Result<void> IntegrityCheck::check_table(const Table& table) {
  if (table.without_rowid) return {};
  TRY(trees_.tree(table.root));
  const std::uint64_t rows = trees_.entries();
  for (const auto& index : table.indexes) {
    TRY(trees_.tree(index->root, &index->key_info));
    const std::uint64_t entries = trees_.entries();
    if (index->where == nullptr && entries != rows) {
      problems_.push_back(cat("wrong # of entries in index ", index->name));
    }
  }
  if (!trees_.problems().empty()) return {};
  return check_rows(table);
}

/// NOT NULL, and for each row an entry in each index.
Result<void> IntegrityCheck::check_rows(const Table& table) {
  storage::BTreeCursor cursor(source_, table.root);
  std::vector<std::unique_ptr<storage::BTreeCursor>> index_cursors;
  for (const auto& index : table.indexes) {
    index_cursors.push_back(
        std::make_unique<storage::BTreeCursor>(source_, index->root, &index->key_info));
  }
  storage::RecordReader reader;
  std::vector<ValueRef> key;
  std::uint64_t number = 0;
  bool more = TRY(cursor.first());
  while (more && problems_.size() < problems_max_) {
    if (++number % 256 == 0) TRY(runtime_.poll());
    reader.reset(TRY(cursor.payload()), table.root);
    for (std::uint32_t c = 0; c < table.columns.size(); ++c) {
      if (!table.columns[c].not_null || static_cast<int>(c) == table.rowid_column) continue;
      const ValueRef v = TRY(reader.column(c));
      if (v.is_null()) {
        problems_.push_back(cat("NULL value in ", table.name, ".", table.columns[c].name));
      }
    }
    for (std::size_t i = 0; !quick_ && i < table.indexes.size(); ++i) {
      const Index& index = *table.indexes[i];
      if (index.where != nullptr || index.has_expressions()) continue;
      key.clear();
      for (const IndexColumn& column : index.columns) {
        key.push_back(column.column == table.rowid_column
                          ? ValueRef::integer(cursor.rowid())
                          : TRY(reader.column(static_cast<std::uint32_t>(column.column))));
      }
      key.push_back(ValueRef::integer(cursor.rowid()));
      const bool found = TRY(index_cursors[i]->seek(storage::Seek::eq, key));
      if (!found) {
        problems_.push_back(cat("row ", number, " missing from index ", index.name));
      }
    }
    more = TRY(cursor.next());
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> check_integrity(Runtime& runtime, const Schema& schema, bool quick,
                                                 std::size_t problems_max) {
  return IntegrityCheck(runtime, schema, quick, problems_max).run();
}

}  // namespace saturn::sql
