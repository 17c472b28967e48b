#include "storage/estimate.hpp"

#include "base/limits.hpp"
#include "node.hpp"

namespace saturn::storage {

Result<std::uint64_t> estimate_entries(PageSource& source, PageNo root) {
  std::uint64_t leaves = 1;
  PageNo page = root;
  for (std::uint32_t depth = 0; depth < limits::kBTreeDepthMax; ++depth) {
    const PageRef ref = TRY(source.read(page));
    const Node node = TRY(Node::parse(page, ref.data(), source.usable_size()));
    if (node.leaf()) return leaves * node.count();
    leaves *= node.count() + 1;
    page = TRY(node.child(node.count() / 2));
    if (page < 2) return corrupt_error(ref.number(), node.pointers_at(), "child page number");
  }
  return corrupt_error(root, 0, "tree too deep");
}

}  // namespace saturn::storage
