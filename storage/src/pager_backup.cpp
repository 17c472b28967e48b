#include "pager_backup.hpp"

#include <algorithm>
#include <cstring>

// Online backups: pages of one snapshot, which is not pinned. Checkpoints overwrite what a backup
// has still to take, and keep it for the backup first.

namespace saturn::storage {

PagerBackup::PagerBackup(Pager& pager) : pager_(pager) { pager_.transactions_.fetch_add(1); }

PagerBackup::~PagerBackup() {
  pager_.backup_mutex_.lock();
  std::erase(pager_.backups_, this);
  pager_.backup_mutex_.unlock();
  pager_.transactions_.fetch_sub(1);
}

std::uint32_t PagerBackup::page_size() const noexcept { return pager_.page_size_; }

/// How many pages from `next_` on are kept, or not kept, one like the other, up to `most`.
PageNo PagerBackup::run_length(bool is_kept, PageNo most) const {
  PageNo n = 0;
  while (n < most && kept_.contains(next_ + n) == is_kept) ++n;
  return n;
}

Result<std::size_t> PagerBackup::read(MutableByteSpan out) {
  ASSERT(out.size() >= page_size());
  const auto room = static_cast<PageNo>(std::min<std::size_t>(out.size() / page_size(), kPagesMax));
  pager_.backup_mutex_.lock();
  Result<PageNo> taken = take(out, std::min(room, page_count_ + 1 - next_));
  pager_.backup_mutex_.unlock();
  return TRY(std::move(taken)) * std::size_t{page_size()};
}

/// Up to `most` of the next pages: those that are kept, or those that are where they were. Called
/// with backup_mutex_ held, so that no checkpoint overwrites them meanwhile.
Result<PageNo> PagerBackup::take(MutableByteSpan out, PageNo most) {
  if (most == 0) return PageNo{0};
  const PageNo kept = run_length(true, most);
  const PageNo pages = kept != 0 ? kept : run_length(false, most);
  if (kept == 0) {
    TRY(pager_.read_pages(next_, snapshot_, out.first(pages * std::size_t{page_size()})));
  } else {
    for (PageNo i = 0; i < pages; ++i) {
      const auto found = kept_.find(next_ + i);
      std::memcpy(out.data() + i * std::size_t{page_size()}, found->second.get(), page_size());
      kept_.erase(found);
    }
  }
  next_ += pages;
  return pages;
}

// --- of the pager --------------------------------------------------------------------------------

Result<std::unique_ptr<Backup>> Pager::begin_backup() {
  auto backup = std::make_unique<PagerBackup>(*this);
  backup_mutex_.lock();
  const bool many = backups_.size() >= limits::kBackupsMax;
  if (!many) {
    MutexLock lock(state_mutex_);
    backup->snapshot_ = durable_seq_;
    backup->page_count_ = durable_pages_;
    backups_.push_back(backup.get());
  }
  backup_mutex_.unlock();
  if (many) return Error(Code::busy, "there are too many backups of the database already");
  return std::unique_ptr<Backup>(std::move(backup));
}

/// Before a checkpoint up to `target` overwrites `pages`: keeps what backups have still to take of
/// them. False when that is too much, and the checkpoint has to wait for them.
Result<bool> Pager::keep_for_backups(std::span<const VersionTable::Located> pages) {
  backup_mutex_.lock();
  const auto keep = [&]() -> Result<bool> {
    for (PagerBackup* backup : backups_) {
      std::vector<PageNo> wanted;
      for (const VersionTable::Located& located : pages) {
        if (located.seq > backup->snapshot_ && backup->wants(located.page))
          wanted.push_back(located.page);
      }
      const std::uint64_t bytes =
          (backup->kept_.size() + wanted.size()) * std::uint64_t{page_size_};
      if (bytes > limits::kBackupKeptBytesMax) return false;
      for (const PageNo page : wanted) {
        auto image = std::make_unique_for_overwrite<std::uint8_t[]>(page_size_);
        TRY(read_pages(page, backup->snapshot_, {image.get(), page_size_}));
        backup->kept_.emplace(page, std::move(image));
      }
    }
    return true;
  };
  Result<bool> kept = keep();
  backup_mutex_.unlock();
  return kept;
}

/// Whether a backup has still to take pages behind `page_count`, which then must stay in the file.
bool Pager::backups_need_pages_behind(PageNo page_count) {
  backup_mutex_.lock();
  const bool needs = std::any_of(backups_.begin(), backups_.end(), [&](const PagerBackup* backup) {
    return backup->page_count_ > page_count && backup->next_ <= backup->page_count_;
  });
  backup_mutex_.unlock();
  return needs;
}

}  // namespace saturn::storage
