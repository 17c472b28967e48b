#pragma once

#include "io/fiber.hpp"

#include <condition_variable>
#include <mutex>

namespace saturn::io::detail {

/// One waiting fiber or thread, on its own stack. `notify` is called exactly once, by any thread;
/// after it the waiter may be gone.
class Waiter {
 public:
  Waiter() : fiber_(current_fiber()) {}

  void notify() {
    if (fiber_ != nullptr) {
      wake(fiber_);
      return;
    }
    // Signalled under the lock, because the waiting thread destroys this as soon as it has it.
    const std::lock_guard lock(mutex_);
    notified_ = true;
    condition_.notify_one();
  }

  void wait() {  // SUSPENDS
    if (fiber_ != nullptr) {
      suspend();
      return;
    }
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return notified_; });
  }

  /// False when `deadline` passed first; `notify` may then still come.
  bool wait_until(Clock::time_point deadline) {  // SUSPENDS
    if (fiber_ != nullptr) return suspend_until(deadline);
    std::unique_lock lock(mutex_);
    return condition_.wait_until(lock, deadline, [this] { return notified_; });
  }

 private:
  Fiber* const fiber_;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool notified_ = false;
};

}  // namespace saturn::io::detail
