#pragma once

#include "base/limits.hpp"
#include "catalog/schema.hpp"
#include "exec/nodes.hpp"
#include "exec/record_decode.hpp"
#include "exec/row_spool.hpp"
#include "storage/btree.hpp"
#include "value/stored_text.hpp"

#include <algorithm>
#include <optional>
#include <string>

/// How a join reaches the rows of its right-hand relation.
namespace saturn::sql {

/// The rows of one relation, for one row of the left-hand side at a time.
///
/// A run: `open`; then for each batch of the left side `bind`, and for each of its rows `start` and
/// `fetch` until a fetch is short; `close`. Values that `fetch` wrote are good until `recycle`.
class AccessPath {
 public:
  virtual ~AccessPath() = default;
  virtual Result<void> open() = 0;  // SUSPENDS
  /// As `close` and then `open`, without anything in between. // SUSPENDS
  virtual Result<void> reopen() {
    close();
    return open();
  }
  /// The memory of rows fetched so far may be used again.
  virtual void recycle() noexcept = 0;
  /// Computes what depends on the left row, for the selected rows. `arena` lives as long as the
  /// left batch. // SUSPENDS
  virtual Result<void> bind(EvalContext& left, Selection selection) = 0;
  virtual Result<void> start(RowIndex left_row) = 0;  // SUSPENDS
  /// Writes up to `room` rows from row `at` on; fewer only when there are no more. // SUSPENDS
  virtual Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) = 0;
  /// For RIGHT and FULL JOIN: the row that the last `fetch` wrote at `row` has a partner; and after
  /// all left rows, up to `room` rows (from row 0 on) that had none, 0 when there are no more. The
  /// batch is full of NULLs in the columns of the left side.
  virtual void mark_matched(RowIndex) {}
  virtual Result<std::uint32_t> fetch_unmatched(const Batch&, std::uint32_t) {  // SUSPENDS
    return std::uint32_t{0};
  }
  virtual void close() noexcept = 0;
  /// "SCAN t", "SEARCH t USING INDEX i (a=?)".
  virtual std::string describe() const = 0;
  virtual Operator* input() const { return nullptr; }
  /// Adds the path with all that it is made of, for EXPLAIN.
  virtual void list(Listing& listing) const = 0;
};

/// A constraint on the key of a tree, the values being computed from the left row.
struct SeekSpec {
  struct Key {
    ExprPtr expr;            ///< null for the keys of an IN
    bool null_safe = false;  ///< IS: NULL is a key like any other
    Affinity affinity = Affinity::none;
  };
  std::vector<Key> equal;  ///< the leading columns
  /// `column IN (...)`: which of `equal` takes its values one after the other, from this node.
  int in_key = -1;
  ExprPtr in;
  // A range of the column after the equal ones.
  ExprPtr low;
  bool low_inclusive = false;
  ExprPtr high;
  bool high_inclusive = false;
  Affinity range_affinity = Affinity::none;
  bool backward = false;
};

/// How many rows that are going to be sought to ask for together: none while they are found in
/// memory, then ever more of them.
class AskingPace {
 public:
  /// After a row was sought, and was out of memory or not: how many of those behind it to ask for;
  /// 0: none.
  std::uint32_t next(bool missed) noexcept {
    if (left_ > 0) {
      --left_;
      return 0;
    }
    if (!missed) {
      // On the leaf of the one before, say: only a row of them makes it begin anew.
      if (++found_ > limits::kReadAheadPages) asked_ = 0;
      return 0;
    }
    found_ = 0;
    asked_ = std::clamp(asked_ * 2, kFirst, limits::kReadAheadPages);
    return asked_;
  }
  /// So many were asked for.
  void asked(std::size_t rows) noexcept { left_ = static_cast<std::uint32_t>(rows); }

 private:
  static constexpr std::uint32_t kFirst = 4;
  std::uint32_t asked_ = 0;  ///< the last time
  std::uint32_t left_ = 0;   ///< of them, still to come
  std::uint32_t found_ = 0;  ///< in a row, in memory without having been asked for
};

/// Computed keys of a batch of left rows, as access paths need them.
class SeekKeys {
 public:
  SeekKeys(Runtime& runtime, SeekSpec spec);
  Result<void> bind(EvalContext& left, Selection selection);
  /// Loads the keys of a row. False when a NULL makes that no row can match.
  bool load(RowIndex row);
  /// Puts the next value of the IN into `equal`, in the order of the scan; false when there is no
  /// more. Without an IN there is one probe.
  bool next_probe();
  /// The values behind the present one, up to `most`, that the first key is going to have: the rest
  /// of the IN, or those of the left rows that follow in the batch.
  void look_ahead(std::size_t most, std::vector<ValueRef>& values);

  const SeekSpec& spec() const noexcept { return spec_; }
  std::vector<ValueRef> equal;
  ValueRef low;
  ValueRef high;

 private:
  Result<void> collect_in(EvalContext& left);
  Runtime& runtime_;
  SeekSpec spec_;
  std::vector<Scratch> columns_;
  Scratch low_;
  Scratch high_;
  std::vector<ValueRef> probes_;  ///< of the IN, sorted
  ValueArena probe_arena_;
  std::size_t next_ = 0;
  std::vector<RowIndex> rows_;  ///< of the left batch, if they have but one key
  std::size_t behind_ = 0;      ///< where in `rows_` the one behind the present row is
};

/// A table tree by rowid: all of it, a range, or single rows.
class TableAccess final : public AccessPath {
 public:
  TableAccess(Runtime& runtime, const Table& table, std::string_view alias, SeekSpec spec,
              std::vector<WantedColumn> wanted, Slot rowid_slot);
  Result<void> open() override;
  Result<void> reopen() override;
  void recycle() noexcept override { arena_.reset(); }
  Result<void> bind(EvalContext& left, Selection selection) override;
  Result<void> start(RowIndex left_row) override;
  Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) override;
  void close() noexcept override { cursor_.reset(); }
  std::string describe() const override;
  void list(Listing& listing) const override;

 private:
  Result<bool> position();
  Result<bool> advance();
  Result<bool> seek_first(std::int64_t low, std::int64_t high);
  Result<bool> seek_row(std::int64_t rowid);

  Runtime& runtime_;
  const Table& table_;
  const std::string alias_;
  SeekKeys keys_;
  const std::vector<WantedColumn> wanted_;
  const Slot rowid_slot_;
  std::optional<storage::BTreeCursor> cursor_;
  ValueArena arena_;
  bool started_ = false;  ///< positioned within a probe
  bool done_ = true;
  std::int64_t first_ = 0;  ///< the range of the current probe
  std::int64_t last_ = 0;
  AskingPace pace_;  ///< of single rows
  std::vector<ValueRef> values_behind_;
  std::vector<std::int64_t> rowids_behind_;
};

/// An index tree, and the table's rows unless the index has all columns that are wanted. `wanted`
/// columns are places in the index's entries, or in the table's records.
class IndexAccess final : public AccessPath {
 public:
  /// `from_index` and `from_table` are what is wanted from either; `from_table` empty: covering.
  IndexAccess(Runtime& runtime, const Index& index, std::string_view alias, SeekSpec spec,
              std::vector<WantedColumn> from_index, std::vector<WantedColumn> from_table,
              Slot rowid_slot);
  Result<void> open() override;
  Result<void> reopen() override;
  void recycle() noexcept override { arena_.reset(); }
  Result<void> bind(EvalContext& left, Selection selection) override;
  Result<void> start(RowIndex left_row) override;
  Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) override;
  void close() noexcept override {
    cursor_.reset();
    table_cursor_.reset();
  }
  std::string describe() const override;
  void list(Listing& listing) const override;

 private:
  enum class Match : std::uint8_t { yes, end };
  Result<bool> position();
  Result<bool> seek_probe();
  Result<Match> check_entry(ByteSpan record);
  Result<void> emit(const Batch& out, RowIndex row, ByteSpan record);
  Result<void> find_table_row();
  void ask_for_rows_behind(std::uint32_t rows);
  bool tree_low_first() const noexcept;

  Runtime& runtime_;
  const Index& index_;
  const TextEncoding encoding_;
  const std::string alias_;
  SeekKeys keys_;
  std::vector<WantedColumn> from_index_;
  const std::vector<WantedColumn> from_table_;
  const Slot rowid_slot_;
  std::optional<storage::BTreeCursor> cursor_;
  std::optional<storage::BTreeCursor> table_cursor_;
  ValueArena arena_;
  // The entry's leading columns and what identifies its row, decoded; `entry_` in the order of
  // `key_columns_`, `row_key_` says where in it the row's key is.
  std::vector<WantedColumn> key_columns_;
  std::vector<std::size_t> row_key_;
  ValueArena entry_arena_;  ///< of `entry_`, when its texts were UTF-16
  std::vector<ValueRef> table_key_;
  StoredKey stored_key_;  ///< of the key that is sought
  std::vector<ValueRef> entry_;
  std::vector<ValueRef*> entry_pointers_;
  std::vector<ValueRef> seek_key_;
  AskingPace pace_;  ///< of rows of the table
  std::vector<ByteSpan> records_behind_;
  std::vector<std::int64_t> rowids_behind_;
  std::vector<std::uint8_t> place_;  ///< the current entry, kept where the tree may change
  bool started_ = false;
  bool done_ = true;
};

/// Virtual columns, computed over the rows of another path: each expression's slot is filled in,
/// with its column's affinity, in the order given.
class ComputedAccess final : public AccessPath {
 public:
  struct Column {
    Slot slot = 0;
    Affinity affinity = Affinity::none;
    ExprPtr expr;
  };
  ComputedAccess(Runtime& runtime, std::unique_ptr<AccessPath> input, std::vector<Column> columns)
      : runtime_(runtime), input_(std::move(input)), columns_(std::move(columns)) {}
  Result<void> open() override { return input_->open(); }
  Result<void> reopen() override { return input_->reopen(); }
  void recycle() noexcept override;
  Result<void> bind(EvalContext& left, Selection selection) override {
    return input_->bind(left, selection);
  }
  Result<void> start(RowIndex left_row) override { return input_->start(left_row); }
  Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) override;
  void close() noexcept override { input_->close(); }
  std::string describe() const override { return input_->describe(); }
  void list(Listing& listing) const override;

 private:
  Runtime& runtime_;
  const std::unique_ptr<AccessPath> input_;
  const std::vector<Column> columns_;
  ValueArena arena_;
};

/// Rows of an operator, kept in memory or in a file; with keys, found by a hash of them.
class MaterializedAccess final : public AccessPath, private KeptRows {
 public:
  struct HashKey {
    ExprPtr left;   ///< over the left batch
    ExprPtr right;  ///< over the input's batch
    Affinity affinity = Affinity::none;
    const Collation* collation = nullptr;
    bool null_safe = false;
  };
  /// `slots`: what of the input's batches is kept, and handed on in the same slots. With
  /// `keep_within_run` the rows outlive `close` as long as the run. With `track_matches` it knows
  /// which rows were matched.
  MaterializedAccess(Runtime& runtime, OperatorPtr input, std::vector<Slot> slots,
                     std::vector<HashKey> keys, bool keep_within_run, bool track_matches = false);
  void mark_matched(RowIndex row) override { matched_[numbers_[row]] = true; }
  Result<std::uint32_t> fetch_unmatched(const Batch& out, std::uint32_t room) override;
  Result<void> open() override;
  void recycle() noexcept override { arena_.reset(); }
  Result<void> bind(EvalContext& left, Selection selection) override;
  Result<void> start(RowIndex left_row) override;
  Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) override;
  void close() noexcept override;
  std::string describe() const override;
  Operator* input() const override { return input_.get(); }
  void list(Listing& listing) const override;

 private:
  Result<void> build();
  Result<void> ensure_built();
  void forget() noexcept override;
  void link();
  Result<void> add_batch(const Batch& batch, ValueArena& arena);
  bool keys_match(const ValueRef* row) const noexcept;
  void hand_out(std::size_t index, const ValueRef* row, const Batch& out, std::uint32_t at);

  Runtime& runtime_;
  const OperatorPtr input_;
  const std::vector<Slot> slots_;
  std::vector<HashKey> keys_;
  const bool keep_within_run_;
  RowSpool rows_;
  RowSpool::Reader reader_{rows_};
  MemoryCharge charge_;  ///< of what finds the rows
  ValueArena arena_;     ///< texts and blobs handed out that come from the file
  bool built_ = false;
  std::uint64_t built_run_ = 0;
  std::vector<std::uint32_t> hashes_;
  std::vector<std::uint32_t> heads_;  ///< row + 1, 0 = none
  std::vector<std::uint32_t> next_;
  std::vector<Scratch> left_;
  std::vector<Scratch> right_;
  std::vector<ValueRef> row_;
  std::vector<ValueRef> probe_;
  std::uint32_t probe_hash_ = 0;
  std::uint32_t at_ = 0;  ///< next row + 1 to look at; 0 = no more
  const bool track_matches_;
  std::vector<std::uint8_t> unlinked_;  ///< by row: a NULL in its key matches nothing
  std::vector<std::uint8_t> matched_;   ///< by row
  std::vector<std::uint32_t> numbers_;  ///< of the rows fetched, by their place in the batch
  std::size_t unmatched_at_ = 0;
};

}  // namespace saturn::sql
