#pragma once

#include "blocking_pool.hpp"
#include "pieces.hpp"
#include "posix_locks.hpp"

#include "io/vfs.hpp"

#include <atomic>
#include <string>

namespace saturn::io {

/// A file behind a descriptor. The ring backend derives from it and replaces the transfers.
class PosixFile : public File {
 public:
  PosixFile(BlockingPool& pool, std::string path, int fd, bool read_only,
            std::shared_ptr<InodeLocks> locks);
  ~PosixFile() override;

  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan buffer) override;
  Result<std::size_t> readv(std::uint64_t offset,
                            std::span<const MutableByteSpan> buffers) override;
  Result<void> write(std::uint64_t offset, ByteSpan bytes) override;
  Result<void> writev(std::uint64_t offset, std::span<const ByteSpan> buffers) override;
  Result<void> write_durably(std::uint64_t offset, std::span<const ByteSpan> buffers) override;
  Result<void> sync(SyncMode mode) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<std::uint64_t> size() override;
  Result<void> allocate(std::uint64_t offset, std::uint64_t size) override;
  Result<bool> lock(LockRange range, LockMode mode) override;

  int fd() const noexcept { return fd_; }
  const std::string& path() const noexcept { return path_; }
  /// Fails with `readonly` when this handle may not write.
  Result<void> writable() const;

  /// What `read_cached` did: bytes, of which the pieces are advanced.
  struct CachedRead {
    std::size_t bytes = 0;
    bool done = false;  ///< nothing is left, or the file ends there
  };
  /// Reads what the kernel has in its cache, without waiting for any disk. One system call.
  CachedRead read_cached(std::uint64_t offset, Pieces& pieces);

 private:
  BlockingPool& pool_;
  const std::string path_;
  const int fd_;
  const bool read_only_;
  const std::shared_ptr<InodeLocks> locks_;
  /// Cleared when the file system turns out not to know RWF_NOWAIT for reads or for writes.
  std::atomic<bool> try_nowait_read_{true};
  std::atomic<bool> try_nowait_write_{true};
};

/// What `Vfs::open` does on a local disk, up to the descriptor.
struct OpenedFile {
  int fd = -1;
  std::shared_ptr<InodeLocks> locks;
};
Result<OpenedFile> open_posix(const std::string& path, OpenOptions options);

}  // namespace saturn::io
