// Preloaded into a daemon (LD_PRELOAD): makes its I/O fail while it runs. FAIL_IO names a
// directory; as long as there is a file "open", "write" or "sync" in it, such calls fail with the
// errno whose number the file has: `open` for writing only, `write` after a part was written, as on
// a disk that becomes full, `sync` with a durable write too. With a file "slow" each sync takes so
// many milliseconds.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace {

/// The number in the file of that name; 0 when there is none.
int number_for(const char* call) {
  const char* directory = std::getenv("FAIL_IO");
  if (directory == nullptr) return 0;
  char path[4096];
  std::snprintf(path, sizeof path, "%s/%s", directory, call);
  const long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char digits[16] = {};
  const long got = syscall(SYS_read, fd, digits, sizeof digits - 1);
  syscall(SYS_close, fd);
  return got > 0 ? std::atoi(digits) : 0;
}

void take_time() { usleep(static_cast<useconds_t>(number_for("slow")) * 1000); }

template <typename Call>
Call* real(const char* name) {
  return reinterpret_cast<Call*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t pwritev64v2(int fd, const iovec* pieces, int count, off64_t offset, int flags) {
  static const auto call = real<ssize_t(int, const iovec*, int, off64_t, int)>("pwritev64v2");
  thread_local bool wrote_a_part = false;
  if ((flags & RWF_DSYNC) != 0) take_time();
  const int sync_error = (flags & RWF_DSYNC) != 0 ? number_for("sync") : 0;
  if (sync_error != 0) {
    call(fd, pieces, count, offset, flags & ~RWF_DSYNC);
    errno = sync_error;
    return -1;
  }
  const int error = number_for("write");
  if (error == 0) return call(fd, pieces, count, offset, flags);
  const iovec part{pieces[0].iov_base, pieces[0].iov_len / 2};
  wrote_a_part = !wrote_a_part && part.iov_len > 0;
  if (wrote_a_part) return call(fd, &part, 1, offset, flags);
  errno = error;
  return -1;
}

ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t offset) {
  return pwritev64v2(fd, pieces, count, offset, 0);
}

int fdatasync(int fd) {
  static const auto call = real<int(int)>("fdatasync");
  take_time();
  errno = number_for("sync");
  return errno == 0 ? call(fd) : -1;
}

int fsync(int fd) {
  static const auto call = real<int(int)>("fsync");
  take_time();
  errno = number_for("sync");
  return errno == 0 ? call(fd) : -1;
}

int open64(const char* path, int flags, ...) {
  static const auto call = real<int(const char*, int, ...)>("open64");
  va_list rest;
  va_start(rest, flags);
  const auto mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : mode_t{0};
  va_end(rest);
  const int error = (flags & O_ACCMODE) == O_RDONLY ? 0 : number_for("open");
  if (error == 0) return call(path, flags, mode);
  errno = error;
  return -1;
}

}  // extern "C"
