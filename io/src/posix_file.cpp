#include "posix_file.hpp"

#include "posix_error.hpp"

#include "base/text.hpp"
#include "io/fiber.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cerrno>
#include <system_error>

namespace saturn::io {
namespace {

/// How one pass over the pieces ended: `error` 0 means done (or, reading, the end of the file).
struct Progress {
  std::size_t bytes = 0;
  int error = 0;
};

/// Transfers until everything is done, the file ends, or an error; EAGAIN (with RWF_NOWAIT) too.
template <typename Call>
Progress transfer(Pieces& pieces, std::uint64_t offset, int flags, Call call) {
  Progress progress;
  while (!pieces.empty()) {
    const ssize_t n =
        call(pieces.data(), pieces.count(), static_cast<off_t>(offset + progress.bytes), flags);
    if (n > 0) {
      pieces.advance(static_cast<std::size_t>(n));
      progress.bytes += static_cast<std::size_t>(n);
    } else if (n == 0) {
      break;
    } else if (errno != EINTR) {
      progress.error = errno;
      break;
    }
  }
  return progress;
}

bool nowait_unknown(int error) { return error == EOPNOTSUPP || error == EINVAL || error == ENOSYS; }

/// First what is possible without blocking, then the rest on the pool.
template <typename Call>
Progress transfer_fully(BlockingPool& pool, std::atomic<bool>& try_nowait, Pieces& pieces,
                        std::uint64_t offset, Call call) {
  Progress progress;
  if (current_fiber() != nullptr && try_nowait.load(std::memory_order_relaxed)) {
    progress = transfer(pieces, offset, RWF_NOWAIT, call);
    if (nowait_unknown(progress.error)) {
      try_nowait.store(false, std::memory_order_relaxed);
    } else if (progress.error != EAGAIN) {
      return progress;
    }
  }
  pool.run([&] {
    const Progress rest = transfer(pieces, offset + progress.bytes, 0, call);
    progress.bytes += rest.bytes;
    progress.error = rest.error;
  });
  return progress;
}

}  // namespace

Error posix_error(Code code, std::string_view verb, std::string_view path, int sys_errno) {
  if (sys_errno == ENOSPC || sys_errno == EDQUOT) code = Code::full;
  return Error(code,
               cat("cannot ", verb, " ", path, ": ", std::generic_category().message(sys_errno)),
               sys_errno);
}

Result<OpenedFile> open_posix(const std::string& path, OpenOptions options) {
  int flags = O_CLOEXEC | (options.read_only ? O_RDONLY : O_RDWR);
  if (options.create && !options.read_only) flags |= O_CREAT | (options.exclusive ? O_EXCL : 0);
  int fd;
  do {
    fd = ::open(path.c_str(), flags, 0644);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return posix_error(Code::cantopen, "open", path, errno);
  OpenedFile opened{fd, InodeLocks::of(fd)};
  if (!opened.locks) {
    const int error = errno;
    ::close(fd);
    return posix_error(Code::cantopen, "open", path, error);
  }
  return opened;
}

PosixFile::PosixFile(BlockingPool& pool, std::string path, int fd, bool read_only,
                     std::shared_ptr<InodeLocks> locks)
    : pool_(pool),
      path_(std::move(path)),
      fd_(fd),
      read_only_(read_only),
      locks_(std::move(locks)) {}

PosixFile::~PosixFile() { locks_->close(this, fd_); }

Result<void> PosixFile::writable() const {
  if (read_only_) return Error(Code::readonly);
  return {};
}

Result<std::size_t> PosixFile::read(std::uint64_t offset, MutableByteSpan buffer) {
  return PosixFile::readv(offset, {&buffer, 1});
}

Result<std::size_t> PosixFile::readv(std::uint64_t offset,
                                     std::span<const MutableByteSpan> buffers) {
  Pieces pieces(buffers);
  const Progress progress = transfer_fully(
      pool_, try_nowait_read_, pieces, offset,
      [this](const iovec* iov, int count, off_t at, int flags) {
        return flags ? preadv2(fd_, iov, count, at, flags) : preadv(fd_, iov, count, at);
      });
  if (progress.error != 0) return posix_error(Code::ioerr_read, "read", path_, progress.error);
  return progress.bytes;
}

PosixFile::CachedRead PosixFile::read_cached(std::uint64_t offset, Pieces& pieces) {
  if (!try_nowait_read_.load(std::memory_order_relaxed)) return {};
  const Progress progress = transfer(pieces, offset, RWF_NOWAIT,
                                     [this](const iovec* iov, int count, off_t at, int flags) {
                                       return preadv2(fd_, iov, count, at, flags);
                                     });
  if (nowait_unknown(progress.error)) try_nowait_read_.store(false, std::memory_order_relaxed);
  // Whatever went wrong goes wrong again where it is reported.
  return {progress.bytes, progress.error == 0};
}

Result<void> PosixFile::write(std::uint64_t offset, ByteSpan bytes) {
  return PosixFile::writev(offset, {&bytes, 1});
}

Result<void> PosixFile::writev(std::uint64_t offset, std::span<const ByteSpan> buffers) {
  TRY(writable());
  Pieces pieces(buffers);
  const Progress progress = transfer_fully(
      pool_, try_nowait_write_, pieces, offset,
      [this](const iovec* iov, int count, off_t at, int flags) {
        return flags ? pwritev2(fd_, iov, count, at, flags) : pwritev(fd_, iov, count, at);
      });
  if (progress.error != 0) return posix_error(Code::ioerr_write, "write", path_, progress.error);
  // A write of nothing that reports no error would otherwise count as complete.
  if (!pieces.empty()) return posix_error(Code::ioerr_write, "write", path_, EIO);
  return {};
}

Result<void> PosixFile::write_durably(std::uint64_t offset, std::span<const ByteSpan> buffers) {
  TRY(writable());
  Pieces pieces(buffers);
  Progress progress;
  pool_.run([&] {
    progress = transfer(pieces, offset, RWF_DSYNC,
                        [this](const iovec* iov, int count, off_t at, int flags) {
                          return pwritev2(fd_, iov, count, at, flags);
                        });
  });
  if (progress.error == EOPNOTSUPP || progress.error == ENOSYS) {
    TRY(PosixFile::writev(offset, buffers));
    return PosixFile::sync(SyncMode::data);
  }
  if (progress.error != 0) return posix_error(Code::ioerr_write, "write", path_, progress.error);
  if (!pieces.empty()) return posix_error(Code::ioerr_write, "write", path_, EIO);
  return {};
}

Result<void> PosixFile::sync(SyncMode mode) {
  int error = 0;
  pool_.run([&] {
    if ((mode == SyncMode::data ? fdatasync(fd_) : fsync(fd_)) != 0) error = errno;
  });
  if (error != 0) return posix_error(Code::ioerr_fsync, "sync", path_, error);
  return {};
}

Result<void> PosixFile::truncate(std::uint64_t size) {
  TRY(writable());
  int error = 0;
  pool_.run([&] {
    while (ftruncate(fd_, static_cast<off_t>(size)) != 0) {
      error = errno;
      if (error != EINTR) return;
      error = 0;
    }
  });
  if (error != 0) return posix_error(Code::ioerr_truncate, "truncate", path_, error);
  return {};
}

Result<std::uint64_t> PosixFile::size() {
  struct stat st {};
  if (fstat(fd_, &st) != 0) return posix_error(Code::ioerr_fstat, "stat", path_, errno);
  return static_cast<std::uint64_t>(st.st_size);
}

Result<void> PosixFile::allocate(std::uint64_t offset, std::uint64_t size) {
  TRY(writable());
  if (size == 0) return {};
  int error = 0;
  pool_.run([&] {
    do {
      error =
          fallocate(fd_, 0, static_cast<off_t>(offset), static_cast<off_t>(size)) == 0 ? 0 : errno;
    } while (error == EINTR);
  });
  if (error == EOPNOTSUPP || error == ENOSYS) {
    if (TRY(this->size()) < offset + size) TRY(truncate(offset + size));
    return {};
  }
  if (error != 0) return posix_error(Code::ioerr_write, "allocate room in", path_, error);
  return {};
}

Result<bool> PosixFile::lock(LockRange range, LockMode mode) {
  if (range.size == 0) return posix_error(Code::ioerr_lock, "lock", path_, EINVAL);
  if (mode == LockMode::exclusive && read_only_) {
    return posix_error(Code::ioerr_lock, "lock", path_, EBADF);
  }
  return locks_->set(this, fd_, range, mode, path_);
}

}  // namespace saturn::io
