#include "io/backends.hpp"

#include <cerrno>

namespace saturn::io {

Result<std::unique_ptr<Vfs>> make_io_uring_vfs() {
  return Error(Code::cantopen, "this build has no io_uring backend (liburing was not found)",
               ENOSYS);
}

}  // namespace saturn::io
