#pragma once

#include "catalog/schema.hpp"
#include "dml/foreign_keys.hpp"
#include "dml/target.hpp"
#include "dml/triggers.hpp"
#include "exec/expr.hpp"
#include "exec/record_decode.hpp"
#include "plan/compile.hpp"
#include "plan/table_columns.hpp"
#include "storage/btree.hpp"
#include "value/stored_text.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace saturn::sql {

/// What a statement does to the rows of its table, as far as a writer has to know it beforehand.
struct WriteRules {
  ast::Conflict conflict = ast::Conflict::unspecified;  ///< the statement's OR clause
  bool inserts = false;
  bool gives_rowid = false;  ///< an insert may have a rowid that is not chosen here
  bool many = false;  ///< of the inserts: there may be several, or something happens with each
  bool updates = false;
  bool deletes = false;
  /// Of an UPDATE or an upsert: the columns that SET names; kRowidTarget for the rowid.
  std::vector<int> updated = {};
};

/// Changes rows of one table with everything that belongs to it: triggers, affinities, generated
/// columns, NOT NULL, CHECK, the keys and what their ON CONFLICT clauses say, foreign keys and the
/// indexes.
///
/// A row is an array of one value a column, in the order of the columns, and the rowid behind them
/// (NULL in a WITHOUT ROWID table). Its key is what identifies it: the rowid, or the values of the
/// primary key. Made when a statement is compiled; `open` and `close` frame a run. A failure may
/// leave the trees half changed (the caller rolls the statement back), except that with the actions
/// IGNORE and FAIL the row that failed has changed nothing.
///
/// The steps of a change, in this order: BEFORE triggers; constraints; rows that REPLACE removes;
/// the row itself and its indexes; foreign keys' actions; AFTER triggers.
class TableWriter {
 public:
  using Key = std::span<const ValueRef>;
  struct Outcome {
    enum class Kind : std::uint8_t { done, ignored, conflict };
    Kind kind = Kind::done;
    std::size_t clause = 0;  ///< of the upsert whose key is in the way
  };
  /// For an upsert: the keys (null: the rowid) whose conflicts its clauses take care of, each with
  /// the clause's number, in the order of the clauses.
  using UpsertClause = std::vector<std::pair<const Index*, std::size_t>>;

  static Result<std::unique_ptr<TableWriter>> make(CompileContext& context, const Table& table,
                                                   WriteRules rules);

  Result<void> open();
  void close() noexcept;

  /// Inserts; `row` is changed to what is stored. A NULL rowid is chosen here. // SUSPENDS
  Result<Outcome> insert(ValueRef* row, const UpsertClause* upsert = nullptr);
  /// After `Kind::conflict`: the key of the row in the way.
  Key row_in_the_way() const noexcept { return way_; }
  /// Reads the row; false when there is none. Bytes are copied to `arena`. // SUSPENDS
  Result<bool> read(Key key, ValueRef* row, ValueArena& arena);
  /// Makes `old_row`, as `read` gave it, into `new_row`; both may be changed: to what is there
  /// after BEFORE triggers, and to what is stored. // SUSPENDS
  Result<Outcome> update(ValueRef* old_row, ValueRef* new_row);
  /// Removes the row, as `read` gave it. // SUSPENDS
  Result<Outcome> remove(ValueRef* row);
  /// Whether an UPDATE must know all its rows before it changes the first one, for what a change
  /// may do to other rows, or to where the index `found_by` (null: the table itself) has them.
  /// SQLite then works on the rows in the order of their keys.
  bool updates_by_key(const Index* found_by) const noexcept;
  /// Whether `clear` does what removing every row one by one would do.
  bool may_clear() const noexcept;
  /// Empties the table and its indexes; returns how many rows there were. // SUSPENDS
  Result<std::int64_t> clear();

  /// Rows that are inserted, updated or removed are added to it, before AFTER triggers see them.
  void set_returning(Returning& returning) noexcept { returning_ = &returning; }

  /// For EXPLAIN: the table with all that belongs to a change of its rows.
  void list(Listing& listing) const;
  const Table& table() const noexcept { return table_; }
  std::size_t width() const noexcept { return table_.columns.size() + 1; }
  std::size_t key_width() const noexcept { return table_.key_width(); }

 private:
  struct IndexWriter {
    const Index* index = nullptr;
    std::vector<ExprPtr> exprs;  ///< of the columns that are expressions; else null
    ExprPtr where;
    std::optional<storage::BTreeCursor> cursor;
    ast::Conflict conflict = ast::Conflict::abort;
    bool may_change = true;  ///< whether an UPDATE may change a row's entry

    // Of the row that is being written, until something else is done with the index.
    std::vector<ValueRef> key;  ///< its entry, if `indexed`
    bool made = false;          ///< `key` and `indexed` are known
    bool indexed = false;
    bool sought = false;  ///< the cursor has not found the key's columns
  };
  using Stopped = std::optional<Outcome>;
  using OwnedKey = std::vector<ValueRef>;  ///< its bytes live in `arena_`

  TableWriter(CompileContext& context, const Table& table, WriteRules rules);
  Result<void> compile(CompileContext& context);
  Result<void> compile_index(CompileContext& context, const RowScope& scope, const Index& index);
  Result<void> compile_defaults(CompileContext& context);
  Result<void> compile_rules(CompileContext& context);
  bool update_may_change(const IndexColumn& column) const noexcept;
  ast::Conflict action(ast::Conflict declared) const noexcept;
  Result<Outcome> constraint_failed(ast::Conflict action, Code code, std::string message);
  Result<void> take_rowid(ValueRef* row);

  // row_checks.cpp
  Result<void> convert(ValueRef* row);
  Result<void> generate(ValueRef* row);
  Result<Stopped> check_not_null(ValueRef* row, bool& replaced);
  Result<Stopped> check_not_null(ValueRef* row, bool generated, bool& replaced);
  Result<void> check_types(const ValueRef* row, bool generated) const;
  Result<Stopped> check_row(ValueRef* row);
  Result<Stopped> check_rowid_first(ValueRef* row, const OwnedKey* own, const UpsertClause* upsert);

  // row_keys.cpp
  void key_of(const ValueRef* row, OwnedKey& key) const;
  bool same_key(Key a, Key b) const noexcept;
  Result<bool> seek(Key key);
  std::string key_text(const Index* index) const;
  Result<Outcome> duplicate(const Index* index, ast::Conflict conflict);
  Result<bool> make_entry(IndexWriter& writer, const ValueRef* row, std::vector<ValueRef>& entry);
  Result<bool> make_new_entry(IndexWriter& writer, const ValueRef* row);
  void forget_entries() noexcept;
  Result<std::optional<OwnedKey>> find_duplicate(IndexWriter& writer);
  Result<std::optional<OwnedKey>> find_in_way(const Index* index, const ValueRef* row);
  Result<Stopped> check_upsert_keys(const ValueRef* row,
                                    std::span<const UpsertClause::value_type> keys);
  bool may_collide(const Index* index, const OwnedKey* own) const noexcept;
  Result<Stopped> check_keys(const ValueRef* row, const OwnedKey* own,
                             std::vector<OwnedKey>& replaced);
  Result<void> remove_replaced(const std::vector<OwnedKey>& replaced);
  Result<void> check_keys_again(const ValueRef* row, const OwnedKey* own);
  Result<void> add_to_index(IndexWriter& writer, const ValueRef* row);
  Result<void> remove_from_index(IndexWriter& writer, std::span<const ValueRef> entry);
  Result<void> change_indexes(const ValueRef* old_row, const ValueRef* new_row);

  // rowids.cpp
  Result<std::int64_t> choose_rowid();

  /// Whether the rowid is looked for before the columns have got their affinities and types are
  /// checked: as in SQLite where nothing else needs the columns first.
  bool types_come_late() const noexcept {
    return !table_.without_rowid && generated_.empty() &&
           (checks_.empty() || runtime_.session.ignore_check_constraints);
  }
  /// Whether triggers or foreign keys act when a row is replaced.
  bool replacing_runs_more() const noexcept {
    return !replace_triggers_.empty() || foreign_keys_.concern_removal();
  }
  Result<const ValueRef*> read_again(const ValueRef* row);
  Result<Stopped> reload(ValueRef* old_row, ValueRef* new_row);
  Result<void> write_record(const ValueRef* row);
  Result<void> erase(const ValueRef* row);
  const Batch& batch_of(const ValueRef* row);

  Runtime& runtime_;
  const Table& table_;
  const WriteRules rules_;
  std::vector<ExprPtr> checks_;
  std::vector<ValueRef> defaults_;  ///< for REPLACE of a NULL; arena of the statement
  std::vector<GeneratedColumn> generated_;
  std::vector<std::unique_ptr<IndexWriter>> indexes_;
  /// Unique indexes in the order in which they are checked.
  std::vector<const Index*> unique_order_;
  ast::Conflict primary_conflict_ = ast::Conflict::abort;
  bool key_may_change_ = true;    ///< whether an UPDATE may change what identifies a row
  bool rowid_is_chosen_ = false;  ///< of the row that is being inserted: no other row has it
  std::vector<WantedColumn> stored_columns_;
  const Table* sequence_table_ = nullptr;
  TriggerSet insert_triggers_;
  TriggerSet update_triggers_;
  TriggerSet delete_triggers_;
  TriggerSet replace_triggers_;  ///< of rows that REPLACE removes
  ForeignKeys foreign_keys_;
  Returning* returning_ = nullptr;

  std::optional<storage::BTreeCursor> cursor_;
  Batch batch_;
  ValueArena arena_;  ///< of one row's work
  std::vector<ValueRef> record_values_;
  std::vector<ValueRef> removed_row_;
  std::vector<ValueRef> reloaded_;
  std::vector<ValueRef> old_entry_;
  OwnedKey way_;
  OwnedKey scratch_key_;
  OwnedKey old_key_;
  OwnedKey new_key_;
  StoredKey stored_key_;  ///< of the key that is sought
  std::string record_;
  Sequence* sequence_ = nullptr;  ///< of AUTOINCREMENT, in an INSERT's run
};

}  // namespace saturn::sql
