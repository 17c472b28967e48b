#include "storage/estimate.hpp"

#include "base/limits.hpp"
#include "node.hpp"

#include <array>

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

namespace {

class EntryCounter {
 public:
  EntryCounter(PageSource& source, const std::function<Result<void>()>& after_page)
      : source_(source), after_page_(after_page) {}

  Result<std::uint64_t> count(PageNo page, std::uint32_t depth) {
    if (depth == limits::kBTreeDepthMax) return corrupt_error(page, 0, "tree too deep");
    // A tree whose pages lead back to themselves has more of them than the database.
    if (++pages_ > source_.page_count()) return corrupt_error(page, 0, "tree with a loop");
    const PageRef ref = TRY(source_.read(page));
    const Node node = TRY(Node::parse(page, ref.data(), source_.usable_size()));
    if (depth == 0) is_index_ = !node.table();
    if (node.table() == is_index_) return corrupt_error(page, 0, "page of another kind of tree");
    TRY(after_page_());
    if (node.leaf()) return std::uint64_t{node.count()};
    std::uint64_t entries = is_index_ ? node.count() : 0;
    for (std::uint32_t i = 0; i <= node.count(); ++i) {
      if (i % limits::kReadAheadPages == 0) ask_for_children(node, i);
      const PageNo child = TRY(node.child(i));
      if (child < 2) return corrupt_error(page, node.pointers_at(), "child page number");
      entries += TRY(count(child, depth + 1));
    }
    return entries;
  }

 private:
  /// All of them are going to be read.
  void ask_for_children(const Node& node, std::uint32_t first) {
    std::array<PageNo, limits::kReadAheadPages> pages;
    std::uint32_t count = 0;
    for (; count < pages.size() && first + count <= node.count(); ++count) {
      const Result<PageNo> child = node.child(first + count);
      if (!child) return;
      pages[count] = *child;
    }
    source_.prefetch(std::span(pages).first(count));
  }

  PageSource& source_;
  const std::function<Result<void>()>& after_page_;
  std::uint32_t pages_ = 0;
  bool is_index_ = false;
};

}  // namespace

Result<std::uint64_t> count_entries(PageSource& source, PageNo root,
                                    const std::function<Result<void>()>& after_page) {
  return EntryCounter(source, after_page).count(root, 0);
}

}  // namespace saturn::storage
