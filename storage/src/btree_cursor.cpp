#include "btree_level.hpp"

#include "base/limits.hpp"

#include <algorithm>

namespace saturn::storage {

BTreeCursor::BTreeCursor(PageSource& source, PageNo root, const KeyInfo* key_info)
    : source_(source), root_(root), key_info_(key_info) {}
BTreeCursor::~BTreeCursor() = default;

bool BTreeCursor::valid() const noexcept {
  return !levels_.empty() && changes_seen_ == source_.tree_changes() &&
         levels_.back().index < levels_.back().node.count();
}

Result<void> BTreeCursor::check_fresh() const {
  if (!valid()) return Error(Code::misuse, "cursor has no position");
  return {};
}

Result<void> BTreeCursor::push(PageNo page) {
  if (levels_.size() >= limits::kBTreeDepthMax) return corrupt_error(page, 0, "tree too deep");
  if (page < 2 && !levels_.empty()) return corrupt_error(page, 0, "child page number");
  Level level;
  level.ref = TRY(source_.read(page));
  level.node = TRY(Node::parse(page, level.ref.data(), source_.usable_size()));
  if (level.node.table() != (key_info_ == nullptr)) {
    return corrupt_error(page, header_at(page), "page of the other kind of tree");
  }
  levels_.push_back(std::move(level));
  return {};
}

Result<void> BTreeCursor::reload(Level& level) {
  const PageNo page = level.node.number();
  level.ref = TRY(source_.read(page));
  level.node = TRY(Node::parse(page, level.ref.data(), source_.usable_size()));
  return {};
}

/// Goes down from the last level to a leaf: from child `index` of it along the left or right edge.
Result<void> BTreeCursor::descend_edge(bool rightmost) {
  while (!levels_.back().node.leaf()) {
    const Level& level = levels_.back();
    const PageNo child = TRY(level.node.child(level.index));
    TRY(push(child));
    Level& below = levels_.back();
    const std::uint32_t count = below.node.count();
    below.index = !rightmost ? 0 : below.node.leaf() ? (count == 0 ? 0 : count - 1) : count;
  }
  return {};
}

/// Notes the entry at the position: its rowid, in a table tree.
Result<bool> BTreeCursor::arrive() {
  removed_ = false;
  const Level& level = levels_.back();
  ASSERT(level.index < level.node.count());
  if (key_info_ == nullptr) {
    const Cell cell = TRY(level.node.cell(level.index));
    rowid_ = cell.rowid;
  }
  return true;
}

/// The last level's node has no entry at or after its index: the next one is further up or right.
Result<bool> BTreeCursor::climb_forward() {
  while (levels_.size() > 1) {
    levels_.pop_back();
    Level& level = levels_.back();
    if (level.index >= level.node.count()) continue;
    if (key_info_ != nullptr) return arrive();
    ++level.index;
    TRY(descend_edge(false));
    if (levels_.back().node.count() > 0) return arrive();
  }
  levels_.clear();
  return false;
}

Result<bool> BTreeCursor::climb_backward() {
  while (levels_.size() > 1) {
    levels_.pop_back();
    Level& level = levels_.back();
    if (level.index == 0) continue;
    --level.index;
    if (key_info_ != nullptr) return arrive();
    TRY(descend_edge(true));
    if (levels_.back().node.count() > 0) return arrive();
  }
  levels_.clear();
  return false;
}

/// After a descent: the entry at the leaf's index, or the one after the leaf.
Result<bool> BTreeCursor::settle() {
  const Level& level = levels_.back();
  return level.index < level.node.count() ? arrive() : climb_forward();
}

Result<bool> BTreeCursor::first() {
  levels_.clear();
  changes_seen_ = source_.tree_changes();
  TRY(push(root_));
  TRY(descend_edge(false));
  return settle();
}

Result<bool> BTreeCursor::last() {
  levels_.clear();
  changes_seen_ = source_.tree_changes();
  TRY(push(root_));
  Level& root = levels_.back();
  root.index = root.node.count();
  if (root.node.leaf() && root.index > 0) --root.index;
  TRY(descend_edge(true));
  const Level& level = levels_.back();
  return level.index < level.node.count() ? arrive() : climb_backward();
}

Result<bool> BTreeCursor::next() {
  if (!valid()) {
    if (key_info_ == nullptr && (removed_ || !levels_.empty())) return seek(Seek::gt, rowid_);
    return Error(Code::misuse, "cursor has no position");
  }
  Level& level = levels_.back();
  ++level.index;
  if (level.node.leaf()) return settle();
  TRY(descend_edge(false));
  return settle();
}

Result<bool> BTreeCursor::prev() {
  if (!valid()) {
    if (key_info_ == nullptr && (removed_ || !levels_.empty())) return seek(Seek::lt, rowid_);
    return Error(Code::misuse, "cursor has no position");
  }
  Level& level = levels_.back();
  if (!level.node.leaf()) {
    TRY(descend_edge(true));
    return levels_.back().node.count() > 0 ? arrive() : climb_backward();
  }
  if (level.index == 0) return climb_backward();
  --level.index;
  return arrive();
}

Result<int> BTreeCursor::compare_at(const Level& level, std::uint32_t index, const Target& target) {
  const Cell cell = TRY(level.node.cell(index));
  int order = 0;
  if (key_info_ == nullptr) {
    order = target.rowid < cell.rowid ? -1 : target.rowid > cell.rowid ? 1 : 0;
  } else {
    reader_.reset(TRY(read_payload(level.node, cell)), level.node.number());
    order = TRY(compare_key(target.key, reader_, *key_info_));
  }
  return order == 0 ? target.on_tie : order;
}

/// Goes down to the leaf where the first entry not before the target is, or would be.
Result<void> BTreeCursor::lower_bound(const Target& target) {
  levels_.clear();
  changes_seen_ = source_.tree_changes();
  PageNo page = root_;
  for (;;) {
    TRY(push(page));
    Level& level = levels_.back();
    std::uint32_t low = 0;
    std::uint32_t high = level.node.count();
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      const int order = TRY(compare_at(level, middle, target));
      if (order < 0) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    level.index = low;
    if (level.node.leaf()) return {};
    page = TRY(level.node.child(low));
  }
}

Result<bool> BTreeCursor::seek_target(Seek what, Target target) {
  const bool backward = what == Seek::le || what == Seek::lt;
  target.on_tie = what == Seek::gt || what == Seek::le ? 1 : -1;
  TRY(lower_bound(target));
  if (backward) {
    Level& leaf = levels_.back();
    if (leaf.index == 0) return climb_backward();
    --leaf.index;
    return arrive();
  }
  const bool found = TRY(settle());
  if (!found || what != Seek::eq) return found;
  target.on_tie = 0;
  const int order = TRY(compare_at(levels_.back(), levels_.back().index, target));
  if (order != 0) levels_.clear();
  return order == 0;
}

Result<bool> BTreeCursor::seek(Seek what, std::int64_t rowid) {
  ASSERT(key_info_ == nullptr);
  return seek_target(what, Target{rowid, {}, 0});
}

Result<bool> BTreeCursor::seek(Seek what, std::span<const ValueRef> key) {
  ASSERT(key_info_ != nullptr);
  return seek_target(what, Target{0, key, 0});
}

Result<ByteSpan> BTreeCursor::payload() {
  TRY(check_fresh());
  const Level& level = levels_.back();
  const Cell cell = TRY(level.node.cell(level.index));
  return read_payload(level.node, cell);
}

Result<ByteSpan> BTreeCursor::read_payload(const Node& node, const Cell& cell) {
  const std::uint8_t* local = node.data() + cell.payload_at;
  if (cell.overflow == 0 && cell.local_bytes == cell.payload_bytes) {
    return ByteSpan(local, cell.local_bytes);
  }
  const std::uint32_t usable = source_.usable_size();
  const std::uint64_t rest = cell.payload_bytes - cell.local_bytes;
  // A size that the whole file could not carry is refused before memory is asked for.
  if (cell.payload_bytes > 0x7fff'ffff || overflow_pages(rest, usable) > source_.page_count()) {
    return corrupt_error(node.number(), cell.at, "payload size");
  }
  payload_.assign(local, local + cell.local_bytes);
  payload_.reserve(cell.payload_bytes);
  PageNo page = cell.overflow;
  while (payload_.size() < cell.payload_bytes) {
    const PageRef ref = TRY(source_.read(page));
    const std::size_t n = std::min<std::size_t>(usable - 4, cell.payload_bytes - payload_.size());
    payload_.insert(payload_.end(), ref.data() + 4, ref.data() + 4 + n);
    page = load_be32(ref.data());
  }
  return ByteSpan(payload_);
}

}  // namespace saturn::storage
