#include "pager_transaction.hpp"

#include "storage/auto_vacuum.hpp"
#include "storage/freelist.hpp"

#include <cstring>

namespace saturn::storage {

PagerTransaction::PagerTransaction(Pager& pager, const Pager::Snapshot& snapshot, bool writable)
    : pager_(pager),
      snapshot_(snapshot.seq),
      page_count_(snapshot.page_count),
      auto_vacuum_(snapshot.auto_vacuum),
      writable_(writable),
      losses_(snapshot.losses) {}

PagerTransaction::~PagerTransaction() { rollback(); }

/// Gives up the snapshot and the turn.
void PagerTransaction::end() noexcept {
  if (!active_) return;
  active_ = false;
  forget_recent();
  dirty_.clear();
  savepoints_.clear();
  pager_.unpin(snapshot_);
  if (writable_) pager_.writer_.unlock();
  pager_.transactions_.fetch_sub(1);
}

void PagerTransaction::rollback() noexcept { end(); }

Result<PageRef> PagerTransaction::read(PageNo page) {
  if (page == 0 || page > page_count_) return corrupt_error(page, 0, "page number");
  ++pages_read_;
  if (!dirty_.empty()) {
    if (DirtyPage* found = find_dirty(page)) return found->pin();
  }
  return fetch(page);
}

void PagerTransaction::prefetch(std::span<const PageNo> pages) {
  std::array<PageNo, limits::kReadAheadPages> wanted;
  std::size_t count = 0;
  for (const PageNo page : pages) {
    if (count == wanted.size()) break;
    if (page == 0 || page > page_count_ || find_dirty(page) != nullptr) continue;
    wanted[count++] = page;
  }
  pages_ahead_ += pager_.prefetch(std::span(wanted).first(count), snapshot_);
}

/// A commit that is lost takes its versions with it, and what is found then is an older page.
Result<PageRef> PagerTransaction::fetch(PageNo page) {
  PageRef found = TRY(pager_.fetch(page, snapshot_, &misses_));
  TRY(pager_.check_kept(snapshot_, &losses_));
  return found;
}

/// Null when the transaction has not changed the page.
DirtyPage* PagerTransaction::find_dirty(PageNo page) {
  DirtyPage*& recent = recent_[page % recent_.size()];
  if (recent != nullptr && recent->number == page) return recent;
  const auto found = dirty_.find(page);
  if (found == dirty_.end()) return nullptr;
  recent = found->second.get();
  return recent;
}

/// `now`: what the page is, null if it was not changed yet.
void PagerTransaction::remember(PageNo page, DirtyPage* now) {
  if (savepoints_.empty()) return;
  const std::uint64_t savepoint = savepoints_.back().number;
  if (now != nullptr && std::exchange(now->remembered_by, savepoint) == savepoint) return;
  auto& before = savepoints_.back().before;
  if (before.contains(page)) return;
  std::unique_ptr<std::uint8_t[]> image;
  if (now != nullptr) {
    image = std::make_unique_for_overwrite<std::uint8_t[]>(page_size());
    std::memcpy(image.get(), now->bytes.get(), page_size());
  }
  before.emplace(page, std::move(image));
}

/// `fresh`: nothing of the old bytes is wanted.
Result<std::uint8_t*> PagerTransaction::make_private(PageNo page, bool fresh) {
  if (DirtyPage* found = find_dirty(page)) {
    remember(page, found);
    return found->bytes.get();
  }
  if ((dirty_.size() + 1) * std::uint64_t{page_size()} > limits::kDirtyBytesMax) {
    return Error(Code::full, "the transaction changes too many pages");
  }
  DirtyPagePtr copy(new DirtyPage(page, page_size()));
  if (fresh) {
    std::memset(copy->bytes.get(), 0, page_size());
  } else {
    const PageRef old = TRY(fetch(page));
    std::memcpy(copy->bytes.get(), old.data(), page_size());
  }
  remember(page, nullptr);
  if (!savepoints_.empty()) copy->remembered_by = savepoints_.back().number;
  std::uint8_t* bytes = copy->bytes.get();
  dirty_.emplace(page, std::move(copy));
  return bytes;
}

Result<std::uint8_t*> PagerTransaction::write(PageNo page) {
  if (!writable_) return Error(Code::readonly);
  if (page == 0 || page > page_count_) return corrupt_error(page, 0, "page number");
  return make_private(page, false);
}

Result<PageNo> PagerTransaction::allocate() {
  if (!writable_) return Error(Code::readonly);
  const PageNo reused = TRY(freelist_take(*this));
  if (reused != 0) {
    TRY(make_private(reused, true));
    return reused;
  }
  const PageNo page = next_page_past_end(page_count_, page_size(), usable_size(), auto_vacuum());
  if (page > pager_.page_count_max_.load()) return Error(Code::full);
  // Pages that are stepped over, pointer maps and the lock-byte page, come into being as zeros.
  for (PageNo between = page_count_ + 1; between <= page; ++between) {
    page_count_ = between;
    if (between == lock_byte_page(page_size())) continue;
    TRY(make_private(between, true));
  }
  TRY(make_private(1, false));
  return page;
}

Result<void> PagerTransaction::free_page(PageNo page) {
  if (!writable_) return Error(Code::readonly);
  TRY(freelist_put(*this, page));
  if (auto_vacuum()) return set_pointer_map(page, PointerType::free, 0);
  return {};
}

Result<void> PagerTransaction::shrink(PageNo page_count) {
  if (!writable_) return Error(Code::readonly);
  ASSERT(page_count >= 1);
  ASSERT(page_count <= page_count_);
  TRY(make_private(1, false));
  forget_recent();
  std::erase_if(dirty_, [&](const auto& entry) {
    if (entry.first <= page_count) return false;
    remember(entry.first, entry.second.get());
    return true;
  });
  page_count_ = page_count;
  return {};
}

Result<void> PagerTransaction::set_pointer_map(PageNo page, PointerType type, PageNo parent) {
  return write_pointer_map(*this, page, type, parent);
}

/// The old pages are not even read.
Result<void> PagerTransaction::replace(Image& image) {
  if (!writable_) return Error(Code::readonly);
  ASSERT(image.page_size() == page_size());
  ASSERT(savepoints_.empty());
  note_all_trees_changed();
  forget_recent();
  dirty_.clear();
  page_count_ = image.page_count();
  for (PageNo page = 1; page <= page_count_; ++page) {
    if (page == lock_byte_page(page_size())) continue;
    dirty_.emplace(page, DirtyPagePtr(new DirtyPage(page, image.take(page))));
  }
  auto_vacuum_ = image.auto_vacuum();
  return {};
}

Result<void> PagerTransaction::make_writable(io::Clock::time_point deadline) {
  ASSERT(active_);
  if (writable_) return {};
  if (pager_.options_.read_only) return Error(Code::readonly);
  {
    // Waiting would not help a snapshot that is old already.
    MutexLock lock(pager_.state_mutex_);
    if (pager_.handed_seq_ != snapshot_) return Error(Code::busy_snapshot, "database is locked");
  }
  if (!pager_.writer_.lock_until(deadline)) return Error(Code::busy);
  Result<void> ready;
  if (pager_.is_broken_.load()) {
    ready = pager_.broken_error();
  } else {
    bool stale = false;
    {
      MutexLock lock(pager_.state_mutex_);
      stale = pager_.handed_seq_ != snapshot_;
    }
    ready = stale ? Result<void>(Error(Code::busy_snapshot, "database is locked"))
                  : pager_.ensure_wal_mode();
  }
  if (!ready) {
    pager_.writer_.unlock();
    return ready;
  }
  writable_ = true;
  return {};
}

Result<void> PagerTransaction::stamp_header() {
  DatabaseHeader now = TRY(header());
  now.stamp(page_count_);
  now.sqlite_version = DatabaseHeader::kSqliteVersion;
  std::uint8_t* page = TRY(make_private(1, false));
  now.encode({page, page_size()});
  return {};
}

/// The last changes of a transaction that commits.
Result<void> PagerTransaction::finish_pages() {
  if (auto_vacuum_) {
    const DatabaseHeader now = TRY(header());
    if (now.incremental_vacuum == 0) TRY(vacuum_fully(*this));
  }
  // In WAL mode the change counter moves when page 1 changes anyhow: when the database grows, its
  // freelist or its header's fields change.
  return dirty_.contains(1) ? stamp_header() : Result<void>();
}

Result<void> PagerTransaction::commit() {
  ASSERT(active_);
  if (!writable_ || dirty_.empty()) {
    // What it read may have been another's commit that is not durable yet.
    if (std::exchange(writable_, false)) pager_.writer_.unlock();
    Result<void> durable = pager_.wait_durable(snapshot_);
    end();
    return durable;
  }
  Result<void> finished = finish_pages();
  if (!finished) {
    end();
    return finished;
  }
  PendingCommit commit;
  commit.base = snapshot_;
  commit.page_count = page_count_;
  commit.auto_vacuum = auto_vacuum_;
  commit.synchronous = synchronous_.value_or(pager_.synchronous());
  commit.pages.reserve(dirty_.size());
  for (auto& [number, page] : dirty_) commit.pages.push_back(std::move(page));
  Result<void> handed = pager_.hand_over(commit);
  end();
  TRY(std::move(handed));
  return pager_.wait_flushed(commit);
}

// --- savepoints ----------------------------------------------------------------------------------

std::size_t PagerTransaction::savepoint() {
  ASSERT(writable_);
  savepoints_.push_back({++savepoints_made_, page_count_, auto_vacuum_, {}});
  return savepoints_.size();
}

Result<void> PagerTransaction::rollback_to(std::size_t depth) {
  ASSERT(depth >= 1 && depth <= savepoints_.size());
  forget_recent();
  while (savepoints_.size() >= depth) {
    Savepoint& top = savepoints_.back();
    for (auto& [page, image] : top.before) {
      if (image) {
        DirtyPagePtr& dirty = dirty_[page];
        // A page that was cut off since is back.
        if (!dirty) dirty = DirtyPagePtr(new DirtyPage(page, page_size()));
        std::memcpy(dirty->bytes.get(), image.get(), page_size());
      } else {
        dirty_.erase(page);
      }
    }
    page_count_ = top.page_count;
    auto_vacuum_ = top.auto_vacuum;
    if (savepoints_.size() == depth) {
      top.before.clear();
      top.number = ++savepoints_made_;
      break;
    }
    savepoints_.pop_back();
  }
  note_all_trees_changed();
  return {};
}

void PagerTransaction::release(std::size_t depth) noexcept {
  if (depth == 0 || depth > savepoints_.size()) return;
  while (savepoints_.size() >= depth) {
    Savepoint top = std::move(savepoints_.back());
    savepoints_.pop_back();
    if (savepoints_.empty()) continue;
    // The one below has to undo these too, unless it remembers an older state.
    savepoints_.back().before.merge(top.before);
  }
}

// --- header and durability -----------------------------------------------------------------------

Result<void> PagerTransaction::wait_durable() {
  if (!writable_) return {};
  return pager_.wait_durable(snapshot_);
}

Result<DatabaseHeader> PagerTransaction::header() {
  const PageRef page = TRY(read(1));
  return DatabaseHeader::decode({page.data(), DatabaseHeader::kBytes});
}

Result<void> PagerTransaction::set_header(const DatabaseHeader& changed) {
  DatabaseHeader header_now = TRY(header());
  header_now.schema_cookie = changed.schema_cookie;
  header_now.schema_format = changed.schema_format;
  header_now.default_cache_size = changed.default_cache_size;
  header_now.largest_root = changed.largest_root;
  header_now.text_encoding_field = changed.text_encoding_field;
  header_now.user_version = changed.user_version;
  header_now.incremental_vacuum = changed.incremental_vacuum;
  header_now.application_id = changed.application_id;
  std::uint8_t* page = TRY(write(1));
  header_now.encode({page, page_size()});
  auto_vacuum_ = header_now.auto_vacuum();
  return {};
}

}  // namespace saturn::storage
