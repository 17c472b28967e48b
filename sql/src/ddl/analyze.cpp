#include "base/text.hpp"
#include "catalog/index_order.hpp"
#include "ddl/index_counter.hpp"
#include "ddl/schema_writer.hpp"
#include "plan/compile.hpp"
#include "storage/estimate.hpp"
#include "value/stored_text.hpp"

#include <initializer_list>
#include <span>
#include <string>
#include <vector>

// ANALYZE: counts, for each index, its entries and how many of them have the same first 1, 2, ...
// columns, and keeps that in sqlite_stat1 for the planner, and samples of its entries in
// sqlite_stat4, as a SQLite does that was built with SQLITE_ENABLE_STAT4.

namespace saturn::sql {
namespace {

/// A table that ANALYZE writes.
struct StatisticsTable {
  std::string_view name;
  std::size_t columns = 0;
  std::string_view sql;
};
constexpr StatisticsTable kStatTable{"sqlite_stat1", 3, "CREATE TABLE sqlite_stat1(tbl,idx,stat)"};
constexpr StatisticsTable kSampleTable{"sqlite_stat4", 6,
                                       "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"};
/// What an old SQLite that takes samples has kept of an earlier state of the tables.
constexpr std::string_view kOldSampleTable = "sqlite_stat3";

/// Of PRAGMA analysis_limit; 0 = none.
std::uint64_t analysis_limit(const SessionState& session) {
  const auto set = session.remembered_pragmas.find("analysis_limit");
  if (set == session.remembered_pragmas.end() || set->second < 0) return 0;
  return static_cast<std::uint64_t>(set->second);
}

/// Adds rows at the end of a table.
class RowAppender {
 public:
  RowAppender(storage::Transaction& transaction, storage::PageNo root, TextEncoding encoding)
      : cursor_(transaction, root), encoding_(encoding) {}
  Result<void> append(std::initializer_list<ValueRef> values) {
    if (rowid_ == 0 && TRY(cursor_.last())) rowid_ = cursor_.rowid();
    record_.clear();
    TRY(encode_record({values.begin(), values.size()}, encoding_, record_));
    return cursor_.insert(++rowid_,
                          {reinterpret_cast<const std::uint8_t*>(record_.data()), record_.size()});
  }

 private:
  storage::BTreeCursor cursor_;
  const TextEncoding encoding_;
  std::int64_t rowid_ = 0;
  std::string record_;
};

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

/// A row of sqlite_stat4.
struct SampleRow {
  std::string_view table;
  std::string_view index;
  IndexCounter::SampleRow sample;
};

struct Statistics {
  std::vector<StatRow> stats;
  std::vector<SampleRow> samples;
};

Result<std::uint64_t> count_entries(Runtime& runtime, storage::BTreeCursor& cursor) {
  std::uint64_t entries = 0;
  bool more = TRY(cursor.first());
  while (more) {
    if (++entries % limits::kBatchRows == 0) TRY(runtime.poll());
    more = TRY(cursor.next());
  }
  return entries;
}

/// `limit`: of PRAGMA analysis_limit; 0 = all entries are looked at.
Result<void> analyze_index(Runtime& runtime, const Table& table, const Index& index,
                           std::uint64_t limit, Statistics& found) {
  storage::Transaction& transaction = runtime.transaction(table.database);
  storage::BTreeCursor cursor(transaction, index.root, &index.key_info);
  const std::uint64_t entries = limit == 0
                                    ? TRY(count_entries(runtime, cursor))
                                    : TRY(storage::estimate_entries(transaction, index.root));
  IndexCounter counter(index, entries, limit);
  bool more = TRY(cursor.first());
  while (more) {
    const IndexCounter::Next next = TRY(counter.add(TRY(cursor.payload())));
    if (counter.added() % limits::kBatchRows == 0) TRY(runtime.poll());
    if (next == IndexCounter::Next::stop) break;
    if (next == IndexCounter::Next::skip_equals) {
      const Value first(TRY(counter.first_column()));
      const ValueRef key = first.ref();
      more = TRY(cursor.seek(storage::Seek::gt, std::span(&key, 1)));
      if (!more) break;
    }
    more = TRY(cursor.next());
  }
  if (counter.added() == 0 && index.where == nullptr) return {};
  const std::string_view name = index.clustered ? table.name : index.name;
  found.stats.push_back({table.name, name, counter.stat()});
  for (IndexCounter::SampleRow& sample : TRY(counter.samples())) {
    found.samples.push_back({table.name, name, std::move(sample)});
  }
  return {};
}

Result<void> analyze(Runtime& runtime, const Target& target, std::uint64_t limit,
                     Statistics& found) {
  const Table& table = *target.table;
  bool needs_count = true;
  for (const Index* index : in_list_order(table)) {
    if (target.index != nullptr && index != target.index) continue;
    if (index->where == nullptr) needs_count = false;
    TRY(analyze_index(runtime, table, *index, limit, found));
  }
  if (!needs_count || target.index != nullptr) return {};
  storage::BTreeCursor cursor(runtime.transaction(table.database), table.root);
  const std::uint64_t count = TRY(count_entries(runtime, cursor));
  if (count > 0) found.stats.push_back({table.name, {}, cat(count)});
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
    const storage::PageNo stat_root = TRY(emptied_table(transaction, analysis, kStatTable));
    const storage::PageNo sample_root = TRY(emptied_table(transaction, analysis, kSampleTable));
    const Table* old = schemas_[analysis.database].find_table(kOldSampleTable);
    if (old != nullptr) TRY(clear_statistics(transaction, analysis, *old, kStatTable.columns));
    Statistics found;
    const std::uint64_t limit = analysis_limit(runtime.session);
    for (const Target& target : analysis.targets) TRY(analyze(runtime, target, limit, found));
    const TextEncoding encoding = schemas_[analysis.database].encoding();
    RowAppender stats(transaction, stat_root, encoding);
    for (const StatRow& row : found.stats) {
      TRY(stats.append({ValueRef::text(row.table),
                        row.index.empty() ? ValueRef() : ValueRef::text(row.index),
                        ValueRef::text(row.stat)}));
    }
    RowAppender samples(transaction, sample_root, encoding);
    for (const SampleRow& row : found.samples) {
      TRY(samples.append({ValueRef::text(row.table), ValueRef::text(row.index),
                          ValueRef::text(row.sample.equal), ValueRef::text(row.sample.less),
                          ValueRef::text(row.sample.distinct_less),
                          ValueRef::blob(row.sample.record)}));
    }
    // The planner has new figures: what is compiled is out of date, in all sessions.
    return runtime.session.schema_changed(transaction, analysis.database);
  }

  /// A table of statistics without what is going to be written, made if there is none.
  Result<storage::PageNo> emptied_table(storage::Transaction& transaction, const Analysis& analysis,
                                        const StatisticsTable& table) const {
    const Table* known = schemas_[analysis.database].find_table(table.name);
    if (known == nullptr) {
      const storage::PageNo root = TRY(storage::create_tree(transaction, storage::TreeKind::table));
      TRY(add_schema_entry(transaction, schemas_[analysis.database].encoding(),
                           {"table", table.name, table.name, root, table.sql}));
      return root;
    }
    TRY(clear_statistics(transaction, analysis, *known, table.columns));
    return known->root;
  }

  /// Removes what a table of statistics has of the tables that are analyzed.
  static Result<void> clear_statistics(storage::Transaction& transaction, const Analysis& analysis,
                                       const Table& known, std::size_t columns) {
    if (known.kind != TableKind::table || known.without_rowid || known.columns.size() < columns) {
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
