#pragma once

#include "io/vfs.hpp"

namespace saturn::storage {

/// The byte ranges that SQLite locks (PENDING, RESERVED and SHARED, at 1 GiB). Whoever holds all of
/// them for writing keeps every other connection out.
inline constexpr io::LockRange kSqliteLocks{0x4000'0000, 512};
inline constexpr io::LockRange kSqliteSharedLocks{0x4000'0002, 510};

}  // namespace saturn::storage
