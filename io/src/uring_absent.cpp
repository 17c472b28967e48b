#include "io/backends.hpp"
#include "probe.hpp"

#include <cerrno>

namespace saturn::io {

Result<std::unique_ptr<Vfs>> make_io_uring_vfs() {
  return Error(Code::cantopen, "this build has no io_uring backend (liburing was not found)",
               ENOSYS);
}

std::string ring_report() { return "io_uring: not in this build (liburing was not found)\n"; }

}  // namespace saturn::io
