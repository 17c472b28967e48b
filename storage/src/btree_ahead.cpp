#include "btree_level.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <array>

// What cursors are going to read, asked for before they do.

namespace saturn::storage {
namespace {

/// The first batch behind a leaf: a few rows more than were asked for should cost little.
constexpr std::uint32_t kFirstBatch = 4;

}  // namespace

/// The last level's node is the parent of leaves, of which the one at its index and those behind it
/// are going to be visited.
void BTreeCursor::read_ahead(bool backward) {
  const Level& parent = levels_.back();
  const std::uint32_t index = parent.index;
  if (ahead_pages_ != 0 && ahead_parent_ == parent.node.number()) {
    if (backward ? index > ahead_end_ : index < ahead_end_) return;
  }
  ahead_pages_ = std::clamp(ahead_pages_ * 2, kFirstBatch, limits::kReadAheadPages);
  const std::uint32_t children = parent.node.count() + 1;
  const std::uint32_t count = std::min(ahead_pages_, backward ? index + 1 : children - index);
  std::array<PageNo, limits::kReadAheadPages> pages;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Result<PageNo> child = parent.node.child(backward ? index - i : index + i);
    if (!child) return;
    pages[i] = *child;
  }
  if (count > 1) source_.prefetch(std::span(pages).first(count));
  ahead_parent_ = parent.node.number();
  ahead_end_ = backward ? std::int64_t{index} - count : std::int64_t{index} + count;
}

void BTreeCursor::prefetch(std::span<const std::int64_t> rowids) {
  ASSERT(key_info_ == nullptr);
  std::vector<PageNo> pages(rowids.size(), root_);
  std::vector<PageNo> distinct;
  for (std::size_t depth = 1; depth <= limits::kBTreeDepthMax; ++depth) {
    distinct = pages;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    source_.prefetch(distinct);
    if (depth == leaf_depth_) return;
    for (std::size_t i = 0; i < rowids.size(); ++i) {
      Result<PageNo> child = child_on_the_way(pages[i], rowids[i]);
      if (!child || *child == 0) return;
      pages[i] = *child;
    }
  }
}

/// The child of an interior node of a table tree that has the rowid; 0 for a leaf. // SUSPENDS
Result<PageNo> BTreeCursor::child_on_the_way(PageNo page, std::int64_t rowid) {
  Level level;
  level.ref = TRY(source_.read(page));
  level.node = TRY(Node::parse(page, level.ref.data(), source_.usable_size()));
  if (level.node.leaf() || !level.node.table()) return PageNo{0};
  return level.node.child(TRY(search(level, Target{rowid, {}, -1})));
}

void BTreeCursor::look_ahead(bool backward, std::size_t most,
                             std::vector<ByteSpan>& records) const {
  ASSERT(valid());
  const Level& level = levels_.back();
  if (!level.node.leaf()) return;
  const std::size_t behind = backward ? level.index : level.node.count() - level.index - 1;
  for (std::uint32_t i = 1; i <= std::min(most, behind); ++i) {
    ByteSpan record;
    const std::uint32_t at = backward ? level.index - i : level.index + i;
    if (level.node.look_at_payload(at, record)) records.push_back(record);
  }
}

}  // namespace saturn::storage
