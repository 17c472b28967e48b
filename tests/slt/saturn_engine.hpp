#pragma once

#include "script.hpp"

#include <memory>
#include <string>

namespace saturn::slt {

/// Saturn's engine in this process: on a database in memory, or with `vfs` "posix" or "io_uring" on
/// a file in a directory of its own, which is removed at the end.
std::unique_ptr<Engine> make_saturn_engine(const std::string& vfs = "memory");

}  // namespace saturn::slt
