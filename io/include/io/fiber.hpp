#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Stackful fibers. A fiber belongs to one worker (io/worker.hpp) for life and never moves to
/// another thread, so thread-locals are stable on it. A body must not let an exception out, and
/// must not suspend inside a `catch` block or while the stack unwinds: exception state is per
/// thread.
namespace saturn::io {

/// Opaque; owned and recycled by its worker. A pointer is good until the fiber's body returns.
class Fiber;

using Clock = std::chrono::steady_clock;

/// The fiber that runs on this thread now, or null outside of any.
Fiber* current_fiber() noexcept;

/// The bytes of stack that the fiber on this thread has left; outside of any, as many as there are
/// numbers: a thread's own stack is the system's affair.
std::size_t stack_left() noexcept;

/// Gives up the thread until `wake` is called for this fiber. A wake that came first is not lost:
/// the next `suspend` returns at once. Only on a fiber. // SUSPENDS
void suspend();

/// As `suspend`, but also returns when `deadline` passes. True when woken, false when the deadline
/// came first; a wake that is then still on its way is owed to a later `suspend`. // SUSPENDS
bool suspend_until(Clock::time_point deadline);

/// Makes a suspended fiber ready to run: exactly one `suspend` of it returns for each call. Any
/// thread; the fiber must not end before the wake has been consumed.
void wake(Fiber* fiber);

/// Lets other ready fibers and finished I/O go first. Outside a fiber it does nothing. // SUSPENDS
void yield();

/// Pauses the fiber, or the thread outside of any, for at least `duration`. // SUSPENDS
void sleep_for(Clock::duration duration);

}  // namespace saturn::io
