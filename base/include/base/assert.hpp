#pragma once

namespace saturn {

/// Prints the failed condition and its place to standard error and aborts. Never returns.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace saturn

/// An invariant of our own code; stays on in release builds. Never for bytes that came from a disk
/// or a wire: those are `Error`s.
#define ASSERT(condition)                                         \
  do {                                                            \
    if (!(condition)) [[unlikely]] {                              \
      ::saturn::assertion_failed(#condition, __FILE__, __LINE__); \
    }                                                             \
  } while (false)

/// An invariant that costs O(n) to check: on in debug and sanitizer builds only.
#ifdef NDEBUG
#define DASSERT(condition) static_cast<void>(0)
#else
#define DASSERT(condition) ASSERT(condition)
#endif
