#pragma once

/// The pager: which bytes each transaction sees, and how a commit gets to the disk.
///
/// A commit has a sequence number, counted from 1 since the database was opened and never reused.
/// The version of a page that commit n wrote is (page, n); version 0 is the page as the database
/// file had it when it was opened. A snapshot is a sequence number S, and sees of each page the
/// newest version that is not newer than S. `VersionTable` knows, for every page that was written
/// since, its versions and where each one is:
///
///     memory   in a `DirtyPage`: handed over to the pipeline, not in the log yet
///     log      in frame f of the -wal
///     file     in the database file, where a checkpoint has put it
///
/// The page cache keeps images by (page, version), wherever they came from.
///
/// The life of a write transaction:
///
///   begin_write / make_writable     write, allocate          commit -> hand_over
///   (the writer's turn, FIFO) ─────► private dirty pages ───► pending ─► flush_group ─► durable
///                                        │ rollback              │ flush fails
///                                        ▼                       ▼
///                                     nothing      fail_pending ─► nothing of it, nor of what was
///                                                                  built on it, is in the database
///
/// No space for the log (`full`) fails what is pending; when what was written of it has been cut
/// off the log again, the next commit tries anew. Any other failure of a log write, and each failed
/// sync that was to make commits durable, breaks the pager: it serves readers, and takes no more
/// writes until it is opened again.
///
/// The first committer that finds no flush under way leads: it writes everything pending as one log
/// transaction (the last image of a page only, one commit frame), syncs once, answers the whole
/// group, and passes the lead to a committer of the next group (`lead`).
///
/// The log's file is longer than its frames: when it has no room for the next ones it grows by as
/// much again, in zeros, and a log that starts over writes into what it has. So most commits change
/// no size, and a sync of theirs needs no entry in the file system's journal. Recovery ends at the
/// first zeros or older salts.
///
/// Invariants
///  1. durable_seq_ <= handed_seq_; equal exactly when nothing is pending. Readers take snapshots
///  of
///     durable_seq_, so what they see is durable; a writer builds on handed_seq_.
///  2. A pinned snapshot S keeps every version that it sees reachable: a checkpoint copies only
///     versions <= the oldest pin, and overwrites only versions older than those it copies.
///  3. The log starts over only when all of it is in the file (backfilled_seq_ == durable_seq_),
///  and
///     nobody is reading a frame (wal_reads_ == 0, looked at under wal_mutex_, under which a reader
///     also looks up the frame it is going to read). Then every version's place is `file`.
///  4. A version's bytes never change. Of the versions of one page that are pending only the newest
///     is in the table: nobody builds on the older ones any more (writers are one after the other).
///  5. Once `broken_` is set no commit is handed over any more. A commit that failed is in `lost_`
///     as long as a transaction that builds on it is open: it sees no page from then on, and its
///     commit is refused. Numbers of lost commits are not used again.
///  6. SQLite can open the file at any time after a crash: the file's header says WAL before the
///     first frame is written, and the log is SQLite's own format.
///  7. Before anything is shown of a database, all that was found of it is durable: a process that
///     died may have left writes and names that were not synced (`settle`). Before a checkpoint
///     overwrites a page in the file, the log that has its new image is durable; before the log
///     starts over, the file is. While nobody asks for more than `off` none of this holds
///     (`keeps_order`). Once somebody does, what was left out is done first: `file_unsynced_`,
///     `log_synced_seq_`, the names' flags. A group is synced when one of its commits asks for
///     `full`, and then all before it is, too.
///  8. What stands in the log behind the last commit is zeros, has older salts, or is cut off
///  before
///     anything is appended: with an equal frame in front of it it would be valid again.
///  9. A durable write takes the place of write and sync only when all that was written to the log
///     before it is durable already (`log_is_durable`).
///
/// 10. A backup of snapshot S pins nothing. A checkpoint beyond S keeps, of each page that it is
/// about to
///     overwrite, the version that S sees, unless the backup has taken it (`keep_for_backups`). So
///     a page that is not kept is where `versions_` says, under backup_mutex_. A checkpoint up to S
///     or less overwrites nothing that S sees.
///
/// Locks, in the order in which they may nest: writer_ (fiber mutex), checkpoint_mutex_ (fiber
/// mutex), backup_mutex_ (fiber mutex); then the short ones, state_mutex_, wal_mutex_, a shard of
/// the version table, the cache's.

#include "base/mutex.hpp"
#include "io/sync.hpp"
#include "page_cache.hpp"
#include "storage/database.hpp"
#include "version_table.hpp"
#include "wal_format.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace saturn::storage {

class PagerBackup;
class PagerTransaction;

/// A commit on its way to the log. Lives on the stack of the committing fiber.
struct PendingCommit {
  std::uint64_t base = 0;  ///< the snapshot that it builds on
  std::uint64_t seq = 0;
  PageNo page_count = 0;  ///< of the database after it
  bool auto_vacuum = false;
  Synchronous synchronous = Synchronous::full;
  std::vector<DirtyPagePtr> pages;
  io::Event done;
  bool leads = false;  ///< woken to lead the next group, not because it is done
  /// Flushed or failed, with `done` about to be set; perhaps before it was waited for. Guarded by
  /// the pager's state_mutex_.
  bool answered = false;
  std::optional<Error> failed;  ///< set before `done`
};

/// Whoever waits for a commit to be durable. Lives on the stack of the waiting fiber.
struct DurableWaiter {
  io::Event done;
  std::optional<Error> failed;  ///< set before `done`
};

class Pager final : public Database {
 public:
  Pager(io::Vfs& vfs, std::string path, const DatabaseOptions& options);
  ~Pager() override;

  Result<void> open_file();  // SUSPENDS

  Result<void> close() override;
  Result<std::unique_ptr<Transaction>> begin_read() override;
  Result<std::unique_ptr<Transaction>> begin_write(io::Clock::time_point deadline) override;
  Result<CheckpointResult> checkpoint(CheckpointMode mode, io::Clock::time_point deadline) override;
  Result<std::unique_ptr<Backup>> begin_backup() override;
  Synchronous synchronous() const noexcept override { return synchronous_.load(); }
  void set_synchronous(Synchronous mode) noexcept override { synchronous_.store(mode); }
  void expect_synchronous(Synchronous mode) noexcept override;
  std::uint32_t checkpoint_pages() const noexcept override { return checkpoint_pages_.load(); }
  void set_checkpoint_pages(std::uint32_t frames) noexcept override {
    checkpoint_pages_.store(frames);
  }
  Result<bool> set_page_size(std::uint32_t bytes) override;
  std::uint32_t set_page_count_max(std::uint32_t pages) noexcept override;
  const std::string& path() const noexcept override { return path_; }
  bool read_only() const noexcept override { return options_.read_only; }
  DatabaseStats stats() const override;
  WriteState write_state() const override;
  io::Vfs& vfs() const noexcept override { return vfs_; }

 private:
  friend class PagerBackup;
  friend class PagerTransaction;
  struct Snapshot {
    std::uint64_t seq = 0;
    PageNo page_count = 0;
    bool auto_vacuum = false;
    std::uint64_t losses = 0;
  };

  // pager_open.cpp
  Result<void> take_locks();
  Result<bool> is_blank(std::uint64_t bytes);
  Result<void> make_new();
  Result<bool> make_anew(std::uint32_t page_size);
  Result<void> undo_hot_journal();
  Result<void> recover_log();
  Result<void> settle();
  Result<void> read_layout();
  Result<void> ensure_wal_mode();
  Result<void> remove_log();

  // pager.cpp
  Result<Snapshot> pin_durable();
  Result<Snapshot> pin_handed();
  void unpin(std::uint64_t seq) noexcept;
  /// Returns when no snapshot older than `seq` is pinned; false when `deadline` passes first.
  /// Whoever pins the last durable commit is not waited for, so new readers never prolong it. //
  /// SUSPENDS
  bool wait_for_readers(std::uint64_t seq, io::Clock::time_point deadline);
  Error broken_error() const;
  /// Fails when the snapshot builds on a commit that was lost. `*losses` is the caller's last look
  /// at `losses_`; as long as it is right this costs a load.
  Result<void> check_kept(std::uint64_t seq, std::uint64_t* losses) const;
  Error lost_error() const REQUIRES(state_mutex_);
  bool is_lost(std::uint64_t seq) const REQUIRES(state_mutex_);

  // pager_read.cpp
  /// The page as the snapshot sees it; counts in `misses` when it was not in memory. // SUSPENDS
  Result<PageRef> fetch(PageNo page, std::uint64_t snapshot, std::uint64_t* misses = nullptr);
  Result<PageRef> load(PageNo page, std::uint64_t snapshot);
  std::uint64_t frame_page_offset(std::uint32_t frame) const noexcept {
    return kWalHeaderBytes + (frame - 1) * std::uint64_t{kWalFrameHeaderBytes + page_size_} +
           kWalFrameHeaderBytes;
  }
  std::size_t prefetch(std::span<const PageNo> pages, std::uint64_t snapshot);
  Result<void> read_pages(PageNo first, std::uint64_t snapshot, MutableByteSpan out);

  // pager_commit.cpp
  Result<void> hand_over(PendingCommit& commit);
  Result<void> wait_flushed(PendingCommit& commit);
  Result<void> wait_durable(std::uint64_t seq);
  void lead();
  Result<void> flush_group(std::span<PendingCommit* const> group);
  void publish_group(std::span<const DirtyPagePtr> pages, std::uint32_t first_frame);
  void finish_group(std::span<PendingCommit* const> group);
  void fail_pending(const Error& error, std::span<PendingCommit* const> group, bool breaks);
  void break_down(const Error& error);
  void start_background_checkpoint(std::uint32_t frames_since);
  void bound_log();

  // pager_log.cpp
  Result<void> open_log();
  Result<void> start_log();
  Result<void> note_sync(Result<void> outcome);
  Result<void> sync_file();
  Result<void> sync_log(std::uint64_t seq);
  Result<void> sync_log_name();
  Result<void> cut_off_tail();
  bool keeps_order() const noexcept;
  Result<void> write_frames(std::span<const DirtyPagePtr> pages, const PendingCommit& last,
                            bool syncs);
  Result<void> append(std::vector<ByteSpan> pieces, std::uint64_t bytes, std::uint64_t seq,
                      bool syncs);
  Result<void> write_log(std::uint64_t offset, std::span<const ByteSpan> pieces, bool syncs,
                         bool durably);
  std::uint64_t growth(std::uint64_t end) const noexcept;
  bool log_is_durable() const;
  Result<void> choose_log_sync();

  // pager_backup.cpp
  Result<bool> keep_for_backups(std::span<const VersionTable::Located> pages);
  bool backups_need_pages_behind(PageNo page_count);

  // pager_checkpoint.cpp
  Result<bool> take_quiet_turn(io::Clock::time_point deadline);
  Result<void> settle_commits(std::uint64_t seq);
  Result<void> cut_file(PageNo page_count);
  Result<void> backfill();
  Result<void> copy_pages(std::span<const VersionTable::Located> pages);
  bool try_restart();

  io::Vfs& vfs_;
  const std::string path_;
  const std::string wal_path_;
  const DatabaseOptions options_;
  std::unique_ptr<io::File> file_;
  std::unique_ptr<io::File> wal_;
  std::uint32_t page_size_ = 0;
  std::uint32_t usable_size_ = 0;
  std::unique_ptr<PageCache> cache_;
  VersionTable versions_;
  std::atomic<Synchronous> synchronous_;
  std::atomic<Synchronous> expected_{
      Synchronous::off};  ///< the most that anybody's commits have asked for
  std::atomic<std::uint32_t> checkpoint_pages_;
  std::atomic<std::uint32_t> page_count_max_{limits::kPageCountMax};

  io::FiberMutex writer_;              ///< the writer's turn
  io::FiberMutex checkpoint_mutex_;    ///< one checkpoint at a time
  io::FiberMutex backup_mutex_;        ///< a backup reads, or a checkpoint keeps pages for backups
  std::vector<PagerBackup*> backups_;  ///< guarded by backup_mutex_
  bool is_cut_owed_ =
      false;  ///< the file was left too long for a backup; guarded by checkpoint_mutex_
  std::atomic<bool> checkpoint_queued_{false};
  std::atomic<bool> wal_mode_{false};  ///< the file's header says WAL

  mutable Mutex state_mutex_;
  std::uint64_t durable_seq_ GUARDED_BY(state_mutex_) = 0;
  PageNo durable_pages_ GUARDED_BY(state_mutex_) = 0;
  bool durable_auto_vacuum_ GUARDED_BY(state_mutex_) = false;
  std::uint64_t handed_seq_ GUARDED_BY(state_mutex_) = 0;
  std::uint64_t last_seq_ GUARDED_BY(state_mutex_) = 0;  ///< ever given to a commit
  PageNo handed_pages_ GUARDED_BY(state_mutex_) = 0;
  bool handed_auto_vacuum_ GUARDED_BY(state_mutex_) = false;
  std::map<std::uint64_t, std::uint32_t> pins_ GUARDED_BY(state_mutex_);
  /// Whoever waits until no older snapshot than this is pinned.
  std::multimap<std::uint64_t, io::Event*> drains_ GUARDED_BY(state_mutex_);
  std::deque<PendingCommit*> pending_ GUARDED_BY(state_mutex_);
  bool flushing_ GUARDED_BY(state_mutex_) = false;
  bool remaking_ GUARDED_BY(state_mutex_) = false;  ///< no transaction may begin meanwhile
  std::multimap<std::uint64_t, DurableWaiter*> waiters_ GUARDED_BY(state_mutex_);
  std::optional<Error> broken_ GUARDED_BY(state_mutex_);
  std::atomic<bool> is_broken_{false};
  struct Lost {
    std::uint64_t first = 0, last = 0;
  };
  /// Where in the log groups of commits end that are not in the file yet: the last commit, and the
  /// frames up to it.
  std::deque<std::pair<std::uint64_t, std::uint32_t>> group_ends_ GUARDED_BY(state_mutex_);
  std::uint32_t backfilled_frames_ GUARDED_BY(state_mutex_) = 0;
  std::vector<Lost> lost_ GUARDED_BY(state_mutex_);  ///< that pinned snapshots build on
  std::atomic<std::uint64_t> losses_{0};             ///< how often commits were lost
  std::atomic<bool> is_full_{false};                 ///< the last commit found no space

  // Of the leader, and of whoever closes.
  WalHeader wal_header_;
  std::optional<WalChecksumChain> chain_;
  WalChecksum wal_checksum_;
  bool wal_started_ = false;     ///< the header is written
  bool writes_durably_ = false;  ///< groups are synced by durable writes where that will do
  bool sync_failed_ = false;     ///< in the flush that is under way
  std::atomic<std::uint32_t> wal_frames_{0};
  /// The log is at least so long as a file: frames, what is left of older ones, zeros.
  std::atomic<std::uint64_t> log_bytes_{0};
  std::atomic<std::uint32_t> frames_at_checkpoint_{0};  ///< when the last one was started
  std::vector<std::uint8_t> frame_headers_;
  std::uint32_t frames_at_wait_ = 0;  ///< when the log could not be bounded

  mutable Mutex wal_mutex_;
  std::uint32_t wal_reads_ GUARDED_BY(wal_mutex_) = 0;

  std::atomic<std::uint64_t> backfilled_seq_{0};

  // What is durable already.
  std::atomic<std::uint64_t> log_synced_seq_{0};  ///< commits up to this one are, in the log
  std::atomic<bool> file_unsynced_{false};        ///< and no checkpoint would write that again
  std::atomic<bool> file_name_synced_{false};
  std::atomic<bool> log_name_synced_{false};

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> commit_groups_{0};
  std::atomic<std::uint64_t> log_syncs_{0};
  std::atomic<std::uint64_t> frames_written_{0};
  std::atomic<std::uint64_t> checkpoints_{0};
  std::atomic<std::uint64_t> pages_read_{0};
  std::atomic<std::uint32_t> transactions_{0};
};

}  // namespace saturn::storage
