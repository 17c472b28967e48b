#include "storage/image.hpp"

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "node.hpp"
#include "storage/freelist.hpp"

#include <utility>

namespace saturn::storage {

Image::Image(const DatabaseHeader& header)
    : page_size_(header.page_size),
      usable_size_(header.usable_bytes()),
      auto_vacuum_(header.auto_vacuum()) {
  pages_.push_back(std::make_unique<std::uint8_t[]>(page_size_));
  DatabaseHeader first = header;
  first.freelist_trunk = first.freelist_pages = 0;
  if (auto_vacuum_) first.largest_root = 1;
  first.encode({pages_[0].get(), page_size_});
  CellList none;
  none.kind = NodeKind::table_leaf;
  write_node(pages_[0].get(), 1, usable_size_, none, 0, 0, 0);
}

Result<PageRef> Image::read(PageNo page) {
  if (page == 0 || page > pages_.size()) return corrupt_error(page, 0, "page number");
  return PageRef(page, pages_[page - 1].get(), nullptr, nullptr);
}

Result<std::uint8_t*> Image::write(PageNo page) {
  if (page == 0 || page > pages_.size()) return corrupt_error(page, 0, "page number");
  return pages_[page - 1].get();
}

Result<void> Image::grow(PageNo page_count) {
  if (std::uint64_t{page_count} * page_size_ > limits::kDirtyBytesMax) {
    return Error(Code::full, "the database is too large to be rebuilt in one transaction");
  }
  while (pages_.size() < page_count) pages_.push_back(std::make_unique<std::uint8_t[]>(page_size_));
  return {};
}

Result<PageNo> Image::allocate() {
  const PageNo reused = TRY(freelist_take(*this));
  if (reused != 0) return reused;
  const PageNo page = next_page_past_end(page_count(), page_size_, usable_size_, auto_vacuum_);
  TRY(grow(page));
  return page;
}

Result<void> Image::free_page(PageNo page) {
  TRY(freelist_put(*this, page));
  if (auto_vacuum_) return set_pointer_map(page, PointerType::free, 0);
  return {};
}

Result<void> Image::shrink(PageNo page_count) {
  ASSERT(page_count >= 1);
  pages_.resize(page_count);
  return {};
}

Result<void> Image::set_pointer_map(PageNo page, PointerType type, PageNo parent) {
  return write_pointer_map(*this, page, type, parent);
}

void Image::finish() noexcept {
  std::uint8_t* first = pages_[0].get();
  store_be32(first + 28, page_count());
  store_be32(first + 92, load_be32(first + 24));  // the count holds for this change counter
}

std::unique_ptr<std::uint8_t[]> Image::take(PageNo page) noexcept {
  ASSERT(page >= 1);
  ASSERT(page <= pages_.size());
  return std::exchange(pages_[page - 1], nullptr);
}

}  // namespace saturn::storage
