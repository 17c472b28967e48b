#include "probe.hpp"

#include "base/text.hpp"
#include "io/backends.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>

namespace saturn::io {

std::string probe_report() {
  utsname name{};
  ::uname(&name);
  rlimit locked{};
  ::getrlimit(RLIMIT_MEMLOCK, &locked);
  std::string text = cat("kernel: ", name.sysname, " ", name.release, "\n");
  text += locked.rlim_cur == RLIM_INFINITY
              ? std::string("locked memory allowed: unlimited\n")
              : cat("locked memory allowed: ", static_cast<std::uint64_t>(locked.rlim_cur) >> 10,
                    " KiB\n");
  text += ring_report();
  VfsReport report;
  auto vfs = make_vfs(VfsChoice::automatic, true, &report);
  text += cat("vfs = auto takes: ", report.backend, "\n");
  return text;
}

}  // namespace saturn::io
