#pragma once

#include "io/vfs.hpp"

#include <vector>

namespace saturn::io {

/// The advisory locks that handles of this process hold on one file. No synchronisation of its own:
/// its owner's mutex guards it.
class RangeLocks {
 public:
  /// As `File::lock` for the handle `owner`: false, and nothing changed, on a conflict.
  bool set(const void* owner, LockRange range, LockMode mode);
  /// Whether `set` would succeed.
  bool allowed(const void* owner, LockRange range, LockMode mode) const;
  /// Gives up all that `owner` holds.
  void drop(const void* owner);
  /// The ranges that `owner` holds in any mode.
  std::vector<LockRange> held_by(const void* owner) const;
  bool empty() const noexcept { return held_.empty(); }

  /// What all owners together hold in a range, as pieces in ascending order that cover it exactly,
  /// each with the strongest mode held anywhere in it.
  struct Piece {
    LockRange range;
    LockMode mode;
  };
  std::vector<Piece> pieces(LockRange range) const;

 private:
  struct Held {
    const void* owner;
    std::uint64_t begin;
    std::uint64_t end;  ///< one past the last position
    LockMode mode;
  };
  std::vector<Held> held_;
};

}  // namespace saturn::io
