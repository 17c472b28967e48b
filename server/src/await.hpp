#pragma once

#include "io/fiber.hpp"

#include <boost/system/error_code.hpp>
#include <cstddef>

/// Asio's asynchronous operations, waited for on a fiber.
namespace saturn::server {

/// What an operation came to. `timed_out` when it was cancelled for its deadline's sake.
struct Completion {
  boost::system::error_code error;
  std::size_t bytes = 0;
  bool timed_out = false;
};

/// Starts an operation by `start(handler)`, where `handler(error, bytes)` is to be called once on
/// this worker's thread, and suspends the fiber until it has been. When `deadline` passes first,
/// calls `cancel()`, and still waits for the handler. // SUSPENDS
template <typename Start, typename Cancel>
Completion await(io::Clock::time_point deadline, Start start, Cancel cancel) {
  struct State {
    Completion completion;
    bool done = false;
  } state;
  io::Fiber* const fiber = io::current_fiber();
  start([&state, fiber](const boost::system::error_code& error, std::size_t bytes) {
    state.completion.error = error;
    state.completion.bytes = bytes;
    state.done = true;
    io::wake(fiber);
  });
  bool cancelled = false;
  while (!state.done) {
    if (cancelled || deadline == io::Clock::time_point::max()) {
      io::suspend();
    } else if (!io::suspend_until(deadline) && !state.done) {
      cancelled = true;
      cancel();
    }
  }
  state.completion.timed_out = cancelled;
  return state.completion;
}

}  // namespace saturn::server
