#include "io/sync.hpp"

#include "waiter.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace saturn::io {

using detail::Waiter;

namespace {

/// True when `waiter` was still queued and now is not.
bool withdraw(std::deque<Waiter*>& queue, Waiter* waiter) {
  const auto it = std::find(queue.begin(), queue.end(), waiter);
  if (it == queue.end()) return false;
  queue.erase(it);
  return true;
}

}  // namespace

Event::~Event() { ASSERT(waiters_.empty()); }

void Event::set() {
  std::deque<Waiter*> released;
  {
    MutexLock lock(mutex_);
    set_ = true;
    released.swap(waiters_);
  }
  for (Waiter* waiter : released) waiter->notify();
}

void Event::reset() {
  MutexLock lock(mutex_);
  set_ = false;
}

bool Event::is_set() const {
  MutexLock lock(mutex_);
  return set_;
}

void Event::wait() {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    if (set_) return;
    waiters_.push_back(&waiter);
  }
  waiter.wait();
}

bool Event::wait_until(Clock::time_point deadline) {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    if (set_) return true;
    waiters_.push_back(&waiter);
  }
  if (waiter.wait_until(deadline)) return true;
  {
    MutexLock lock(mutex_);
    if (withdraw(waiters_, &waiter)) return false;
  }
  waiter.wait();  // released in the meantime: its notification is on its way
  return true;
}

FiberMutex::~FiberMutex() {
  ASSERT(!held_);
  ASSERT(waiters_.empty());
}

void FiberMutex::lock() {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    if (!held_) {
      held_ = true;
      return;
    }
    waiters_.push_back(&waiter);
  }
  waiter.wait();
}

bool FiberMutex::try_lock() {
  MutexLock lock(mutex_);
  if (held_) return false;
  held_ = true;
  return true;
}

bool FiberMutex::lock_until(Clock::time_point deadline) {
  Waiter waiter;
  {
    MutexLock lock(mutex_);
    if (!held_) {
      held_ = true;
      return true;
    }
    waiters_.push_back(&waiter);
  }
  if (waiter.wait_until(deadline)) return true;
  {
    MutexLock lock(mutex_);
    if (withdraw(waiters_, &waiter)) return false;
  }
  waiter.wait();  // it was handed over in the meantime
  return true;
}

void FiberMutex::unlock() {
  Waiter* next = nullptr;
  {
    MutexLock lock(mutex_);
    ASSERT(held_);
    if (waiters_.empty()) {
      held_ = false;
      return;
    }
    next = waiters_.front();
    waiters_.pop_front();
  }
  next->notify();
}

}  // namespace saturn::io
