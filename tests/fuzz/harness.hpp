#pragma once

#include "base/assert.hpp"
#include "io/vfs.hpp"
#include "io/worker.hpp"
#include "sql/session.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

/// What the fuzz targets have in common. A finding is a crash, a sanitizer's report, a failed
/// assertion, an "internal error", or a statement that neither ends nor obeys its deadline.
namespace saturn::fuzz {

/// Nothing below an error is logged.
void quiet();

/// Small and never synced.
sql::DatabaseOptions database_options();

/// A new file of `vfs` with these bytes.
void put_file(io::Vfs& vfs, std::string_view name, ByteSpan bytes);

/// Runs statement after statement, whatever each of them says, and reads all their rows. Each has a
/// deadline, and so has the whole text.
void run_sql(sql::Session& session, std::string_view text);

/// After `run_sql` on a database that was whole: it still is.
void check_integrity(sql::Session& session);

}  // namespace saturn::fuzz
