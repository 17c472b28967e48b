#pragma once

#include "exec/access.hpp"

#include <unordered_set>

namespace saturn::sql {

/// Rows that any of several ways to one table finds, each of them once: an OR whose alternatives
/// have indexes of their own. Which rows have been given is known by their rowids, in memory.
class EitherAccess final : public AccessPath {
 public:
  /// Every way fills `slots`, `rowid_slot` among them.
  EitherAccess(Runtime& runtime, std::vector<std::unique_ptr<AccessPath>> ways,
               std::vector<Slot> slots, Slot rowid_slot);
  Result<void> open() override;
  void recycle() noexcept override;
  Result<void> bind(EvalContext& left, Selection selection) override;
  Result<void> start(RowIndex left_row) override;
  Result<std::uint32_t> fetch(const Batch& out, std::uint32_t at, std::uint32_t room) override;
  void close() noexcept override;
  std::string describe() const override;
  void list(Listing& listing) const override;

 private:
  std::uint32_t keep_new(const Batch& out, std::uint32_t at, std::uint32_t count);
  void forget() noexcept;

  const std::vector<std::unique_ptr<AccessPath>> ways_;
  const std::vector<Slot> slots_;
  const Slot rowid_slot_;
  std::unordered_set<std::int64_t> given_;  ///< to the current left row
  MemoryCharge charge_;                     ///< of `given_`
  std::size_t way_ = 0;                     ///< that is being read
  RowIndex left_row_ = 0;
};

}  // namespace saturn::sql
