#include "btree_level.hpp"

#include "base/limits.hpp"
#include "storage/auto_vacuum.hpp"

namespace saturn::storage {
namespace {

Result<void> write_empty_leaf(PageSource& source, PageNo page, TreeKind kind) {
  CellList none;
  none.kind = kind == TreeKind::table ? NodeKind::table_leaf : NodeKind::index_leaf;
  std::uint8_t* bytes = TRY(source.write(page));
  write_node(bytes, page, source.usable_size(), none, 0, 0, 0);
  return {};
}

/// Frees everything below `page`, not `page` itself.
Result<void> free_below(PageSource& source, PageNo page, TreeKind kind, std::uint32_t depth) {
  if (depth >= limits::kBTreeDepthMax) return corrupt_error(page, 0, "tree too deep");
  const PageRef ref = TRY(source.read(page));
  const Node node = TRY(Node::parse(page, ref.data(), source.usable_size()));
  if (node.table() != (kind == TreeKind::table)) {
    return corrupt_error(page, header_at(page), "page of the other kind of tree");
  }
  for (std::uint32_t i = 0; i < node.count() + (node.leaf() ? 0 : 1); ++i) {
    if (i < node.count()) {
      const Cell cell = TRY(node.cell(i));
      TRY(free_overflow(source, cell.overflow, cell.payload_bytes - cell.local_bytes));
    }
    if (node.leaf()) continue;
    const PageNo child = TRY(node.child(i));
    if (child < 2) return corrupt_error(page, node.pointers_at(), "child page number");
    TRY(free_below(source, child, kind, depth + 1));
    TRY(source.free_page(child));
  }
  return {};
}

}  // namespace

Result<void> free_overflow(PageSource& source, PageNo page, std::uint64_t rest) {
  if (rest == 0) return {};
  std::uint64_t pages = overflow_pages(rest, source.usable_size());
  if (pages > source.page_count()) return corrupt_error(page, 0, "payload size");
  for (; pages > 0; --pages) {
    if (page < 2) return corrupt_error(page, 0, "overflow page number");
    PageNo next = 0;
    {
      const PageRef ref = TRY(source.read(page));
      next = load_be32(ref.data());
    }
    TRY(source.free_page(page));
    page = next;
  }
  return {};
}

Result<PageNo> create_tree(PageSource& source, TreeKind kind) {
  const PageNo root = TRY(source.auto_vacuum() ? allocate_root(source) : source.allocate());
  TRY(write_empty_leaf(source, root, kind));
  source.note_tree_change(root);
  return root;
}

Result<void> clear_tree(PageSource& source, PageNo root, TreeKind kind) {
  source.note_tree_change(root);
  TRY(free_below(source, root, kind, 0));
  return write_empty_leaf(source, root, kind);
}

Result<PageNo> drop_tree(PageSource& source, PageNo root, TreeKind kind) {
  if (root < 2) return Error(Code::misuse, "page 1 cannot be dropped");
  source.note_tree_change(root);
  TRY(free_below(source, root, kind, 0));
  if (source.auto_vacuum()) return free_root(source, root);
  TRY(source.free_page(root));
  return PageNo{0};
}

}  // namespace saturn::storage
