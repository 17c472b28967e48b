#include "io/worker.hpp"

#include "poller.hpp"
#include "sanitizer.hpp"
#include "stack.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/mutex.hpp"

#include <unistd.h>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>
#include <deque>
#include <limits>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

// The scheduler.
//
// A fiber is in one of four states:
//
//      idle --start()--> ready --run_ready()--> running --suspend()--> suspended
//        ^                 ^                     |   |                    |
//        |                 +------- yield() -----+   |                    |
//        +------------------- body returns ----------+                    |
//                          ready <------ make_ready(), fire_timers() -----+
//
// Invariants:
//  1. Only the worker's thread touches a fiber, its queues and its timers. Other threads append to
//     `incoming_`, under `mutex_`, and ring the doorbell once for all that is in it.
//  2. At most one fiber of a worker is running, and then `current` points to it.
//  3. Control passes only between the loop and a fiber, never from one fiber to another.
//  4. A wake of a fiber that is not suspended is kept in `permits` and consumed by its next
//     suspend; a timer that fires on a fiber that is not suspended does nothing.
//  5. `live` counts the fibers that are not idle; `run` returns only when it is zero.

namespace saturn::io {
namespace {

namespace asio = boost::asio;
namespace context = boost::context;

/// The stack belongs to the `Fiber`, so Boost.Context has nothing to allocate or free.
struct BorrowedStack {
  void deallocate(context::stack_context&) noexcept {}
};

constexpr std::size_t kIdleFibersMax = 256;

thread_local Worker* t_worker = nullptr;
thread_local Fiber* t_fiber = nullptr;

}  // namespace

using Timers = std::multimap<Clock::time_point, Fiber*>;

class Fiber {
 public:
  enum class State : std::uint8_t { idle, ready, running, suspended };

  explicit Fiber(Worker::Impl& worker);
  ~Fiber();

  Worker::Impl& worker;
  State state = State::idle;
  bool timed_out = false;
  bool timer_armed = false;  ///< `timer` is in the worker's `timers`
  Timers::iterator timer{};
  std::uint32_t permits = 0;
  std::function<void()> body;
  Stack stack;
  SanitizerContext sanitizer;
  context::fiber self;  ///< where to continue it; empty while it runs
  context::fiber loop;  ///< where the loop continues; empty while the loop runs
};

struct Worker::Impl {
  struct Attached {
    explicit Attached(asio::io_context& io, std::unique_ptr<Poller> p)
        : poller(std::move(p)), ready(io, ::dup(poller->event_fd())) {}
    std::unique_ptr<Poller> poller;
    asio::posix::stream_descriptor ready;
  };

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};

  Mutex mutex_;
  struct Incoming {
    Fiber* wake = nullptr;
    std::function<void()> post;
    std::function<void()> spawn;
  };
  std::vector<Incoming> incoming_ GUARDED_BY(mutex_);
  std::atomic<bool> stopping{false};

  std::deque<Fiber*> ready;
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<Fiber*> idle;
  Timers timers;
  std::size_t live = 0;
  SanitizerContext sanitizer;
  std::unordered_map<std::uint64_t, std::unique_ptr<Attached>> pollers;

  void send(Incoming incoming) {
    bool ring;
    {
      MutexLock lock(mutex_);
      ring = incoming_.empty();
      incoming_.push_back(std::move(incoming));
      // Inside the lock: once it is released the worker may end.
      if (ring) asio::post(io, [] {});
    }
  }

  bool take_incoming() {
    std::vector<Incoming> batch;
    {
      MutexLock lock(mutex_);
      batch.swap(incoming_);
    }
    for (Incoming& in : batch) {
      if (in.wake) make_ready(in.wake);
      if (in.post) in.post();
      if (in.spawn) start(std::move(in.spawn));
    }
    return !batch.empty();
  }

  void make_ready(Fiber* fiber) {
    if (fiber->state != Fiber::State::suspended) {
      ++fiber->permits;
      return;
    }
    fiber->state = Fiber::State::ready;
    ready.push_back(fiber);
  }

  void start(std::function<void()> body) {
    if (idle.empty()) {
      fibers.push_back(std::make_unique<Fiber>(*this));
      idle.push_back(fibers.back().get());
    }
    Fiber* fiber = idle.back();
    idle.pop_back();
    fiber->body = std::move(body);
    fiber->permits = 0;
    fiber->state = Fiber::State::ready;
    ready.push_back(fiber);
    ++live;
  }

  void resume(Fiber& fiber) {
    fiber.state = Fiber::State::running;
    t_fiber = &fiber;
    leaving(sanitizer, fiber.sanitizer);
    fiber.self = std::move(fiber.self).resume();
    arrived(sanitizer, fiber.sanitizer);
    t_fiber = nullptr;
  }

  void run_ready() {
    for (std::size_t n = ready.size(); n > 0; --n) {
      Fiber& fiber = *ready.front();
      ready.pop_front();
      resume(fiber);
      if (fiber.state != Fiber::State::idle) continue;
      --live;
      if (idle.size() < kIdleFibersMax) {
        idle.push_back(&fiber);
      } else {
        std::erase_if(fibers, [&](const auto& f) { return f.get() == &fiber; });
      }
    }
  }

  void fire_timers() {
    if (timers.empty()) return;
    const Clock::time_point now = Clock::now();
    while (!timers.empty() && timers.begin()->first <= now) {
      Fiber* fiber = timers.begin()->second;
      timers.erase(timers.begin());
      fiber->timer_armed = false;
      if (fiber->state != Fiber::State::suspended) continue;
      fiber->timed_out = true;
      make_ready(fiber);
    }
  }

  void watch(Attached& attached) {
    attached.ready.async_wait(asio::posix::stream_descriptor::wait_read,
                              [this, &attached](const boost::system::error_code& error) {
                                if (error) return;
                                std::uint64_t count;
                                [[maybe_unused]] const auto n =
                                    ::read(attached.ready.native_handle(), &count, sizeof count);
                                watch(attached);
                              });
  }

  /// Leaves the running fiber in `state`; returns when the loop resumes it.
  static void leave(Fiber& fiber, Fiber::State state) {
    fiber.state = state;
    leaving(fiber.sanitizer, fiber.worker.sanitizer);
    fiber.loop = std::move(fiber.loop).resume();
    arrived(fiber.sanitizer, fiber.worker.sanitizer);
  }

  /// True when the loop must not block yet.
  bool turn() {
    // In this order: the doorbell of what arrives after the taking must not be used up before it.
    io.poll();
    take_incoming();
    fire_timers();
    run_ready();
    bool again = false;
    for (auto& [key, attached] : pollers) again = attached->poller->turn() || again;
    return again || !ready.empty();
  }

  /// Blocks until a socket, a ring, another thread or the next timer has something to do.
  void block() {
    if (timers.empty()) {
      io.run_one();
    } else {
      io.run_one_until(timers.begin()->first);
    }
  }
};

/// Forgets a suspended context without unwinding it: between two bodies its stack holds nothing
/// that wants destroying. Returning from it instead would make ThreadSanitizer pop the frames of
/// one stack from the other.
void abandon(context::fiber&& context) {
  alignas(context::fiber) std::byte place[sizeof(context::fiber)];
  new (place) context::fiber(std::move(context));
}

Fiber::Fiber(Worker::Impl& w) : worker(w), stack(limits::kFiberStackBytes) {
  sanitizer.stack_bottom = stack.bottom();
  sanitizer.stack_size = stack.size();
#ifdef SATURN_TSAN
  sanitizer.tsan_fiber = __tsan_create_fiber(0);
#endif
  context::stack_context where;
  where.sp = stack.top();
  where.size = stack.size();
  self = context::fiber(std::allocator_arg, context::preallocated(stack.top(), stack.size(), where),
                        BorrowedStack{}, [this](context::fiber&& from) -> context::fiber {
                          loop = std::move(from);
                          arrived(sanitizer, worker.sanitizer);
                          for (;;) {
                            body();
                            body = nullptr;
                            Worker::Impl::leave(*this, State::idle);
                          }
                        });
}

Fiber::~Fiber() {
  ASSERT(state == State::idle);
  abandon(std::move(self));
#ifdef SATURN_TSAN
  __tsan_destroy_fiber(sanitizer.tsan_fiber);
#endif
}

Worker::Worker() : impl_(std::make_unique<Impl>()) {}

Worker::~Worker() {
  ASSERT(impl_->live == 0);
  ASSERT(t_worker != this);
#ifdef SATURN_TSAN
  impl_->sanitizer.tsan_fiber = __tsan_get_current_fiber();
#endif
  impl_->fibers.clear();
}

Worker* Worker::current() noexcept { return t_worker; }

void Worker::run() {
  ASSERT(t_worker == nullptr);
  t_worker = this;
#ifdef SATURN_TSAN
  impl_->sanitizer.tsan_fiber = __tsan_get_current_fiber();
#endif
  for (;;) {
    if (impl_->turn()) continue;
    if (impl_->stopping.load() && impl_->live == 0) {
      if (impl_->take_incoming()) continue;
      break;
    }
    impl_->block();
  }
  for (auto& [key, attached] : impl_->pollers) attached->ready.cancel();
  impl_->io.poll();
  t_worker = nullptr;
}

void Worker::stop() {
  impl_->stopping.store(true);
  post([] {});
}

void Worker::spawn(std::function<void()> body) {
  if (t_worker == this) {
    impl_->start(std::move(body));
  } else {
    impl_->send({.spawn = std::move(body)});
  }
}

void Worker::post(std::function<void()> fn) { impl_->send({.post = std::move(fn)}); }

boost::asio::io_context& Worker::context() noexcept { return impl_->io; }

std::size_t Worker::fiber_count() const noexcept { return impl_->live; }

Poller* Worker::find_poller(std::uint64_t key) noexcept {
  const auto it = impl_->pollers.find(key);
  return it == impl_->pollers.end() ? nullptr : it->second->poller.get();
}

void Worker::attach_poller(std::uint64_t key, std::unique_ptr<Poller> poller) {
  auto attached = std::make_unique<Impl::Attached>(impl_->io, std::move(poller));
  impl_->watch(*attached);
  impl_->pollers.emplace(key, std::move(attached));
}

Fiber* current_fiber() noexcept { return t_fiber; }

std::size_t stack_left() noexcept {
  if (t_fiber == nullptr) return std::numeric_limits<std::size_t>::max();
  const auto* frame = static_cast<const std::byte*>(__builtin_frame_address(0));
  return static_cast<std::size_t>(frame - t_fiber->stack.bottom());
}

void suspend() {
  Fiber* fiber = t_fiber;
  ASSERT(fiber != nullptr);
  if (fiber->permits > 0) {
    --fiber->permits;
    return;
  }
  Worker::Impl::leave(*fiber, Fiber::State::suspended);
}

bool suspend_until(Clock::time_point deadline) {
  Fiber* fiber = t_fiber;
  ASSERT(fiber != nullptr);
  if (fiber->permits > 0) {
    --fiber->permits;
    return true;
  }
  Timers& timers = fiber->worker.timers;
  fiber->timer = timers.emplace(deadline, fiber);
  fiber->timer_armed = true;
  fiber->timed_out = false;
  Worker::Impl::leave(*fiber, Fiber::State::suspended);
  if (fiber->timer_armed) timers.erase(fiber->timer);
  fiber->timer_armed = false;
  return !fiber->timed_out;
}

void wake(Fiber* fiber) {
  Worker::Impl& worker = fiber->worker;
  if (t_worker != nullptr && &t_worker->impl() == &worker) {
    worker.make_ready(fiber);
  } else {
    worker.send({.wake = fiber});
  }
}

void yield() {
  Fiber* fiber = t_fiber;
  if (fiber == nullptr) return;
  fiber->worker.ready.push_back(fiber);
  Worker::Impl::leave(*fiber, Fiber::State::ready);
}

void sleep_for(Clock::duration duration) {
  if (t_fiber == nullptr) {
    std::this_thread::sleep_for(duration);
    return;
  }
  const Clock::time_point deadline = Clock::now() + duration;
  std::uint32_t owed = 0;
  while (suspend_until(deadline)) ++owed;
  t_fiber->permits += owed;
}

void detail::run_on_private_worker(const std::function<void()>& body) {
  if (t_fiber != nullptr) {
    body();
    return;
  }
  Worker worker;
  worker.spawn(body);
  worker.stop();
  worker.run();
}

}  // namespace saturn::io
