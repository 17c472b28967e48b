#include "posix_locks.hpp"

#include "posix_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <map>
#include <utility>

namespace saturn::io {
namespace {

/// 0, or the errno of fcntl(F_SETLK).
int set_kernel_lock(int fd, const RangeLocks::Piece& piece) {
  struct flock lock {};
  lock.l_type = piece.mode == LockMode::none     ? F_UNLCK
                : piece.mode == LockMode::shared ? F_RDLCK
                                                 : F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(piece.range.offset);
  lock.l_len = static_cast<off_t>(piece.range.size);
  while (fcntl(fd, F_SETLK, &lock) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

std::shared_ptr<InodeLocks> InodeLocks::of(int fd) {
  static Mutex mutex;
  static std::map<std::pair<dev_t, ino_t>, std::weak_ptr<InodeLocks>> inodes;
  struct stat st {};
  if (fstat(fd, &st) != 0) return nullptr;
  const MutexLock lock(mutex);
  std::erase_if(inodes, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<InodeLocks>& known = inodes[{st.st_dev, st.st_ino}];
  std::shared_ptr<InodeLocks> locks = known.lock();
  if (!locks) known = locks = std::make_shared<InodeLocks>();
  return locks;
}

InodeLocks::~InodeLocks() { close_deferred(); }

void InodeLocks::close_deferred() {
  for (const int fd : deferred_) ::close(fd);
  deferred_.clear();
}

Result<bool> InodeLocks::set(const void* owner, int fd, LockRange range, LockMode mode,
                             std::string_view path) {
  const MutexLock lock(mutex_);
  RangeLocks wanted = locks_;
  if (!wanted.set(owner, range, mode)) return false;
  const auto pieces = wanted.pieces(range);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const int error = set_kernel_lock(fd, pieces[i]);
    if (error == 0) continue;
    // Back to what was held before: those pieces were granted once, so the kernel lets them pass.
    for (const auto& piece : locks_.pieces(range)) set_kernel_lock(fd, piece);
    // Another process holds it: POSIX allows either errno.
    if (error == EAGAIN || error == EACCES) return false;
    return posix_error(Code::ioerr_lock, "lock", path, error);
  }
  locks_ = std::move(wanted);
  if (locks_.empty()) close_deferred();
  return true;
}

void InodeLocks::close(const void* owner, int fd) {
  const MutexLock lock(mutex_);
  const auto held = locks_.held_by(owner);
  locks_.drop(owner);
  if (locks_.empty()) {
    ::close(fd);
    close_deferred();
    return;
  }
  for (const LockRange range : held) {
    for (const auto& piece : locks_.pieces(range)) set_kernel_lock(fd, piece);
  }
  deferred_.push_back(fd);
}

}  // namespace saturn::io
