#pragma once

#include "storage/btree.hpp"

#include <memory>

namespace saturn::storage {

/// The kind of the tree at `root`, by its page. `Code::corrupt`. // SUSPENDS
Result<TreeKind> kind_of_tree(PageSource& source, PageNo root);

/// Fills an empty tree with entries that come in its order, page after page: nothing is compared
/// and nothing split, and pages are as full as they can be. Life: `append` any number of times,
/// `finish`. Until then the tree is not to be read. Borrows its source; used by the source's fiber.
class TreeBuilder {
 public:
  /// `root` is an empty leaf, as `create_tree` made it (never page 1).
  TreeBuilder(PageSource& source, PageNo root, TreeKind kind);
  ~TreeBuilder();
  TreeBuilder(const TreeBuilder&) = delete;
  TreeBuilder& operator=(const TreeBuilder&) = delete;

  /// The next record; in a table tree with a rowid above the last one's, else with 0. // SUSPENDS
  Result<void> append(std::int64_t rowid, ByteSpan record);
  /// Writes what is left, the root last. // SUSPENDS
  Result<void> finish();

 private:
  struct Level;

  Result<void> add(std::size_t depth, std::vector<std::uint8_t> cell);
  Result<PageNo> write_out(const CellList& list, std::size_t first, std::size_t last,
                           PageNo rightmost);
  Result<PageNo> finish_level(std::size_t depth, PageNo rightmost);

  PageSource& source_;
  const PageNo root_;
  const TreeKind kind_;
  std::vector<Level> levels_;  ///< the leaves first
  std::int64_t last_rowid_ = 0;
  std::vector<std::uint8_t> cell_;
};

}  // namespace saturn::storage
