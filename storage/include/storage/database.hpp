#pragma once

#include "base/limits.hpp"
#include "base/result.hpp"
#include "io/fiber.hpp"
#include "io/vfs.hpp"
#include "storage/backup.hpp"
#include "storage/database_header.hpp"
#include "storage/image.hpp"
#include "storage/page_source.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

/// One open database file, shared by every session of the process, and its transactions. The file,
/// its `-wal` and a hot `-journal` are SQLite's own formats; while a database is open it holds
/// SQLite's locks, so that another process gets "database is locked".
namespace saturn::storage {

/// PRAGMA synchronous. `full`: a commit returns when its log frames are synced. `normal`: the log
/// is synced before a checkpoint only. `off`: never.
enum class Synchronous : std::uint8_t { off = 0, normal = 1, full = 2 };

/// How a commit's frames are made durable with `full`. `automatic` measures both when the database
/// is opened, which takes up to a tenth of a second.
enum class LogSync : std::uint8_t {
  automatic,
  fdatasync,  ///< a write, then a sync of the file
  dsync,      ///< a durable write (`io::File::write_durably`)
};

struct DatabaseOptions {
  bool read_only = false;
  bool create = true;  ///< makes an empty database when there is no file
  Synchronous synchronous = Synchronous::full;
  LogSync log_sync = LogSync::fdatasync;
  std::uint64_t cache_bytes = limits::kCacheBytesDefault;
  /// Registers the cache's memory with the VFS, whose rings then pin it: for a server, where it is
  /// going to be in use anyway.
  bool register_cache = false;
  /// Log length, in frames, that starts a checkpoint; 0 = only at close or when asked.
  std::uint32_t checkpoint_pages = limits::kWalCheckpointPages;
  std::uint32_t page_size = limits::kPageSizeDefault;  ///< bytes, of a database that is made new
  TextEncoding text_encoding = TextEncoding::utf8;     ///< of a database that is made new
};

enum class CheckpointMode : std::uint8_t { passive, full, restart, truncate };

/// The three columns of PRAGMA wal_checkpoint.
struct CheckpointResult {
  bool busy = false;  ///< a reader or the writer kept it from finishing
  std::uint32_t log_frames = 0;
  std::uint32_t checkpointed_frames = 0;
};

/// Figures since the database was opened, for status and metrics.
struct DatabaseStats {
  std::uint64_t commits = 0;        ///< write transactions acknowledged
  std::uint64_t commit_groups = 0;  ///< log transactions written for them
  std::uint64_t log_syncs = 0;
  std::uint64_t log_frames_written = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t pages_read = 0;  ///< from the file or the log
  std::uint64_t cache_hits = 0;
  std::uint64_t cache_misses = 0;
  std::uint64_t log_bytes = 0;  ///< length of the log now
  std::uint32_t page_size = 0;
};

/// Whether commits are taken.
struct WriteState {
  enum class Kind : std::uint8_t {
    ready,
    full,    ///< the last one found no space; the next one tries again
    broken,  ///< the log could not be written or synced: none, until the database is opened again
    read_only,  ///< it was opened so
  };
  Kind kind = Kind::ready;
  std::string message;  ///< for a person; empty when ready
};

class Transaction;

/// Thread-safe: sessions on any worker use one `Database` at once.
///
/// Lifecycle: `open`, any number of transactions, `close` when none is left. Destroying a database
/// that was not closed leaves the file as a crash would: the log stays, and nothing is lost.
class Database {
 public:
  /// Opens `path`, takes SQLite's locks, plays back a hot journal, recovers the log. `busy` when
  /// another process holds the file, `notadb`, `cantopen`, I/O errors. A file that may only be read
  /// (EROFS, EACCES, EPERM) is opened read-only, with a warning in the log. `vfs` is borrowed.
  /// // SUSPENDS
  static Result<std::unique_ptr<Database>> open(io::Vfs& vfs, std::string path,
                                                const DatabaseOptions& options);
  virtual ~Database() = default;

  /// Copies the log into the file, syncs it, removes the log and gives up the locks. No transaction
  /// or backup may be open, and none may begin afterwards. // SUSPENDS
  virtual Result<void> close() = 0;

  /// A read transaction on the last durable commit; never waits. // SUSPENDS
  virtual Result<std::unique_ptr<Transaction>> begin_read() = 0;
  /// A write transaction on top of the last commit handed over, durable or not. Waits in a fair
  /// queue for the writer's turn; `busy` when `deadline` passes first, `readonly` when the
  /// database cannot be written. // SUSPENDS
  virtual Result<std::unique_ptr<Transaction>> begin_write(io::Clock::time_point deadline) = 0;

  /// Copies the log into the file as far as the readers' snapshots allow; `full`, `restart` and
  /// `truncate` wait until `deadline` for the writer's turn, and for readers of older snapshots.
  /// `restart` does no more than `full`: the next commit starts the log over whenever all of it is
  /// in the file, and readers of the last snapshot are not in its way. // SUSPENDS
  virtual Result<CheckpointResult> checkpoint(CheckpointMode mode,
                                              io::Clock::time_point deadline) = 0;
  /// A copy of the last durable commit's database. `busy` when there are `limits::kBackupsMax`
  /// already. // SUSPENDS
  virtual Result<std::unique_ptr<Backup>> begin_backup() = 0;
  /// For commits of transactions that ask for nothing else.
  virtual Synchronous synchronous() const noexcept = 0;
  virtual void set_synchronous(Synchronous mode) noexcept = 0;
  /// Somebody's commits ask for `mode`: unless that is `off`, checkpoints sync from now on, and
  /// what was not synced until now is synced with the next one.
  virtual void expect_synchronous(Synchronous mode) noexcept = 0;
  /// In frames; 0 turns automatic checkpoints off.
  virtual std::uint32_t checkpoint_pages() const noexcept = 0;
  virtual void set_checkpoint_pages(std::uint32_t frames) noexcept = 0;
  /// Makes an empty database anew with pages of `bytes`; true when it did. False when there is
  /// anything in it, when it is in use, or when its cache is registered with the VFS. // SUSPENDS
  virtual Result<bool> set_page_size(std::uint32_t bytes) = 0;
  /// The most pages the database may grow to; 0 leaves it as it is. Returns what holds now.
  virtual std::uint32_t set_page_count_max(std::uint32_t pages) noexcept = 0;

  virtual const std::string& path() const noexcept = 0;
  virtual bool read_only() const noexcept = 0;
  virtual DatabaseStats stats() const = 0;
  virtual WriteState write_state() const = 0;
  /// The VFS that the file lives in; borrowed.
  virtual io::Vfs& vfs() const noexcept = 0;
};

/// A snapshot of the database and, once it is writable, private changes on top. Belongs to one
/// fiber at a time. Destroying one that was not committed rolls it back; no cursor or `PageRef` of
/// it may live then.
class Transaction : public PageSource {
 public:
  virtual bool writable() const noexcept = 0;
  /// Turns a read transaction into a write transaction on the same snapshot. `busy` when `deadline`
  /// passes while another writer has its turn, `busy_snapshot` when somebody has committed since
  /// the snapshot was taken, `readonly`. On failure the read transaction goes on. // SUSPENDS
  virtual Result<void> make_writable(io::Clock::time_point deadline) = 0;

  /// How durable its commit is to be, instead of as the database has it. A commit that asks for
  /// `full` makes all those before it durable, too.
  virtual void set_synchronous(Synchronous mode) noexcept = 0;
  /// Ends the transaction. For a writer: hands its pages to the commit pipeline, gives up the
  /// writer's turn, and returns when the commit is as durable as `synchronous` asks. On failure
  /// nothing of it is in the database. The transaction is over either way. // SUSPENDS
  virtual Result<void> commit() = 0;
  /// Ends the transaction and drops its changes. Never fails; never suspends.
  virtual void rollback() noexcept = 0;
  /// False after `commit` or `rollback`.
  virtual bool active() const noexcept = 0;

  /// Opens a savepoint and returns its depth, from 1. Only in a write transaction. Savepoints cost
  /// nothing until a page is changed under them for the first time.
  virtual std::size_t savepoint() = 0;
  /// Takes back every change since savepoint `depth` was opened; it stays open, deeper ones close.
  /// Positions of cursors become stale (`note_all_trees_changed`).
  virtual Result<void> rollback_to(std::size_t depth) = 0;
  /// Closes savepoint `depth` and the deeper ones, keeping their changes.
  virtual void release(std::size_t depth) noexcept = 0;
  virtual std::size_t savepoint_depth() const noexcept = 0;

  /// Returns when the commit that this transaction builds on is durable: no row read here may reach
  /// a client before. Fails when that commit has failed: then the transaction must roll back.
  /// At once in a read transaction. // SUSPENDS
  virtual Result<void> wait_durable() = 0;

  /// Whether any page was changed.
  virtual bool dirty() const noexcept = 0;
  /// Identifies the snapshot: equal numbers show equal pages to transactions without changes.
  virtual std::uint64_t snapshot() const noexcept = 0;
  /// Pages read so far through this transaction, from cache or not; for rows_read and EXPLAIN.
  virtual std::uint64_t pages_read() const noexcept = 0;
  /// Pages that the cache did not have and that this transaction brought in from the file or the
  /// log, those it read ahead included; for EXPLAIN.
  virtual std::uint64_t pages_loaded() const noexcept = 0;

  /// Page 1's header as this transaction sees it. // SUSPENDS
  virtual Result<DatabaseHeader> header() = 0;
  /// Writes the fields that SQL may change: schema cookie and format, default cache size, largest
  /// root, text encoding, user version, incremental vacuum, application id. // SUSPENDS
  virtual Result<void> set_header(const DatabaseHeader& header) = 0;

  /// Makes the image's pages the whole content of the database; they leave the image, which is of
  /// the same page size and `finish`ed. Only in a write transaction without savepoints.
  virtual Result<void> replace(Image& image) = 0;
};

}  // namespace saturn::storage
