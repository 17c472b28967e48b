#include "btree_level.hpp"

#include "base/limits.hpp"
#include "key_order.hpp"

#include <algorithm>

namespace saturn::storage {

BTreeCursor::BTreeCursor(PageSource& source, PageNo root, const KeyInfo* key_info)
    : source_(source), root_(root), key_info_(key_info) {}
BTreeCursor::~BTreeCursor() = default;

bool BTreeCursor::fresh() const noexcept { return changes_seen_ == source_.tree_changes(root_); }

bool BTreeCursor::valid() const noexcept {
  return place_ == Place::entry && fresh() && levels_.back().index < levels_.back().node.count();
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

/// After a change in `page`, the private image of the level's node.
Result<void> BTreeCursor::reload(Level& level, const std::uint8_t* page) {
  const PageNo number = level.node.number();
  if (level.ref.data() != page) level.ref = TRY(source_.read(number));
  level.node = TRY(Node::parse(number, level.ref.data(), source_.usable_size()));
  return {};
}

/// Goes down from the last level to a leaf: from child `index` of it along the left or right edge.
/// `moves`: on the way from one leaf to the next one.
Result<void> BTreeCursor::descend_edge(bool rightmost, bool moves) {
  while (!levels_.back().node.leaf()) {
    if (moves && levels_.size() + 1 == leaf_depth_) read_ahead(rightmost);
    const Level& level = levels_.back();
    const PageNo child = TRY(level.node.child(level.index));
    TRY(push(child));
    Level& below = levels_.back();
    const std::uint32_t count = below.node.count();
    below.index = !rightmost ? 0 : below.node.leaf() ? (count == 0 ? 0 : count - 1) : count;
  }
  leaf_depth_ = levels_.size();
  return {};
}

/// Notes the entry at the position: its rowid, in a table tree.
Result<bool> BTreeCursor::arrive() {
  const Level& level = levels_.back();
  ASSERT(level.index < level.node.count());
  const bool whole = key_info_ == nullptr ? level.node.look_at_row(level.index, rowid_, here_)
                                          : level.node.look_at_payload(level.index, here_);
  if (!whole) {
    const Cell cell = TRY(level.node.cell(level.index));
    rowid_ = cell.rowid;
    here_ = {};
  }
  place_ = Place::entry;
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
    TRY(descend_edge(false, true));
    if (levels_.back().node.count() > 0) return arrive();
  }
  levels_.clear();
  place_ = Place::none;
  return false;
}

Result<bool> BTreeCursor::climb_backward() {
  while (levels_.size() > 1) {
    levels_.pop_back();
    Level& level = levels_.back();
    if (level.index == 0) continue;
    --level.index;
    if (key_info_ != nullptr) return arrive();
    TRY(descend_edge(true, true));
    if (levels_.back().node.count() > 0) return arrive();
  }
  levels_.clear();
  place_ = Place::none;
  return false;
}

/// After a descent: the entry at the leaf's index, or the one after the leaf.
Result<bool> BTreeCursor::settle() {
  const Level& level = levels_.back();
  return level.index < level.node.count() ? arrive() : climb_forward();
}

Result<bool> BTreeCursor::first() {
  ahead_pages_ = 0;
  levels_.clear();
  place_ = Place::none;
  changes_seen_ = source_.tree_changes(root_);
  TRY(push(root_));
  TRY(descend_edge(false));
  return settle();
}

Result<bool> BTreeCursor::last() {
  if (valid() && at_last_entry()) return true;  // as while rows are appended
  ahead_pages_ = 0;
  levels_.clear();
  place_ = Place::none;
  changes_seen_ = source_.tree_changes(root_);
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
    if (key_info_ == nullptr && (place_ == Place::entry || place_ == Place::removed)) {
      return seek(Seek::gt, rowid_);
    }
    return Error(Code::misuse, "cursor has no position");
  }
  Level& level = levels_.back();
  ++level.index;
  if (level.node.leaf()) return settle();
  TRY(descend_edge(false, true));
  return settle();
}

Result<bool> BTreeCursor::prev() {
  if (!valid()) {
    if (key_info_ == nullptr && (place_ == Place::entry || place_ == Place::removed)) {
      return seek(Seek::lt, rowid_);
    }
    return Error(Code::misuse, "cursor has no position");
  }
  Level& level = levels_.back();
  if (!level.node.leaf()) {
    TRY(descend_edge(true, true));
    return levels_.back().node.count() > 0 ? arrive() : climb_backward();
  }
  if (level.index == 0) return climb_backward();
  --level.index;
  return arrive();
}

Result<int> BTreeCursor::compare_at(const Level& level, std::uint32_t index, const Target& target) {
  int order = 0;
  if (key_info_ == nullptr) {
    std::int64_t rowid = 0;
    if (!level.node.look_at_rowid(index, rowid)) rowid = TRY(level.node.cell(index)).rowid;
    order = target.rowid < rowid ? -1 : target.rowid > rowid ? 1 : 0;
  } else {
    ByteSpan record;
    if (!level.node.look_at_payload(index, record)) {
      const Cell cell = TRY(level.node.cell(index));
      record = TRY(read_payload(level.node, cell));
    }
    order = TRY(compare_key(target.key, record, *key_info_, level.node.number()));
  }
  return order == 0 ? target.on_tie : order;
}

/// The first entry of the node that is not before the target, or count().
Result<std::uint32_t> BTreeCursor::search(const Level& level, const Target& target) {
  std::uint32_t low = 0;
  std::uint32_t high = level.node.count();
  const bool by_key = key_info_ != nullptr && !target.key.empty() && !key_info_->columns.empty();
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    int order = 0;
    ByteSpan record;
    if (by_key && level.node.look_at_payload(middle, record)) {
      order = first_column_order(target.key[0], record, key_info_->columns[0]);
    }
    if (order == 0) order = TRY(compare_at(level, middle, target));
    if (order < 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// Whether nothing comes after the leaf at the path's end.
bool BTreeCursor::at_right_edge() const noexcept {
  return std::all_of(levels_.begin(), levels_.end() - 1,
                     [](const Level& level) { return level.index == level.node.count(); });
}

/// Of a valid position.
bool BTreeCursor::at_last_entry() const noexcept {
  const Level& level = levels_.back();
  return level.node.leaf() && level.index + 1 == level.node.count() && at_right_edge();
}

/// Whether the place of the target is on the leaf that the last seek led to.
Result<bool> BTreeCursor::leaf_holds(const Target& target) {
  if (levels_.empty() || !fresh()) return false;
  const Level& leaf = levels_.back();
  const std::uint32_t count = leaf.node.count();
  if (!leaf.node.leaf() || count == 0) return false;
  // Looking costs two comparisons: where keys come in no order it is done seldom.
  if (key_info_ != nullptr && far_seeks_ >= 4 && ++far_seeks_ % 16 != 0) return false;
  // An entry equal to the target may have others like it before or after the leaf, in an index
  // tree.
  const Target within{target.rowid, target.key, key_info_ == nullptr ? 1 : 0};
  const int first = TRY(compare_at(leaf, 0, within));
  const int last = first > 0 ? TRY(compare_at(leaf, count - 1, within)) : 0;
  const bool holds = first > 0 && (last < 0 || (last > 0 && at_right_edge()));
  if (holds) {
    far_seeks_ = 0;
  } else if (far_seeks_ < 4) {
    ++far_seeks_;
  }
  return holds;
}

/// Goes down to the leaf where the first entry not before the target is, or would be.
Result<void> BTreeCursor::lower_bound(const Target& target) {
  const bool near = TRY(leaf_holds(target));
  place_ = Place::none;
  if (near) {
    levels_.back().index = TRY(search(levels_.back(), target));
    return {};
  }
  if (!fresh()) levels_.clear();
  changes_seen_ = source_.tree_changes(root_);
  ahead_pages_ = 0;
  PageNo page = root_;
  for (std::size_t depth = 0;; ++depth) {
    // The way may be that of the last seek for a while.
    if (depth < levels_.size() && levels_[depth].node.number() != page) levels_.resize(depth);
    if (depth == levels_.size()) TRY(push(page));
    Level& level = levels_[depth];
    level.index = TRY(search(level, target));
    if (level.node.leaf()) {
      levels_.resize(depth + 1);
      leaf_depth_ = depth + 1;
      return {};
    }
    page = TRY(level.node.child(level.index));
  }
}

/// The path goes on leading to the leaf when there is no such entry.
Result<bool> BTreeCursor::seek_equal(Target target) {
  target.on_tie = -1;
  TRY(lower_bound(target));
  target.on_tie = 0;
  // The entry after the gap is on the leaf, or in an index tree in the nearest node above that has
  // one.
  for (std::size_t depth = levels_.size(); depth-- > 0;) {
    const Level& level = levels_[depth];
    if (level.index < level.node.count()) {
      const int order = TRY(compare_at(level, level.index, target));
      if (order != 0) break;
      levels_.resize(depth + 1);
      return arrive();
    }
    if (key_info_ == nullptr) break;
  }
  place_ = Place::gap;
  rowid_ = target.rowid;
  return false;
}

Result<bool> BTreeCursor::seek_target(Seek what, Target target) {
  if (what == Seek::eq) return seek_equal(target);
  const bool backward = what == Seek::le || what == Seek::lt;
  target.on_tie = what == Seek::gt || what == Seek::le ? 1 : -1;
  TRY(lower_bound(target));
  if (!backward) return settle();
  Level& leaf = levels_.back();
  if (leaf.index == 0) return climb_backward();
  --leaf.index;
  return arrive();
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
  if (here_.data() != nullptr) return here_;
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
