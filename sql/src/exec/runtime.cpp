#include "exec/runtime.hpp"

#include <chrono>

namespace saturn::sql {
namespace {

/// How long a statement may run before other fibers get their turn.
constexpr auto kSlice = std::chrono::milliseconds(1);

}  // namespace

Result<void> Runtime::poll() {
  if (session.interrupted.load(std::memory_order_relaxed)) {
    return Error(Code::interrupt, "interrupted");
  }
  TRY(session.memory.check());
  return ++polls_ % 4 != 0 ? Result<void>() : look_around();
}

/// At what may end or suspend the statement.
Result<void> Runtime::look_around() {
  spent_ = 0;
  if (session.interrupted.load(std::memory_order_relaxed)) {
    return Error(Code::interrupt, "interrupted");
  }
  const io::Clock::time_point now = io::Clock::now();
  if (now > session.deadline) return Error(Code::interrupt, "interrupted");
  if (session.options.yields && now - slice_start_ > kSlice) {
    io::yield();
    slice_start_ = io::Clock::now();
  }
  return {};
}

}  // namespace saturn::sql
