#pragma once

#include "base/mutex.hpp"
#include "io/fiber.hpp"

#include <deque>

/// What fibers (of any worker) and plain threads wait for each other with. On a fiber waiting
/// suspends the fiber; elsewhere it blocks the thread. Destroyed only when nobody waits.
namespace saturn::io {

namespace detail {
class Waiter;
}

/// A flag that can be waited for; it stays set until `reset`. Any thread.
class Event {
 public:
  Event() = default;
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Sets the flag and releases everybody who waits. After it the event is no longer touched, but
  /// whoever was released may run before `set` returns on another thread.
  void set();
  void reset();
  bool is_set() const;
  /// Returns when the flag is set. // SUSPENDS
  void wait();
  /// As `wait`; false when `deadline` passes first. // SUSPENDS
  bool wait_until(Clock::time_point deadline);

 private:
  mutable Mutex mutex_;
  bool set_ GUARDED_BY(mutex_) = false;
  std::deque<detail::Waiter*> waiters_ GUARDED_BY(mutex_);
};

/// A mutex that may be held across suspensions. Strictly first come, first served: `unlock` hands
/// it to the longest waiter. Any fiber or thread may unlock it. Satisfies Lockable.
class FiberMutex {
 public:
  FiberMutex() = default;
  ~FiberMutex();
  FiberMutex(const FiberMutex&) = delete;
  FiberMutex& operator=(const FiberMutex&) = delete;

  void lock();  // SUSPENDS
  bool try_lock();
  /// False, and not held, when `deadline` passes first; the place in the queue is then given up.
  bool lock_until(Clock::time_point deadline);  // SUSPENDS
  void unlock();

 private:
  mutable Mutex mutex_;
  bool held_ GUARDED_BY(mutex_) = false;
  std::deque<detail::Waiter*> waiters_ GUARDED_BY(mutex_);
};

}  // namespace saturn::io
