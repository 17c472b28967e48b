#pragma once

#include "catalog/schema.hpp"
#include "exec/expr.hpp"
#include "exec/record_decode.hpp"
#include "plan/compile.hpp"
#include "storage/btree.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace saturn::sql {

/// Changes rows of one table with everything that belongs to it: affinities, NOT NULL, CHECK, the
/// keys and what their ON CONFLICT clauses say, and the indexes.
///
/// A row is an array of one value a column, in the order of the columns, and the rowid behind them.
/// Made when a statement is compiled; `open` and `close` frame a run. A failure may leave the trees
/// half changed (the caller rolls the statement back), except that with the actions IGNORE and FAIL
/// the row that failed has changed nothing.
class TableWriter {
 public:
  /// A key of the table: its rowid, or a unique index.
  struct Key {
    const Index* index = nullptr;  ///< null: the rowid
  };
  struct Outcome {
    enum class Kind : std::uint8_t { done, ignored, conflict };
    Kind kind = Kind::done;
    std::int64_t rowid = 0;  ///< of the row written, or of the row in the way
    std::size_t clause = 0;  ///< of the upsert whose key is in the way
  };
  /// For an upsert: the keys (null: the rowid) whose conflicts its clauses take care of, each with
  /// the clause's number, in the order of the clauses.
  using UpsertClause = std::vector<std::pair<const Index*, std::size_t>>;

  /// Fails for what cannot be written: views, system tables, what is not supported yet. `conflict`
  /// is the statement's OR clause.
  static Result<std::unique_ptr<TableWriter>> make(CompileContext& context, const Table& table,
                                                   ast::Conflict conflict);

  Result<void> open();
  void close() noexcept;
  /// After the rows of an INSERT: writes AUTOINCREMENT's counter. // SUSPENDS
  Result<void> finish_insert();

  /// Inserts; `row` is changed to what is stored. A NULL rowid is chosen here. // SUSPENDS
  Result<Outcome> insert(ValueRef* row, const UpsertClause* upsert = nullptr);
  /// Reads the row; false when there is none. Bytes are copied to `arena`. // SUSPENDS
  Result<bool> read(std::int64_t rowid, ValueRef* row, ValueArena& arena);
  /// Makes `old_row`, as `read` gave it, into `new_row`. // SUSPENDS
  Result<Outcome> update(const ValueRef* old_row, ValueRef* new_row);
  /// Removes the row; false when there is none. // SUSPENDS
  Result<bool> remove(std::int64_t rowid);
  /// Empties the table and its indexes; returns how many rows there were. // SUSPENDS
  Result<std::int64_t> clear();

  const Table& table() const noexcept { return table_; }
  std::size_t width() const noexcept { return table_.columns.size() + 1; }

 private:
  struct IndexWriter {
    const Index* index = nullptr;
    std::vector<ExprPtr> exprs;  ///< of the columns that are expressions; else null
    ExprPtr where;
    std::optional<storage::BTreeCursor> cursor;
    std::vector<ValueRef> key;  ///< scratch
    ast::Conflict conflict = ast::Conflict::abort;
  };

  TableWriter(CompileContext& context, const Table& table, ast::Conflict conflict);
  Result<void> compile(CompileContext& context);
  ast::Conflict action(ast::Conflict declared) const noexcept;
  Result<Outcome> constraint_failed(ast::Conflict action, Code code, std::string message);

  Result<std::optional<Outcome>> check_row(ValueRef* row);
  Result<std::int64_t> choose_rowid();
  Result<void> load_sequence();
  Result<bool> make_key(IndexWriter& writer, const ValueRef* row, std::vector<ValueRef>& key);
  Result<std::optional<std::int64_t>> find_duplicate(IndexWriter& writer,
                                                     const std::vector<ValueRef>& key);
  Result<std::optional<Outcome>> check_keys(const ValueRef* row, const std::int64_t* own_rowid,
                                            const UpsertClause* upsert,
                                            std::vector<std::int64_t>& replaced);
  Result<Outcome> duplicate(const Index* index, ast::Conflict conflict);
  std::string key_text(const Index* index) const;
  Result<void> write_record(const ValueRef* row);
  Result<void> add_to_index(IndexWriter& writer, const ValueRef* row);
  Result<void> remove_from_index(IndexWriter& writer, const ValueRef* row);
  const Batch& batch_of(const ValueRef* row);

  Runtime& runtime_;
  const Table& table_;
  const ast::Conflict conflict_;
  std::vector<ExprPtr> checks_;
  std::vector<ValueRef> defaults_;  ///< for REPLACE of a NULL; arena of the statement
  std::vector<std::unique_ptr<IndexWriter>> indexes_;
  std::vector<WantedColumn> all_columns_;
  const Table* sequence_table_ = nullptr;

  std::optional<storage::BTreeCursor> cursor_;
  Batch batch_;
  ValueArena arena_;  ///< of one row's work
  std::vector<ValueRef> stored_;
  std::vector<ValueRef> removed_row_;
  std::string record_;
  std::int64_t sequence_ = 0;
  bool sequence_loaded_ = false;
};

/// "table t has no column named x"; else its number. `rowid` and its kin are -1 (kRowid).
Result<int> target_column(const Table& table, std::string_view name, std::uint32_t at);
inline constexpr int kRowidTarget = -1;

/// The table that INSERT, UPDATE or DELETE names, or SQLite's error.
Result<const Table*> find_target(CompileContext& context, const ast::Target& target);

/// Rows that RETURNING gives, kept until all changes are made.
class Returning {
 public:
  Result<void> compile(CompileContext& context, const Table& table, std::string_view alias,
                       const List<ast::ResultColumn>& columns);
  bool wanted() const noexcept { return !bound_.exprs.empty(); }
  const std::vector<ResultColumn>& columns() const noexcept { return bound_.columns; }
  void clear();
  /// `row` as `TableWriter` has it. // SUSPENDS
  Result<void> add(Runtime& runtime, const ValueRef* row);
  /// The next batch of what was added; null at the end.
  const Batch* next();

 private:
  BoundColumns bound_;
  std::unique_ptr<class RowStore> rows_;
  std::vector<ValueRef> values_;
  ValueArena arena_;
  Batch in_;
  Batch out_;
  std::vector<ColumnBuffer> buffers_;
  std::size_t shown_ = 0;
};

}  // namespace saturn::sql
