#pragma once

#include "exec/operators.hpp"
#include "exec/spill_file.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace saturn::sql {

/// Sorts any number of rows: in memory as long as the session's account has room, else by merging
/// sorted runs of a spill file. Equal rows stay as they came.
///
/// Life: `add` for each row, `sort`, `next` until it answers null; `clear`, and again.
class RowSorter {
 public:
  RowSorter(Runtime& runtime, std::vector<SortKey> keys, std::uint32_t width);

  /// Only so many rows of the order will be asked for; until the next `clear`.
  void keep_first(std::uint64_t rows);
  /// Copies the first `width` values of `row`. Fails with `full` and I/O errors. // SUSPENDS
  Result<void> add(const ValueRef* row);
  /// Every row was added. // SUSPENDS
  Result<void> sort();
  /// The next row in order, null at the end. It is good until the next call; where `in_memory`,
  /// until `clear`. // SUSPENDS
  Result<const ValueRef*> next();
  /// Whether no row went to a file.
  bool in_memory() const noexcept { return runs_.empty(); }
  void clear() noexcept;

  const std::vector<SortKey>& keys() const noexcept { return keys_; }
  std::uint32_t width() const noexcept { return width_; }

 private:
  /// Rows in order; of `level` 0 straight from memory, else of runs one level below.
  struct Run {
    std::size_t level = 0;
    std::uint64_t begin = 0;  ///< in the file of the level
    std::uint64_t end = 0;
  };
  /// Where a merge stands in a run; `row` is the one whose turn comes.
  struct Source {
    Source(SpillFile& file, const Run& run, std::uint32_t width)
        : reader(file, width), end(run.end), row(width) {
      reader.seek(run.begin);
    }
    SpillReader reader;
    const std::uint64_t end;
    std::vector<ValueRef> row;
  };

  void order_rows();
  void prune();
  Result<void> spill();
  Result<SpillFile*> file_of(std::size_t level);
  bool wants_merge() const noexcept;
  Result<void> merge_last();
  Result<void> open_sources(std::size_t first);
  Result<void> advance(std::uint32_t source);
  bool comes_later(std::uint32_t a, std::uint32_t b) const noexcept;

  Runtime& runtime_;
  const std::vector<SortKey> keys_;
  const std::uint32_t width_;
  std::uint64_t keep_ = kAll;
  std::uint64_t prune_at_ = kAll;
  RowStore rows_;
  std::vector<const ValueRef*> order_;  ///< of `rows_`
  std::size_t at_ = 0;
  std::vector<std::unique_ptr<SpillFile>> files_;  ///< by level
  std::vector<Run> runs_;                          ///< oldest first; their levels never rise
  std::vector<std::unique_ptr<Source>> sources_;   ///< one a run that is merged, oldest first
  std::vector<std::uint32_t> heap_;                ///< sources that have a row, the least one first
  bool taken_ = false;                             ///< the first source's row was handed out

  static constexpr std::uint64_t kAll = ~std::uint64_t{0};
  static constexpr std::size_t kMergedRuns = 16;  ///< of one level, into one of the next
};

}  // namespace saturn::sql
