#include "batch.hpp"
#include "range_locks.hpp"

#include "base/mutex.hpp"
#include "base/text.hpp"
#include "io/vfs.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

namespace saturn::io {
namespace {

/// A file's content, shared by its name and its handles: chunks, so that growing moves no bytes.
/// A missing chunk reads as zeros.
struct Node {
  static constexpr std::size_t kChunkBytes = 64U << 10;
  using Chunk = std::array<std::uint8_t, kChunkBytes>;

  Mutex mutex;
  std::vector<std::unique_ptr<Chunk>> chunks GUARDED_BY(mutex);
  std::uint64_t size GUARDED_BY(mutex) = 0;
  RangeLocks locks GUARDED_BY(mutex);

  std::size_t read(std::uint64_t offset, MutableByteSpan out) REQUIRES(mutex) {
    if (offset >= size) return 0;
    const std::size_t total = std::min<std::uint64_t>(out.size(), size - offset);
    for (std::size_t done = 0; done < total;) {
      const std::size_t index = (offset + done) / kChunkBytes;
      const std::size_t at = (offset + done) % kChunkBytes;
      const std::size_t n = std::min(total - done, kChunkBytes - at);
      if (index < chunks.size() && chunks[index]) {
        std::memcpy(out.data() + done, chunks[index]->data() + at, n);
      } else {
        std::memset(out.data() + done, 0, n);
      }
      done += n;
    }
    return total;
  }

  void write(std::uint64_t offset, ByteSpan bytes) REQUIRES(mutex) {
    for (std::size_t done = 0; done < bytes.size();) {
      const std::size_t index = (offset + done) / kChunkBytes;
      const std::size_t at = (offset + done) % kChunkBytes;
      const std::size_t n = std::min(bytes.size() - done, kChunkBytes - at);
      if (index >= chunks.size()) chunks.resize(index + 1);
      if (!chunks[index]) chunks[index] = std::make_unique<Chunk>(Chunk{});
      std::memcpy(chunks[index]->data() + at, bytes.data() + done, n);
      done += n;
    }
    if (!bytes.empty()) size = std::max<std::uint64_t>(size, offset + bytes.size());
  }

  void resize(std::uint64_t to) REQUIRES(mutex) {
    if (to < size) {
      const std::size_t keep = (to + kChunkBytes - 1) / kChunkBytes;
      if (keep < chunks.size()) chunks.resize(keep);
      const std::size_t tail = to % kChunkBytes;
      if (tail != 0 && keep <= chunks.size() && chunks[keep - 1]) {
        std::memset(chunks[keep - 1]->data() + tail, 0, kChunkBytes - tail);
      }
    }
    size = to;
  }
};

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<Node> node, bool read_only)
      : node_(std::move(node)), read_only_(read_only) {}
  ~MemoryFile() override {
    MutexLock lock(node_->mutex);
    node_->locks.drop(this);
  }

  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan buffer) override {
    return readv(offset, {&buffer, 1});
  }
  Result<std::size_t> readv(std::uint64_t offset,
                            std::span<const MutableByteSpan> buffers) override {
    MutexLock lock(node_->mutex);
    std::size_t total = 0;
    for (MutableByteSpan buffer : buffers) total += node_->read(offset + total, buffer);
    return total;
  }
  Result<void> write(std::uint64_t offset, ByteSpan bytes) override {
    return writev(offset, {&bytes, 1});
  }
  Result<void> write_durably(std::uint64_t offset, std::span<const ByteSpan> buffers) override {
    return MemoryFile::writev(offset, buffers);
  }
  Result<void> writev(std::uint64_t offset, std::span<const ByteSpan> buffers) override {
    TRY(writable());
    MutexLock lock(node_->mutex);
    for (ByteSpan bytes : buffers) {
      node_->write(offset, bytes);
      offset += bytes.size();
    }
    return {};
  }
  Result<void> sync(SyncMode) override { return {}; }
  Result<void> truncate(std::uint64_t size) override {
    TRY(writable());
    MutexLock lock(node_->mutex);
    node_->resize(size);
    return {};
  }
  Result<std::uint64_t> size() override {
    MutexLock lock(node_->mutex);
    return node_->size;
  }
  Result<void> allocate(std::uint64_t offset, std::uint64_t size) override {
    TRY(writable());
    MutexLock lock(node_->mutex);
    if (offset + size > node_->size) node_->resize(offset + size);
    return {};
  }
  Result<bool> lock(LockRange range, LockMode mode) override {
    if (range.size == 0) return Error(Code::ioerr_lock, "empty lock range", EINVAL);
    if (mode == LockMode::exclusive && read_only_) {
      return Error(Code::ioerr_lock, "exclusive lock on a read-only handle", EBADF);
    }
    MutexLock guard(node_->mutex);
    return node_->locks.set(this, range, mode);
  }

 private:
  Result<void> writable() const {
    if (read_only_) return Error(Code::readonly);
    return {};
  }

  const std::shared_ptr<Node> node_;
  const bool read_only_;
};

class MemoryVfs final : public Vfs {
 public:
  std::string_view name() const noexcept override { return "memory"; }

  Result<std::unique_ptr<File>> open(std::string_view path, OpenOptions options) override {
    MutexLock lock(mutex_);
    auto it = nodes_.find(path);
    if (it != nodes_.end() && options.create && options.exclusive) {
      return Error(Code::cantopen, cat("cannot create ", path, ": File exists"), EEXIST);
    }
    if (it == nodes_.end()) {
      if (!options.create || options.read_only) {
        return Error(Code::cantopen, cat("cannot open ", path, ": No such file"), ENOENT);
      }
      it = nodes_.emplace(path, std::make_shared<Node>()).first;
    }
    return std::unique_ptr<File>(std::make_unique<MemoryFile>(it->second, options.read_only));
  }
  Result<void> remove(std::string_view path) override {
    MutexLock lock(mutex_);
    const auto it = nodes_.find(path);
    if (it == nodes_.end()) {
      return Error(Code::ioerr_delete, cat("cannot remove ", path, ": No such file"), ENOENT);
    }
    nodes_.erase(it);
    return {};
  }
  Result<bool> exists(std::string_view path) override {
    MutexLock lock(mutex_);
    return nodes_.find(path) != nodes_.end();
  }
  Result<void> sync_directory(std::string_view) override { return {}; }
  Result<void> submit(std::span<Op> ops) override { return submit_sequentially(ops); }
  Result<void> register_arena(MutableByteSpan) override { return {}; }

 private:
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>, std::less<>> nodes_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Vfs> make_memory_vfs() { return std::make_unique<MemoryVfs>(); }

}  // namespace saturn::io
