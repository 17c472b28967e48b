#include "base/text.hpp"
#include "pager.hpp"

#include <algorithm>
#include <chrono>

// Checkpoints: versions in the log are copied into the file, as far as no snapshot needs what they
// overwrite there.

namespace saturn::storage {
namespace {

/// Pages that are read and written together: so many, and no more than a part of the cache, whose
/// other pages are for readers.
constexpr std::size_t kCopyPages = 64;
constexpr std::size_t kCopyPartOfCache = 4;
/// How long a checkpoint keeps the writer's turn while it waits for readers.
constexpr auto kTurnSlice = std::chrono::milliseconds(10);

}  // namespace

Result<void> Pager::copy_pages(std::span<const VersionTable::Located> pages) {
  const std::size_t together =
      std::min<std::size_t>(kCopyPages, cache_->stats().frames_max / kCopyPartOfCache);
  std::vector<PageRef> pins;
  std::vector<ByteSpan> buffers;
  const auto write_run = [&](PageNo first) -> Result<void> {
    if (buffers.empty()) return {};
    TRY(file_->writev(std::uint64_t{first - 1} * page_size_, buffers));
    buffers.clear();
    pins.clear();
    return {};
  };
  PageNo first = 0;
  for (const VersionTable::Located& located : pages) {
    const bool continues = !buffers.empty() && located.page == first + buffers.size();
    if (!continues || buffers.size() == together) {
      TRY(write_run(first));
      first = located.page;
    }
    // The version is what a snapshot of its own number sees.
    pins.push_back(TRY(fetch(located.page, located.seq)));
    buffers.emplace_back(pins.back().data(), page_size_);
  }
  return write_run(first);
}

/// Makes durable whatever is in the file and in the log no more, and the commits up to `seq` in the
/// log; and that they are no more in a log that `off` has cut off. A failed sync may have lost
/// either.
Result<void> Pager::settle_commits(std::uint64_t seq) {
  Result<void> synced = sync_file();
  if (synced) synced = sync_log(seq);
  if (!synced) {
    Error error = std::move(synced).error();
    break_down(error);
    return error;
  }
  return {};
}

/// Lets the file end behind its last page, or leaves that to a later checkpoint when a backup has
/// still to take pages there.
Result<void> Pager::cut_file(PageNo page_count) {
  const std::uint64_t size = TRY(file_->size());
  const std::uint64_t wanted = std::uint64_t{page_count} * page_size_;
  is_cut_owed_ = size > wanted && backups_need_pages_behind(page_count);
  return size > wanted && !is_cut_owed_ ? file_->truncate(wanted) : Result<void>();
}

/// Copies what may be copied, or nothing when that is too much for a backup to keep. Called with
/// checkpoint_mutex_ held. Never blocks readers or writers.
Result<void> Pager::backfill() {
  std::uint64_t target = 0;
  std::uint64_t durable = 0;
  PageNo page_count = 0;
  {
    MutexLock lock(state_mutex_);
    durable = durable_seq_;
    target = pins_.empty() ? durable : std::min(durable, pins_.begin()->first);
    page_count = durable_pages_;
    // The versions that are copied must stay where they are until then.
    ++pins_[target];
  }
  const std::uint64_t done = backfilled_seq_.load();
  Result<void> outcome;
  const bool syncs = keeps_order();
  if (syncs) outcome = settle_commits(durable);
  if (outcome && (target > done || is_cut_owed_)) {
    bool postponed = false;
    outcome = [&]() -> Result<void> {
      if (syncs) TRY(sync_log_name());
      std::vector<VersionTable::Located> pages = versions_.to_copy(target, done);
      postponed = !TRY(keep_for_backups(pages));
      if (postponed) return {};
      TRY(copy_pages(pages));
      if (target == durable) TRY(cut_file(page_count));
      if (syncs) {
        TRY(file_->sync(io::SyncMode::data));
      } else {
        file_unsynced_.store(true);
      }
      for (const VersionTable::Located& page : pages) versions_.trim(page.page, target);
      return {};
    }();
    if (outcome && !postponed) {
      MutexLock lock(state_mutex_);
      backfilled_seq_.store(target);
      while (!group_ends_.empty() && group_ends_.front().first <= target) {
        backfilled_frames_ = group_ends_.front().second;
        group_ends_.pop_front();
      }
      checkpoints_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  unpin(target);
  return outcome;
}

/// Before a group is written: lets the log start over when nobody needs what is in it. True when
/// the header has to be written anew.
bool Pager::try_restart() {
  MutexLock reads(wal_mutex_);
  if (wal_reads_ != 0) return false;
  MutexLock state(state_mutex_);
  if (backfilled_seq_.load() != durable_seq_) return false;
  versions_.settle_in_file(durable_seq_);
  ASSERT(group_ends_.empty());
  backfilled_frames_ = 0;
  wal_frames_.store(0);
  frames_at_checkpoint_.store(0);
  frames_at_wait_ = 0;
  return true;
}

/// Takes the writer's turn at a moment when everything is durable and no reader has an older
/// snapshot; at the deadline also while one has. False, without the turn, when that could not be
/// had.
Result<bool> Pager::take_quiet_turn(io::Clock::time_point deadline) {
  for (;;) {
    if (!writer_.lock_until(deadline)) return false;
    std::uint64_t handed = 0;
    {
      MutexLock lock(state_mutex_);
      handed = handed_seq_;
    }
    Result<void> durable = wait_durable(handed);
    if (!durable) {
      writer_.unlock();
      return std::move(durable).error();
    }
    const io::Clock::time_point now = io::Clock::now();
    if (wait_for_readers(handed, std::min(deadline, now + kTurnSlice))) return true;
    if (now >= deadline) return true;
    // The reader may itself wait for the turn, to be told that its snapshot is too old to write on.
    writer_.unlock();
  }
}

Result<CheckpointResult> Pager::checkpoint(CheckpointMode mode, io::Clock::time_point deadline) {
  CheckpointResult result;
  if (options_.read_only) return result;
  if (is_broken_.load()) return broken_error();
  const bool waits = mode != CheckpointMode::passive;
  const bool has_turn = waits && TRY(take_quiet_turn(deadline));
  result.busy = waits && !has_turn;
  checkpoint_mutex_.lock();
  Result<void> copied = backfill();
  result.log_frames = wal_frames_.load();
  {
    MutexLock lock(state_mutex_);
    result.checkpointed_frames = backfilled_frames_;
    if (backfilled_seq_.load() != durable_seq_) result.busy = waits;
  }
  if (copied && has_turn && mode == CheckpointMode::truncate && !result.busy && try_restart()) {
    copied = wal_ ? wal_->truncate(0) : Result<void>();
    log_bytes_.store(0);
    result.log_frames = result.checkpointed_frames = 0;
  }
  checkpoint_mutex_.unlock();
  if (has_turn) writer_.unlock();
  TRY(std::move(copied));
  return result;
}

}  // namespace saturn::storage
