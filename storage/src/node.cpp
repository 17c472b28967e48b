#include "node.hpp"

#include <algorithm>
#include <cstring>

namespace saturn::storage {

std::uint32_t local_payload_bytes(std::uint64_t payload_bytes, bool table,
                                  std::uint32_t usable_size) noexcept {
  const std::uint32_t most = most_local_bytes(table, usable_size);
  if (payload_bytes <= most) return static_cast<std::uint32_t>(payload_bytes);
  const std::uint32_t least = (usable_size - 12) * 32 / 255 - 23;
  const auto fitted =
      static_cast<std::uint32_t>(least + (payload_bytes - least) % (usable_size - 4));
  return fitted <= most ? fitted : least;
}

Result<Node> Node::parse(PageNo number, const std::uint8_t* data, std::uint32_t usable_size) {
  Node node;
  node.data_ = data;
  node.number_ = number;
  node.usable_size_ = usable_size;
  const std::uint32_t at = header_at(number);
  const std::uint8_t kind = data[at];
  if (kind != 2 && kind != 5 && kind != 10 && kind != 13) {
    return corrupt_error(number, at, "B-tree page kind");
  }
  node.kind_ = static_cast<NodeKind>(kind);
  node.pointers_at_ = at + header_bytes(node.kind_);
  node.most_local_ = most_local_bytes(node.table(), usable_size);
  node.count_ = load_be16(data + at + 3);
  const std::uint32_t content = load_be16(data + at + 5);
  node.content_at_ = content == 0 ? 65536 : content;
  if (node.pointers_end() > usable_size) return corrupt_error(number, at + 3, "cell count");
  if (node.content_at_ < node.pointers_end() || node.content_at_ > usable_size) {
    return corrupt_error(number, at + 5, "start of the cell area");
  }
  return node;
}

bool Node::compact() const noexcept {
  const std::uint8_t* header = data_ + header_at(number_);
  return load_be16(header + 1) == 0 && header[7] == 0;
}

Result<Cell> Node::cell(std::uint32_t index) const {
  ASSERT(index < count_);
  const std::uint32_t pointer_at = pointers_at() + 2 * index;
  Cell cell;
  cell.at = load_be16(data_ + pointer_at);
  if (cell.at < content_at_ || cell.at + 4 > usable_size_) {
    return corrupt_error(number_, pointer_at, "cell pointer");
  }
  std::uint32_t at = cell.at;
  if (!leaf()) {
    cell.left_child = load_be32(data_ + at);
    at += 4;
  }
  if (kind_ != NodeKind::table_interior) return parse_payload(cell, at);
  std::uint64_t rowid = 0;
  const unsigned n = get_varint(data_ + at, data_ + usable_size_, rowid);
  if (n == 0) return corrupt_error(number_, at, "cell key");
  cell.rowid = static_cast<std::int64_t>(rowid);
  cell.bytes = at + n - cell.at;
  return cell;
}

Result<Cell> Node::parse_payload(Cell cell, std::uint32_t at) const {
  const std::uint8_t* end = data_ + usable_size_;
  unsigned n = get_varint(data_ + at, end, cell.payload_bytes);
  if (n == 0) return corrupt_error(number_, at, "payload size");
  at += n;
  if (table()) {
    std::uint64_t rowid = 0;
    n = get_varint(data_ + at, end, rowid);
    if (n == 0) return corrupt_error(number_, at, "cell key");
    cell.rowid = static_cast<std::int64_t>(rowid);
    at += n;
  }
  cell.payload_at = at;
  cell.local_bytes = cell.payload_bytes <= most_local_
                         ? static_cast<std::uint32_t>(cell.payload_bytes)
                         : local_payload_bytes(cell.payload_bytes, table(), usable_size_);
  const bool spills = cell.local_bytes < cell.payload_bytes;
  const std::uint32_t tail = at + cell.local_bytes;
  if (tail + (spills ? 4 : 0) > usable_size_) return corrupt_error(number_, at, "cell too long");
  if (spills) cell.overflow = load_be32(data_ + tail);
  cell.bytes = tail + (spills ? 4 : 0) - cell.at;
  return cell;
}

Result<PageNo> Node::child(std::uint32_t index) const {
  ASSERT(!leaf());
  if (index >= count_) return rightmost();
  const std::uint8_t* const at = start_of(index);
  if (at == nullptr) return corrupt_error(number_, pointers_at_ + 2 * index, "cell pointer");
  return load_be32(at);
}

void CellList::append(const std::uint8_t* cell, std::uint32_t cell_bytes) {
  insert(slots.size(), cell, cell_bytes);
}

void CellList::append(const CellList& other) {
  const auto base = static_cast<std::uint32_t>(bytes.size());
  bytes.insert(bytes.end(), other.bytes.begin(), other.bytes.end());
  slots.reserve(slots.size() + other.slots.size() + 1);
  for (const Slot& slot : other.slots) slots.push_back({base + slot.at, slot.bytes});
}

void CellList::insert(std::size_t index, const std::uint8_t* cell, std::uint32_t cell_bytes) {
  const auto at = static_cast<std::uint32_t>(bytes.size());
  bytes.insert(bytes.end(), cell, cell + cell_bytes);
  slots.insert(slots.begin() + static_cast<std::ptrdiff_t>(index), Slot{at, cell_bytes});
}

std::uint64_t CellList::cost(std::size_t first, std::size_t last) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = first; i < last; ++i) sum += cost(i);
  return sum;
}

Result<void> take_cells(const Node& node, CellList& list) {
  list.kind = node.kind();
  list.rightmost = node.leaf() ? 0 : node.rightmost();
  list.slots.reserve(list.slots.size() + node.count() + 1);
  // One copy of the page serves all of its cells.
  const auto base = static_cast<std::uint32_t>(list.bytes.size());
  list.bytes.insert(list.bytes.end(), node.data(), node.data() + node.usable_size());
  for (std::uint32_t i = 0; i < node.count(); ++i) {
    std::uint32_t at = 0;
    std::uint32_t bytes = 0;
    if (!node.leaf() || !node.look_at_size(i, at, bytes)) {
      const Cell cell = TRY(node.cell(i));
      at = cell.at;
      bytes = cell.bytes;
    }
    list.slots.push_back({base + at, bytes});
  }
  return {};
}

void write_node(std::uint8_t* page, PageNo number, std::uint32_t usable_size, const CellList& list,
                std::size_t first, std::size_t last, PageNo rightmost) noexcept {
  std::uint8_t* header = page + header_at(number);
  std::uint8_t* pointer = header + header_bytes(list.kind);
  ASSERT(list.cost(first, last) <= usable_size - static_cast<std::size_t>(pointer - page));
  std::uint32_t content = usable_size;
  for (std::size_t i = first; i < last; ++i, pointer += 2) {
    const std::uint32_t bytes = list.slots[i].bytes;
    content -= footprint(bytes);
    std::memcpy(page + content, list.cell(i), bytes);
    if (bytes < 4) std::memset(page + content + bytes, 0, 4 - bytes);
    store_be16(pointer, static_cast<std::uint16_t>(content));
  }
  header[0] = static_cast<std::uint8_t>(list.kind);
  store_be16(header + 1, 0);
  store_be16(header + 3, static_cast<std::uint16_t>(last - first));
  store_be16(header + 5, static_cast<std::uint16_t>(content));  // 65536 is written as 0
  header[7] = 0;
  if (!is_leaf(list.kind)) store_be32(header + 8, rightmost);
}

}  // namespace saturn::storage
