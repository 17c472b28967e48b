#include "batch.hpp"
#include "posix_error.hpp"
#include "posix_vfs.hpp"
#include "ring.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "io/backends.hpp"
#include "io/worker.hpp"

#include <atomic>

namespace saturn::io {
namespace {

using Kind = RingRequest::Kind;

class UringVfs;

std::uint64_t next_key() {
  static std::atomic<std::uint64_t> key{1};
  return key++;
}

class UringFile final : public PosixFile {
 public:
  UringFile(UringVfs& vfs, BlockingPool& pool, std::string path, OpenedFile opened, bool read_only)
      : PosixFile(pool, std::move(path), opened.fd, read_only, std::move(opened.locks)),
        vfs_(vfs) {}
  ~UringFile() override;

  Result<std::size_t> read(std::uint64_t offset, MutableByteSpan buffer) override {
    return readv(offset, {&buffer, 1});
  }
  Result<std::size_t> readv(std::uint64_t offset,
                            std::span<const MutableByteSpan> buffers) override;
  Result<void> write(std::uint64_t offset, ByteSpan bytes) override {
    return writev(offset, {&bytes, 1});
  }
  Result<void> writev(std::uint64_t offset, std::span<const ByteSpan> buffers) override {
    return write_on_ring(offset, buffers, false);
  }
  Result<void> write_durably(std::uint64_t offset, std::span<const ByteSpan> buffers) override {
    return write_on_ring(offset, buffers, true);
  }
  Result<void> sync(SyncMode mode) override;
  Result<void> truncate(std::uint64_t size) override;
  std::uint64_t id() const noexcept { return id_; }

 private:
  Result<void> write_on_ring(std::uint64_t offset, std::span<const ByteSpan> buffers, bool durable);

  UringVfs& vfs_;
  const std::uint64_t id_ = next_key();
};

class UringVfs final : public PosixVfs {
 public:
  std::string_view name() const noexcept override { return "io_uring"; }

  Result<std::unique_ptr<File>> open(std::string_view path, OpenOptions options) override {
    std::string file(path);
    OpenedFile opened = TRY(open_on_pool(file, options));
    return std::unique_ptr<File>(std::make_unique<UringFile>(*this, pool_, std::move(file),
                                                             std::move(opened), options.read_only));
  }

  Result<void> submit(std::span<Op> ops) override;

  Result<void> register_arena(MutableByteSpan arena) override {
    arena_ = arena;
    return {};
  }

  /// The ring that this thread's worker has already, or null.
  Ring* ring_at_hand() {
    Worker* worker = Worker::current();
    return worker == nullptr ? nullptr : static_cast<Ring*>(worker->find_poller(key_));
  }

  /// The ring of this fiber's worker if it can do `kind`, else null.
  Ring* ring_for(Kind kind) {
    Ring* ring = ring_of_worker();
    return ring != nullptr && ring->supports(kind) ? ring : nullptr;
  }

 private:
  Ring* ring_of_worker() {
    if (current_fiber() == nullptr) return nullptr;
    Worker& worker = *Worker::current();
    if (Poller* poller = worker.find_poller(key_)) return static_cast<Ring*>(poller);
    if (no_more_rings_.load(std::memory_order_relaxed)) return nullptr;
    auto ring = Ring::make(arena_);
    if (!ring) {
      no_more_rings_.store(true, std::memory_order_relaxed);
      log::warn(cat("io_uring: a worker goes on with POSIX calls: ", ring.error().message()));
      return nullptr;
    }
    Ring* made = ring->get();
    worker.attach_poller(key_, std::move(*ring));
    return made;
  }

  const std::uint64_t key_ = next_key();
  MutableByteSpan arena_;
  std::atomic<bool> no_more_rings_{false};
};

UringFile::~UringFile() {
  if (Ring* ring = vfs_.ring_at_hand()) ring->forget_file(id_);
}

Result<std::size_t> UringFile::readv(std::uint64_t offset,
                                     std::span<const MutableByteSpan> buffers) {
  Ring* ring = vfs_.ring_for(Kind::read);
  if (ring == nullptr) return PosixFile::readv(offset, buffers);
  // What is in the kernel's cache takes one call, where a completion takes a turn of the loop too:
  // a poll, the event, its counter.
  Pieces pieces(buffers);
  const CachedRead cached = Ring::shortens() ? CachedRead() : read_cached(offset, pieces);
  if (cached.done) return cached.bytes;
  RingRequest request{.kind = Kind::read,
                      .fd = fd(),
                      .file_id = id(),
                      .offset = offset + cached.bytes,
                      .pieces = std::move(pieces)};
  ring->run({&request, 1});
  if (request.error != 0) return posix_error(Code::ioerr_read, "read", path(), request.error);
  return cached.bytes + request.transferred;
}

Result<void> UringFile::write_on_ring(std::uint64_t offset, std::span<const ByteSpan> buffers,
                                      bool durable) {
  TRY(writable());
  Ring* ring = vfs_.ring_for(Kind::write);
  if (ring == nullptr) {
    return durable ? PosixFile::write_durably(offset, buffers) : PosixFile::writev(offset, buffers);
  }
  RingRequest request{.kind = Kind::write,
                      .fd = fd(),
                      .file_id = id(),
                      .offset = offset,
                      .pieces = Pieces(buffers),
                      .durable = durable};
  ring->run({&request, 1});
  if (request.error != 0) return posix_error(Code::ioerr_write, "write", path(), request.error);
  return {};
}

Result<void> UringFile::sync(SyncMode mode) {
  const Kind kind = mode == SyncMode::data ? Kind::sync_data : Kind::sync_full;
  Ring* ring = vfs_.ring_for(kind);
  if (ring == nullptr) return PosixFile::sync(mode);
  RingRequest request{.kind = kind, .fd = fd(), .file_id = id()};
  ring->run({&request, 1});
  if (request.error != 0) return posix_error(Code::ioerr_fsync, "sync", path(), request.error);
  return {};
}

Result<void> UringFile::truncate(std::uint64_t size) {
  TRY(writable());
  Ring* ring = vfs_.ring_for(Kind::truncate);
  if (ring == nullptr) return PosixFile::truncate(size);
  RingRequest request{.kind = Kind::truncate, .fd = fd(), .file_id = id(), .offset = size};
  ring->run({&request, 1});
  if (request.error != 0) {
    return posix_error(Code::ioerr_truncate, "truncate", path(), request.error);
  }
  return {};
}

/// What the ring is to do for `op`. A write to a handle that may not write has failed already.
RingRequest request_of(Op& op) {
  auto& file = static_cast<UringFile&>(*op.file);
  op.transferred = 0;
  op.status = {};
  RingRequest request{.fd = file.fd(),
                      .file_id = file.id(),
                      .offset = op.offset,
                      .after_previous = op.after_previous};
  switch (op.kind) {
    case Op::Kind::read: request.pieces = Pieces(std::span(&op.read_into, 1)); break;
    case Op::Kind::write:
      request.kind = Kind::write;
      request.durable = op.durable;
      request.pieces =
          op.write_pieces.empty() ? Pieces(std::span(&op.write_from, 1)) : Pieces(op.write_pieces);
      op.status = file.writable();
      if (!op.status) {
        request.error = EBADF;
        request.done = true;
      }
      break;
    case Op::Kind::sync:
      request.kind = op.sync_mode == SyncMode::data ? Kind::sync_data : Kind::sync_full;
      break;
  }
  return request;
}

Error error_of(const Op& op, int error) {
  const std::string& path = static_cast<PosixFile&>(*op.file).path();
  switch (op.kind) {
    case Op::Kind::read: return posix_error(Code::ioerr_read, "read", path, error);
    case Op::Kind::write: return posix_error(Code::ioerr_write, "write", path, error);
    case Op::Kind::sync: break;
  }
  return posix_error(Code::ioerr_fsync, "sync", path, error);
}

Result<void> UringVfs::submit(std::span<Op> ops) {
  Ring* ring = ring_for(Kind::sync_data);
  if (ring == nullptr) return PosixVfs::submit(ops);
  std::vector<RingRequest> requests;
  requests.reserve(ops.size());
  for (Op& op : ops) requests.push_back(request_of(op));
  ring->run(requests);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    ops[i].transferred = requests[i].transferred;
    const int error = requests[i].error;
    if (error == 0 || !ops[i].status) continue;
    ops[i].status = error == ECANCELED ? given_up_error() : error_of(ops[i], error);
  }
  return first_failure(ops);
}

}  // namespace

Result<std::unique_ptr<Vfs>> make_io_uring_vfs() {
  TRY(Ring::make({}));
  return std::unique_ptr<Vfs>(std::make_unique<UringVfs>());
}

}  // namespace saturn::io
