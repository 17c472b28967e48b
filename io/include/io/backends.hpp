#pragma once

#include "io/vfs.hpp"

namespace saturn::io {

/// The files of this machine through POSIX calls. On a fiber, what would block runs on a small
/// thread pool that starts with the first such call. Relative names are relative to the process's
/// working directory.
std::unique_ptr<Vfs> make_posix_vfs();

/// The files of this machine through io_uring: a ring for each worker, made at the worker's first
/// operation; record locks, names and whatever the kernel has no opcode for as in `posix`. On a
/// worker that cannot have a ring, and outside of any fiber, everything is as in `posix`.
/// Fails with the errno of the cause when this thread cannot have a ring, and with ENOSYS in a
/// build without liburing.
Result<std::unique_ptr<Vfs>> make_io_uring_vfs();

}  // namespace saturn::io
