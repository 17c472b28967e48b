#include "posix_vfs.hpp"

#include "batch.hpp"
#include "posix_error.hpp"

#include "io/backends.hpp"
#include "io/fiber.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

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

/// Reads that nothing orders: what the kernel has in its cache is read here, the rest by several
/// threads.
Result<void> PosixVfs::submit(std::span<Op> ops) {
  const bool at_once = current_fiber() != nullptr && ops.size() > 1 &&
                       std::all_of(ops.begin(), ops.end(), [](const Op& op) {
                         return op.kind == Op::Kind::read && !op.after_previous;
                       });
  if (!at_once) return submit_sequentially(ops);
  std::vector<Op*> rest;
  for (Op& op : ops) {
    Pieces pieces(std::span(&op.read_into, 1));
    const PosixFile::CachedRead cached =
        static_cast<PosixFile&>(*op.file).read_cached(op.offset, pieces);
    op.transferred = cached.bytes;
    op.status = {};
    if (!cached.done) rest.push_back(&op);
  }
  pool_.run_each(rest.size(), [&](std::size_t i) {
    static_cast<void>(submit_sequentially({rest[i], 1}));
  });
  return first_failure(ops);
}

Result<void> PosixVfs::register_arena(MutableByteSpan) { return {}; }

std::unique_ptr<Vfs> make_posix_vfs() { return std::make_unique<PosixVfs>(); }

}  // namespace saturn::io
