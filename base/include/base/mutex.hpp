#pragma once

#include <mutex>

#if defined(__clang__)
#define SATURN_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define SATURN_THREAD_ANNOTATION(x)
#endif

#define GUARDED_BY(x) SATURN_THREAD_ANNOTATION(guarded_by(x))
#define REQUIRES(...) SATURN_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) SATURN_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))

namespace saturn {

/// An OS mutex that Clang's thread-safety analysis knows. Held for nanoseconds, never across a
/// suspension: fibers that must wait for each other use the primitives of `io/sync.hpp`.
class SATURN_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() SATURN_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() SATURN_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class SATURN_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) SATURN_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() SATURN_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace saturn
