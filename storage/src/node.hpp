#pragma once

#include "storage/page_source.hpp"

#include <cstdint>
#include <vector>

/// One B-tree page (file format, section 1.6): parsing that trusts no byte, and writing.
namespace saturn::storage {

enum class NodeKind : std::uint8_t {
  index_interior = 2,
  table_interior = 5,
  index_leaf = 10,
  table_leaf = 13,
};
constexpr bool is_leaf(NodeKind kind) noexcept { return static_cast<unsigned>(kind) >= 10; }
constexpr bool is_table(NodeKind kind) noexcept { return (static_cast<unsigned>(kind) & 1) != 0; }
constexpr std::uint32_t header_bytes(NodeKind kind) noexcept { return is_leaf(kind) ? 8 : 12; }
/// Page 1 starts with the database header.
constexpr std::uint32_t header_at(PageNo page) noexcept { return page == 1 ? 100 : 0; }

/// A cell takes at least four bytes of a page, so that a freeblock fits where it was.
constexpr std::uint32_t footprint(std::uint32_t cell_bytes) noexcept {
  return cell_bytes < 4 ? 4 : cell_bytes;
}

/// A parsed cell. All offsets are inside the page: whoever holds one may read what it names.
struct Cell {
  std::uint32_t at = 0;          ///< where the cell starts on its page
  std::uint32_t bytes = 0;       ///< its length, without padding to four
  std::uint32_t payload_at = 0;  ///< where the local payload starts on the page
  std::uint32_t local_bytes = 0;
  std::uint64_t payload_bytes = 0;
  std::int64_t rowid = 0;
  PageNo left_child = 0;
  PageNo overflow = 0;  ///< first page of the overflow chain, 0 = none
};

/// The longest payload that stays on the page as a whole (file format, section 1.6, "X").
constexpr std::uint32_t most_local_bytes(bool table, std::uint32_t usable_size) noexcept {
  return table ? usable_size - 35 : (usable_size - 12) * 64 / 255 - 23;
}
/// How many of `payload_bytes` stay on the page (file format, section 1.6, "M", "K").
std::uint32_t local_payload_bytes(std::uint64_t payload_bytes, bool table,
                                  std::uint32_t usable_size) noexcept;

/// A view of a page as a node; borrows the page's bytes.
class Node {
 public:
  Node() noexcept = default;
  /// `Code::corrupt` for an unknown kind or a header that cannot be.
  static Result<Node> parse(PageNo number, const std::uint8_t* data, std::uint32_t usable_size);

  PageNo number() const noexcept { return number_; }
  NodeKind kind() const noexcept { return kind_; }
  bool leaf() const noexcept { return is_leaf(kind_); }
  bool table() const noexcept { return is_table(kind_); }
  std::uint32_t count() const noexcept { return count_; }
  const std::uint8_t* data() const noexcept { return data_; }
  std::uint32_t usable_size() const noexcept { return usable_size_; }
  std::uint32_t content_at() const noexcept { return content_at_; }
  /// Where the cell pointer array starts, and where it ends.
  std::uint32_t pointers_at() const noexcept { return pointers_at_; }
  std::uint32_t pointers_end() const noexcept { return pointers_at() + 2 * count_; }
  /// No freeblocks and no fragments: all free space is between the pointers and the cells.
  bool compact() const noexcept;
  /// The right-most child; only for an interior node.
  PageNo rightmost() const noexcept { return load_be32(data_ + header_at(number_) + 8); }
  /// Cell `index` (< count()). `Code::corrupt` when any part of it lies outside the cell area.
  Result<Cell> cell(std::uint32_t index) const;
  /// The child at `index` (0..count(), the last being the right-most).
  Result<PageNo> child(std::uint32_t index) const;

  // What searches look at, of cell `index` (< count()). False where `cell` has to be asked: when
  // the cell cannot be, or its payload is not all on the page.

  /// In a node of a table tree.
  bool look_at_rowid(std::uint32_t index, std::int64_t& rowid) const noexcept;
  /// In a leaf of a table tree.
  bool look_at_row(std::uint32_t index, std::int64_t& rowid, ByteSpan& payload) const noexcept;
  /// Of a leaf: how long the cell is.
  bool look_at_size(std::uint32_t index, std::uint32_t& at, std::uint32_t& bytes) const noexcept;
  /// In a node of an index tree.
  bool look_at_payload(std::uint32_t index, ByteSpan& payload) const noexcept;

 private:
  /// Where cell `index` starts; null when its pointer cannot be.
  const std::uint8_t* start_of(std::uint32_t index) const noexcept {
    const std::uint32_t at = load_be16(data_ + pointers_at_ + 2 * index);
    return at < content_at_ || at + 4 > usable_size_ ? nullptr : data_ + at;
  }
  Result<Cell> parse_payload(Cell cell, std::uint32_t at) const;

  const std::uint8_t* data_ = nullptr;
  PageNo number_ = 0;
  NodeKind kind_ = NodeKind::table_leaf;
  std::uint32_t usable_size_ = 0;
  std::uint32_t pointers_at_ = 0;
  std::uint32_t most_local_ = 0;  ///< a payload of at most so many bytes is all on the page
  std::uint32_t count_ = 0;
  std::uint32_t content_at_ = 0;
};

inline bool Node::look_at_rowid(std::uint32_t index, std::int64_t& rowid) const noexcept {
  const std::uint8_t* at = start_of(index);
  if (at == nullptr) return false;
  const std::uint8_t* const end = data_ + usable_size_;
  std::uint64_t v = 0;
  if (kind_ == NodeKind::table_leaf) {
    const unsigned n = get_varint(at, end, v);
    if (n == 0) return false;
    at += n;
  } else {
    at += 4;
  }
  if (get_varint(at, end, v) == 0) return false;
  rowid = static_cast<std::int64_t>(v);
  return true;
}

inline bool Node::look_at_row(std::uint32_t index, std::int64_t& rowid,
                              ByteSpan& payload) const noexcept {
  const std::uint8_t* at = start_of(index);
  if (at == nullptr) return false;
  const std::uint8_t* const end = data_ + usable_size_;
  std::uint64_t bytes = 0;
  unsigned n = get_varint(at, end, bytes);
  if (n == 0 || bytes > most_local_) return false;
  at += n;
  std::uint64_t v = 0;
  n = get_varint(at, end, v);
  if (n == 0) return false;
  at += n;
  if (bytes > static_cast<std::uint64_t>(end - at)) return false;
  rowid = static_cast<std::int64_t>(v);
  payload = ByteSpan(at, bytes);
  return true;
}

inline bool Node::look_at_payload(std::uint32_t index, ByteSpan& payload) const noexcept {
  const std::uint8_t* at = start_of(index);
  if (at == nullptr) return false;
  if (kind_ == NodeKind::index_interior) at += 4;
  const std::uint8_t* const end = data_ + usable_size_;
  std::uint64_t bytes = 0;
  const unsigned n = get_varint(at, end, bytes);
  if (n == 0 || bytes > most_local_) return false;
  at += n;
  if (bytes > static_cast<std::uint64_t>(end - at)) return false;
  payload = ByteSpan(at, bytes);
  return true;
}

inline bool Node::look_at_size(std::uint32_t index, std::uint32_t& at,
                               std::uint32_t& bytes) const noexcept {
  const std::uint8_t* const start = start_of(index);
  if (start == nullptr) return false;
  const std::uint8_t* const end = data_ + usable_size_;
  std::uint64_t payload = 0;
  unsigned head = get_varint(start, end, payload);
  if (head == 0 || payload > most_local_) return false;
  if (kind_ == NodeKind::table_leaf) {
    std::uint64_t rowid = 0;
    const unsigned n = get_varint(start + head, end, rowid);
    if (n == 0) return false;
    head += n;
  }
  at = static_cast<std::uint32_t>(start - data_);
  bytes = head + static_cast<std::uint32_t>(payload);
  return bytes <= static_cast<std::uint32_t>(end - start);
}

/// A node's cells taken off their pages: what balancing deals with. Owns its bytes.
struct CellList {
  struct Slot {
    std::uint32_t at;
    std::uint32_t bytes;
  };
  NodeKind kind = NodeKind::table_leaf;
  PageNo rightmost = 0;
  std::vector<std::uint8_t> bytes;  ///< the cells', among others
  std::vector<Slot> slots;

  void append(const std::uint8_t* cell, std::uint32_t cell_bytes);
  /// Appends all cells of `other`.
  void append(const CellList& other);
  /// Puts a cell in front of the one at `index`.
  void insert(std::size_t index, const std::uint8_t* cell, std::uint32_t cell_bytes);
  std::uint8_t* cell(std::size_t index) noexcept { return bytes.data() + slots[index].at; }
  const std::uint8_t* cell(std::size_t index) const noexcept {
    return bytes.data() + slots[index].at;
  }
  /// What cell `index` takes on a page, its pointer included.
  std::uint32_t cost(std::size_t index) const noexcept { return footprint(slots[index].bytes) + 2; }
  /// What cells [first, last) take.
  std::uint64_t cost(std::size_t first, std::size_t last) const noexcept;
};

/// Appends all cells of `node` to `list`, and takes over its kind and right-most child.
Result<void> take_cells(const Node& node, CellList& list);

/// Writes cells [first, last) of `list` as the whole content of page `number`; they must fit.
void write_node(std::uint8_t* page, PageNo number, std::uint32_t usable_size, const CellList& list,
                std::size_t first, std::size_t last, PageNo rightmost) noexcept;

}  // namespace saturn::storage
