#pragma once

#include "script.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace saturn::slt {

/// Saturn's engine in this process: on a database in memory, or with `vfs` "posix" or "io_uring" on
/// a file in a directory of its own, which is removed at the end. `query_memory`: the bytes in
/// which statements may keep rows, 0 for no limit.
std::unique_ptr<Engine> make_saturn_engine(const std::string& vfs = "memory",
                                           std::uint64_t query_memory = 0);

}  // namespace saturn::slt
