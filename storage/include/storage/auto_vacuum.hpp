#pragma once

#include "storage/page_source.hpp"

/// Databases that can shrink (file format, section 1.8). A pointer map tells of every page but the
/// first who points at it, so that a page can be moved; all roots but the schema's stand at the
/// file's start, and the header's "largest root page" is the last of them. The functions use only
/// the source's own calls; all of them make cursors' positions stale.
namespace saturn::storage {

struct PointerMapEntry {
  PointerType type = PointerType::free;
  PageNo parent = 0;  ///< 0 for `root` and `free`
};

/// Who points at `page`. `Code::corrupt` when the map has no such entry. // SUSPENDS
Result<PointerMapEntry> pointer_map_entry(PageSource& source, PageNo page);

/// The place for a new root, behind the largest one: what is there moves elsewhere. The page is
/// private, noted in the pointer map and in the header; its bytes are unspecified. // SUSPENDS
Result<PageNo> allocate_root(PageSource& source);

/// Frees a root whose tree has no other page. The largest root moves into its place, so that roots
/// stay together. Returns the page that the moved root was on, or 0 when `root` itself was the
/// largest: whoever keeps root numbers has to write `root` for the one returned. // SUSPENDS
Result<PageNo> free_root(PageSource& source, PageNo root);

/// Takes one page off the file's end, what is on it moving to a free page; false when no page is
/// free. PRAGMA incremental_vacuum. // SUSPENDS
Result<bool> vacuum_step(PageSource& source);

/// Takes as many pages off the file's end as are free: the end of each transaction with full
/// auto-vacuum. // SUSPENDS
Result<void> vacuum_fully(PageSource& source);

}  // namespace saturn::storage
