#pragma once

#include "storage/page_source.hpp"
#include "storage/record.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

/// B-trees (file format, sections 1.6 and 2). A table tree maps a 64-bit rowid to a record and
/// keeps all records in its leaves; an index tree is a set of records in the order of a `KeyInfo`,
/// with records in its interior nodes too. A payload that is too long for its page goes on in a
/// chain of overflow pages.
///
/// Invariants, for every tree between two calls:
///  1. The root's page number never changes. A root that is too full moves its content into a new
///     child; a root with one child takes the child's content back once that fits.
///  2. All leaves are at the same depth, and a path has at most `limits::kBTreeDepthMax` nodes.
///  3. In a table tree every key below child i is <= key i < every key below child i+1. In an index
///     tree record i lies strictly between those of children i and i+1.
///  4. A node that a change leaves under a third full is merged or evened out with its siblings,
///     unless it has none.
///  5. A page written here has all its free space between the pointers and the cells: no
///     freeblocks, no fragments. A page as SQLite leaves it is made so by the first change that
///     needs its space.
///  6. With auto-vacuum, the pointer map names the parent of every child and of every overflow
///  page.
///  7. No byte of a page is believed: a page that cannot be is `Code::corrupt` with its place.
namespace saturn::storage {

class Node;
struct Cell;
struct CellList;

enum class TreeKind : std::uint8_t { table, index };

/// Which entry a seek looks for, relative to the key.
enum class Seek : std::uint8_t { eq, ge, gt, le, lt };

/// Makes an empty tree and returns its root. // SUSPENDS
Result<PageNo> create_tree(PageSource& source, TreeKind kind);

/// Frees every page of the tree but the root, which becomes an empty leaf. // SUSPENDS
Result<void> clear_tree(PageSource& source, PageNo root, TreeKind kind);

/// Frees every page of the tree, the root too; never for page 1. In an auto-vacuum database another
/// tree's root may move to `root`: the page that it was on is returned, else 0. // SUSPENDS
Result<PageNo> drop_tree(PageSource& source, PageNo root, TreeKind kind);

/// A position in one tree, and the only way to read and change it. Borrows its source and key
/// information; used by the source's fiber. A cursor that was made, emptied or ran off an end has
/// no position. What `payload` returned is valid until the cursor's next call.
///
/// Changes to the tree through another cursor make a position stale. A table cursor finds its place
/// again by its rowid in `next` and `prev`; an index cursor answers `Code::misuse` and must seek
/// anew, and so does any other call on a stale cursor.
///
/// Moving on from leaf to leaf reads those that follow in batches, which double up to
/// `limits::kReadAheadPages` (`PageSource::prefetch`).
///
/// A seek that follows another begins at the leaf of the one before where that must hold its
/// target, and a change at what was just sought goes down no second time.
class BTreeCursor {
 public:
  /// A cursor on a table tree, or with `key_info` on an index tree.
  BTreeCursor(PageSource& source, PageNo root, const KeyInfo* key_info = nullptr);
  ~BTreeCursor();
  BTreeCursor(const BTreeCursor&) = delete;
  BTreeCursor& operator=(const BTreeCursor&) = delete;

  /// Each moves and returns whether there is an entry there. // SUSPENDS
  Result<bool> first();
  Result<bool> last();
  Result<bool> next();
  Result<bool> prev();
  /// In a table tree. // SUSPENDS
  Result<bool> seek(Seek what, std::int64_t rowid);
  /// In an index tree; `key` may be a prefix, and then all records that start with it are equal to
  /// it: `ge` finds the first of them, `le` the last, `gt` and `lt` step over them. // SUSPENDS
  Result<bool> seek(Seek what, std::span<const ValueRef> key);

  /// In a table tree: a hint that these rows are going to be sought. What is not in memory on the
  /// way to them is read in one batch for each level of the tree. // SUSPENDS
  void prefetch(std::span<const std::int64_t> rowids);
  /// The records behind the position in its direction, at most `most`, as far as they are whole on
  /// its leaf. Borrowed as what `payload` returns. Needs `valid()`.
  void look_ahead(bool backward, std::size_t most, std::vector<ByteSpan>& records) const;

  bool valid() const noexcept;
  /// The rowid at the position; 0 in an index tree. Needs `valid()`.
  std::int64_t rowid() const noexcept { return rowid_; }
  /// The record at the position, whole. Borrowed from the page when it is all there. // SUSPENDS
  Result<ByteSpan> payload();

  // After a failed `insert` or `remove` the tree may be half changed, whatever `valid()` says: the
  // caller rolls its pages back to before the call.

  /// Sets the record of `rowid`, replacing an old one. // SUSPENDS
  Result<void> insert(std::int64_t rowid, ByteSpan record);
  /// Adds a record to an index tree, replacing one whose key columns are equal. `record` must not
  /// borrow from this cursor's `payload()`. // SUSPENDS
  Result<void> insert(ByteSpan record);
  /// The same for a record whose key begins with what this cursor's last call, a seek with `eq`,
  /// did not find. // SUSPENDS
  Result<void> insert_sought(ByteSpan record);
  /// Removes the entry at the position, which is then gone: seek before moving on (a table cursor
  /// may call `next` or `prev` at once). // SUSPENDS
  Result<void> remove();

 private:
  struct Level;
  struct Target;

  Result<void> push(PageNo page);
  Result<void> reload(Level& level, const std::uint8_t* page);
  Result<void> descend_edge(bool rightmost, bool moves = false);
  void read_ahead(bool backward);
  Result<PageNo> child_on_the_way(PageNo page, std::int64_t rowid);
  Result<bool> climb_forward();
  Result<bool> climb_backward();
  Result<bool> settle();
  Result<bool> arrive();
  Result<int> compare_at(const Level& level, std::uint32_t index, const Target& target);
  Result<std::uint32_t> search(const Level& level, const Target& target);
  bool at_right_edge() const noexcept;
  bool at_last_entry() const noexcept;
  Result<bool> leaf_holds(const Target& target);
  Result<void> lower_bound(const Target& target);
  Result<bool> seek_equal(Target target);
  Result<bool> seek_target(Seek what, Target target);
  Result<ByteSpan> read_payload(const Node& node, const Cell& cell);
  Result<void> check_fresh() const;
  bool fresh() const noexcept;

  Result<void> insert_cell(bool replace);
  Result<bool> insert_in_place();
  Result<bool> replace_in_place(const Cell& old);
  Result<bool> remove_in_place(const Cell& cell);
  Result<void> finish_in_place(std::uint8_t* page, std::uint32_t at);
  void shift_content(std::uint8_t* page, std::uint32_t at, std::int32_t distance) noexcept;
  Result<void> remove_interior();
  bool at_append_position(std::int64_t rowid) const noexcept;
  void changed() noexcept;

  Result<void> store(std::size_t depth, CellList& list, bool append);
  Result<void> grow_root(CellList& list);
  Result<void> shrink_root(CellList& list);
  Result<void> write_page(PageNo page, const CellList& list, std::size_t first, std::size_t last,
                          PageNo rightmost);
  Result<void> balance(std::size_t depth, CellList& list, bool append);
  Result<void> gather(std::size_t depth, CellList& list, const CellList& parent, std::size_t first,
                      std::size_t last, CellList& all, std::vector<PageNo>& pages);

  /// What the path in `levels_` leads to, as long as it is fresh.
  enum class Place : std::uint8_t {
    none,
    entry,
    gap,      ///< where what was sought would be; with its rowid in `rowid_`
    removed,  ///< where an entry was: next and prev of a table cursor may start from `rowid_`
  };

  PageSource& source_;
  const PageNo root_;
  const KeyInfo* const key_info_;
  std::vector<Level> levels_;  ///< from the root; empty: no path
  std::uint64_t changes_seen_ = 0;
  std::int64_t rowid_ = 0;
  Place place_ = Place::none;
  ByteSpan here_;  ///< the entry's record, if it is all on the page
  /// Reading ahead: of which node children were asked for last, the one behind them in the cursor's
  /// direction, and how many; 0 after a seek.
  PageNo ahead_parent_ = 0;
  std::int64_t ahead_end_ = 0;
  std::uint32_t ahead_pages_ = 0;
  std::size_t leaf_depth_ = 0;  ///< levels of a whole path
  std::uint8_t far_seeks_ = 0;  ///< of an index cursor: seeks in a row that went to another leaf
  std::vector<std::uint8_t> payload_;
  std::vector<std::uint8_t> cell_;  ///< scratch: the cell that is being inserted
  std::vector<ValueRef> key_;       ///< scratch
};

}  // namespace saturn::storage
