#pragma once

#include "range_locks.hpp"

#include "base/mutex.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace saturn::io {

/// POSIX record locks belong to the process and the inode, not to a descriptor: two handles of one
/// process never conflict, and closing *any* descriptor of the inode drops every lock the process
/// has on it. So all handles of an inode share one of these. It arbitrates between them, tells
/// the kernel what they hold together, and keeps descriptors open that it would hurt to close.
class InodeLocks {
 public:
  /// The shared state of the inode behind `fd`; null, with errno set, when fstat fails.
  static std::shared_ptr<InodeLocks> of(int fd);
  ~InodeLocks();

  /// As `File::lock`, for the handle `owner` whose descriptor is `fd`.
  Result<bool> set(const void* owner, int fd, LockRange range, LockMode mode,
                   std::string_view path);

  /// Gives up what `owner` holds and closes `fd`, at once or when no lock depends on it any more.
  void close(const void* owner, int fd);

 private:
  void close_deferred() REQUIRES(mutex_);

  Mutex mutex_;
  RangeLocks locks_ GUARDED_BY(mutex_);
  std::vector<int> deferred_ GUARDED_BY(mutex_);
};

}  // namespace saturn::io
