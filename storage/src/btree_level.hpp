#pragma once

#include "node.hpp"
#include "storage/btree.hpp"

namespace saturn::storage {

/// One node on a cursor's path. `index` is the child that the path goes on in, or in the last level
/// the entry.
struct BTreeCursor::Level {
  PageRef ref;
  Node node;
  std::uint32_t index = 0;
};

/// What a descent looks for: the first entry that is not before it. An equal entry counts as
/// `on_tie` says: -1 = not before it, 1 = before it.
struct BTreeCursor::Target {
  std::int64_t rowid = 0;
  std::span<const ValueRef> key;
  int on_tie = -1;
};

/// Frees a chain of overflow pages that carries `rest` bytes. // SUSPENDS
Result<void> free_overflow(PageSource& source, PageNo page, std::uint64_t rest);

/// Makes the leaf cell of an entry, its overflow pages included. // SUSPENDS
Result<void> make_cell(PageSource& source, bool table, std::int64_t rowid, ByteSpan record,
                       std::vector<std::uint8_t>& cell);

/// Writes cells [first, last) of `list` as the whole content of `page`, and with auto-vacuum notes
/// it as the parent of what they point at. // SUSPENDS
Result<void> write_tree_page(PageSource& source, PageNo page, const CellList& list,
                             std::size_t first, std::size_t last, PageNo rightmost);

/// The pages that a payload of `rest` bytes past its page takes.
inline std::uint64_t overflow_pages(std::uint64_t rest, std::uint32_t usable_size) noexcept {
  return (rest + usable_size - 5) / (usable_size - 4);
}

}  // namespace saturn::storage
