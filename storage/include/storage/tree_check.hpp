#pragma once

#include "storage/btree.hpp"

#include <string>
#include <vector>

namespace saturn::storage {

/// Checks trees and the freelist of one database and notes which page is whose. Borrows its source;
/// used by the source's fiber. What is wrong with the data is a problem in the list, and only a
/// failure to read is an `Error`.
class TreeCheck {
 public:
  /// Stops adding to the list after `problems_max`.
  TreeCheck(PageSource& source, std::size_t problems_max);

  /// Checks a table tree, or with `key_info` an index tree: each page used once, no two cells
  /// overlapping, all leaves equally deep, keys in order, overflow chains complete, and with
  /// auto-vacuum the pointer map as it must be. // SUSPENDS
  Result<void> tree(PageNo root, const KeyInfo* key_info = nullptr);
  /// Checks the freelist's chain and count. // SUSPENDS
  Result<void> freelist();
  /// After all trees and the freelist: each page that nobody uses is a problem.
  void unused_pages();

  const std::vector<std::string>& problems() const noexcept { return problems_; }
  /// Entries of the tree that was checked last.
  std::uint64_t entries() const noexcept { return entries_; }

 private:
  struct Bounds;
  void problem(std::string text);
  bool claim(PageNo page, PageNo from);
  Result<void> pointer_map(PageNo page, PointerType type, PageNo parent);
  Result<void> node(PageNo page, std::uint32_t depth, Bounds& bounds, const KeyInfo* key_info);
  void overlaps(const Node& node);
  Result<void> overflow(PageNo from, PageNo page, std::uint64_t rest);
  Result<void> index_order(PageNo root, const KeyInfo& key_info);

  PageSource& source_;
  const std::size_t problems_max_;
  std::vector<bool> used_;
  std::vector<std::string> problems_;
  std::uint64_t entries_ = 0;
};

}  // namespace saturn::storage
