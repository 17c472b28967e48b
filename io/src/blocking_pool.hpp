#pragma once

#include "base/mutex.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace saturn::io {

/// A few threads for system calls that block. Destroyed only when no call is in progress.
class BlockingPool {
 public:
  explicit BlockingPool(unsigned threads_max) : threads_max_(threads_max) {}
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  /// Runs `fn` to its end: on a pool thread while the fiber is suspended, or right here outside of
  /// any fiber. Any thread. // SUSPENDS
  void run(const std::function<void()>& fn);
  /// Runs `fn(0)` to `fn(count - 1)`, at once as far as there are threads. // SUSPENDS
  void run_each(std::size_t count, const std::function<void(std::size_t)>& fn);

 private:
  void add(std::function<void()> job);
  void work();

  const unsigned threads_max_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  // Guarded by mutex_:
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  unsigned waiting_ = 0;
  bool stopping_ = false;
};

}  // namespace saturn::io
