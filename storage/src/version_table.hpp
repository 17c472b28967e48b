#pragma once

#include "base/mutex.hpp"
#include "storage/page_source.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace saturn::storage {

/// The bytes of a page that a write transaction changed, from its first `write` until the log has
/// them and nobody looks at them any more. Counted references, from any thread.
class DirtyPage {
 public:
  DirtyPage(PageNo page, std::uint32_t size)
      : number(page), bytes(std::make_unique_for_overwrite<std::uint8_t[]>(size)) {}
  DirtyPage(PageNo page, std::unique_ptr<std::uint8_t[]> image)
      : number(page), bytes(std::move(image)) {}
  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void drop_reference() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  /// A pin on the bytes, which keeps them alive.
  PageRef pin() noexcept;

  const PageNo number;
  std::uint64_t seq = 0;  ///< of the commit, once it is handed over
  /// The last savepoint that keeps its bytes aside; of the transaction that changes it.
  std::uint64_t remembered_by = 0;
  const std::unique_ptr<std::uint8_t[]> bytes;

 private:
  std::atomic<std::uint32_t> references_{1};
};

/// One reference to a dirty page.
class DirtyPagePtr {
 public:
  DirtyPagePtr() noexcept = default;
  /// Takes over the reference that a new page starts with.
  explicit DirtyPagePtr(DirtyPage* page) noexcept : page_(page) {}
  DirtyPagePtr(const DirtyPagePtr& other) noexcept : page_(other.page_) {
    if (page_ != nullptr) page_->add_reference();
  }
  DirtyPagePtr(DirtyPagePtr&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  DirtyPagePtr& operator=(DirtyPagePtr other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~DirtyPagePtr() {
    if (page_ != nullptr) page_->drop_reference();
  }
  DirtyPage* operator->() const noexcept { return page_; }
  DirtyPage* get() const noexcept { return page_; }
  explicit operator bool() const noexcept { return page_ != nullptr; }
  PageRef pin() const noexcept { return page_->pin(); }

 private:
  DirtyPage* page_ = nullptr;
};

/// Where the versions of pages are that commits since the opening wrote; see pager.hpp.
/// Thread-safe; never suspends.
class VersionTable {
 public:
  static constexpr std::uint32_t kInFile = 0;

  struct Version {
    std::uint64_t seq = 0;  ///< 0: as the file was opened
    std::uint32_t frame = kInFile;
    DirtyPagePtr memory;  ///< else null
  };
  struct Located {
    PageNo page = 0;
    std::uint64_t seq = 0;
    std::uint32_t frame = 0;
  };

  /// The version of `page` that `snapshot` sees.
  Version find(PageNo page, std::uint64_t snapshot) const;
  /// Makes room for the versions of so many pages.
  void reserve(std::size_t pages);
  /// A version that a recovered log has.
  void add_recovered(PageNo page, std::uint64_t seq, std::uint32_t frame);
  /// A version handed over; an older one of the same page goes if it is newer than `durable` and
  /// not in the log yet.
  void add_pending(const DirtyPagePtr& page, std::uint64_t durable);
  /// The version is in the log now.
  void set_frame(PageNo page, std::uint64_t seq, std::uint32_t frame);
  /// Takes out all versions newer than `durable`.
  void drop_pending(std::uint64_t durable);
  /// Versions in the log that a checkpoint up to `target` has to copy: of each page the newest one
  /// not newer than `target`, if it is newer than `done`. Ascending by page.
  std::vector<Located> to_copy(std::uint64_t target, std::uint64_t done) const;
  /// Everything up to `durable` is in the file: older versions go, the newest one's place is there.
  void settle_in_file(std::uint64_t durable);
  /// Versions of `page` that no snapshot from `oldest` on sees go.
  void trim(PageNo page, std::uint64_t oldest);

 private:
  static constexpr std::size_t kShards = 64;
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::atomic<bool> used{false};                           ///< something has ever been added
    std::unordered_map<PageNo, std::vector<Version>> pages;  ///< newest first
  };
  Shard& shard(PageNo page) noexcept { return shards_[page % kShards]; }
  const Shard& shard(PageNo page) const noexcept { return shards_[page % kShards]; }
  std::array<Shard, kShards> shards_;
};

}  // namespace saturn::storage
