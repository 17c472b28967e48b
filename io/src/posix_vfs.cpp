#include "posix_vfs.hpp"

#include "batch.hpp"
#include "posix_error.hpp"

#include "io/backends.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <optional>

namespace saturn::io {
namespace {

constexpr unsigned kPoolThreads = 4;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

PosixVfs::PosixVfs() : pool_(kPoolThreads) {}

Result<OpenedFile> PosixVfs::open_on_pool(const std::string& path, OpenOptions options) {
  std::optional<Result<OpenedFile>> result;
  pool_.run([&] { result.emplace(open_posix(path, options)); });
  return std::move(*result);
}

Result<std::unique_ptr<File>> PosixVfs::open(std::string_view path, OpenOptions options) {
  std::string name(path);
  OpenedFile opened = TRY(open_on_pool(name, options));
  return std::unique_ptr<File>(std::make_unique<PosixFile>(
      pool_, std::move(name), opened.fd, options.read_only, std::move(opened.locks)));
}

Result<void> PosixVfs::remove(std::string_view path) {
  const std::string name(path);
  int error = 0;
  pool_.run([&] { error = ::unlink(name.c_str()) == 0 ? 0 : errno; });
  if (error != 0) return posix_error(Code::ioerr_delete, "remove", path, error);
  return {};
}

Result<bool> PosixVfs::exists(std::string_view path) {
  const std::string name(path);
  int error = 0;
  pool_.run([&] { error = ::access(name.c_str(), F_OK) == 0 ? 0 : errno; });
  if (error == 0) return true;
  if (error == ENOENT || error == ENOTDIR) return false;
  return posix_error(Code::ioerr, "look up", path, error);
}

Result<void> PosixVfs::sync_directory(std::string_view path) {
  const std::string directory = directory_of(std::string(path));
  int error = 0;
  pool_.run([&] {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      error = errno;
      return;
    }
    if (::fsync(fd) != 0) error = errno;
    ::close(fd);
  });
  if (error != 0) return posix_error(Code::ioerr_dir_fsync, "sync directory", directory, error);
  return {};
}

Result<void> PosixVfs::submit(std::span<Op> ops) { return submit_sequentially(ops); }

Result<void> PosixVfs::register_arena(MutableByteSpan) { return {}; }

std::unique_ptr<Vfs> make_posix_vfs() { return std::make_unique<PosixVfs>(); }

}  // namespace saturn::io
