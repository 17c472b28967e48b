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

/// How many of `payload_bytes` stay on the page (file format, section 1.6, "X", "M", "K").
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
  std::uint32_t content_at() const noexcept { return content_at_; }
  /// Where the cell pointer array starts, and where it ends.
  std::uint32_t pointers_at() const noexcept { return header_at(number_) + header_bytes(kind_); }
  std::uint32_t pointers_end() const noexcept { return pointers_at() + 2 * count_; }
  /// No freeblocks and no fragments: all free space is between the pointers and the cells.
  bool compact() const noexcept;
  /// The right-most child; only for an interior node.
  PageNo rightmost() const noexcept { return load_be32(data_ + header_at(number_) + 8); }
  /// Cell `index` (< count()). `Code::corrupt` when any part of it lies outside the cell area.
  Result<Cell> cell(std::uint32_t index) const;
  /// The child at `index` (0..count(), the last being the right-most).
  Result<PageNo> child(std::uint32_t index) const;

 private:
  Result<Cell> parse_payload(Cell cell, std::uint32_t at) const;

  const std::uint8_t* data_ = nullptr;
  PageNo number_ = 0;
  NodeKind kind_ = NodeKind::table_leaf;
  std::uint32_t usable_size_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t content_at_ = 0;
};

/// A node's cells taken off their pages: what balancing deals with. Owns its bytes.
struct CellList {
  struct Slot {
    std::uint32_t at;
    std::uint32_t bytes;
  };
  NodeKind kind = NodeKind::table_leaf;
  PageNo rightmost = 0;
  std::vector<std::uint8_t> bytes;
  std::vector<Slot> slots;

  void append(const std::uint8_t* cell, std::uint32_t cell_bytes);
  /// Puts a cell in front of the one at `index`.
  void insert(std::size_t index, const std::uint8_t* cell, std::uint32_t cell_bytes);
  std::uint8_t* cell(std::size_t index) noexcept { return bytes.data() + slots[index].at; }
  const std::uint8_t* cell(std::size_t index) const noexcept {
    return bytes.data() + slots[index].at;
  }
  /// What cells [first, last) take on a page, pointers included.
  std::uint64_t cost(std::size_t first, std::size_t last) const noexcept;
};

/// Appends all cells of `node` to `list`, and takes over its kind and right-most child.
Result<void> take_cells(const Node& node, CellList& list);

/// Writes cells [first, last) of `list` as the whole content of page `number`; they must fit.
void write_node(std::uint8_t* page, PageNo number, std::uint32_t usable_size, const CellList& list,
                std::size_t first, std::size_t last, PageNo rightmost) noexcept;

}  // namespace saturn::storage
