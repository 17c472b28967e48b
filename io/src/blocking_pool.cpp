#include "blocking_pool.hpp"

#include "base/assert.hpp"
#include "io/fiber.hpp"

namespace saturn::io {

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    ASSERT(jobs_.empty());
    stopping_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void BlockingPool::run(const std::function<void()>& fn) {
  Fiber* fiber = current_fiber();
  if (fiber == nullptr) {
    fn();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    jobs_.emplace_back([&fn, fiber] {
      fn();
      wake(fiber);
    });
    if (waiting_ < jobs_.size() && threads_.size() < threads_max_) {
      threads_.emplace_back([this] { work(); });
    }
  }
  arrived_.notify_one();
  suspend();
}

void BlockingPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (jobs_.empty()) {
      if (stopping_) return;
      ++waiting_;
      arrived_.wait(lock);
      --waiting_;
    }
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace saturn::io
