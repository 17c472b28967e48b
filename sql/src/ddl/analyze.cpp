#include "base/text.hpp"
#include "catalog/index_order.hpp"
#include "ddl/schema_writer.hpp"
#include "plan/compile.hpp"
#include "value/stored_text.hpp"

#include <algorithm>
#include <string>
#include <vector>

// ANALYZE: counts, for each index, its entries and how many of them have the same first 1, 2, ...
// columns, and keeps that in sqlite_stat1 for the planner. Samples of values (sqlite_stat4) are not
// taken, as in SQLite's default build.

namespace saturn::sql {
namespace {

constexpr std::string_view kStatTable = "sqlite_stat1";
/// What a SQLite that takes samples has kept of an earlier state of the tables.
constexpr std::string_view kSampleTables[] = {"sqlite_stat3", "sqlite_stat4"};

/// What to look at: a whole table, or one of its indexes.
struct Target {
  const Table* table = nullptr;
  const Index* index = nullptr;  ///< null: all of them
};

/// A row of sqlite_stat1.
struct StatRow {
  std::string_view table;
  std::string_view index;  ///< empty: NULL, the table's own row
  std::string stat;
};

/// How many distinct prefixes of each length an index has, from its entries in order.
class DistinctCounter {
 public:
  explicit DistinctCounter(const Index& index)
      : index_(index), distinct_(index.columns.size(), 0), before_(index.columns.size()) {}

  Result<void> add(ByteSpan record) {
    reader_.reset(record, index_.root);
    arena_.reset();
    bool differs = entries_ == 0;
    for (std::uint32_t i = 0; i < distinct_.size(); ++i) {
      const ValueRef value = from_stored(TRY(reader_.column(i)), index_.table->encoding, arena_);
      differs = differs || compare(before_[i].ref(), value, *index_.columns[i].collation) != 0;
      if (!differs) continue;
      ++distinct_[i];
      before_[i] = Value(value);
    }
    ++entries_;
    return {};
  }

  std::uint64_t entries() const noexcept { return entries_; }

  /// As SQLite writes it: the entries, and for each prefix how many have it in common, rounded up.
  std::string stat() const {
    std::string text = cat(entries_);
    for (const std::uint64_t distinct : distinct_) {
      std::uint64_t common = (entries_ + distinct - 1) / distinct;
      // Nearly unique counts as unique.
      if (common == 2 && entries_ * 10 <= distinct * 11) common = 1;
      text += cat(' ', common);
    }
    return text;
  }

 private:
  const Index& index_;
  std::uint64_t entries_ = 0;
  std::vector<std::uint64_t> distinct_;
  std::vector<Value> before_;
  storage::RecordReader reader_;
  ValueArena arena_;
};

Result<void> analyze_index(Runtime& runtime, const Table& table, const Index& index,
                           std::vector<StatRow>& rows) {
  storage::BTreeCursor cursor(runtime.transaction(table.database), index.root, &index.key_info);
  DistinctCounter counter(index);
  bool more = TRY(cursor.first());
  while (more) {
    TRY(counter.add(TRY(cursor.payload())));
    if (counter.entries() % limits::kBatchRows == 0) TRY(runtime.poll());
    more = TRY(cursor.next());
  }
  if (counter.entries() == 0) return {};
  rows.push_back({table.name, index.clustered ? table.name : index.name, counter.stat()});
  return {};
}

Result<std::uint64_t> count_rows(Runtime& runtime, const Table& table) {
  storage::BTreeCursor cursor(runtime.transaction(table.database), table.root);
  std::uint64_t rows = 0;
  bool more = TRY(cursor.first());
  while (more) {
    if (++rows % limits::kBatchRows == 0) TRY(runtime.poll());
    more = TRY(cursor.next());
  }
  return rows;
}

Result<void> analyze(Runtime& runtime, const Target& target, std::vector<StatRow>& rows) {
  const Table& table = *target.table;
  bool needs_count = true;
  for (const Index* index : in_list_order(table)) {
    if (target.index != nullptr && index != target.index) continue;
    if (index->where == nullptr) needs_count = false;
    TRY(analyze_index(runtime, table, *index, rows));
  }
  if (!needs_count || target.index != nullptr) return {};
  const std::uint64_t count = TRY(count_rows(runtime, table));
  if (count > 0) rows.push_back({table.name, {}, cat(count)});
  return {};
}

/// What is analyzed of one database.
struct Analysis {
  DatabaseNo database = kMainDatabase;
  bool all = false;  ///< the whole database, so that nothing old is kept
  std::vector<Target> targets;
};

class AnalyzeProgram final : public ImmediateProgram {
 public:
  AnalyzeProgram(const Schemas& schemas, std::vector<Analysis> analyses)
      : schemas_(schemas), analyses_(std::move(analyses)) {
    access = Access::write;
    readonly = false;
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>&) override {
    for (const Analysis& analysis : analyses_) TRY(analyze_database(runtime, analysis));
    return {};
  }

 private:
  Result<void> analyze_database(Runtime& runtime, const Analysis& analysis) const {
    storage::Transaction& transaction = runtime.transaction(analysis.database);
    const storage::PageNo root = TRY(stat_root(transaction, analysis));
    for (const std::string_view name : kSampleTables) {
      const Table* samples = schemas_[analysis.database].find_table(name);
      if (samples != nullptr) TRY(clear_statistics(transaction, analysis, *samples));
    }
    std::vector<StatRow> rows;
    for (const Target& target : analysis.targets) TRY(analyze(runtime, target, rows));
    storage::BTreeCursor cursor(transaction, root);
    const bool any = TRY(cursor.last());
    std::int64_t rowid = any ? cursor.rowid() : 0;
    std::string record;
    for (const StatRow& row : rows) {
      const ValueRef values[] = {ValueRef::text(row.table),
                                 row.index.empty() ? ValueRef() : ValueRef::text(row.index),
                                 ValueRef::text(row.stat)};
      record.clear();
      TRY(encode_record(values, schemas_[analysis.database].encoding(), record));
      TRY(cursor.insert(++rowid,
                        {reinterpret_cast<const std::uint8_t*>(record.data()), record.size()}));
    }
    // The planner has new figures: what is compiled is out of date, in all sessions.
    return runtime.session.schema_changed(transaction, analysis.database);
  }

  /// sqlite_stat1 without what is going to be written, made if there is none.
  Result<storage::PageNo> stat_root(storage::Transaction& transaction,
                                    const Analysis& analysis) const {
    const Table* known = schemas_[analysis.database].find_table(kStatTable);
    if (known == nullptr) {
      const storage::PageNo root = TRY(storage::create_tree(transaction, storage::TreeKind::table));
      TRY(add_schema_entry(transaction, {"table", kStatTable, kStatTable, root,
                                         "CREATE TABLE sqlite_stat1(tbl,idx,stat)"}));
      return root;
    }
    TRY(clear_statistics(transaction, analysis, *known));
    return known->root;
  }

  /// Removes what a table of statistics has of the tables that are analyzed.
  static Result<void> clear_statistics(storage::Transaction& transaction, const Analysis& analysis,
                                       const Table& known) {
    if (known.kind != TableKind::table || known.without_rowid || known.columns.size() < 3) {
      return Error(Code::corrupt, cat("malformed database schema (", known.name, ")"));
    }
    if (analysis.all) {
      return storage::clear_tree(transaction, known.root, storage::TreeKind::table);
    }
    for (const Target& target : analysis.targets) {
      if (target.index != nullptr) {
        TRY(remove_rows(transaction, known.root, 1, target.index->name));
      } else {
        TRY(remove_rows(transaction, known.root, 0, target.table->name));
      }
    }
    return {};
  }

  const Schemas& schemas_;
  const std::vector<Analysis> analyses_;
};

Analysis whole_database(const Schemas& schemas, DatabaseNo database) {
  Analysis analysis{database, true, {}};
  // SQLite walks its hash table, which for a few tables is from the latest to the first.
  for (const Table* table : schemas[database].tables()) {
    analysis.targets.insert(analysis.targets.begin(), Target{table});
  }
  return analysis;
}

}  // namespace

Result<ProgramPtr> compile_analyze(CompileContext& context, const ast::AnalyzeStmt& stmt) {
  const Schemas& schemas = context.schemas;
  std::vector<Analysis> analyses;
  const bool qualified = ast::present(stmt.schema);
  if (!ast::present(stmt.name)) {
    for (std::size_t i = 0; i < schemas.size(); ++i) {
      if (i == kTempDatabase) continue;
      analyses.push_back(whole_database(schemas, static_cast<DatabaseNo>(i)));
    }
  } else if (!qualified && schemas.find(stmt.name)) {
    analyses.push_back(whole_database(schemas, *schemas.find(stmt.name)));
  } else {
    const std::optional<DatabaseNo> in = TRY(context.database(stmt.schema, stmt.at));
    if (const Index* index = schemas.find_index(in, stmt.name)) {
      analyses.push_back({index->table->database, false, {{index->table, index}}});
    } else if (const Table* table = schemas.find_table(in, stmt.name)) {
      analyses.push_back({table->database, false, {{table}}});
    } else {
      return context.no_such_table(stmt.schema, stmt.name, stmt.at);
    }
  }
  for (Analysis& analysis : analyses) {
    context.writes(analysis.database);
    std::erase_if(analysis.targets, [](const Target& target) {
      return target.table->kind != TableKind::table || target.table->is_system();
    });
  }
  return ProgramPtr(std::make_unique<AnalyzeProgram>(schemas, std::move(analyses)));
}

}  // namespace saturn::sql
