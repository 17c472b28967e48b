#include "btree_level.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <cstring>

namespace saturn::storage {
namespace {

/// Writes `rest` to a new chain of overflow pages and returns its first.
Result<PageNo> write_overflow(PageSource& source, ByteSpan rest) {
  const std::uint32_t room = source.usable_size() - 4;
  PageNo first = 0;
  PageNo before = 0;
  while (!rest.empty()) {
    const PageNo page = TRY(source.allocate());
    std::uint8_t* bytes = TRY(source.write(page));
    const std::size_t n = std::min<std::size_t>(room, rest.size());
    store_be32(bytes, 0);
    std::memcpy(bytes + 4, rest.data(), n);
    rest = rest.subspan(n);
    if (before == 0) {
      first = page;
    } else {
      std::uint8_t* link = TRY(source.write(before));
      store_be32(link, page);
      if (source.auto_vacuum()) {
        TRY(source.set_pointer_map(page, PointerType::overflow_next, before));
      }
    }
    before = page;
  }
  return first;
}

}  // namespace

Result<void> make_cell(PageSource& source, bool table, std::int64_t rowid, ByteSpan record,
                       std::vector<std::uint8_t>& cell) {
  if (record.size() > limits::kLengthMax) return Error(Code::toobig);
  const std::uint32_t local = local_payload_bytes(record.size(), table, source.usable_size());
  std::uint8_t head[2 * kVarintBytesMax];
  unsigned n = put_varint(head, record.size());
  if (table) n += put_varint(head + n, static_cast<std::uint64_t>(rowid));
  cell.assign(head, head + n);
  cell.insert(cell.end(), record.begin(), record.begin() + local);
  if (local < record.size()) {
    const PageNo first = TRY(write_overflow(source, record.subspan(local)));
    cell.resize(cell.size() + 4);
    store_be32(cell.data() + cell.size() - 4, first);
  }
  return {};
}

void BTreeCursor::changed() noexcept {
  source_.note_tree_change(root_);
  changes_seen_ = source_.tree_changes(root_);
}

/// Whether the position is the tree's last entry and `rowid` comes after it: then no descent.
bool BTreeCursor::at_append_position(std::int64_t rowid) const noexcept {
  return valid() && rowid > rowid_ && at_last_entry();
}

Result<void> BTreeCursor::insert(std::int64_t rowid, ByteSpan record) {
  ASSERT(key_info_ == nullptr);
  TRY(make_cell(source_, true, rowid, record, cell_));
  bool replace = false;
  if (place_ == Place::gap && fresh() && rowid == rowid_) {
    // A seek has led here.
  } else if (valid() && rowid == rowid_) {
    replace = true;
  } else if (at_append_position(rowid)) {
    ++levels_.back().index;
  } else {
    replace = TRY(seek_equal(Target{rowid, {}, -1}));
  }
  rowid_ = rowid;
  return insert_cell(replace);
}

Result<void> BTreeCursor::insert(ByteSpan record) {
  ASSERT(key_info_ != nullptr);
  RecordReader reader;
  reader.reset(record);
  const std::uint32_t columns = TRY(reader.column_count());
  key_.clear();
  for (std::uint32_t i = 0; i < columns && i < key_info_->key_columns; ++i) {
    key_.push_back(TRY(reader.column(i)));
  }
  bool replaces = TRY(seek_equal(Target{0, key_, -1}));
  if (replaces && !levels_.back().node.leaf()) {
    TRY(remove());
    replaces = TRY(seek_equal(Target{0, key_, -1}));
  }
  TRY(make_cell(source_, false, 0, record, cell_));
  return insert_cell(replaces);
}

Result<void> BTreeCursor::insert_sought(ByteSpan record) {
  ASSERT(key_info_ != nullptr);
  if (place_ != Place::gap || !fresh()) return insert(record);
  TRY(make_cell(source_, false, 0, record, cell_));
  return insert_cell(false);
}

/// Puts `cell_` at the leaf's index, in front of the entry there or, with `replace`, in its stead.
Result<void> BTreeCursor::insert_cell(bool replace) {
  Level& leaf = levels_.back();
  const std::uint32_t index = leaf.index;
  CellList list;
  if (replace) {
    const Cell old = TRY(leaf.node.cell(index));
    TRY(free_overflow(source_, old.overflow, old.payload_bytes - old.local_bytes));
    const bool done = TRY(replace_in_place(old));
    if (done) return {};
    TRY(take_cells(leaf.node, list));
    list.slots.erase(list.slots.begin() + index);
  } else {
    const bool done = TRY(insert_in_place());
    if (done) return {};
    TRY(take_cells(leaf.node, list));
  }
  place_ = Place::none;
  const bool append = !replace && index == leaf.node.count();
  list.insert(index, cell_.data(), static_cast<std::uint32_t>(cell_.size()));
  TRY(store(levels_.size() - 1, list, append));
  levels_.clear();
  changed();
  return {};
}

/// The leaf's entry `cell_` is written at `at`: the pointer to it, and what else there is to do.
Result<void> BTreeCursor::finish_in_place(std::uint8_t* page, std::uint32_t at) {
  Level& leaf = levels_.back();
  const auto bytes = static_cast<std::uint32_t>(cell_.size());
  std::memcpy(page + at, cell_.data(), bytes);
  if (bytes < 4) std::memset(page + at + bytes, 0, 4 - bytes);
  store_be16(page + leaf.node.pointers_at() + 2 * leaf.index, static_cast<std::uint16_t>(at));
  changed();
  TRY(reload(leaf, page));
  place_ = Place::entry;
  here_ = {};
  if (!source_.auto_vacuum()) return {};
  const Cell written = TRY(leaf.node.cell(leaf.index));
  if (written.overflow == 0) return {};
  return source_.set_pointer_map(written.overflow, PointerType::overflow_first, leaf.node.number());
}

/// The common case: the gap between pointers and cells has room. False when it has not.
Result<bool> BTreeCursor::insert_in_place() {
  const Level& leaf = levels_.back();
  const std::uint32_t taken = footprint(static_cast<std::uint32_t>(cell_.size()));
  const std::uint32_t gap = leaf.node.content_at() - leaf.node.pointers_end();
  if (!leaf.node.compact() || gap < taken + 2) return false;
  const PageNo number = leaf.node.number();
  std::uint8_t* page = TRY(source_.write(number));
  const std::uint32_t content = leaf.node.content_at() - taken;
  const std::uint32_t slot = leaf.node.pointers_at() + 2 * leaf.index;
  std::memmove(page + slot + 2, page + slot, leaf.node.pointers_end() - slot);
  store_be16(page + header_at(number) + 3, static_cast<std::uint16_t>(leaf.node.count() + 1));
  store_be16(page + header_at(number) + 5, static_cast<std::uint16_t>(content));
  TRY(finish_in_place(page, content));
  return true;
}

/// Cells up to the one at `at` move by `distance`, and their pointers with them.
void BTreeCursor::shift_content(std::uint8_t* page, std::uint32_t at,
                                std::int32_t distance) noexcept {
  const Node& node = levels_.back().node;
  const std::uint32_t content = node.content_at();
  std::memmove(page + static_cast<std::int32_t>(content) + distance, page + content, at - content);
  // Written so that the compiler makes vector instructions of it.
  std::uint8_t* const pointers = page + node.pointers_at();
  const auto end = static_cast<std::uint16_t>(at);
  const auto step = static_cast<std::uint16_t>(distance);
  for (std::uint32_t i = 0; i < node.count(); ++i) {
    std::uint16_t v = 0;
    std::memcpy(&v, pointers + 2 * i, 2);
    v = __builtin_bswap16(v);
    v = static_cast<std::uint16_t>(v + (v < end ? step : 0));
    v = __builtin_bswap16(v);
    std::memcpy(pointers + 2 * i, &v, 2);
  }
  store_be16(page + header_at(node.number()) + 5,
             static_cast<std::uint16_t>(static_cast<std::int32_t>(content) + distance));
}

/// The leaf's entry becomes `cell_`; its cell `old` may be shorter or longer. False when the node
/// needs more than moving its cells.
Result<bool> BTreeCursor::replace_in_place(const Cell& old) {
  const Level& leaf = levels_.back();
  const std::uint32_t before = footprint(old.bytes);
  const std::uint32_t after = footprint(static_cast<std::uint32_t>(cell_.size()));
  const std::uint32_t gap = leaf.node.content_at() - leaf.node.pointers_end();
  if (old.at + before > source_.usable_size()) return false;
  if (before != after) {
    const std::uint32_t used = source_.usable_size() - gap - before + after;
    const bool sparse = after < before && 3 * used < source_.usable_size();
    if (!leaf.node.compact() || gap + before < after || (sparse && levels_.size() > 1))
      return false;
  }
  std::uint8_t* page = TRY(source_.write(leaf.node.number()));
  const auto distance = static_cast<std::int32_t>(before) - static_cast<std::int32_t>(after);
  if (distance != 0) shift_content(page, old.at, distance);
  TRY(finish_in_place(page,
                      static_cast<std::uint32_t>(static_cast<std::int32_t>(old.at) + distance)));
  return true;
}

Result<void> BTreeCursor::remove() {
  TRY(check_fresh());
  Level& level = levels_.back();
  const Cell cell = TRY(level.node.cell(level.index));
  TRY(free_overflow(source_, cell.overflow, cell.payload_bytes - cell.local_bytes));
  place_ = Place::removed;
  if (!level.node.leaf()) {
    TRY(remove_interior());
  } else {
    const bool done = TRY(remove_in_place(cell));
    if (done) return {};
    CellList list;
    TRY(take_cells(level.node, list));
    list.slots.erase(list.slots.begin() + level.index);
    TRY(store(levels_.size() - 1, list, false));
  }
  levels_.clear();
  changed();
  return {};
}

/// Closes the gap that the leaf's entry leaves. False when the node needs more than that.
Result<bool> BTreeCursor::remove_in_place(const Cell& cell) {
  Level& leaf = levels_.back();
  const std::uint32_t bytes = footprint(cell.bytes);
  const std::uint32_t gap = leaf.node.content_at() - leaf.node.pointers_end();
  const std::uint32_t used = source_.usable_size() - gap - bytes - 2;
  const bool sparse = 3 * used < source_.usable_size();
  if (!leaf.node.compact() || leaf.node.count() < 2 || (sparse && levels_.size() > 1)) return false;
  if (cell.at + bytes > source_.usable_size()) return false;
  const PageNo number = leaf.node.number();
  std::uint8_t* page = TRY(source_.write(number));
  shift_content(page, cell.at, static_cast<std::int32_t>(bytes));
  const std::uint32_t slot = leaf.node.pointers_at() + 2 * leaf.index;
  std::memmove(page + slot, page + slot + 2, leaf.node.pointers_end() - slot - 2);
  store_be16(page + header_at(number) + 3, static_cast<std::uint16_t>(leaf.node.count() - 1));
  changed();
  TRY(reload(leaf, page));
  return true;
}

/// An index record in an interior node gives its place to its predecessor, which is the last record
/// of the right-most leaf below it; then that leaf is looked after.
Result<void> BTreeCursor::remove_interior() {
  const std::size_t depth = levels_.size() - 1;
  TRY(descend_edge(true));
  const Node leaf = levels_.back().node;
  const PageNo leaf_number = leaf.number();
  if (leaf.count() == 0) return corrupt_error(leaf_number, header_at(leaf_number), "empty leaf");
  const Cell last = TRY(leaf.cell(leaf.count() - 1));
  const ByteSpan record = TRY(read_payload(leaf, last));
  const std::vector<std::uint8_t> key_bytes(record.begin(), record.end());

  CellList leaf_list;
  TRY(take_cells(leaf, leaf_list));
  CellList list;
  TRY(take_cells(levels_[depth].node, list));
  const std::uint32_t index = levels_[depth].index;
  std::vector<std::uint8_t> cell(list.cell(index), list.cell(index) + 4);
  const CellList::Slot moved = leaf_list.slots.back();
  cell.insert(cell.end(), leaf_list.bytes.data() + moved.at,
              leaf_list.bytes.data() + moved.at + moved.bytes);
  leaf_list.slots.pop_back();
  if (leaf_list.cost(0, leaf_list.slots.size()) + leaf.pointers_at() > source_.usable_size()) {
    return corrupt_error(leaf_number, header_at(leaf_number), "cells overlap");
  }
  TRY(write_page(leaf_number, leaf_list, 0, leaf_list.slots.size(), 0));
  list.slots.erase(list.slots.begin() + index);
  list.insert(index, cell.data(), static_cast<std::uint32_t>(cell.size()));
  levels_.resize(depth + 1);
  TRY(store(depth, list, false));

  // The path may have changed: find the record that moved up, and the leaf before it, again.
  RecordReader reader;
  reader.reset(key_bytes);
  std::vector<ValueRef> key;
  const std::uint32_t columns = TRY(reader.column_count());
  for (std::uint32_t i = 0; i < columns; ++i) key.push_back(TRY(reader.column(i)));
  levels_.clear();
  TRY(lower_bound(Target{0, key, -1}));
  place_ = Place::removed;
  CellList rest;
  TRY(take_cells(levels_.back().node, rest));
  return store(levels_.size() - 1, rest, false);
}

}  // namespace saturn::storage
