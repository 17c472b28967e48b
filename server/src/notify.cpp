#include "notify.hpp"

#include "base/text.hpp"

#include <cstdint>
#include <ctime>
#include <string>

#if defined(SATURN_HAVE_SYSTEMD)
#include <systemd/sd-daemon.h>
#endif

namespace saturn::server {

void notify(std::string_view state) {
#if defined(SATURN_HAVE_SYSTEMD)
  ::sd_notify(0, std::string(state).c_str());
#else
  static_cast<void>(state);
#endif
}

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const std::int64_t microseconds = now.tv_sec * std::int64_t{1'000'000} + now.tv_nsec / 1000;
  notify(cat("RELOADING=1\nMONOTONIC_USEC=", microseconds, "\nSTATUS=reloading"));
}

}  // namespace saturn::server
