#pragma once

#include "script.hpp"

#include <memory>

namespace saturn::slt {

/// The judge: SQLite's own library on a fresh in-memory database. For tests only.
std::unique_ptr<Engine> make_sqlite_engine();

}  // namespace saturn::slt
