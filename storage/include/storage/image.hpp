#pragma once

#include "storage/database_header.hpp"
#include "storage/page_source.hpp"

#include <memory>
#include <vector>

namespace saturn::storage {

/// A whole database in memory, built from nothing: what VACUUM makes. Its pages go to a transaction
/// (`Transaction::replace`) or to a file. Used by one fiber; never suspends. At most
/// `limits::kDirtyBytesMax` of pages: `Code::full` past that.
class Image final : public PageSource {
 public:
  /// An empty database: `header`'s fields with an empty freelist, and an empty schema. With
  /// `header.largest_root` not 0 it keeps pointer maps.
  explicit Image(const DatabaseHeader& header);

  std::uint32_t page_size() const noexcept override { return page_size_; }
  std::uint32_t usable_size() const noexcept override { return usable_size_; }
  PageNo page_count() const noexcept override { return static_cast<PageNo>(pages_.size()); }
  Result<PageRef> read(PageNo page) override;
  Result<std::uint8_t*> write(PageNo page) override;
  Result<PageNo> allocate() override;
  Result<void> free_page(PageNo page) override;
  Result<void> shrink(PageNo page_count) override;
  bool auto_vacuum() const noexcept override { return auto_vacuum_; }
  Result<void> set_pointer_map(PageNo page, PointerType type, PageNo parent) override;

  /// Makes the header count the pages; the image is whole then.
  void finish() noexcept;
  /// Page `page`'s bytes, which leave the image.
  std::unique_ptr<std::uint8_t[]> take(PageNo page) noexcept;

 private:
  Result<void> grow(PageNo page_count);

  const std::uint32_t page_size_;
  const std::uint32_t usable_size_;
  const bool auto_vacuum_;
  std::vector<std::unique_ptr<std::uint8_t[]>> pages_;
};

}  // namespace saturn::storage
