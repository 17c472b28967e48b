#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// The one seam between Saturn and whatever keeps its bytes.
///
/// Everything above this header knows files by name and bytes by offset, nothing else: there is no
/// descriptor, inode or mapping in any signature, so that a backend may be a local disk, the memory
/// of this process, or a distributed object store.
///
/// What every backend promises:
///  - **Threads.** A `Vfs` and its `File`s may be used by any thread and any fiber at once. Nothing
///    orders two operations that overlap in time except `Op::after_previous` and waiting for the
///    first before starting the second. An overlapping read and write of the same bytes may see
///    any mixture of old and new.
///  - **Suspension.** On a fiber (io/worker.hpp) an operation suspends that fiber only, and its
///    worker runs others. Anywhere else it blocks the calling thread until it is done.
///  - **Completeness.** Short transfers and interruptions are continued inside the backend. A read
///    returns fewer bytes than asked for only because the file ends there; a write that succeeds
///    has written everything. After a failed write the range holds any mixture of old and new.
///  - **Visibility.** A write that has returned is seen by every later read of any handle.
///    **Durability** comes only with `File::sync`; the name of a new or removed file is durable
///    only after `Vfs::sync_directory`.
///  - **Errors** are SQLite's I/O codes with the errno that caused them: `ioerr_read`,
///    `ioerr_write`, `ioerr_fsync`, `ioerr_truncate`, `ioerr_fstat`, `ioerr_lock`, `ioerr_delete`,
///    `ioerr_dir_fsync`, `cantopen`, `readonly` (a write to a handle opened read-only), and `full`
///    for every errno that means "no space left" (ENOSPC, EDQUOT). No backend retries a failed
///    sync: the caller must take the file's unsynced content for lost.
///  - **Buffers** are borrowed until the call returns.
namespace saturn::io {

enum class SyncMode : std::uint8_t {
  data,  ///< content, and what is needed to read it back (the size): fdatasync
  full,  ///< content and all metadata: fsync
};

enum class LockMode : std::uint8_t {
  none,       ///< gives the range up
  shared,     ///< any number of holders, no exclusive one
  exclusive,  ///< a single holder; needs a handle that may write
};

/// A range of byte positions; positions past the end of the file are as good as any.
struct LockRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  ///< in bytes, at least 1
};

struct OpenOptions {
  bool read_only = false;
  bool create = false;     ///< makes an empty file when there is none; not with `read_only`
  bool exclusive = false;  ///< with `create`: fails with `cantopen`, EEXIST when there is one
};

/// An open file. Closing it (the destructor) gives up its locks and never syncs; no operation on it
/// may be in progress then. All offsets and sizes are in bytes.
class File {
 public:
  virtual ~File() = default;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  /// Fills `buffer` from `offset`. Returns the bytes read: `buffer.size()`, or fewer (even 0) when
  /// the file ends before. Fails with `ioerr_read`. // SUSPENDS
  virtual Result<std::size_t> read(std::uint64_t offset, MutableByteSpan buffer) = 0;

  /// `read` into several buffers, filled one after the other. // SUSPENDS
  virtual Result<std::size_t> readv(std::uint64_t offset,
                                    std::span<const MutableByteSpan> buffers) = 0;

  /// Writes all of `bytes` at `offset`; a gap between the old end and `offset` reads as zeros.
  /// Fails with `full`, `readonly` or `ioerr_write`. // SUSPENDS
  virtual Result<void> write(std::uint64_t offset, ByteSpan bytes) = 0;

  /// `write` of several buffers, laid one after the other. Not atomic. // SUSPENDS
  virtual Result<void> writev(std::uint64_t offset, std::span<const ByteSpan> buffers) = 0;

  /// `writev`, and what it wrote is durable when it returns, with the size that it needs; of what
  /// was written before nothing is said. Fails as `writev` does, and with `ioerr_fsync`: what it
  /// was to write must then be taken for lost. // SUSPENDS
  virtual Result<void> write_durably(std::uint64_t offset, std::span<const ByteSpan> buffers) = 0;

  /// Makes durable whatever was written before this call began. Fails with `ioerr_fsync`, and the
  /// content that was to be synced must then be taken for lost. // SUSPENDS
  virtual Result<void> sync(SyncMode mode) = 0;

  /// Sets the size; growing adds zeros. Fails with `ioerr_truncate`, `full`, `readonly`.
  /// // SUSPENDS
  virtual Result<void> truncate(std::uint64_t size) = 0;

  /// The present size. Fails with `ioerr_fstat`. // SUSPENDS
  virtual Result<std::uint64_t> size() = 0;

  /// Reserves room for the bytes `[offset, offset + size)` so that writing them cannot fail with
  /// `full`; grows the file (with zeros) when it ends before. A backend that cannot reserve only
  /// grows the file. Fails with `full`, `readonly`, `ioerr_write`. // SUSPENDS
  virtual Result<void> allocate(std::uint64_t offset, std::uint64_t size) = 0;

  /// Takes, changes or gives up (`LockMode::none`) this handle's advisory lock on a range, without
  /// waiting. True when the handle now holds the range in `mode`; false when another handle, of
  /// this process or any other, is in the way, and then nothing has changed. The locks of one
  /// handle never conflict with each other. The local backends speak to other processes by the
  /// POSIX record locks that `sqlite3` uses. Fails with `ioerr_lock`. Never suspends.
  virtual Result<bool> lock(LockRange range, LockMode mode) = 0;
};

/// One operation of a batch. The caller fills in the upper part, `Vfs::submit` the lower.
struct Op {
  enum class Kind : std::uint8_t { read, write, sync };

  Kind kind = Kind::read;
  SyncMode sync_mode = SyncMode::data;  ///< for `sync`
  /// Starts only when every operation before it in the batch has succeeded, and is given up with
  /// `abort` when one has not. Without it, operations of a batch run in any order and at once.
  bool after_previous = false;
  bool durable = false;      ///< for `write`: as `File::write_durably`
  File* file = nullptr;      ///< borrowed; opened by the `Vfs` that the batch is submitted to
  std::uint64_t offset = 0;  ///< for `read` and `write`
  MutableByteSpan read_into{};
  ByteSpan write_from{};
  /// For `write`, instead of `write_from`: several buffers, laid one after the other.
  std::span<const ByteSpan> write_pieces{};

  std::size_t transferred = 0;  ///< bytes read (short only at the end of the file) or written
  Result<void> status{};        ///< this operation's outcome

  /// What a `write` is to write.
  std::size_t write_bytes() const noexcept {
    std::size_t bytes = write_from.size();
    for (const ByteSpan& piece : write_pieces) bytes += piece.size();
    return bytes;
  }
};

/// A name space of files. Names are opaque to callers except that `sync_directory` takes the name
/// of a file and makes the entry of that name durable.
class Vfs {
 public:
  virtual ~Vfs() = default;
  Vfs() = default;
  Vfs(const Vfs&) = delete;
  Vfs& operator=(const Vfs&) = delete;

  /// "memory", "posix", "io_uring": for the log, the status page and metrics.
  virtual std::string_view name() const noexcept = 0;

  /// Opens a file; the caller owns the handle, which must not outlive this `Vfs`. Fails with
  /// `cantopen` and ENOENT when there is none and `create` is not set. // SUSPENDS
  virtual Result<std::unique_ptr<File>> open(std::string_view path, OpenOptions options) = 0;

  /// Removes a name; open handles keep working until they are closed. Fails with `ioerr_delete`,
  /// with ENOENT when there is no such name. // SUSPENDS
  virtual Result<void> remove(std::string_view path) = 0;

  /// Whether there is a file of that name. // SUSPENDS
  virtual Result<bool> exists(std::string_view path) = 0;

  /// Makes the creation or removal of the name `path` durable. Fails with `ioerr_dir_fsync`.
  /// // SUSPENDS
  virtual Result<void> sync_directory(std::string_view path) = 0;

  /// Runs a batch with as few submissions as the backend can and returns when every operation has
  /// ended. Each operation's outcome is in its `status`; the return value is a copy of the first
  /// failure in the batch's order, or success. // SUSPENDS
  virtual Result<void> submit(std::span<Op> ops) = 0;

  /// A hint: much I/O will use buffers inside `arena`, which stays mapped as long as the `Vfs` is
  /// used. At most one arena; counts for workers that have not used the `Vfs` yet. A backend that
  /// cannot register it (memlock limit) goes on with a part of it or without, so the outcome never
  /// changes what works.
  virtual Result<void> register_arena(MutableByteSpan arena) = 0;
};

/// A `Vfs` whose files live in this process and die with it; for `:memory:` and tests. Every name
/// is a key of one flat map. Never suspends.
std::unique_ptr<Vfs> make_memory_vfs();

}  // namespace saturn::io
