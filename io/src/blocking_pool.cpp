#include "blocking_pool.hpp"

#include "base/assert.hpp"
#include "io/fiber.hpp"

#include <atomic>
#include <utility>

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
  add([&fn, fiber] {
    fn();
    wake(fiber);
  });
  suspend();
}

void BlockingPool::run_each(std::size_t count, const std::function<void(std::size_t)>& fn) {
  Fiber* fiber = current_fiber();
  if (fiber == nullptr || count == 0) {
    for (std::size_t i = 0; i < count; ++i) fn(i);
    return;
  }
  std::atomic<std::size_t> left{count};
  for (std::size_t i = 0; i < count; ++i) {
    add([&fn, &left, fiber, i] {
      fn(i);
      // Whoever is not the last one is done with what the fiber owns.
      if (left.fetch_sub(1) == 1) wake(fiber);
    });
  }
  suspend();
}

void BlockingPool::add(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (waiting_ < jobs_.size() && threads_.size() < threads_max_) {
      threads_.emplace_back([this] { work(); });
    }
  }
  arrived_.notify_one();
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
