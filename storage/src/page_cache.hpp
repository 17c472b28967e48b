#pragma once

/// The page cache: committed images of pages, kept in a fixed budget of memory.
///
/// A committed version of a page never changes, so there is nothing to latch: a reader looks up
/// (page, version), pins the image, and reads. A version is the number of the log frame that
/// brought it, counted since the database was opened and never reused when the log starts over; 0
/// is the image in the database file at that time. Which version a snapshot sees is the pager's
/// knowledge; the cache only keeps images. It never reads, writes or suspends: on a miss the
/// caller reserves a frame, fills it by itself, and publishes it. Two fibers that miss the same
/// page both read it, and the second to publish gets the first one's image: bytes of one version
/// are equal wherever they were read.
///
/// Memory is one anonymous mapping of the whole budget, which backends may register for I/O; it
/// comes into use a slab (4 MiB) at a time, so a budget that is not needed costs address space
/// only. It is cut into frames of one page each. With 256 MiB and 4 KiB pages: 65,536 frames.
///
///                 publish                     discard, pinned
///      private ─────────────► shared ───────────────────────────► doomed
///        ▲  │                  │  │                                  │
///        │  │ ~PrivatePage     │  │ discard, not pinned              │ last unpin
///        │  └──────► free ◄────┼──┘                                  │
///        │            │  ▲     │                                     │
///        └────────────┘  └─────┼─────────────────────────────────────┘
///           reserve            │ reserve, by the clock
///        ▲                     │
///        └─────────────────────┘
///
/// Invariants
///  1. A frame is shared exactly while it is linked in its shard's table; then `shard` names that
///     shard, else it is kNoShard. Linking and unlinking happen under the shard's mutex.
///  2. A (page, version) is in the table at most once, and a bucket's list is ordered by page,
///     then newest version first.
///  3. The bytes of a shared or doomed frame do not change.
///  4. The pins of a shared frame go from 0 to 1 only under its shard's mutex. So whoever holds
///     that mutex and sees 0 pins may unlink the frame, and nobody else can reach it any more.
///  5. `doomed` is a bit of the pin count: of a discard and the last unpin that race, exactly one
///     sees that the other has been there, and frees the frame.
///  6. A private frame has exactly one pin, that of its `PrivatePage`, which `publish` turns into
///     the pin of the `PageRef` it returns. A free frame has none.
///
/// The clock: finding an image sets its frame's mark, publishing does not, so that what is read
/// once, as by a scan, goes before what was found again. Finding what was read ahead for the first
/// time is reading it once. The hand clears marks and takes the first shared frame without mark and
/// without pin. After two rounds without one the cache is full of pins, and `reserve` fails with
/// `nomem`.

#include "base/bytes.hpp"
#include "base/mutex.hpp"
#include "base/result.hpp"
#include "storage/page_source.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace saturn::storage {

using PageVersion = std::uint64_t;

class PageCache;

/// A frame that only its holder sees: a page being read, or a page being written. Move-only; goes
/// back to the cache unless it is published. Must not outlive the cache.
class PrivatePage {
 public:
  PrivatePage() noexcept = default;
  PrivatePage(PrivatePage&& other) noexcept;
  PrivatePage& operator=(PrivatePage&& other) noexcept;
  PrivatePage(const PrivatePage&) = delete;
  PrivatePage& operator=(const PrivatePage&) = delete;
  ~PrivatePage() { reset(); }

  /// `page_size` bytes of the arena, unspecified until written; they do not move.
  std::uint8_t* data() const noexcept;
  explicit operator bool() const noexcept { return cache_ != nullptr; }
  void reset() noexcept;

 private:
  friend class PageCache;
  PrivatePage(PageCache* cache, std::uint32_t frame) noexcept : cache_(cache), frame_(frame) {}
  PageCache* cache_ = nullptr;
  std::uint32_t frame_ = 0;
};

/// Thread-safe throughout; no function suspends, and each holds one mutex for a few list steps.
/// All pins and private pages are gone before the cache is destroyed (asserted).
class PageCache final : public PinOwner {
 public:
  struct Options {
    std::uint32_t page_size = 4096;  ///< bytes, a valid page size
    std::uint64_t budget_bytes = 0;  ///< at least 16 frames are made, whatever it says
    std::uint32_t shards = 16;       ///< a power of two
  };
  struct Stats {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
    std::uint32_t frames_max = 0;     ///< the budget, in pages
    std::uint32_t frames_in_use = 0;  ///< ever touched
    std::uint32_t frames_shared = 0;  ///< images that a lookup can find
  };

  /// Fails with `nomem` when the address space cannot be had.
  static Result<std::unique_ptr<PageCache>> make(const Options& options);
  ~PageCache();

  /// Pins that version of the page; an empty ref when it is not cached.
  PageRef find(PageNo page, PageVersion version) noexcept;
  /// Whether that version is cached; leaves no mark.
  bool contains(PageNo page, PageVersion version) noexcept;
  /// A private frame, free or evicted. Fails with `nomem` when everything is pinned.
  Result<PrivatePage> reserve();
  /// Makes the image findable and immutable, and pins it. When that version is there already, the
  /// frame is freed and the pin is on the image that was there. `ahead`: it was read for somebody
  /// who has still to find it.
  PageRef publish(PrivatePage image, PageNo page, PageVersion version, bool ahead = false) noexcept;
  /// Takes a version out of the table; pins on it stay good. Nothing when it is not cached.
  void discard(PageNo page, PageVersion version) noexcept;
  /// Discards the versions of `page` that no snapshot from `oldest_snapshot` on can see: those
  /// older than the newest cached version that is not newer than `oldest_snapshot`.
  void trim(PageNo page, PageVersion oldest_snapshot) noexcept;
  /// Discards everything, as for a file that another process may have changed.
  void clear() noexcept;

  void unpin(void* token) noexcept override;

  std::uint32_t page_size() const noexcept { return page_size_; }
  /// The budget, in pages.
  std::uint32_t frames_max() const noexcept { return frames_max_; }
  /// The whole mapping, for `Vfs::register_arena`; mapped as long as the cache lives.
  MutableByteSpan arena() const noexcept { return {arena_, arena_bytes_}; }
  Stats stats() const;
  /// Checks invariants 1, 2 and 6 over the whole cache. For tests, while no other thread uses it.
  void assert_state() const;

 private:
  friend class PrivatePage;
  static constexpr std::uint32_t kNone = 0xffff'ffff;
  static constexpr std::uint32_t kNoShard = 0xffff'ffff;
  static constexpr std::uint32_t kDoomed = 0x8000'0000;
  static constexpr std::uint32_t kFramesMin = 16;
  static constexpr std::uint64_t kSlabBytes = 4ULL << 20;

  /// The clock's marks. `ahead`: to be found for the first time, which is no second use.
  enum class Mark : std::uint8_t { none, used, ahead };

  struct Frame {
    std::atomic<std::uint32_t> pins{0};
    std::atomic<std::uint32_t> shard{kNoShard};
    std::atomic<Mark> mark{Mark::none};
    PageNo page = 0;  ///< with `version` and `next`: of the shard's mutex
    PageVersion version = 0;
    std::uint32_t next = kNone;
  };
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::vector<std::uint32_t> buckets GUARDED_BY(mutex);  ///< first frame, or kNone
    std::uint64_t hits GUARDED_BY(mutex) = 0;
    std::uint64_t misses GUARDED_BY(mutex) = 0;
    std::uint32_t frames GUARDED_BY(mutex) = 0;
  };

  PageCache(const Options& options, std::uint8_t* arena, std::uint32_t frames);

  static std::uint64_t hash(PageNo page) noexcept;
  Shard& shard_of(PageNo page) noexcept { return shards_[shard_index(page)]; }
  std::uint32_t shard_index(PageNo page) const noexcept;
  std::uint32_t* bucket(Shard& shard, PageNo page) noexcept REQUIRES(shard.mutex);
  /// The link at which (page, version) stands, or would be inserted.
  std::uint32_t* position(Shard& shard, PageNo page, PageVersion version) noexcept
      REQUIRES(shard.mutex);
  bool is_at(const std::uint32_t* link, PageNo page, PageVersion version) const noexcept;
  PageRef pin(std::uint32_t frame) noexcept;
  void unlink(Shard& shard, std::uint32_t* link) noexcept REQUIRES(shard.mutex);
  /// Unlinks and dooms, or frees at once when nobody has a pin.
  void discard_at(Shard& shard, std::uint32_t* link) noexcept REQUIRES(shard.mutex);

  std::uint32_t take_free() noexcept;
  std::uint32_t evict() noexcept;
  void release(std::uint32_t frame) noexcept;
  std::uint8_t* bytes_of(std::uint32_t frame) const noexcept {
    return arena_ + std::uint64_t{frame} * page_size_;
  }

  // Constant after construction.
  const std::uint32_t page_size_;
  const std::uint32_t frames_max_;
  const std::uint32_t slab_frames_;
  std::uint8_t* const arena_;
  const std::uint64_t arena_bytes_;
  // Synchronise themselves.
  std::unique_ptr<Frame[]> frames_;
  std::vector<Shard> shards_;
  std::atomic<std::uint32_t> hand_{0};
  std::atomic<std::uint32_t> frames_in_use_{0};  ///< changed under free_mutex_
  std::atomic<std::uint64_t> evictions_{0};

  Mutex free_mutex_;  ///< innermost: taken with a shard's mutex held or without
  std::vector<std::uint32_t> free_ GUARDED_BY(free_mutex_);
};

}  // namespace saturn::storage
