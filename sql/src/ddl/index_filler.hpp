#pragma once

#include "exec/operators.hpp"
#include "plan/compile.hpp"
#include "storage/btree.hpp"

#include <memory>
#include <string>
#include <vector>

namespace saturn::sql {

/// Makes an index's entries of its table's rows: CREATE INDEX and REINDEX. Life: `prepare` once,
/// `fill` in each run. Borrows the table and the index.
class IndexFiller {
 public:
  IndexFiller(const Table& table, const Index& index) : table_(table), index_(index) {}

  /// Plans the rows; they are read from the table, never from an index. // SUSPENDS
  Result<void> prepare(CompileContext& context);
  /// Fills the empty tree at `root`; `constraint_unique` when two rows have a unique index's key.
  /// // SUSPENDS
  Result<void> fill(Runtime& runtime, storage::PageNo root);
  const Operator* plan() const noexcept { return query_.root.get(); }

 private:
  bool same_key(const ValueRef* a, const ValueRef* b) const noexcept;
  Error not_unique() const;
  /// Where the query has a column of the key, and one of the tail: the row's key comes first.
  Slot key_slot(std::size_t place) const noexcept {
    return static_cast<Slot>(table_.key_width() + place);
  }
  Slot tail_slot(const IndexColumn& column) const noexcept {
    if (!table_.without_rowid) return 0;
    return static_cast<Slot>(table_.primary->place_of(column.column));
  }

  const Table& table_;
  const Index& index_;
  Query query_;  ///< the row's key, then the index's
  std::vector<SortKey> sort_keys_;
};

}  // namespace saturn::sql
