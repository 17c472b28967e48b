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
  source_.note_tree_change();
  changes_seen_ = source_.tree_changes();
}

/// Whether the position is the tree's last entry and `rowid` comes after it: then no descent.
bool BTreeCursor::at_append_position(std::int64_t rowid) const noexcept {
  if (!valid() || removed_ || rowid <= rowid_) return false;
  for (const Level& level : levels_) {
    const std::uint32_t end = level.node.count() - (level.node.leaf() ? 1 : 0);
    if (level.index != end) return false;
  }
  return true;
}

Result<void> BTreeCursor::insert(std::int64_t rowid, ByteSpan record) {
  ASSERT(key_info_ == nullptr);
  std::vector<std::uint8_t> cell;
  bool replace = false;
  const bool appends = at_append_position(rowid);
  TRY(make_cell(source_, true, rowid, record, cell));
  if (appends) {
    ++levels_.back().index;
  } else {
    TRY(lower_bound(Target{rowid, {}, -1}));
    const Level& leaf = levels_.back();
    if (leaf.index < leaf.node.count()) {
      const Cell old = TRY(leaf.node.cell(leaf.index));
      replace = old.rowid == rowid;
    }
  }
  rowid_ = rowid;
  removed_ = false;
  return insert_cell(cell, replace);
}

Result<void> BTreeCursor::insert(ByteSpan record) {
  ASSERT(key_info_ != nullptr);
  RecordReader reader;
  reader.reset(record);
  const std::uint32_t columns = TRY(reader.column_count());
  std::vector<ValueRef> key;
  for (std::uint32_t i = 0; i < columns && i < key_info_->key_columns; ++i) {
    key.push_back(TRY(reader.column(i)));
  }
  TRY(lower_bound(Target{0, key, -1}));
  const bool replaces = TRY(successor_equals(key));
  if (replaces) {
    const bool found = TRY(seek(Seek::eq, key));
    if (found) TRY(remove());
    TRY(lower_bound(Target{0, key, -1}));
  }
  std::vector<std::uint8_t> cell;
  TRY(make_cell(source_, false, 0, record, cell));
  return insert_cell(cell, false);
}

/// After `lower_bound`: whether the entry after the position, on the leaf or further up, has this
/// key.
Result<bool> BTreeCursor::successor_equals(std::span<const ValueRef> key) {
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    if (level->index >= level->node.count()) continue;
    const int order = TRY(compare_at(*level, level->index, Target{0, key, 0}));
    return order == 0;
  }
  return false;
}

/// Puts `cell` at the leaf's index, in front of the entry there or, with `replace`, in its stead.
Result<void> BTreeCursor::insert_cell(const std::vector<std::uint8_t>& cell, bool replace) {
  if (!replace) {
    const bool done = TRY(insert_in_place(cell));
    if (done) return {};
  }
  Level& leaf = levels_.back();
  CellList list;
  TRY(take_cells(leaf.node, list));
  const std::uint32_t index = leaf.index;
  const bool append = !replace && index == leaf.node.count();
  if (replace) {
    const Cell old = TRY(leaf.node.cell(index));
    TRY(free_overflow(source_, old.overflow, old.payload_bytes - old.local_bytes));
    list.slots.erase(list.slots.begin() + index);
  }
  list.insert(index, cell.data(), static_cast<std::uint32_t>(cell.size()));
  TRY(store(levels_.size() - 1, list, append));
  levels_.clear();
  changed();
  return {};
}

/// The common case: the gap between pointers and cells has room. False when it has not.
Result<bool> BTreeCursor::insert_in_place(const std::vector<std::uint8_t>& cell) {
  Level& leaf = levels_.back();
  const auto bytes = static_cast<std::uint32_t>(cell.size());
  const std::uint32_t gap = leaf.node.content_at() - leaf.node.pointers_end();
  if (!leaf.node.compact() || gap < footprint(bytes) + 2) return false;
  const PageNo number = leaf.node.number();
  std::uint8_t* page = TRY(source_.write(number));
  const std::uint32_t content = leaf.node.content_at() - footprint(bytes);
  std::memcpy(page + content, cell.data(), bytes);
  if (bytes < 4) std::memset(page + content + bytes, 0, 4 - bytes);
  const std::uint32_t slot = leaf.node.pointers_at() + 2 * leaf.index;
  std::memmove(page + slot + 2, page + slot, leaf.node.pointers_end() - slot);
  store_be16(page + slot, static_cast<std::uint16_t>(content));
  store_be16(page + header_at(number) + 3, static_cast<std::uint16_t>(leaf.node.count() + 1));
  store_be16(page + header_at(number) + 5, static_cast<std::uint16_t>(content));
  changed();
  TRY(reload(leaf));
  if (source_.auto_vacuum()) {
    const Cell written = TRY(leaf.node.cell(leaf.index));
    if (written.overflow != 0) {
      TRY(source_.set_pointer_map(written.overflow, PointerType::overflow_first, number));
    }
  }
  return true;
}

Result<void> BTreeCursor::remove() {
  TRY(check_fresh());
  Level& level = levels_.back();
  const Cell cell = TRY(level.node.cell(level.index));
  TRY(free_overflow(source_, cell.overflow, cell.payload_bytes - cell.local_bytes));
  removed_ = true;
  if (!level.node.leaf()) {
    TRY(remove_interior());
  } else {
    const bool done = TRY(remove_in_place());
    if (!done) {
      CellList list;
      TRY(take_cells(level.node, list));
      list.slots.erase(list.slots.begin() + level.index);
      TRY(store(levels_.size() - 1, list, false));
    }
  }
  levels_.clear();
  changed();
  return {};
}

/// Closes the gap that the leaf's entry leaves. False when the node needs more than that.
Result<bool> BTreeCursor::remove_in_place() {
  Level& leaf = levels_.back();
  const Cell cell = TRY(leaf.node.cell(leaf.index));
  const std::uint32_t bytes = footprint(cell.bytes);
  const std::uint32_t content = leaf.node.content_at();
  const std::uint32_t used = source_.usable_size() - content - bytes + leaf.node.pointers_end() - 2;
  const bool sparse = 3 * used < source_.usable_size();
  if (!leaf.node.compact() || leaf.node.count() < 2 || (sparse && levels_.size() > 1)) return false;
  if (cell.at + bytes > source_.usable_size()) return false;
  const PageNo number = leaf.node.number();
  std::uint8_t* page = TRY(source_.write(number));
  std::memmove(page + content + bytes, page + content, cell.at - content);
  const std::uint32_t slot = leaf.node.pointers_at() + 2 * leaf.index;
  std::memmove(page + slot, page + slot + 2, leaf.node.pointers_end() - slot - 2);
  const std::uint32_t count = leaf.node.count() - 1;
  std::uint8_t* pointer = page + leaf.node.pointers_at();
  for (std::uint32_t i = 0; i < count; ++i, pointer += 2) {
    const std::uint32_t at = load_be16(pointer);
    if (at < cell.at) store_be16(pointer, static_cast<std::uint16_t>(at + bytes));
  }
  store_be16(page + header_at(number) + 3, static_cast<std::uint16_t>(count));
  store_be16(page + header_at(number) + 5, static_cast<std::uint16_t>(content + bytes));
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
  TRY(lower_bound(Target{0, key, -1}));
  CellList rest;
  TRY(take_cells(levels_.back().node, rest));
  return store(levels_.size() - 1, rest, false);
}

}  // namespace saturn::storage
