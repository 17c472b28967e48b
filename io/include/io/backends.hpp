#pragma once

#include "io/vfs.hpp"

#include <string>

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

/// The `vfs` option.
enum class VfsChoice : std::uint8_t { automatic, posix, io_uring };

/// What was asked for and what came of it, for the log, the status page and metrics.
struct VfsReport {
  VfsChoice asked = VfsChoice::automatic;
  std::string backend;       ///< the name of the backend in use
  int io_uring_errno = 0;    ///< why io_uring cannot be had; 0 when it can or was not tried
  std::string io_uring_why;  ///< the same for a person, with the likely cause; else empty
};

/// Makes the backend for local files and logs `Using IO backend '<name>'` at info.
/// `automatic` takes io_uring where it can be had, else posix. `io_uring` that cannot be had is
/// one warning naming the errno and its likely cause, then posix; with `fallback` false it is
/// an error instead. `report` may be null and is filled in either way.
Result<std::unique_ptr<Vfs>> make_vfs(VfsChoice choice, bool fallback, VfsReport* report);

/// For `saturnd --probe-vfs`: what the kernel offers for I/O, which rung of io_uring's ladder was
/// taken and why, and the backend that `vfs = auto` takes; several lines.
std::string probe_report();

/// The likely cause of an errno of io_uring's set-up, for a person.
std::string io_uring_likely_cause(int sys_errno);

}  // namespace saturn::io
