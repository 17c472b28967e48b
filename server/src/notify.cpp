#include "notify.hpp"

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

}  // namespace saturn::server
