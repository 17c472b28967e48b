#pragma once

#include "exec/access.hpp"
#include "functions/table_function.hpp"

#include <optional>

namespace saturn::sql {

/// The rows of a table-valued function, called anew for every left row.
class FunctionAccess final : public AccessPath {
 public:
  struct Parts {
    std::unique_ptr<TableCursor> cursor;
    std::vector<ExprPtr> arguments;  ///< over the left batch; null where none was given
    std::vector<std::pair<std::uint32_t, Slot>> wanted;  ///< columns and where they go
    Slot rowid_slot = kNoSlot;
    std::string label;
  };
  FunctionAccess(Runtime& runtime, Parts parts);
  Result<void> open() override { return {}; }
  void recycle() noexcept override { arena_.reset(); }
  Result<void> bind(EvalContext& left, Selection selection) override;
  Result<void> start(RowIndex left_row) override;
  Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) override;
  void close() noexcept override {}
  std::string describe() const override;
  void list(Listing& listing) const override;

 private:
  Runtime& runtime_;
  Parts parts_;
  std::vector<Scratch> columns_;
  std::vector<std::optional<ValueRef>> arguments_;
  ValueArena arena_;
};

}  // namespace saturn::sql
