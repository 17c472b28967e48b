#include "btree_level.hpp"

#include <algorithm>

/// Balancing works on lists of cells, not on pages. `store` is the one door: it is given the whole
/// new content of the node at one depth of the path and does what that needs.
///
///                fits, full enough, or nobody to merge with
///     store ───────────────────────────────────────────────► write_page
///       │ too full or too empty
///       ├─ at the root: too full ► grow_root ► store of the new child (one deeper)
///       │               one child left ► shrink_root
///       └─ below it:   balance: gather up to three siblings and the dividers between them, lay
///                      the cells out evenly on as many pages as they take, and `store` the
///                      parent with its new dividers.
namespace saturn::storage {
namespace {

/// Where the pages of an even layout end: page j has cells [start[j], end[j]). Where nodes keep
/// their dividers (all but table leaves) the cell end[j] goes up to the parent.
struct Layout {
  std::vector<std::size_t> start;
  std::vector<std::size_t> end;
};

/// `fill`: how much of a page is used before the next one is begun.
Layout lay_out(const CellList& all, std::uint64_t capacity, std::uint64_t fill, bool table_leaf) {
  const std::size_t step = table_leaf ? 0 : 1;
  const std::size_t count = all.slots.size();
  Layout layout;
  std::size_t at = 0;
  do {
    std::size_t end = at;
    std::uint64_t cost = 0;
    while (end < count && cost + all.cost(end) <= (cost < fill ? capacity : fill)) {
      cost += all.cost(end);
      ++end;
    }
    layout.start.push_back(at);
    layout.end.push_back(end);
    at = end + step;
    if (end == count) break;
  } while (at <= count);
  // The last page may be nearly empty: cells move right while that makes two neighbours more alike.
  for (std::size_t j = layout.start.size() - 1; j > 0; --j) {
    std::uint64_t left = all.cost(layout.start[j - 1], layout.end[j - 1]);
    std::uint64_t right = all.cost(layout.start[j], layout.end[j]);
    while (layout.end[j - 1] > layout.start[j - 1] + 1) {
      const std::size_t last = layout.end[j - 1] - 1;
      const std::size_t comes = last + step;  // the cell that the right page gains
      const std::uint64_t gain = all.cost(comes);
      const std::uint64_t loss = all.cost(last);
      const bool empty = layout.start[j] == layout.end[j];
      if (right + gain > capacity || (!empty && right + gain > left - loss)) break;
      left -= loss;
      right += gain;
      --layout.end[j - 1];
      --layout.start[j];
    }
  }
  return layout;
}

/// The cell of the parent that separates page `child` from the next, made of cell `index`.
std::vector<std::uint8_t> make_divider(const CellList& all, std::size_t index, PageNo child) {
  std::vector<std::uint8_t> cell(4);
  store_be32(cell.data(), child);
  const std::uint8_t* from = all.cell(index);
  const std::uint8_t* end = from + all.slots[index].bytes;
  if (all.kind == NodeKind::table_leaf) {
    std::uint64_t size = 0;
    std::uint64_t rowid = 0;
    from += get_varint(from, end, size);
    end = from + get_varint(from, end, rowid);
  } else if (!is_leaf(all.kind)) {
    from += 4;
  }
  cell.insert(cell.end(), from, end);
  return cell;
}

}  // namespace

Result<void> write_tree_page(PageSource& source, PageNo page, const CellList& list,
                             std::size_t first, std::size_t last, PageNo rightmost) {
  std::uint8_t* bytes = TRY(source.write(page));
  write_node(bytes, page, source.usable_size(), list, first, last, rightmost);
  if (!source.auto_vacuum()) return {};
  const Node node = TRY(Node::parse(page, bytes, source.usable_size()));
  for (std::uint32_t i = 0; i < node.count(); ++i) {
    const Cell cell = TRY(node.cell(i));
    if (cell.overflow != 0) {
      TRY(source.set_pointer_map(cell.overflow, PointerType::overflow_first, page));
    }
    if (!node.leaf()) TRY(source.set_pointer_map(cell.left_child, PointerType::btree, page));
  }
  if (node.leaf()) return {};
  return source.set_pointer_map(rightmost, PointerType::btree, page);
}

Result<void> BTreeCursor::write_page(PageNo page, const CellList& list, std::size_t first,
                                     std::size_t last, PageNo rightmost) {
  return write_tree_page(source_, page, list, first, last, rightmost);
}

Result<void> BTreeCursor::store(std::size_t depth, CellList& list, bool append) {
  const PageNo page = levels_[depth].node.number();
  const std::uint64_t cost =
      header_at(page) + header_bytes(list.kind) + list.cost(0, list.slots.size());
  const std::uint32_t usable = source_.usable_size();
  if (cost > usable) return depth == 0 ? grow_root(list) : balance(depth, list, append);
  if (depth == 0) {
    if (!is_leaf(list.kind) && list.slots.empty()) return shrink_root(list);
  } else if (3 * cost < usable && levels_[depth - 1].node.count() > 0) {
    return balance(depth, list, false);
  }
  return write_page(page, list, 0, list.slots.size(), list.rightmost);
}

/// The root's content is too much: it goes to a new child, which is then split.
Result<void> BTreeCursor::grow_root(CellList& list) {
  const PageNo child = TRY(source_.allocate());
  CellList none;
  none.kind = list.kind;
  TRY(write_page(child, none, 0, 0, list.rightmost));
  none.kind = is_table(list.kind) ? NodeKind::table_interior : NodeKind::index_interior;
  TRY(write_page(root_, none, 0, 0, child));
  levels_.clear();
  TRY(push(root_));
  TRY(push(child));
  return store(1, list, false);
}

/// The root has one child and no cell: it takes over the child's content, if there is room.
Result<void> BTreeCursor::shrink_root(CellList& list) {
  const PageNo child = list.rightmost;
  if (child < 2 || child == root_) return corrupt_error(root_, 8, "child page number");
  CellList content;
  {
    const PageRef ref = TRY(source_.read(child));
    const Node node = TRY(Node::parse(child, ref.data(), source_.usable_size()));
    if (node.table() != (key_info_ == nullptr)) {
      return corrupt_error(child, 0, "page of the other kind of tree");
    }
    TRY(take_cells(node, content));
  }
  const std::uint64_t cost =
      header_at(root_) + header_bytes(content.kind) + content.cost(0, content.slots.size());
  if (cost > source_.usable_size()) return write_page(root_, list, 0, 0, child);
  TRY(write_page(root_, content, 0, content.slots.size(), content.rightmost));
  return source_.free_page(child);
}

/// Appends the cells of children [first, last] of the parent, and the dividers between them.
Result<void> BTreeCursor::gather(std::size_t depth, CellList& list, const CellList& parent,
                                 std::size_t first, std::size_t last, CellList& all,
                                 std::vector<PageNo>& pages) {
  all.kind = list.kind;
  for (std::size_t c = first; c <= last; ++c) {
    const bool edge = c == parent.slots.size();
    const PageNo page = edge ? parent.rightmost : load_be32(parent.cell(c));
    if (page < 2 || std::find(pages.begin(), pages.end(), page) != pages.end()) {
      return corrupt_error(levels_[depth - 1].node.number(), 0, "child page number");
    }
    pages.push_back(page);
    if (c == levels_[depth - 1].index) {
      all.append(list);
      all.rightmost = list.rightmost;
    } else {
      const PageRef ref = TRY(source_.read(page));
      const Node node = TRY(Node::parse(page, ref.data(), source_.usable_size()));
      if (node.kind() != list.kind) return corrupt_error(page, 0, "sibling of another kind");
      TRY(take_cells(node, all));
    }
    if (c == last || list.kind == NodeKind::table_leaf) continue;
    const std::uint32_t bytes = parent.slots[c].bytes;
    std::vector<std::uint8_t> divider(parent.cell(c), parent.cell(c) + bytes);
    if (is_leaf(list.kind)) {
      all.append(divider.data() + 4, bytes - 4);
    } else {
      store_be32(divider.data(), all.rightmost);
      all.append(divider.data(), bytes);
    }
  }
  return {};
}

Result<void> BTreeCursor::balance(std::size_t depth, CellList& list, bool append) {
  const Node parent_node = levels_[depth - 1].node;
  CellList parent;
  TRY(take_cells(parent_node, parent));
  const std::size_t index = levels_[depth - 1].index;
  const std::size_t edge = parent.slots.size();
  // Entries that arrive in order leave full pages behind: the new one alone starts the next page,
  // and in an index tree the one before it goes up to the parent. (Cells that overlap on a hostile
  // page may not fit even so.)
  const std::uint32_t capacity = source_.usable_size() - header_bytes(list.kind);
  // Else pages are left with some room, or the next entry would have them laid out again.
  const std::uint32_t fill = capacity - capacity / 8;
  const bool table_leaf = list.kind == NodeKind::table_leaf;
  const std::size_t going_up = table_leaf ? 0 : 1;
  const bool fast = append && is_leaf(list.kind) && index == edge &&
                    list.slots.size() > 1 + going_up &&
                    list.cost(0, list.slots.size() - 1) <= capacity;
  const std::size_t last = fast ? edge : std::min(edge, std::max<std::size_t>(index, 1) + 1);
  const std::size_t first = fast ? edge : (last >= 2 ? std::min(last - 2, index) : 0);

  CellList all;
  std::vector<PageNo> pages;
  TRY(gather(depth, list, parent, first, last, all, pages));
  const std::size_t count = all.slots.size();
  const Layout layout = fast ? Layout{{0, count - 1}, {count - 1 - going_up, count}}
                             : lay_out(all, capacity, fill, table_leaf);
  const std::size_t used = layout.start.size();
  while (pages.size() < used) pages.push_back(TRY(source_.allocate()));
  for (; pages.size() > used; pages.pop_back()) TRY(source_.free_page(pages.back()));

  std::vector<std::vector<std::uint8_t>> dividers;
  for (std::size_t j = 0; j < used; ++j) {
    const bool is_last = j + 1 == used;
    PageNo rightmost = all.rightmost;
    if (!is_last) {
      const std::size_t divider = table_leaf ? layout.end[j] - 1 : layout.end[j];
      dividers.push_back(make_divider(all, divider, pages[j]));
      if (!is_leaf(all.kind)) rightmost = load_be32(all.cell(divider));
    }
    TRY(write_page(pages[j], all, layout.start[j], layout.end[j], rightmost));
  }
  if (last == edge) {
    parent.rightmost = pages.back();
  } else {
    store_be32(parent.cell(last), pages.back());
  }
  parent.slots.erase(parent.slots.begin() + static_cast<std::ptrdiff_t>(first),
                     parent.slots.begin() + static_cast<std::ptrdiff_t>(last));
  for (std::size_t j = 0; j < dividers.size(); ++j) {
    parent.insert(first + j, dividers[j].data(), static_cast<std::uint32_t>(dividers[j].size()));
  }
  if (source_.auto_vacuum()) {
    // A parent that is rewritten names its children anyway; one whose cells move on does not.
    for (const PageNo page : pages) {
      TRY(source_.set_pointer_map(page, PointerType::btree, parent_node.number()));
    }
  }
  return store(depth - 1, parent, false);
}

}  // namespace saturn::storage
