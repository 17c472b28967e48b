#include "base/log.hpp"
#include "base/text.hpp"
#include "io/backends.hpp"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace saturn::io {
namespace {

/// The value of /proc/sys/kernel/io_uring_disabled (Linux 6.6): 0 where there is no such file.
int io_uring_disabled() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  int value = 0;
  return file >> value ? value : 0;
}

}  // namespace

std::string io_uring_likely_cause(int sys_errno) {
  switch (sys_errno) {
    case EPERM:
      return io_uring_disabled() != 0
                 ? cat("kernel.io_uring_disabled is ", io_uring_disabled())
                 : std::string("a seccomp filter (of a container or unit) forbids io_uring_setup");
    case EACCES: return "a security module forbids io_uring";
    case ENOSYS: return "this kernel or this build has no io_uring, or a seccomp filter hides it";
    case ENOMEM: return "the limit on locked memory (RLIMIT_MEMLOCK) is too small";
    case EMFILE:
    case ENFILE: return "too many open files (RLIMIT_NOFILE)";
    case EINVAL: return "this kernel's io_uring is too old";
    default: return "unknown";
  }
}

Result<std::unique_ptr<Vfs>> make_vfs(VfsChoice choice, bool fallback, VfsReport* report) {
  VfsReport ignored;
  VfsReport& out = report != nullptr ? *report : ignored;
  out = {.asked = choice};
  std::unique_ptr<Vfs> vfs;
  if (choice != VfsChoice::posix) {
    auto made = make_io_uring_vfs();
    if (made) {
      vfs = std::move(*made);
    } else {
      const int error = made.error().sys_errno();
      out.io_uring_errno = error;
      out.io_uring_why =
          cat(made.error().message(), " (errno ", error, "; ", io_uring_likely_cause(error), ")");
      if (choice == VfsChoice::io_uring) {
        if (!fallback) {
          return Error(Code::cantopen, cat("io_uring cannot be had: ", out.io_uring_why), error);
        }
        log::warn(cat("io_uring cannot be had, using posix: ", out.io_uring_why));
      }
    }
  }
  if (!vfs) vfs = make_posix_vfs();
  out.backend = vfs->name();
  log::info(cat("Using IO backend '", out.backend, "'"));
  return vfs;
}

}  // namespace saturn::io
