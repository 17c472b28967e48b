#pragma once

#include "posix_file.hpp"

namespace saturn::io {

/// The local file system; the ring backend derives from it.
class PosixVfs : public Vfs {
 public:
  PosixVfs();

  std::string_view name() const noexcept override { return "posix"; }
  Result<std::unique_ptr<File>> open(std::string_view path, OpenOptions options) override;
  Result<void> remove(std::string_view path) override;
  Result<bool> exists(std::string_view path) override;
  Result<void> sync_directory(std::string_view path) override;
  Result<void> submit(std::span<Op> ops) override;
  Result<void> register_arena(MutableByteSpan arena) override;

 protected:
  /// Opens on the pool, because looking a name up may read the disk. // SUSPENDS
  Result<OpenedFile> open_on_pool(const std::string& path, OpenOptions options);

  BlockingPool pool_;
};

}  // namespace saturn::io
