#pragma once

#include "state.hpp"

#include <string>

namespace sim {

/// Whether SQLite is there to recover images.
bool sqlite_available();

/// What SQLite makes of the database at `path` and its -wal; fails when it cannot open it, or when
/// its integrity check finds anything.
saturn::Result<State> recover_with_sqlite(const std::string& path);

}  // namespace sim
