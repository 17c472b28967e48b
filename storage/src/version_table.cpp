#include "version_table.hpp"

#include <algorithm>

namespace saturn::storage {
namespace {

class DirtyOwner final : public PinOwner {
 public:
  void unpin(void* token) noexcept override { static_cast<DirtyPage*>(token)->drop_reference(); }
};
DirtyOwner dirty_owner;

}  // namespace

PageRef DirtyPage::pin() noexcept {
  add_reference();
  return PageRef(number, bytes.get(), &dirty_owner, this);
}

VersionTable::Version VersionTable::find(PageNo page, std::uint64_t snapshot) const {
  const Shard& s = shard(page);
  // Whoever may see a version of a page here has learned of its commit after it was added.
  if (!s.used.load(std::memory_order_acquire)) return {};
  MutexLock lock(s.mutex);
  const auto found = s.pages.find(page);
  if (found == s.pages.end()) return {};
  for (const Version& version : found->second) {
    if (version.seq <= snapshot) return version;
  }
  return {};
}

void VersionTable::reserve(std::size_t pages) {
  for (Shard& s : shards_) {
    MutexLock lock(s.mutex);
    s.pages.reserve(pages / kShards + 1);
  }
}

void VersionTable::add_recovered(PageNo page, std::uint64_t seq, std::uint32_t frame) {
  Shard& s = shard(page);
  MutexLock lock(s.mutex);
  s.used.store(true, std::memory_order_release);
  std::vector<Version>& versions = s.pages[page];
  versions.insert(versions.begin(), Version{seq, frame, {}});
}

void VersionTable::add_pending(const DirtyPagePtr& page, std::uint64_t durable) {
  Shard& s = shard(page->number);
  MutexLock lock(s.mutex);
  s.used.store(true, std::memory_order_release);
  std::vector<Version>& versions = s.pages[page->number];
  // One that is in the log already is about to become durable, and readers will want it.
  const bool replaces =
      !versions.empty() && versions.front().seq > durable && versions.front().memory;
  if (replaces) {
    versions.front() = Version{page->seq, kInFile, page};
  } else {
    versions.insert(versions.begin(), Version{page->seq, kInFile, page});
  }
}

void VersionTable::set_frame(PageNo page, std::uint64_t seq, std::uint32_t frame) {
  Shard& s = shard(page);
  MutexLock lock(s.mutex);
  const auto found = s.pages.find(page);
  if (found == s.pages.end()) return;
  for (auto it = found->second.begin(); it != found->second.end(); ++it) {
    if (it->seq > seq) continue;
    if (it->seq == seq) {
      it->frame = frame;
      it->memory = DirtyPagePtr();
    } else if (it == found->second.begin() || std::prev(it)->seq > seq) {
      // A newer pending version took its place; the log has this one all the same.
      found->second.insert(it, Version{seq, frame, {}});
    }
    return;
  }
  found->second.push_back(Version{seq, frame, {}});
}

void VersionTable::drop_pending(std::uint64_t durable) {
  for (Shard& s : shards_) {
    MutexLock lock(s.mutex);
    for (auto& [page, versions] : s.pages) {
      std::erase_if(versions, [&](const Version& v) { return v.seq > durable; });
    }
  }
}

std::vector<VersionTable::Located> VersionTable::to_copy(std::uint64_t target,
                                                         std::uint64_t done) const {
  std::vector<Located> pages;
  for (const Shard& s : shards_) {
    MutexLock lock(s.mutex);
    for (const auto& [page, versions] : s.pages) {
      for (const Version& version : versions) {
        if (version.seq > target) continue;
        if (version.seq > done && version.frame != kInFile) {
          pages.push_back({page, version.seq, version.frame});
        }
        break;
      }
    }
  }
  std::sort(pages.begin(), pages.end(),
            [](const Located& a, const Located& b) { return a.page < b.page; });
  return pages;
}

void VersionTable::settle_in_file(std::uint64_t durable) {
  for (Shard& s : shards_) {
    MutexLock lock(s.mutex);
    for (auto& [page, versions] : s.pages) {
      bool seen = false;
      std::erase_if(versions, [&](Version& version) {
        if (version.seq > durable) return false;
        if (seen) return true;
        seen = true;
        version.frame = kInFile;
        return false;
      });
    }
  }
}

void VersionTable::trim(PageNo page, std::uint64_t oldest) {
  Shard& s = shard(page);
  MutexLock lock(s.mutex);
  const auto found = s.pages.find(page);
  if (found == s.pages.end()) return;
  std::vector<Version>& versions = found->second;
  for (auto it = versions.begin(); it != versions.end(); ++it) {
    if (it->seq > oldest) continue;
    versions.erase(std::next(it), versions.end());
    return;
  }
}

}  // namespace saturn::storage
