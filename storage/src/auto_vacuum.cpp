#include "storage/auto_vacuum.hpp"

#include "btree_level.hpp"
#include "storage/freelist.hpp"

#include <algorithm>
#include <cstring>

namespace saturn::storage {
namespace {

constexpr std::uint32_t kFirstTrunkAt = 32;
constexpr std::uint32_t kFreeCountAt = 36;
constexpr std::uint32_t kLargestRootAt = 52;

/// A page that is never moved and never free: a pointer map, or the one with the lock bytes.
bool is_reserved(const PageSource& source, PageNo page) {
  return page == lock_byte_page(source.page_size()) ||
         pointer_map_page(page, source.page_size(), source.usable_size()) == page;
}

/// `parent` is a B-tree page that has `from` as a child, or as the overflow page of a cell.
Result<void> point_node_at(PageSource& source, PageNo parent, PointerType type, PageNo from,
                           PageNo to) {
  std::uint8_t* bytes = TRY(source.write(parent));
  const Node node = TRY(Node::parse(parent, bytes, source.usable_size()));
  for (std::uint32_t i = 0; i < node.count(); ++i) {
    const Cell cell = TRY(node.cell(i));
    if (type == PointerType::overflow_first && cell.overflow == from) {
      store_be32(bytes + cell.at + cell.bytes - 4, to);
      return {};
    }
    if (type == PointerType::btree && !node.leaf() && cell.left_child == from) {
      store_be32(bytes + cell.at, to);
      return {};
    }
  }
  if (type == PointerType::btree && !node.leaf() && node.rightmost() == from) {
    store_be32(bytes + header_at(parent) + 8, to);
    return {};
  }
  return corrupt_error(parent, 0, "pointer map names a page that does not point there");
}

Result<void> point_parent_at(PageSource& source, const PointerMapEntry& entry, PageNo from,
                             PageNo to) {
  switch (entry.type) {
    case PointerType::root: return {};
    case PointerType::free: break;
    case PointerType::overflow_next: {
      std::uint8_t* link = TRY(source.write(entry.parent));
      if (load_be32(link) != from) break;
      store_be32(link, to);
      return {};
    }
    case PointerType::overflow_first:
    case PointerType::btree: return point_node_at(source, entry.parent, entry.type, from, to);
  }
  return corrupt_error(from, 0, "pointer map");
}

/// What the B-tree page `page` points at has it as parent.
Result<void> adopt_children(PageSource& source, PageNo page, const std::uint8_t* bytes) {
  const Node node = TRY(Node::parse(page, bytes, source.usable_size()));
  for (std::uint32_t i = 0; i < node.count(); ++i) {
    const Cell cell = TRY(node.cell(i));
    if (cell.overflow != 0) {
      TRY(source.set_pointer_map(cell.overflow, PointerType::overflow_first, page));
    }
    if (!node.leaf()) TRY(source.set_pointer_map(cell.left_child, PointerType::btree, page));
  }
  if (node.leaf()) return {};
  return source.set_pointer_map(node.rightmost(), PointerType::btree, page);
}

/// Moves what is on `from` to `to`, which nobody uses, and lets everybody know. `from` is then
/// nobody's.
Result<void> move_page(PageSource& source, PageNo from, PageNo to, const PointerMapEntry& entry) {
  std::uint8_t* bytes = TRY(source.write(to));
  {
    const PageRef old = TRY(source.read(from));
    std::memcpy(bytes, old.data(), source.page_size());
  }
  if (entry.type == PointerType::overflow_first || entry.type == PointerType::overflow_next) {
    const PageNo next = load_be32(bytes);
    if (next != 0) TRY(source.set_pointer_map(next, PointerType::overflow_next, to));
  } else {
    TRY(adopt_children(source, to, bytes));
  }
  TRY(point_parent_at(source, entry, from, to));
  return source.set_pointer_map(to, entry.type, entry.parent);
}

PageNo next_root_place(const PageSource& source, PageNo largest) {
  PageNo place = std::max<PageNo>(largest, 1) + 1;
  while (is_reserved(source, place)) ++place;
  return place;
}

Result<PageNo> largest_root(PageSource& source) {
  const PageRef header = TRY(source.read(1));
  return load_be32(header.data() + kLargestRootAt);
}

Result<void> set_largest_root(PageSource& source, PageNo page) {
  std::uint8_t* header = TRY(source.write(1));
  store_be32(header + kLargestRootAt, page);
  return {};
}

/// How many pages are left of `pages` when `free` of them and the pointer maps for them are gone.
PageNo pages_left(const PageSource& source, PageNo pages, std::uint32_t free) {
  const std::int64_t covered = source.usable_size() / 5;
  const std::int64_t map = pointer_map_page(pages, source.page_size(), source.usable_size());
  const std::int64_t maps = (std::int64_t{free} - pages + map + covered) / covered;
  const PageNo lock_page = lock_byte_page(source.page_size());
  std::int64_t left = std::int64_t{pages} - free - maps;
  if (pages > lock_page && left < lock_page) --left;
  while (left > 1 && is_reserved(source, static_cast<PageNo>(left))) --left;
  return static_cast<PageNo>(std::max<std::int64_t>(left, 1));
}

}  // namespace

Result<PointerMapEntry> pointer_map_entry(PageSource& source, PageNo page) {
  const PageNo map = pointer_map_page(page, source.page_size(), source.usable_size());
  const std::uint32_t at = 5 * (page - map - 1);
  if (page <= map || at + 5 > source.usable_size()) return corrupt_error(page, 0, "pointer map");
  const PageRef ref = TRY(source.read(map));
  const std::uint8_t type = ref.data()[at];
  if (type < 1 || type > 5) return corrupt_error(map, at, "pointer map entry");
  return PointerMapEntry{static_cast<PointerType>(type), load_be32(ref.data() + at + 1)};
}

Result<PageNo> allocate_root(PageSource& source) {
  source.note_all_trees_changed();
  const PageNo largest = TRY(largest_root(source));
  if (largest > source.page_count()) return corrupt_error(1, kLargestRootAt, "largest root page");
  const PageNo place = next_root_place(source, largest);
  if (place > source.page_count()) {
    const PageNo got = TRY(source.allocate());
    if (got != place) return corrupt_error(1, kLargestRootAt, "largest root page");
  } else {
    const PointerMapEntry entry = TRY(pointer_map_entry(source, place));
    if (entry.type == PointerType::root) return corrupt_error(place, 0, "root past the largest");
    if (entry.type == PointerType::free) {
      TRY(freelist_take_page(source, place));
    } else {
      const PageNo elsewhere = TRY(source.allocate());
      if (elsewhere == place) return corrupt_error(place, 0, "a page in use is on the freelist");
      TRY(move_page(source, place, elsewhere, entry));
    }
    TRY(source.write(place));
  }
  TRY(source.set_pointer_map(place, PointerType::root, 0));
  TRY(set_largest_root(source, place));
  return place;
}

Result<PageNo> free_root(PageSource& source, PageNo root) {
  source.note_all_trees_changed();
  const PageNo largest = TRY(largest_root(source));
  if (root > largest || largest > source.page_count()) {
    return corrupt_error(1, kLargestRootAt, "largest root page");
  }
  if (root != largest) {
    const PointerMapEntry entry = TRY(pointer_map_entry(source, largest));
    if (entry.type != PointerType::root) return corrupt_error(largest, 0, "largest root page");
    TRY(move_page(source, largest, root, entry));
  }
  TRY(source.free_page(largest));
  PageNo last = largest - 1;
  while (last > 1 && is_reserved(source, last)) --last;
  TRY(set_largest_root(source, last));
  return root == largest ? PageNo{0} : largest;
}

Result<bool> vacuum_step(PageSource& source) {
  const std::uint32_t free = TRY(freelist_count(source));
  if (free == 0) return false;
  source.note_all_trees_changed();
  PageNo last = source.page_count();
  if (free >= last) return corrupt_error(1, kFreeCountAt, "freelist count");
  const PageNo target = pages_left(source, last, free);
  if (!is_reserved(source, last)) {
    const PointerMapEntry entry = TRY(pointer_map_entry(source, last));
    if (entry.type == PointerType::root) return corrupt_error(last, 0, "root at the file's end");
    if (entry.type == PointerType::free) {
      TRY(freelist_take_page(source, last));
    } else {
      const PageNo to = TRY(freelist_take_up_to(source, target));
      TRY(move_page(source, last, to, entry));
    }
  }
  for (--last; last > 1 && is_reserved(source, last);) --last;
  TRY(source.shrink(last));
  return true;
}

Result<void> vacuum_fully(PageSource& source) {
  const std::uint32_t free = TRY(freelist_count(source));
  if (free == 0) return {};
  source.note_all_trees_changed();
  const PageNo pages = source.page_count();
  if (free >= pages || is_reserved(source, pages)) {
    return corrupt_error(1, kFreeCountAt, "freelist count");
  }
  const PageNo target = pages_left(source, pages, free);
  for (PageNo page = pages; page > target; --page) {
    if (is_reserved(source, page)) continue;
    const PointerMapEntry entry = TRY(pointer_map_entry(source, page));
    if (entry.type == PointerType::root) return corrupt_error(page, 0, "root at the file's end");
    if (entry.type == PointerType::free) continue;
    // Free pages past the target go with the file's end.
    PageNo to = 0;
    do {
      to = TRY(freelist_take(source));
      if (to == 0) return corrupt_error(1, kFreeCountAt, "freelist count");
    } while (to > target);
    TRY(move_page(source, page, to, entry));
  }
  std::uint8_t* header = TRY(source.write(1));
  store_be32(header + kFirstTrunkAt, 0);
  store_be32(header + kFreeCountAt, 0);
  return source.shrink(target);
}

}  // namespace saturn::storage
