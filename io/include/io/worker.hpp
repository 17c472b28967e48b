#pragma once

#include "io/fiber.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

namespace boost::asio {
class io_context;
}

namespace saturn::io {

class Poller;

/// One thread's event loop: an Asio context for sockets, a fiber scheduler, timers, and the I/O
/// rings that backends attach to it.
///
/// A turn of the loop: run Asio's ready handlers; take in what other threads sent; fire timers; run
/// the fibers that were ready when the turn began; submit all their I/O at once and reap what has
/// completed; block only when nothing is ready.
///
/// Lifecycle: construct on any thread, `run` on the thread that is to be the worker (once),
/// `stop` from anywhere; `run` returns when every fiber has ended. Destroy after `run` returned, on
/// the same thread, or without ever having run.
class Worker {
 public:
  Worker();
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// The worker whose loop runs on this thread, or null.
  static Worker* current() noexcept;

  /// Runs the loop until `stop` was called and no fiber is left.
  void run();

  /// Lets `run` return once all fibers have ended. Any thread; may be called before `run`.
  void stop();

  /// Starts a fiber with this body on this worker, not before the next turn. Any thread.
  void spawn(std::function<void()> body);

  /// Runs `fn` on the worker's thread, outside of any fiber; it must not suspend. Any thread.
  void post(std::function<void()> fn);

  /// The sockets' context. Only handlers and fibers of this worker may touch it; it is run by
  /// `run` and must not be run otherwise.
  boost::asio::io_context& context() noexcept;

  /// Fibers that have been started here and have not ended. Worker's thread only.
  std::size_t fiber_count() const noexcept;

  /// For backends, worker's thread only: the poller attached under `key`, or null; and attaching
  /// one, which the worker owns until it is destroyed.
  Poller* find_poller(std::uint64_t key) noexcept;
  void attach_poller(std::uint64_t key, std::unique_ptr<Poller> poller);

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

namespace detail {
void run_on_private_worker(const std::function<void()>& body);
}

/// Runs `fn` as a fiber on a private worker on the calling thread, and returns its result when it
/// and every fiber it spawned have ended. On a fiber already, simply calls `fn`.
template <typename Fn>
auto run(Fn&& fn) -> std::invoke_result_t<Fn&> {
  using R = std::invoke_result_t<Fn&>;
  if constexpr (std::is_void_v<R>) {
    detail::run_on_private_worker([&] { fn(); });
  } else {
    std::optional<R> result;
    detail::run_on_private_worker([&] { result.emplace(fn()); });
    return std::move(*result);
  }
}

}  // namespace saturn::io
