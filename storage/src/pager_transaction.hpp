#pragma once

#include "pager.hpp"

#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

namespace saturn::storage {

/// A transaction of a `Pager`. Pins its snapshot, and holds the writer's turn while it is writable.
class PagerTransaction final : public Transaction {
 public:
  PagerTransaction(Pager& pager, const Pager::Snapshot& snapshot, bool writable);
  ~PagerTransaction() override;

  std::uint32_t page_size() const noexcept override { return pager_.page_size_; }
  std::uint32_t usable_size() const noexcept override { return pager_.usable_size_; }
  PageNo page_count() const noexcept override { return page_count_; }
  Result<PageRef> read(PageNo page) override;
  void prefetch(std::span<const PageNo> pages) override;
  std::uint64_t misses() const noexcept override { return misses_; }
  Result<std::uint8_t*> write(PageNo page) override;
  Result<PageNo> allocate() override;
  Result<void> free_page(PageNo page) override;
  Result<void> shrink(PageNo page_count) override;
  bool auto_vacuum() const noexcept override { return auto_vacuum_; }
  Result<void> set_pointer_map(PageNo page, PointerType type, PageNo parent) override;

  bool writable() const noexcept override { return writable_; }
  Result<void> make_writable(io::Clock::time_point deadline) override;
  void set_synchronous(Synchronous mode) noexcept override {
    synchronous_ = mode;
    pager_.expect_synchronous(mode);
  }
  Result<void> commit() override;
  void rollback() noexcept override;
  bool active() const noexcept override { return active_; }
  std::size_t savepoint() override;
  Result<void> rollback_to(std::size_t depth) override;
  void release(std::size_t depth) noexcept override;
  std::size_t savepoint_depth() const noexcept override { return savepoints_.size(); }
  Result<void> wait_durable() override;
  bool dirty() const noexcept override { return !dirty_.empty(); }
  std::uint64_t snapshot() const noexcept override { return snapshot_; }
  std::uint64_t pages_read() const noexcept override { return pages_read_; }
  std::uint64_t pages_loaded() const noexcept override { return misses_ + pages_ahead_; }
  Result<DatabaseHeader> header() override;
  Result<void> set_header(const DatabaseHeader& header) override;
  Result<void> replace(Image& image) override;

 private:
  /// What a savepoint remembers of pages that were changed under it for the first time.
  struct Savepoint {
    std::uint64_t number = 0;  ///< never used again, not even by this one after a rollback to it
    PageNo page_count = 0;
    bool auto_vacuum = false;
    /// The bytes before; null: the page was not changed before the savepoint.
    std::unordered_map<PageNo, std::unique_ptr<std::uint8_t[]>> before;
  };
  /// A page as the commit left it that this transaction builds on. // SUSPENDS
  Result<PageRef> fetch(PageNo page);
  Result<std::uint8_t*> make_private(PageNo page, bool fresh);
  Result<void> finish_pages();
  Result<void> stamp_header();
  void remember(PageNo page, DirtyPage* now);
  DirtyPage* find_dirty(PageNo page);
  void forget_recent() noexcept { recent_.fill({}); }
  void end() noexcept;

  Pager& pager_;
  std::uint64_t snapshot_;
  PageNo page_count_;
  bool auto_vacuum_;
  bool writable_;
  bool active_ = true;
  std::uint64_t losses_;  ///< of commits, when the snapshot was last known to be whole
  std::optional<Synchronous> synchronous_;
  std::uint64_t pages_read_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t pages_ahead_ = 0;  ///< read before they were asked for
  std::unordered_map<PageNo, DirtyPagePtr> dirty_;
  /// Pages of `dirty_` that were asked for last, by their numbers modulo the size.
  std::array<DirtyPage*, 64> recent_{};
  std::vector<Savepoint> savepoints_;
  std::uint64_t savepoints_made_ = 0;
};

}  // namespace saturn::storage
