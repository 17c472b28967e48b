#include "page_cache.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "storage/database_header.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>

namespace saturn::storage {

namespace {

constexpr std::uint64_t kHugeArenaBytesMin = 64ULL << 20;

}  // namespace

PrivatePage::PrivatePage(PrivatePage&& other) noexcept
    : cache_(std::exchange(other.cache_, nullptr)), frame_(other.frame_) {}

PrivatePage& PrivatePage::operator=(PrivatePage&& other) noexcept {
  if (this != &other) {
    reset();
    cache_ = std::exchange(other.cache_, nullptr);
    frame_ = other.frame_;
  }
  return *this;
}

std::uint8_t* PrivatePage::data() const noexcept {
  ASSERT(cache_ != nullptr);
  return cache_->bytes_of(frame_);
}

void PrivatePage::reset() noexcept {
  if (cache_ != nullptr) std::exchange(cache_, nullptr)->release(frame_);
}

Result<std::unique_ptr<PageCache>> PageCache::make(const Options& options) {
  ASSERT(is_valid_page_size(options.page_size));
  ASSERT(std::has_single_bit(options.shards));
  const std::uint64_t frames =
      std::clamp<std::uint64_t>(options.budget_bytes / options.page_size, kFramesMin, kDoomed - 1);
  void* arena = mmap(nullptr, frames * options.page_size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (arena == MAP_FAILED) return Error(Code::nomem, "out of memory", errno);
  // Filling a large cache then costs one page fault in place of hundreds. A small one would take
  // more memory than it needs.
  if (frames * options.page_size >= kHugeArenaBytesMin) {
    static_cast<void>(madvise(arena, frames * options.page_size, MADV_HUGEPAGE));
  }
  return std::unique_ptr<PageCache>(new PageCache(options, static_cast<std::uint8_t*>(arena),
                                                  static_cast<std::uint32_t>(frames)));
}

PageCache::PageCache(const Options& options, std::uint8_t* arena, std::uint32_t frames)
    : page_size_(options.page_size),
      frames_max_(frames),
      slab_frames_(static_cast<std::uint32_t>(kSlabBytes / options.page_size)),
      arena_(arena),
      arena_bytes_(std::uint64_t{frames} * options.page_size),
      frames_(std::make_unique<Frame[]>(frames)),
      shards_(options.shards) {
  const std::uint32_t buckets = std::bit_ceil(std::max(1U, frames / options.shards));
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    shard.buckets.assign(buckets, kNone);
  }
  const MutexLock lock(free_mutex_);
  free_.reserve(frames);  // `release` never allocates
}

PageCache::~PageCache() {
  clear();
  for (std::uint32_t i = 0; i < frames_in_use_; ++i) ASSERT(frames_[i].pins == 0);
  munmap(arena_, arena_bytes_);
}

std::uint64_t PageCache::hash(PageNo page) noexcept {
  // Fibonacci hashing: neighbours, which are used together, go to different shards and buckets.
  return page * 0x9e37'79b9'7f4a'7c15ULL;
}

std::uint32_t PageCache::shard_index(PageNo page) const noexcept {
  return static_cast<std::uint32_t>(hash(page) >> 56) &
         static_cast<std::uint32_t>(shards_.size() - 1);
}

std::uint32_t* PageCache::bucket(Shard& shard, PageNo page) noexcept {
  return &shard.buckets[(hash(page) >> 24) & (shard.buckets.size() - 1)];
}

std::uint32_t* PageCache::position(Shard& shard, PageNo page, PageVersion version) noexcept {
  std::uint32_t* link = bucket(shard, page);
  while (*link != kNone) {
    const Frame& frame = frames_[*link];
    if (frame.page > page || (frame.page == page && frame.version <= version)) break;
    link = &frames_[*link].next;
  }
  return link;
}

bool PageCache::is_at(const std::uint32_t* link, PageNo page, PageVersion version) const noexcept {
  return *link != kNone && frames_[*link].page == page && frames_[*link].version == version;
}

PageRef PageCache::pin(std::uint32_t index) noexcept {
  Frame& frame = frames_[index];
  const std::uint32_t before = frame.pins.fetch_add(1, std::memory_order_relaxed);
  ASSERT(before < kDoomed - 1);
  const bool is_first = frame.mark.load(std::memory_order_relaxed) == Mark::ahead;
  frame.mark.store(is_first ? Mark::none : Mark::used, std::memory_order_relaxed);
  return {frame.page, bytes_of(index), this, &frame};
}

PageRef PageCache::find(PageNo page, PageVersion version) noexcept {
  Shard& shard = shard_of(page);
  const MutexLock lock(shard.mutex);
  const std::uint32_t* link = position(shard, page, version);
  if (!is_at(link, page, version)) {
    ++shard.misses;
    return {};
  }
  ++shard.hits;
  return pin(*link);
}

bool PageCache::contains(PageNo page, PageVersion version) noexcept {
  Shard& shard = shard_of(page);
  const MutexLock lock(shard.mutex);
  return is_at(position(shard, page, version), page, version);
}

Result<PrivatePage> PageCache::reserve() {
  std::uint32_t index = take_free();
  if (index == kNone) index = evict();
  if (index == kNone) index = take_free();  // an unpin may have freed a doomed frame meanwhile
  if (index == kNone) return Error(Code::nomem, "out of memory (page cache: all pages in use)");
  Frame& frame = frames_[index];
  ASSERT(frame.pins.load(std::memory_order_relaxed) == 0);
  frame.pins.store(1, std::memory_order_relaxed);
  return PrivatePage(this, index);
}

PageRef PageCache::publish(PrivatePage image, PageNo page, PageVersion version,
                           bool ahead) noexcept {
  ASSERT(image.cache_ == this);
  ASSERT(page != 0);
  Shard& shard = shard_of(page);
  const MutexLock lock(shard.mutex);
  std::uint32_t* link = position(shard, page, version);
  if (is_at(link, page, version)) return pin(*link);  // and `image` frees its frame
  const std::uint32_t index = image.frame_;
  image.cache_ = nullptr;
  Frame& frame = frames_[index];
  ASSERT(frame.pins.load(std::memory_order_relaxed) == 1);
  frame.page = page;
  frame.version = version;
  frame.next = *link;
  *link = index;
  ++shard.frames;
  frame.mark.store(ahead ? Mark::ahead : Mark::none, std::memory_order_relaxed);
  frame.shard.store(shard_index(page), std::memory_order_release);
  return {page, bytes_of(index), this, &frame};
}

void PageCache::unlink(Shard& shard, std::uint32_t* link) noexcept {
  Frame& frame = frames_[*link];
  *link = frame.next;
  frame.next = kNone;
  frame.shard.store(kNoShard, std::memory_order_relaxed);
  --shard.frames;
}

void PageCache::discard_at(Shard& shard, std::uint32_t* link) noexcept {
  const std::uint32_t index = *link;
  unlink(shard, link);
  Frame& frame = frames_[index];
  if (frame.pins.fetch_or(kDoomed, std::memory_order_acq_rel) == 0) release(index);
}

void PageCache::discard(PageNo page, PageVersion version) noexcept {
  Shard& shard = shard_of(page);
  const MutexLock lock(shard.mutex);
  std::uint32_t* link = position(shard, page, version);
  if (is_at(link, page, version)) discard_at(shard, link);
}

void PageCache::trim(PageNo page, PageVersion oldest_snapshot) noexcept {
  Shard& shard = shard_of(page);
  const MutexLock lock(shard.mutex);
  std::uint32_t* link = position(shard, page, oldest_snapshot);
  if (*link == kNone || frames_[*link].page != page) return;
  link = &frames_[*link].next;
  while (*link != kNone && frames_[*link].page == page) discard_at(shard, link);
}

void PageCache::clear() noexcept {
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (std::uint32_t& first : shard.buckets) {
      while (first != kNone) discard_at(shard, &first);
    }
  }
}

void PageCache::unpin(void* token) noexcept {
  auto* frame = static_cast<Frame*>(token);
  const std::uint32_t before = frame->pins.fetch_sub(1, std::memory_order_acq_rel);
  ASSERT((before & ~kDoomed) != 0);
  if (before == (kDoomed | 1)) release(static_cast<std::uint32_t>(frame - frames_.get()));
}

void PageCache::release(std::uint32_t frame) noexcept {
  frames_[frame].pins.store(0, std::memory_order_relaxed);
  const MutexLock lock(free_mutex_);
  free_.push_back(frame);
}

std::uint32_t PageCache::take_free() noexcept {
  const MutexLock lock(free_mutex_);
  if (free_.empty()) {
    // Bring a slab into use, lowest frame first out.
    const std::uint32_t first = frames_in_use_.load(std::memory_order_relaxed);
    const std::uint32_t count = std::min(slab_frames_, frames_max_ - first);
    if (count == 0) return kNone;
    for (std::uint32_t i = count; i > 0; --i) free_.push_back(first + i - 1);
    frames_in_use_.store(first + count, std::memory_order_relaxed);
  }
  const std::uint32_t frame = free_.back();
  free_.pop_back();
  return frame;
}

std::uint32_t PageCache::evict() noexcept {
  const std::uint32_t count = frames_in_use_.load(std::memory_order_relaxed);
  for (std::uint64_t step = 0; step < 2ULL * count + 1; ++step) {
    const std::uint32_t index = hand_.fetch_add(1, std::memory_order_relaxed) % count;
    Frame& frame = frames_[index];
    const std::uint32_t home = frame.shard.load(std::memory_order_acquire);
    if (home == kNoShard || frame.pins.load(std::memory_order_relaxed) != 0) continue;
    if (frame.mark.exchange(Mark::none, std::memory_order_relaxed) != Mark::none) continue;

    Shard& shard = shards_[home];
    const MutexLock lock(shard.mutex);
    // It may have left and even come back as another page of this shard: what counts is now.
    if (frame.shard.load(std::memory_order_relaxed) != home) continue;
    if (frame.pins.load(std::memory_order_acquire) != 0) continue;
    std::uint32_t* link = position(shard, frame.page, frame.version);
    ASSERT(*link == index);
    unlink(shard, link);
    evictions_.fetch_add(1, std::memory_order_relaxed);
    return index;
  }
  return kNone;
}

PageCache::Stats PageCache::stats() const {
  Stats out;
  out.frames_max = frames_max_;
  out.frames_in_use = frames_in_use_.load(std::memory_order_relaxed);
  out.evictions = evictions_.load(std::memory_order_relaxed);
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    out.hits += shard.hits;
    out.misses += shard.misses;
    out.frames_shared += shard.frames;
  }
  return out;
}

void PageCache::assert_state() const {
  std::vector<bool> linked(frames_max_);
  for (std::uint32_t s = 0; s < shards_.size(); ++s) {
    const Shard& shard = shards_[s];
    const MutexLock lock(shard.mutex);
    std::uint32_t frames = 0;
    for (const std::uint32_t first : shard.buckets) {
      for (std::uint32_t i = first; i != kNone; i = frames_[i].next) {
        const Frame& frame = frames_[i];
        ASSERT(!linked[i]);
        linked[i] = true;
        ++frames;
        ASSERT(frame.shard == s);
        ASSERT(shard_index(frame.page) == s);
        ASSERT((frame.pins & kDoomed) == 0);
        if (frame.next == kNone) continue;
        const Frame& next = frames_[frame.next];
        ASSERT(frame.page < next.page || (frame.page == next.page && frame.version > next.version));
      }
    }
    ASSERT(frames == shard.frames);
  }
  for (std::uint32_t i = 0; i < frames_max_; ++i) {
    ASSERT(linked[i] == (frames_[i].shard != kNoShard));
  }
}

}  // namespace saturn::storage
