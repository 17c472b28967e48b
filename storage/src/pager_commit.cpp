#include "base/log.hpp"
#include "base/text.hpp"
#include "io/worker.hpp"
#include "pager.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>

// The commit pipeline. `hand_over` runs with the writer's turn and is short; `wait_flushed` runs
// without it, and whoever finds nobody flushing leads.

namespace saturn::storage {
namespace {

/// The log's length, in checkpoint_pages(), at which commits wait for a checkpoint.
constexpr std::uint32_t kLogLimits = 4;
/// How long such a checkpoint waits for readers of older snapshots, for each checkpoint_pages() of
/// the log: 40 ms at 4,000 frames, 1 s at 100,000.
constexpr auto kReaderPatience = std::chrono::milliseconds(10);

}  // namespace

/// Gives the commit its number, and its pages to whoever builds on top. Never suspends.
Result<void> Pager::hand_over(PendingCommit& commit) {
  MutexLock lock(state_mutex_);
  if (broken_) return broken_->clone();
  if (commit.base != handed_seq_) return lost_error();
  commit.seq = handed_seq_ = ++last_seq_;
  handed_pages_ = commit.page_count;
  handed_auto_vacuum_ = commit.auto_vacuum;
  for (DirtyPagePtr& page : commit.pages) {
    page->seq = commit.seq;
    versions_.add_pending(page, durable_seq_);
  }
  pending_.push_back(&commit);
  return {};
}

/// Returns when the commit is in the log and synced as asked for, or has failed.
Result<void> Pager::wait_flushed(PendingCommit& commit) {
  bool leads = false;
  {
    MutexLock lock(state_mutex_);
    // Another leader may have taken it between its being handed over and now.
    if (!flushing_ && !commit.answered) {
      flushing_ = true;
      leads = true;
    }
  }
  if (!leads) {
    commit.done.wait();
    leads = commit.leads;
  }
  if (leads) {
    commit.leads = false;
    lead();
  }
  if (commit.failed) return std::move(*commit.failed);
  commits_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

/// Flushes what is pending, the caller's commit with it, and passes the lead on.
void Pager::lead() {
  std::vector<PendingCommit*> group;
  {
    MutexLock lock(state_mutex_);
    std::uint64_t bytes = 0;
    while (!pending_.empty() && group.size() < limits::kCommitGroupMax) {
      bytes += pending_.front()->pages.size() * std::uint64_t{page_size_};
      if (!group.empty() && bytes > limits::kCommitGroupBytesMax) break;
      group.push_back(pending_.front());
      pending_.pop_front();
    }
  }
  // The caller was the first in the queue, so it is in the group and is answered with it.
  ASSERT(!group.empty());
  sync_failed_ = false;
  Result<void> flushed = flush_group(group);
  if (!flushed) {
    Error error = std::move(flushed).error();
    log::error(cat("writing the log of ", path_, " failed: ", error.message()));
    bool breaks = error.code() != Code::full || sync_failed_;
    if (!breaks) {
      Result<void> cut = cut_off_tail();
      breaks = !cut;
      error = cut ? Error(Code::full, "database or disk is full", error.sys_errno())
                  : std::move(cut).error();
    }
    fail_pending(error, group, breaks);
    // Once all of the log is in the file it starts over, in the room that it has.
    if (!breaks) start_background_checkpoint(0);
    return;
  }
  finish_group(group);
}

// --- groups --------------------------------------------------------------------------------------

/// The frames can be read now: their pages' versions are in the log, and their images cached.
void Pager::publish_group(std::span<const DirtyPagePtr> pages, std::uint32_t first_frame) {
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const DirtyPage& page = *pages[i].get();
    Result<PrivatePage> image = cache_->reserve();
    if (image) {
      std::memcpy(image->data(), page.bytes.get(), page_size_);
      PageRef published = cache_->publish(std::move(*image), page.number, page.seq);
    }
    versions_.set_frame(page.number, page.seq, first_frame + static_cast<std::uint32_t>(i));
  }
}

/// Before a group is written: when the log has become long, copies all of it into the file, so that
/// it starts over. A checkpoint in the background is never quite done while commits come in, and
/// among readers that overlap there is always one with an older snapshot. Here no commit comes in,
/// new readers have the last snapshot, and the older ones are waited for: the longer the log, the
/// longer, so that in the end it starts over, however long readers take.
void Pager::bound_log() {
  const std::uint32_t limit = checkpoint_pages_.load();
  const std::uint32_t frames = wal_frames_.load();
  if (limit == 0 || frames <= std::uint64_t{limit} * kLogLimits) return;
  if (frames < frames_at_wait_ + std::uint64_t{limit}) return;
  std::uint64_t durable = 0;
  {
    MutexLock lock(state_mutex_);
    durable = durable_seq_;
  }
  const auto patience = kReaderPatience * (frames / limit);
  const bool drained = wait_for_readers(durable, io::Clock::now() + patience);
  checkpoint_mutex_.lock();
  Result<void> copied = backfill();
  checkpoint_mutex_.unlock();
  const bool whole = drained && copied && backfilled_seq_.load() >= durable;
  frames_at_wait_ = whole ? 0 : frames;
  if (!copied) log::warn(cat("checkpoint of ", path_, " failed: ", copied.message()));
}

Result<void> Pager::flush_group(std::span<PendingCommit* const> group) {
  std::vector<DirtyPagePtr> pages;
  if (group.size() == 1) {
    pages = group[0]->pages;
  } else {
    std::unordered_map<PageNo, std::size_t> place;
    for (PendingCommit* commit : group) {
      for (const DirtyPagePtr& page : commit->pages) {
        const auto [found, is_new] = place.emplace(page->number, pages.size());
        if (is_new) {
          pages.push_back(page);
        } else {
          pages[found->second] = page;
        }
      }
    }
  }
  std::sort(pages.begin(), pages.end(),
            [](const DirtyPagePtr& a, const DirtyPagePtr& b) { return a->number < b->number; });
  bound_log();
  if (wal_frames_.load() == 0 || try_restart()) TRY(start_log());
  const std::uint32_t first = wal_frames_.load() + 1;
  const bool syncs = std::any_of(group.begin(), group.end(), [](const PendingCommit* commit) {
    return commit->synchronous == Synchronous::full;
  });
  TRY(write_frames(pages, *group.back(), syncs));
  wal_frames_.fetch_add(static_cast<std::uint32_t>(pages.size()));
  publish_group(pages, first);
  commit_groups_.fetch_add(1, std::memory_order_relaxed);
  return {};
}

/// Answers the group, and wakes who is to lead the next one.
void Pager::finish_group(std::span<PendingCommit* const> group) {
  is_full_.store(false);
  std::vector<io::Event*> wake;
  {
    MutexLock lock(state_mutex_);
    durable_seq_ = group.back()->seq;
    durable_pages_ = group.back()->page_count;
    durable_auto_vacuum_ = group.back()->auto_vacuum;
    group_ends_.emplace_back(durable_seq_, wal_frames_.load());
    for (PendingCommit* commit : group) commit->answered = true;
    while (!waiters_.empty() && waiters_.begin()->first <= durable_seq_) {
      wake.push_back(&waiters_.begin()->second->done);
      waiters_.erase(waiters_.begin());
    }
    if (pending_.empty()) {
      flushing_ = false;
    } else {
      pending_.front()->leads = true;
      wake.push_back(&pending_.front()->done);
    }
  }
  const std::uint32_t limit = checkpoint_pages_.load();
  if (limit != 0) start_background_checkpoint(limit);
  for (PendingCommit* commit : group) commit->done.set();
  for (io::Event* event : wake) event->set();
}

/// No more commits are taken.
void Pager::break_down(const Error& error) {
  MutexLock lock(state_mutex_);
  if (!broken_) broken_ = error.clone();
  is_broken_.store(true);
}

/// Nothing of the group, nor of what was built on it, is in the database. `breaks`: nor will
/// anything be that is to come.
void Pager::fail_pending(const Error& error, std::span<PendingCommit* const> group, bool breaks) {
  std::vector<PendingCommit*> failed(group.begin(), group.end());
  std::vector<io::Event*> wake;
  {
    MutexLock lock(state_mutex_);
    if (breaks && !broken_) broken_ = error.clone();
    if (breaks) is_broken_.store(true);
    is_full_.store(!breaks);
    failed.insert(failed.end(), pending_.begin(), pending_.end());
    pending_.clear();
    for (PendingCommit* commit : failed) commit->answered = true;
    flushing_ = false;
    std::erase_if(lost_, [&](const Lost& lost) {
      const auto pin = pins_.lower_bound(lost.first);
      return pin == pins_.end() || pin->first > lost.last;
    });
    lost_.push_back({durable_seq_ + 1, last_seq_});
    losses_.fetch_add(1, std::memory_order_release);
    handed_seq_ = durable_seq_;
    handed_pages_ = durable_pages_;
    handed_auto_vacuum_ = durable_auto_vacuum_;
    versions_.drop_pending(durable_seq_);
    for (const auto& [seq, waiter] : waiters_) {
      waiter->failed = lost_error();
      wake.push_back(&waiter->done);
    }
    waiters_.clear();
  }
  for (PendingCommit* commit : failed) commit->failed = error.clone();
  for (PendingCommit* commit : failed) commit->done.set();
  for (io::Event* event : wake) event->set();
}

Result<void> Pager::wait_durable(std::uint64_t seq) {
  DurableWaiter waiter;
  {
    MutexLock lock(state_mutex_);
    if (is_lost(seq) || seq > handed_seq_) return lost_error();
    if (seq <= durable_seq_) return {};
    waiters_.emplace(seq, &waiter);
  }
  waiter.done.wait();
  if (waiter.failed) return std::move(*waiter.failed);
  return {};
}

/// If the log has grown by so many frames since the last one.
void Pager::start_background_checkpoint(std::uint32_t frames_since) {
  const std::uint32_t frames = wal_frames_.load();
  if (frames < frames_at_checkpoint_.load() + std::uint64_t{frames_since}) return;
  io::Worker* worker = io::Worker::current();
  if (worker == nullptr || checkpoint_queued_.exchange(true)) return;
  frames_at_checkpoint_.store(frames);
  worker->spawn([this] {
    checkpoint_mutex_.lock();
    Result<void> copied = backfill();
    checkpoint_mutex_.unlock();
    if (!copied) log::warn(cat("checkpoint of ", path_, " failed: ", copied.message()));
    checkpoint_queued_.store(false);
  });
}

}  // namespace saturn::storage
