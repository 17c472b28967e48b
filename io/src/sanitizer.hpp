#pragma once

/// What AddressSanitizer and ThreadSanitizer must be told when a thread changes stacks.
#if defined(__SANITIZE_ADDRESS__)
#define SATURN_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define SATURN_TSAN 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SATURN_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define SATURN_TSAN 1
#endif
#endif

#ifdef SATURN_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef SATURN_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#include <cstddef>

namespace saturn::io {

/// One side of a switch: a stack, and what the sanitizers keep for it.
struct SanitizerContext {
  const void* stack_bottom = nullptr;
  std::size_t stack_size = 0;
  void* fake_stack = nullptr;
  void* tsan_fiber = nullptr;
};

/// Just before leaving `from` for `to`. Inlined, as `arrived` is: ThreadSanitizer counts a
/// function's entry and its exit, and both must fall on the same stack.
[[gnu::always_inline]] inline void leaving([[maybe_unused]] SanitizerContext& from,
                                           [[maybe_unused]] SanitizerContext& to) {
#ifdef SATURN_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_size);
#endif
#ifdef SATURN_TSAN
  __tsan_switch_to_fiber(to.tsan_fiber, 0);
#endif
}

/// Just after arriving in `self`, coming from `from`.
[[gnu::always_inline]] inline void arrived([[maybe_unused]] SanitizerContext& self,
                                           [[maybe_unused]] SanitizerContext& from) {
#ifdef SATURN_ASAN
  __sanitizer_finish_switch_fiber(self.fake_stack, &from.stack_bottom, &from.stack_size);
#endif
}

/// A stack's memory is about to be somebody else's: what frames that never returned have marked in
/// it (those of forgotten fibers) is marked no more.
inline void forget_stack([[maybe_unused]] void* bottom, [[maybe_unused]] std::size_t bytes) {
#ifdef SATURN_ASAN
  __asan_unpoison_memory_region(bottom, bytes);
#endif
}

}  // namespace saturn::io
