#pragma once

#include "storage/page_source.hpp"

/// The freelist (file format, section 1.5) and the pages that are never anybody's. A chain of trunk
/// pages starts at byte 32 of page 1, byte 36 counts all pages of the list, and each trunk holds
/// the next trunk's number, a count, and that many numbers of leaves. These functions use only
/// `read` and `write` of the source, so that a pager builds its `allocate` and `free_page` on them.
namespace saturn::storage {

/// The page that holds the byte at 1 GiB, where SQLite's locks lie: never used for content.
constexpr PageNo lock_byte_page(std::uint32_t page_size) noexcept {
  return 0x4000'0000U / page_size + 1;
}

/// The pointer-map page that covers `page` (>= 2), which is `page` itself if that is such a page.
/// The maps start at page 2, and each covers the usable/5 pages after it.
PageNo pointer_map_page(PageNo page, std::uint32_t page_size, std::uint32_t usable_size) noexcept;

/// `PageSource::set_pointer_map` for sources that keep nothing but pages. // SUSPENDS
Result<void> write_pointer_map(PageSource& source, PageNo page, PointerType type, PageNo parent);

/// The page number by which a database of `page_count` pages grows: the lock-byte page and, with
/// `auto_vacuum`, pointer-map pages are stepped over (those the caller must bring into being).
PageNo next_page_past_end(PageNo page_count, std::uint32_t page_size, std::uint32_t usable_size,
                          bool auto_vacuum) noexcept;

/// The number at byte 36 of page 1. // SUSPENDS
Result<std::uint32_t> freelist_count(PageSource& source);

/// Takes a page off the freelist; 0 when the list is empty. The page is not made private.
/// `Code::corrupt` when the list does not make sense. // SUSPENDS
Result<PageNo> freelist_take(PageSource& source);

/// Takes this very page off the freelist; `Code::corrupt` when it is not there. // SUSPENDS
Result<void> freelist_take_page(PageSource& source, PageNo page);

/// Takes the first page of the list that is not past `page_max`. `Code::corrupt` when there is
/// none. // SUSPENDS
Result<PageNo> freelist_take_up_to(PageSource& source, PageNo page_max);

/// Puts `page` on the freelist, as a leaf of the first trunk or as the new first trunk. The caller
/// keeps the pointer map. `Code::corrupt` for a page that cannot be freed. // SUSPENDS
Result<void> freelist_put(PageSource& source, PageNo page);

}  // namespace saturn::storage
