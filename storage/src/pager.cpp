#include "pager.hpp"

#include "base/log.hpp"
#include "base/text.hpp"
#include "pager_transaction.hpp"

#include <algorithm>
#include <cerrno>

namespace saturn::storage {

Pager::Pager(io::Vfs& vfs, std::string path, const DatabaseOptions& options)
    : vfs_(vfs),
      path_(std::move(path)),
      wal_path_(path_ + "-wal"),
      options_(options),
      synchronous_(options.synchronous),
      checkpoint_pages_(options.checkpoint_pages) {}

Pager::~Pager() {
  // A checkpoint in the background has a pointer to this: wait for it.
  while (checkpoint_queued_.load()) io::sleep_for(std::chrono::milliseconds(1));
  ASSERT(transactions_.load() == 0);
}

namespace {

/// Whether a file could not be opened because it may only be read.
bool may_only_be_read(const Error& error) {
  const int why = error.sys_errno();
  return error.code() == Code::cantopen && (why == EROFS || why == EACCES || why == EPERM);
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(io::Vfs& vfs, std::string path,
                                                 const DatabaseOptions& options) {
  auto pager = std::make_unique<Pager>(vfs, path, options);
  Result<void> opened = pager->open_file();
  if (opened) return std::unique_ptr<Database>(std::move(pager));
  Error error = std::move(opened).error();
  if (options.read_only || !may_only_be_read(error)) return error;
  DatabaseOptions reading = options;
  reading.read_only = true;
  pager = std::make_unique<Pager>(vfs, path, reading);
  // What does not open that way either fails for the first reason.
  if (!pager->open_file()) return error;
  log::warn(cat(path, " is opened read-only: ", error.message()));
  return std::unique_ptr<Database>(std::move(pager));
}

void Pager::expect_synchronous(Synchronous mode) noexcept {
  Synchronous before = expected_.load();
  while (before < mode && !expected_.compare_exchange_weak(before, mode)) {
  }
}

/// Whether anybody's commits may not be lost in any order.
bool Pager::keeps_order() const noexcept {
  return synchronous_.load() != Synchronous::off || expected_.load() != Synchronous::off;
}

std::uint32_t Pager::set_page_count_max(std::uint32_t pages) noexcept {
  if (pages != 0) page_count_max_.store(std::min(pages, limits::kPageCountMax));
  return page_count_max_.load();
}

DatabaseStats Pager::stats() const {
  DatabaseStats stats;
  const PageCache::Stats cache = cache_->stats();
  stats.commits = commits_.load();
  stats.commit_groups = commit_groups_.load();
  stats.log_syncs = log_syncs_.load();
  stats.log_frames_written = frames_written_.load();
  stats.checkpoints = checkpoints_.load();
  stats.pages_read = pages_read_.load();
  stats.cache_hits = cache.hits;
  stats.cache_misses = cache.misses;
  stats.log_bytes = wal_frames_.load() == 0
                        ? 0
                        : kWalHeaderBytes + std::uint64_t{wal_frames_.load()} *
                                                (kWalFrameHeaderBytes + page_size_);
  stats.page_size = page_size_;
  return stats;
}

WriteState Pager::write_state() const {
  if (options_.read_only) return {WriteState::Kind::read_only, "the database was opened read-only"};
  if (is_broken_.load()) return {WriteState::Kind::broken, broken_error().message()};
  if (is_full_.load()) return {WriteState::Kind::full, "the disk had no space for the last commit"};
  return {};
}

Error Pager::broken_error() const {
  MutexLock lock(state_mutex_);
  return lost_error();
}

/// Why a commit, or what was built on it, is not in the database.
Error Pager::lost_error() const {
  if (!broken_) return Error(Code::full, "database or disk is full");
  return Error(broken_->code(),
               cat("the log could not be written, and the database takes no more changes until it "
                   "is opened again: ",
                   broken_->message()),
               broken_->sys_errno());
}

bool Pager::is_lost(std::uint64_t seq) const {
  return std::any_of(lost_.begin(), lost_.end(),
                     [&](const Lost& lost) { return lost.first <= seq && seq <= lost.last; });
}

Result<void> Pager::check_kept(std::uint64_t seq, std::uint64_t* losses) const {
  const std::uint64_t now = losses_.load(std::memory_order_acquire);
  if (now == *losses) return {};
  MutexLock lock(state_mutex_);
  if (is_lost(seq)) return lost_error();
  *losses = now;
  return {};
}

// --- snapshots -----------------------------------------------------------------------------------

/// The snapshot of a transaction that begins.
Result<Pager::Snapshot> Pager::pin_durable() {
  MutexLock lock(state_mutex_);
  if (remaking_) return Error(Code::busy);
  ++pins_[durable_seq_];
  transactions_.fetch_add(1);
  return Snapshot{durable_seq_, durable_pages_, durable_auto_vacuum_, losses_.load()};
}

Result<Pager::Snapshot> Pager::pin_handed() {
  MutexLock lock(state_mutex_);
  if (remaking_) return Error(Code::busy);
  ++pins_[handed_seq_];
  transactions_.fetch_add(1);
  return Snapshot{handed_seq_, handed_pages_, handed_auto_vacuum_, losses_.load()};
}

void Pager::unpin(std::uint64_t seq) noexcept {
  std::vector<io::Event*> wake;
  {
    MutexLock lock(state_mutex_);
    const auto found = pins_.find(seq);
    ASSERT(found != pins_.end());
    if (--found->second != 0) return;
    pins_.erase(found);
    while (!drains_.empty() && (pins_.empty() || drains_.begin()->first <= pins_.begin()->first)) {
      wake.push_back(drains_.begin()->second);
      drains_.erase(drains_.begin());
    }
  }
  for (io::Event* event : wake) event->set();
}

bool Pager::wait_for_readers(std::uint64_t seq, io::Clock::time_point deadline) {
  io::Event drained;
  {
    MutexLock lock(state_mutex_);
    if (pins_.empty() || pins_.begin()->first >= seq) return true;
    drains_.emplace(seq, &drained);
  }
  if (drained.wait_until(deadline)) return true;
  {
    MutexLock lock(state_mutex_);
    const auto [first, end] = drains_.equal_range(seq);
    const auto mine =
        std::find_if(first, end, [&](const auto& entry) { return entry.second == &drained; });
    if (mine != end) {
      drains_.erase(mine);
      return false;
    }
  }
  // Somebody is about to set it.
  drained.wait();
  return true;
}

Result<std::unique_ptr<Transaction>> Pager::begin_read() {
  const Snapshot snapshot = TRY(pin_durable());
  return std::unique_ptr<Transaction>(std::make_unique<PagerTransaction>(*this, snapshot, false));
}

Result<std::unique_ptr<Transaction>> Pager::begin_write(io::Clock::time_point deadline) {
  if (options_.read_only) return Error(Code::readonly);
  if (!writer_.lock_until(deadline)) return Error(Code::busy);
  if (is_broken_.load()) {
    writer_.unlock();
    return broken_error();
  }
  Result<void> ready = ensure_wal_mode();
  if (!ready) {
    writer_.unlock();
    return std::move(ready).error();
  }
  Result<Snapshot> snapshot = pin_handed();
  if (!snapshot) {
    writer_.unlock();
    return std::move(snapshot).error();
  }
  return std::unique_ptr<Transaction>(std::make_unique<PagerTransaction>(*this, *snapshot, true));
}

}  // namespace saturn::storage
