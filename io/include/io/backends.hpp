#pragma once

#include "io/vfs.hpp"

namespace saturn::io {

/// The files of this machine through POSIX calls. On a fiber, what would block runs on a small
/// thread pool that starts with the first such call. Relative names are relative to the process's
/// working directory.
std::unique_ptr<Vfs> make_posix_vfs();

}  // namespace saturn::io
