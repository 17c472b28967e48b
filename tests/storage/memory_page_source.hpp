#pragma once

#include "storage/freelist.hpp"
#include "storage/page_source.hpp"

#include <cstring>
#include <functional>
#include <memory>
#include <vector>

namespace saturn::storage {

/// A database in an array of pages, for tests: one transaction for ever, nothing to roll back.
class MemoryPageSource final : public PageSource {
 public:
  MemoryPageSource(std::uint32_t page_size, std::uint32_t reserved, bool auto_vacuum)
      : page_size_(page_size), usable_(page_size - reserved), auto_vacuum_(auto_vacuum) {
    grow(1);
    std::uint8_t* h = pages_[0].get();
    std::memcpy(h, "SQLite format 3", 16);
    store_be16(h + 16, static_cast<std::uint16_t>(page_size == 65536 ? 1 : page_size));
    h[18] = h[19] = 1;
    h[20] = static_cast<std::uint8_t>(reserved);
    h[21] = 64;
    h[22] = h[23] = 32;
    store_be32(h + 24, 1);
    store_be32(h + 44, 4);
    store_be32(h + 56, 1);
    store_be32(h + 92, 1);
    store_be32(h + 96, 3050000);
    // An empty schema table.
    h[100] = 13;
    store_be16(h + 105, static_cast<std::uint16_t>(usable_ == 65536 ? 0 : usable_));
  }

  std::uint32_t page_size() const noexcept override { return page_size_; }
  std::uint32_t usable_size() const noexcept override { return usable_; }
  PageNo page_count() const noexcept override { return static_cast<PageNo>(pages_.size()); }
  Result<PageRef> read(PageNo page) override {
    if (page == 0 || page > pages_.size()) return corrupt_error(page, 0, "page number");
    if (on_read) on_read(page);
    return PageRef(page, pages_[page - 1].get(), nullptr, nullptr);
  }
  void prefetch(std::span<const PageNo> pages) override {
    if (on_prefetch) on_prefetch(pages);
  }
  /// Told of every page that is read, and of those that are asked for ahead.
  std::function<void(PageNo)> on_read = {};
  std::function<void(std::span<const PageNo>)> on_prefetch = {};
  Result<std::uint8_t*> write(PageNo page) override {
    if (page == 0 || page > pages_.size()) return corrupt_error(page, 0, "page number");
    return pages_[page - 1].get();
  }
  Result<PageNo> allocate() override {
    if (const PageNo page = TRY(freelist_take(*this)); page != 0) return page;
    const PageNo page = next_page_past_end(page_count(), page_size_, usable_, auto_vacuum_);
    grow(page);
    return page;
  }
  Result<void> free_page(PageNo page) override {
    TRY(freelist_put(*this, page));
    if (auto_vacuum_) return set_pointer_map(page, PointerType::free, 0);
    return {};
  }
  Result<void> shrink(PageNo page_count) override {
    pages_.resize(page_count);
    return {};
  }
  bool auto_vacuum() const noexcept override { return auto_vacuum_; }
  Result<void> set_pointer_map(PageNo page, PointerType type, PageNo parent) override {
    const PageNo map = pointer_map_page(page, page_size_, usable_);
    std::uint8_t* entry = TRY(write(map)) + 5 * (page - map - 1);
    entry[0] = static_cast<std::uint8_t>(type);
    store_be32(entry + 1, parent);
    return {};
  }

  /// The whole database as a file's bytes, with the page count in its header.
  std::vector<std::uint8_t> image() {
    store_be32(pages_[0].get() + 28, page_count());
    std::vector<std::uint8_t> out;
    for (const auto& page : pages_) out.insert(out.end(), page.get(), page.get() + page_size_);
    return out;
  }

 private:
  void grow(PageNo count) {
    while (pages_.size() < count) pages_.push_back(std::make_unique<std::uint8_t[]>(page_size_));
  }

  const std::uint32_t page_size_;
  const std::uint32_t usable_;
  const bool auto_vacuum_;
  std::vector<std::unique_ptr<std::uint8_t[]>> pages_;
};

}  // namespace saturn::storage
