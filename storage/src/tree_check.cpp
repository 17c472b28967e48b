#include "storage/tree_check.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "btree_level.hpp"
#include "storage/auto_vacuum.hpp"
#include "storage/freelist.hpp"

#include <algorithm>

namespace saturn::storage {

struct TreeCheck::Bounds {
  bool any = false;
  std::int64_t last_rowid = 0;
  std::uint32_t leaf_depth = 0;  ///< 0 = no leaf seen yet
};

TreeCheck::TreeCheck(PageSource& source, std::size_t problems_max)
    : source_(source), problems_max_(problems_max), used_(source.page_count() + std::size_t{1}) {
  used_[0] = true;
}

void TreeCheck::problem(std::string text) {
  if (problems_.size() < problems_max_) problems_.push_back(std::move(text));
}

/// Notes that `page` is in use; false when that cannot be.
bool TreeCheck::claim(PageNo page, PageNo from) {
  if (page == 0 || page >= used_.size()) {
    problem(cat("page ", from, ": page number ", page, " out of range"));
    return false;
  }
  if (used_[page]) {
    problem(cat("page ", from, ": page ", page, " is used twice"));
    return false;
  }
  used_[page] = true;
  return true;
}

/// With auto-vacuum: what the pointer map must say of `page`.
Result<void> TreeCheck::pointer_map(PageNo page, PointerType type, PageNo parent) {
  if (!source_.auto_vacuum() || page < 2) return {};
  const auto entry = pointer_map_entry(source_, page);
  if (!entry && primary(entry.error().code()) != Code::corrupt) return entry.error().clone();
  if (entry && entry->type == type && entry->parent == parent) return {};
  problem(
      cat("page ", page, ": pointer map entry is not (", static_cast<int>(type), ",", parent, ")"));
  return {};
}

void TreeCheck::overlaps(const Node& node) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> extents;
  for (std::uint32_t i = 0; i < node.count(); ++i) {
    const auto cell = node.cell(i);
    if (cell) extents.emplace_back(cell->at, cell->at + footprint(cell->bytes));
  }
  std::sort(extents.begin(), extents.end());
  for (std::size_t i = 1; i < extents.size(); ++i) {
    if (extents[i].first < extents[i - 1].second) {
      problem(cat("page ", node.number(), ": cells overlap at offset ", extents[i].first));
      return;
    }
  }
}

Result<void> TreeCheck::overflow(PageNo from, PageNo page, std::uint64_t rest) {
  PointerType type = PointerType::overflow_first;
  for (std::uint64_t n = rest == 0 ? 0 : overflow_pages(rest, source_.usable_size()); n > 0; --n) {
    if (!claim(page, from)) return {};
    TRY(pointer_map(page, type, from));
    type = PointerType::overflow_next;
    const PageRef ref = TRY(source_.read(page));
    from = page;
    page = load_be32(ref.data());
  }
  if (rest != 0 && page != 0) problem(cat("page ", from, ": overflow chain is too long"));
  return {};
}

Result<void> TreeCheck::node(PageNo page, std::uint32_t depth, Bounds& bounds,
                             const KeyInfo* key_info) {
  if (depth > limits::kBTreeDepthMax) {
    problem(cat("page ", page, ": tree too deep"));
    return {};
  }
  const PageRef ref = TRY(source_.read(page));
  const auto parsed = Node::parse(page, ref.data(), source_.usable_size());
  if (!parsed || parsed->table() != (key_info == nullptr)) {
    problem(parsed ? cat("page ", page, ": of the other kind of tree") : parsed.error().message());
    return {};
  }
  overlaps(*parsed);
  if (parsed->leaf()) {
    if (bounds.leaf_depth != 0 && bounds.leaf_depth != depth) {
      problem(cat("page ", page, ": leaf at another depth"));
    }
    bounds.leaf_depth = depth;
  }
  for (std::uint32_t i = 0; i < parsed->count() + (parsed->leaf() ? 0 : 1); ++i) {
    if (!parsed->leaf()) {
      const auto child = parsed->child(i);
      if (child && claim(*child, page)) {
        TRY(pointer_map(*child, PointerType::btree, page));
        TRY(node(*child, depth + 1, bounds, key_info));
      }
    }
    if (i == parsed->count()) break;
    const auto cell = parsed->cell(i);
    if (!cell) {
      problem(cell.error().message());
      continue;
    }
    TRY(overflow(page, cell->overflow, cell->payload_bytes - cell->local_bytes));
    if (!parsed->table() || parsed->leaf()) ++entries_;
    if (!parsed->table()) continue;
    // An interior key may equal the last key on its left; leaf keys are distinct.
    const bool before = cell->rowid < bounds.last_rowid ||
                        (parsed->leaf() && cell->rowid == bounds.last_rowid && bounds.any);
    const bool equal_divider = bounds.any && cell->rowid == bounds.last_rowid;
    if (bounds.any && before && !(equal_divider && !parsed->leaf())) {
      problem(cat("page ", page, ": rowid ", cell->rowid, " out of order"));
    }
    bounds.any = true;
    bounds.last_rowid = cell->rowid;
  }
  return {};
}

Result<void> TreeCheck::index_order(PageNo root, const KeyInfo& key_info) {
  BTreeCursor cursor(source_, root, &key_info);
  RecordReader reader;
  std::vector<std::uint8_t> before;
  std::vector<ValueRef> key;
  bool more = TRY(cursor.first());
  for (bool first = true; more; first = false) {
    const ByteSpan record = TRY(cursor.payload());
    if (!first) {
      const int order = TRY(compare_key(key, record, key_info));
      if (order >= 0) problem(cat("tree ", root, ": index records out of order"));
    }
    before.assign(record.begin(), record.end());
    reader.reset(before);
    key.clear();
    const std::uint32_t columns = std::min(TRY(reader.column_count()), key_info.key_columns);
    for (std::uint32_t i = 0; i < columns; ++i) key.push_back(TRY(reader.column(i)));
    more = TRY(cursor.next());
  }
  return {};
}

Result<void> TreeCheck::tree(PageNo root, const KeyInfo* key_info) {
  entries_ = 0;
  const std::size_t before = problems_.size();
  if (!claim(root, 0)) return {};
  TRY(pointer_map(root, PointerType::root, 0));
  Bounds bounds;
  TRY(node(root, 1, bounds, key_info));
  if (key_info == nullptr || problems_.size() > before) return {};
  auto ordered = index_order(root, *key_info);
  if (ordered) return {};
  if (primary(ordered.code()) != Code::corrupt) return ordered;
  problem(ordered.message());
  return {};
}

Result<void> TreeCheck::freelist() {
  PageNo trunk = 0;
  {
    const PageRef header = TRY(source_.read(1));
    trunk = load_be32(header.data() + 32);
  }
  const std::uint32_t expected = TRY(freelist_count(source_));
  std::uint64_t found = 0;
  for (PageNo from = 1; trunk != 0;) {
    if (!claim(trunk, from)) return {};
    TRY(pointer_map(trunk, PointerType::free, 0));
    const PageRef ref = TRY(source_.read(trunk));
    const std::uint32_t leaves = load_be32(ref.data() + 4);
    if (leaves > source_.usable_size() / 4 - 2) {
      problem(cat("page ", trunk, ": freelist leaf count ", leaves));
      return {};
    }
    for (std::uint32_t i = 0; i < leaves; ++i) {
      const PageNo leaf = load_be32(ref.data() + 8 + std::size_t{4} * i);
      if (claim(leaf, trunk)) TRY(pointer_map(leaf, PointerType::free, 0));
    }
    found += leaves + 1;
    from = trunk;
    trunk = load_be32(ref.data());
  }
  if (found != expected) problem(cat("freelist has ", found, " pages, not ", expected));
  return {};
}

void TreeCheck::unused_pages() {
  const std::uint32_t size = source_.page_size();
  for (PageNo page = 1; page < used_.size() && problems_.size() < problems_max_; ++page) {
    const bool map = source_.auto_vacuum() && page >= 2 &&
                     pointer_map_page(page, size, source_.usable_size()) == page;
    const bool own = map || page == lock_byte_page(size);
    if (own == used_[page]) {
      problem(cat("page ", page, own ? ": reserved, but in use" : ": never used"));
    }
  }
}

}  // namespace saturn::storage
