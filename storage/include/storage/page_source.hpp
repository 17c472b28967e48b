#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

/// The seam between the trees and the pager. The B-tree knows pages by number and asks a
/// `PageSource` for their bytes; where those bytes come from (a cache, a log, a plain array) is the
/// implementation's affair. A `PageSource` is one transaction's view of one database.
namespace saturn::storage {

/// Pages are numbered from 1; 0 means "no page".
using PageNo = std::uint32_t;

/// Who takes a pin back. Implemented by what lends pages out.
class PinOwner {
 public:
  /// Called exactly once for each pinned `PageRef`, with the token it was made with.
  virtual void unpin(void* token) noexcept = 0;

 protected:
  ~PinOwner() = default;
};

/// A pin on a page image, move-only. While it lives, `data()` stays readable for `page_size()`
/// bytes. A committed image never changes under the pin; an image that is private to the
/// transaction changes with every write to it.
class PageRef {
 public:
  PageRef() noexcept = default;
  /// `owner` may be null: then nothing is called back, and the lender keeps the bytes alive.
  PageRef(PageNo number, const std::uint8_t* data, PinOwner* owner, void* token) noexcept
      : data_(data), owner_(owner), token_(token), number_(number) {}
  PageRef(PageRef&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        owner_(std::exchange(other.owner_, nullptr)),
        token_(other.token_),
        number_(std::exchange(other.number_, 0)) {}
  PageRef& operator=(PageRef&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = std::exchange(other.data_, nullptr);
      owner_ = std::exchange(other.owner_, nullptr);
      token_ = other.token_;
      number_ = std::exchange(other.number_, 0);
    }
    return *this;
  }
  PageRef(const PageRef&) = delete;
  PageRef& operator=(const PageRef&) = delete;
  ~PageRef() { reset(); }

  const std::uint8_t* data() const noexcept { return data_; }
  PageNo number() const noexcept { return number_; }
  explicit operator bool() const noexcept { return data_ != nullptr; }

  void reset() noexcept {
    if (owner_ != nullptr) owner_->unpin(token_);
    owner_ = nullptr;
    data_ = nullptr;
    number_ = 0;
  }

 private:
  const std::uint8_t* data_ = nullptr;
  PinOwner* owner_ = nullptr;
  void* token_ = nullptr;
  PageNo number_ = 0;
};

/// The entry types of a pointer map (file format, section 1.8).
enum class PointerType : std::uint8_t {
  root = 1,
  free = 2,
  overflow_first = 3,  ///< parent: the B-tree page with the cell
  overflow_next = 4,   ///< parent: the page before it in the chain
  btree = 5,           ///< parent: the parent page in the tree
};

/// One transaction's pages. Used by one fiber at a time, on one thread; not owned by its users.
///
/// After `write(p)` succeeded, `read(p)` in the same transaction shows the private image, at the
/// very address that `write` returned. A `PageRef` from before the first `write(p)` goes on showing
/// the old image.
class PageSource {
 public:
  virtual ~PageSource() = default;
  PageSource() = default;
  PageSource(const PageSource&) = delete;
  PageSource& operator=(const PageSource&) = delete;

  /// Bytes of a page, and those of them that are not reserved at its end. Constant for the life of
  /// the source; 480 <= usable_size() <= page_size() <= 65536.
  virtual std::uint32_t page_size() const noexcept = 0;
  virtual std::uint32_t usable_size() const noexcept = 0;
  /// Pages of the database as this transaction sees it, its own allocations included.
  virtual PageNo page_count() const noexcept = 0;

  /// Pins page `page`. `Code::corrupt` when it is 0 or past `page_count()`; I/O errors. // SUSPENDS
  virtual Result<PageRef> read(PageNo page) = 0;
  /// A hint that these pages, at most `limits::kReadAheadPages`, are going to be read: what is not
  /// in memory is read in one batch, as far as there is room. What goes wrong goes wrong again in
  /// `read`. // SUSPENDS
  virtual void prefetch(std::span<const PageNo> /*pages*/) {}
  /// How often `read` has found a page not to be in memory.
  virtual std::uint64_t misses() const noexcept { return 0; }
  /// Makes `page` private and returns its `page_size()` bytes for changing in place. The pointer
  /// stays valid until commit or rollback (a savepoint keeps older images aside and does not move
  /// it), and repeated calls return the same pointer. `Code::readonly` in a read transaction,
  /// `Code::full`, `Code::corrupt` as `read`. // SUSPENDS
  virtual Result<std::uint8_t*> write(PageNo page) = 0;
  /// A page that nothing else uses, from the freelist or from past the end; already private, its
  /// bytes unspecified. Never the lock-byte page or a pointer-map page. `Code::full`. // SUSPENDS
  virtual Result<PageNo> allocate() = 0;
  /// Returns `page` to the freelist. No one may hold it or read it again. // SUSPENDS
  virtual Result<void> free_page(PageNo page) = 0;
  /// Ends the database after `page_count` pages (at least 1): those past it are gone. The caller
  /// sees to it that nothing points at them, the freelist neither. // SUSPENDS
  virtual Result<void> shrink(PageNo page_count) = 0;

  /// Whether the database keeps pointer maps (auto-vacuum in either form).
  virtual bool auto_vacuum() const noexcept = 0;
  /// Notes in the pointer map who points at `page`. Called only if `auto_vacuum()`. // SUSPENDS
  virtual Result<void> set_pointer_map(PageNo page, PointerType type, PageNo parent) = 0;

  /// Counts the changes that were made through this source to the tree at `root` (and to some
  /// others): a cursor whose count is stale knows that its position may be gone.
  std::uint64_t tree_changes(PageNo root) const noexcept {
    return tree_changes_[root % kTreeCounters];
  }
  void note_tree_change(PageNo root) noexcept { ++tree_changes_[root % kTreeCounters]; }
  /// Pages of any tree may have moved or gone back: auto-vacuum, or a rollback to a savepoint.
  void note_all_trees_changed() noexcept {
    for (std::uint64_t& changes : tree_changes_) ++changes;
  }

 private:
  static constexpr std::size_t kTreeCounters = 64;
  std::array<std::uint64_t, kTreeCounters> tree_changes_{};
};

}  // namespace saturn::storage
