#include "pager.hpp"
#include "storage/freelist.hpp"

#include <algorithm>
#include <cstring>

// Reading: pages as a snapshot sees them, one by one and many in one batch, from the cache, the log
// and the file.

namespace saturn::storage {

Result<PageRef> Pager::fetch(PageNo page, std::uint64_t snapshot, std::uint64_t* misses) {
  const VersionTable::Version version = versions_.find(page, snapshot);
  if (version.memory) return version.memory.pin();
  PageRef cached = cache_->find(page, version.seq);
  if (cached) return cached;
  if (misses != nullptr) ++*misses;
  return load(page, snapshot);
}

/// Reads a page that is not cached, from the log or the file.
Result<PageRef> Pager::load(PageNo page, std::uint64_t snapshot) {
  VersionTable::Version version;
  {
    MutexLock lock(wal_mutex_);
    version = versions_.find(page, snapshot);
    if (version.frame != VersionTable::kInFile) ++wal_reads_;
  }
  if (version.memory) return version.memory.pin();
  const bool in_log = version.frame != VersionTable::kInFile;
  Result<PrivatePage> image = cache_->reserve();
  Result<std::size_t> got = std::size_t{0};
  if (image) {
    io::File& file = in_log ? *wal_ : *file_;
    const std::uint64_t offset =
        in_log ? frame_page_offset(version.frame) : std::uint64_t{page - 1} * page_size_;
    got = file.read(offset, {image->data(), page_size_});
  }
  if (in_log) {
    MutexLock lock(wal_mutex_);
    --wal_reads_;
  }
  PrivatePage bytes = TRY(std::move(image));
  const std::size_t bytes_read = TRY(std::move(got));
  pages_read_.fetch_add(1, std::memory_order_relaxed);
  if (bytes_read != page_size_) {
    // The file is shorter than its header says.
    return corrupt_error(page, static_cast<std::uint32_t>(bytes_read), "page cut short");
  }
  return cache_->publish(std::move(bytes), page, version.seq);
}

/// Reads what is neither cached nor in memory, in one batch, and tells how many pages came.
/// // SUSPENDS
std::size_t Pager::prefetch(std::span<const PageNo> pages, std::uint64_t snapshot) {
  struct Wanted {
    PageNo page;
    std::uint64_t seq;
    PrivatePage image;
  };
  std::vector<Wanted> wanted;
  // The most of a small cache is for what is being looked at.
  const std::size_t most = std::min(limits::kReadAheadPages, cache_->frames_max() / 8);
  for (const PageNo page : pages) {
    if (wanted.size() == most) break;
    const VersionTable::Version version = versions_.find(page, snapshot);
    if (version.memory || cache_->contains(page, version.seq)) continue;
    Result<PrivatePage> image = cache_->reserve();
    if (!image) break;
    wanted.push_back({page, version.seq, std::move(*image)});
  }
  if (wanted.empty()) return 0;
  std::vector<io::Op> ops(wanted.size());
  bool in_log = false;
  {
    MutexLock lock(wal_mutex_);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const VersionTable::Version version = versions_.find(wanted[i].page, snapshot);
      // It is another one when the snapshot has lost what it builds on.
      wanted[i].seq = version.seq;
      const bool logged = version.frame != VersionTable::kInFile;
      ops[i].file = logged ? wal_.get() : file_.get();
      ops[i].offset = logged ? frame_page_offset(version.frame)
                             : std::uint64_t{wanted[i].page - 1} * page_size_;
      if (!version.memory) ops[i].read_into = {wanted[i].image.data(), page_size_};
      in_log = in_log || logged;
    }
    if (in_log) ++wal_reads_;
  }
  static_cast<void>(vfs_.submit(ops));
  if (in_log) {
    MutexLock lock(wal_mutex_);
    --wal_reads_;
  }
  std::size_t loaded = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!ops[i].status || ops[i].transferred != page_size_) continue;
    ++loaded;
    cache_->publish(std::move(wanted[i].image), wanted[i].page, wanted[i].seq, true);
  }
  pages_read_.fetch_add(loaded, std::memory_order_relaxed);
  return loaded;
}

/// Reads pages from `first` on as the snapshot sees them, past the cache, which is for others. What
/// stands side by side in the file is one operation. // SUSPENDS
Result<void> Pager::read_pages(PageNo first, std::uint64_t snapshot, MutableByteSpan out) {
  std::vector<io::Op> ops;
  bool in_log = false;
  const auto count = static_cast<PageNo>(out.size() / page_size_);
  {
    MutexLock lock(wal_mutex_);
    for (PageNo i = 0; i < count; ++i) {
      const PageNo page = first + i;
      const MutableByteSpan into = out.subspan(i * std::size_t{page_size_}, page_size_);
      const VersionTable::Version version = versions_.find(page, snapshot);
      if (version.memory) {
        std::memcpy(into.data(), version.memory->bytes.get(), page_size_);
        continue;
      }
      const bool logged = version.frame != VersionTable::kInFile;
      io::File* const file = logged ? wal_.get() : file_.get();
      const std::uint64_t offset =
          logged ? frame_page_offset(version.frame) : std::uint64_t{page - 1} * page_size_;
      in_log = in_log || logged;
      if (!ops.empty() && ops.back().file == file &&
          ops.back().offset + ops.back().read_into.size() == offset &&
          ops.back().read_into.data() + ops.back().read_into.size() == into.data()) {
        ops.back().read_into = {ops.back().read_into.data(),
                                ops.back().read_into.size() + page_size_};
        continue;
      }
      io::Op& op = ops.emplace_back();
      op.file = file;
      op.offset = offset;
      op.read_into = into;
    }
    if (in_log) ++wal_reads_;
  }
  Result<void> done = vfs_.submit(ops);
  if (in_log) {
    MutexLock lock(wal_mutex_);
    --wal_reads_;
  }
  TRY(std::move(done));
  for (io::Op& op : ops) {
    // The page with the lock bytes may never have been written, and be the last one.
    if (op.transferred == op.read_into.size()) continue;
    const auto page = static_cast<PageNo>(first + (op.read_into.data() - out.data()) / page_size_ +
                                          op.transferred / page_size_);
    const bool is_last = op.read_into.size() - op.transferred <= page_size_;
    if (page != lock_byte_page(page_size_) || !is_last) {
      return corrupt_error(page, static_cast<std::uint32_t>(op.transferred % page_size_),
                           "page cut short");
    }
    std::memset(op.read_into.data() + op.transferred, 0, op.read_into.size() - op.transferred);
  }
  pages_read_.fetch_add(count, std::memory_order_relaxed);
  return {};
}

}  // namespace saturn::storage
