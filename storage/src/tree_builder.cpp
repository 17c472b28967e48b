#include "storage/tree_builder.hpp"

#include "base/assert.hpp"
#include "btree_level.hpp"

#include <algorithm>

/// Each level gathers the cells of one page. When a page is full, it is written and a divider goes
/// to the level above. In all but table leaves the divider is a cell itself: the first that does
/// not fit. It waits in `pending` until another cell follows it, so that the last page of a level
/// is never without cells.
namespace saturn::storage {

struct TreeBuilder::Level {
  CellList list;
  std::uint64_t cost = 0;
  std::vector<std::uint8_t> pending;  ///< empty: none

  void append(const std::vector<std::uint8_t>& cell) {
    list.append(cell.data(), static_cast<std::uint32_t>(cell.size()));
    cost += footprint(static_cast<std::uint32_t>(cell.size())) + 2;
  }
  void clear() {
    list.bytes.clear();
    list.slots.clear();
    cost = 0;
  }
};

namespace {

/// `cell` as a divider of the level above, with `child` on its left.
std::vector<std::uint8_t> divider_of(ByteSpan cell, NodeKind kind, PageNo child) {
  const ByteSpan content = cell.subspan(is_leaf(kind) ? 0 : 4);
  std::vector<std::uint8_t> divider(4 + content.size());
  store_be32(divider.data(), child);
  std::copy(content.begin(), content.end(), divider.begin() + 4);
  return divider;
}

}  // namespace

Result<TreeKind> kind_of_tree(PageSource& source, PageNo root) {
  const PageRef ref = TRY(source.read(root));
  const Node node = TRY(Node::parse(root, ref.data(), source.usable_size()));
  return node.table() ? TreeKind::table : TreeKind::index;
}

TreeBuilder::TreeBuilder(PageSource& source, PageNo root, TreeKind kind)
    : source_(source), root_(root), kind_(kind) {
  ASSERT(root > 1);
  levels_.emplace_back();
  levels_[0].list.kind = kind == TreeKind::table ? NodeKind::table_leaf : NodeKind::index_leaf;
}

TreeBuilder::~TreeBuilder() = default;

Result<void> TreeBuilder::append(std::int64_t rowid, ByteSpan record) {
  const bool table = kind_ == TreeKind::table;
  TRY(make_cell(source_, table, rowid, record, cell_));
  Level& leaf = levels_[0];
  const std::uint64_t capacity = source_.usable_size() - header_bytes(leaf.list.kind);
  const std::uint32_t room = footprint(static_cast<std::uint32_t>(cell_.size())) + 2;
  if (table && leaf.cost + room > capacity) {
    const PageNo page = TRY(write_out(leaf.list, 0, leaf.list.slots.size(), 0));
    leaf.clear();
    leaf.append(cell_);
    std::vector<std::uint8_t> divider(4 + kVarintBytesMax);
    store_be32(divider.data(), page);
    divider.resize(4 + put_varint(divider.data() + 4, static_cast<std::uint64_t>(last_rowid_)));
    TRY(add(1, std::move(divider)));
  } else {
    TRY(add(0, cell_));
  }
  last_rowid_ = rowid;
  return {};
}

/// Takes the next cell of a level; the levels above come into being as they are needed.
Result<void> TreeBuilder::add(std::size_t depth, std::vector<std::uint8_t> cell) {
  if (depth == levels_.size()) {
    levels_.emplace_back();
    levels_[depth].list.kind =
        kind_ == TreeKind::table ? NodeKind::table_interior : NodeKind::index_interior;
  }
  Level& level = levels_[depth];
  const NodeKind kind = level.list.kind;
  if (level.pending.empty()) {
    const std::uint32_t room = footprint(static_cast<std::uint32_t>(cell.size())) + 2;
    if (level.cost + room <= source_.usable_size() - header_bytes(kind)) {
      level.append(cell);
    } else {
      level.pending = std::move(cell);
    }
    return {};
  }
  const PageNo rightmost = is_leaf(kind) ? 0 : load_be32(level.pending.data());
  const PageNo page = TRY(write_out(level.list, 0, level.list.slots.size(), rightmost));
  std::vector<std::uint8_t> divider = divider_of(level.pending, kind, page);
  level.pending.clear();
  level.clear();
  level.append(cell);
  return add(depth + 1, std::move(divider));
}

Result<PageNo> TreeBuilder::write_out(const CellList& list, std::size_t first, std::size_t last,
                                      PageNo rightmost) {
  const PageNo page = TRY(source_.allocate());
  TRY(write_tree_page(source_, page, list, first, last, rightmost));
  return page;
}

/// Writes the last page of a level that is not the root, and returns it.
Result<PageNo> TreeBuilder::finish_level(std::size_t depth, PageNo rightmost) {
  Level& level = levels_[depth];
  const std::size_t count = level.list.slots.size();
  if (level.pending.empty()) return write_out(level.list, 0, count, rightmost);
  // One cell is not enough for a divider and a page of its own: the full page gives one up.
  ASSERT(count >= 2);
  const NodeKind kind = level.list.kind;
  const CellList::Slot slot = level.list.slots.back();
  const ByteSpan up(level.list.bytes.data() + slot.at, slot.bytes);
  const PageNo left =
      TRY(write_out(level.list, 0, count - 1, is_leaf(kind) ? PageNo{0} : load_be32(up.data())));
  std::vector<std::uint8_t> divider = divider_of(up, kind, left);
  CellList last;
  last.kind = kind;
  last.append(level.pending.data(), static_cast<std::uint32_t>(level.pending.size()));
  const PageNo page = TRY(write_out(last, 0, 1, rightmost));
  TRY(add(depth + 1, std::move(divider)));
  return page;
}

Result<void> TreeBuilder::finish() {
  source_.note_all_trees_changed();
  PageNo rightmost = 0;
  for (std::size_t depth = 0;; ++depth) {
    const bool top = depth + 1 == levels_.size() && levels_[depth].pending.empty();
    if (top) {
      const CellList& list = levels_[depth].list;
      return write_tree_page(source_, root_, list, 0, list.slots.size(), rightmost);
    }
    rightmost = TRY(finish_level(depth, rightmost));
  }
}

}  // namespace saturn::storage
