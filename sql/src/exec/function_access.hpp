#pragma once

#include "exec/access.hpp"
#include "functions/table_function.hpp"

#include <optional>
#include <unordered_set>
#include <vector>

namespace saturn::sql {

/// The rows of a table-valued function, called anew for every left row.
///
/// On the right side of a RIGHT or FULL JOIN a row is known by its rowid, whichever call gave it,
/// as in SQLite: after all left rows the function is called once more, with NULL for every column
/// of theirs, and those of its rows whose rowid never met its condition come out.
class FunctionAccess final : public AccessPath {
 public:
  struct Parts {
    std::unique_ptr<TableCursor> cursor;
    std::vector<ExprPtr> arguments;  ///< over the left batch; null where none was given
    std::vector<std::pair<std::uint32_t, Slot>> wanted;  ///< columns and where they go
    Slot rowid_slot = kNoSlot;
    std::string label;
    bool track_matches = false;  ///< the right side of a RIGHT or FULL JOIN
  };
  FunctionAccess(Runtime& runtime, Parts parts);
  Result<void> open() override;
  void recycle() noexcept override { arena_.reset(); }
  Result<void> bind(EvalContext& left, Selection selection) override;
  Result<void> start(RowIndex left_row) override;
  Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) override;
  void mark_matched(RowIndex row) override { matched_.insert(rowids_[row]); }
  Result<std::uint32_t> fetch_unmatched(const Batch& out, std::uint32_t room) override;
  void close() noexcept override { matched_.clear(); }
  std::string describe() const override;
  void list(Listing& listing) const override;

 private:
  Result<void> write_row(const Batch& out, std::uint32_t row);

  Runtime& runtime_;
  Parts parts_;
  std::vector<Scratch> columns_;
  std::vector<std::optional<ValueRef>> arguments_;
  ValueArena arena_;
  std::vector<std::int64_t> rowids_;  ///< of the rows fetched, by their place in the batch
  std::unordered_set<std::int64_t> matched_;
  bool called_once_more_ = false;
  ValueArena last_arena_;  ///< the arguments of the last call
};

}  // namespace saturn::sql
