#include "exec/row_sorter.hpp"

#include <algorithm>

// States: adding -> (sort) -> handing out -> (clear) -> adding.
//
// While rows are added they are in `rows_`; when the account is pressed, `spill` sorts them, writes
// them as a run and starts anew. The last runs are merged into one of a higher level as soon as
// there are `kMergedRuns` of a level, so that a row is written once a level and there are few
// files. `sort` ends with all rows in memory and in order, or all of them in runs and a heap over
// the runs' first rows. Runs are numbered in the order of their rows' coming, and so equal rows
// come out as they came.

namespace saturn::sql {

RowSorter::RowSorter(Runtime& runtime, std::vector<SortKey> keys, std::uint32_t width)
    : runtime_(runtime),
      keys_(std::move(keys)),
      width_(width),
      rows_(width, runtime.session.memory) {}

void RowSorter::keep_first(std::uint64_t rows) {
  constexpr std::uint64_t kPruneMin = 4096;
  keep_ = rows;
  prune_at_ = rows > kAll / 2 ? kAll : std::max(rows * 2, kPruneMin);
}

void RowSorter::clear() noexcept {
  keep_ = kAll;
  prune_at_ = kAll;
  rows_.clear();
  order_.clear();
  at_ = 0;
  sources_.clear();
  heap_.clear();
  taken_ = false;
  runs_.clear();
  files_.clear();
}

Result<void> RowSorter::add(const ValueRef* row) {
  rows_.append({row, width_});
  order_.push_back(rows_.row(rows_.size() - 1));
  if (order_.size() >= prune_at_) prune();
  if (runtime_.session.memory.wants_back(rows_.bytes()) && SpillFile::available(runtime_.session)) {
    return spill();
  }
  return {};
}

void RowSorter::order_rows() {
  std::stable_sort(order_.begin(), order_.end(), [&](const ValueRef* a, const ValueRef* b) {
    return compare_rows(a, b, keys_) < 0;
  });
}

/// Keeps the first rows of the order, and their copies, and gives up the others' memory.
void RowSorter::prune() {
  order_rows();
  order_.resize(std::min<std::uint64_t>(keep_, order_.size()));
  RowStore kept(width_, runtime_.session.memory);
  for (const ValueRef* row : order_) kept.append({row, width_});
  rows_ = std::move(kept);
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = rows_.row(i);
}

/// Where the runs of a level are.
Result<SpillFile*> RowSorter::file_of(std::size_t level) {
  if (level == files_.size()) files_.push_back(TRY(SpillFile::make(runtime_.session)));
  return files_[level].get();
}

/// Writes the rows that are in memory as a run.
Result<void> RowSorter::spill() {
  SpillFile& file = *TRY(file_of(0));
  order_rows();
  Run run{0, file.size(), 0};
  for (const ValueRef* row : order_) {
    TRY(file.append({row, width_}));
    TRY(runtime_.spend(width_ * sizeof(ValueRef)));
  }
  TRY(file.flush());
  run.end = file.size();
  runs_.push_back(run);
  rows_.clear();
  order_.clear();
  while (wants_merge()) TRY(merge_last());
  return {};
}

bool RowSorter::wants_merge() const noexcept {
  return runs_.size() >= kMergedRuns &&
         runs_[runs_.size() - kMergedRuns].level == runs_.back().level;
}

/// Makes one run of the last ones, which are all of their level; their file can be used again.
Result<void> RowSorter::merge_last() {
  const std::size_t first = runs_.size() - kMergedRuns;
  const std::size_t level = runs_.back().level;
  TRY(open_sources(first));
  SpillFile& file = *TRY(file_of(level + 1));
  Run merged{level + 1, file.size(), 0};
  for (;;) {
    const ValueRef* row = TRY(next());
    if (row == nullptr) break;
    TRY(file.append({row, width_}));
    TRY(runtime_.spend(width_ * sizeof(ValueRef)));
  }
  TRY(file.flush());
  merged.end = file.size();
  sources_.clear();
  runs_.resize(first);
  runs_.push_back(merged);
  return files_[level]->clear();
}

Result<void> RowSorter::sort() {
  if (runs_.empty()) {
    order_rows();
    return {};
  }
  if (!order_.empty()) TRY(spill());
  return open_sources(0);
}

/// Puts the first rows of the runs from `first` on into the heap.
Result<void> RowSorter::open_sources(std::size_t first) {
  taken_ = false;
  for (std::size_t i = first; i < runs_.size(); ++i) {
    sources_.push_back(std::make_unique<Source>(*files_[runs_[i].level], runs_[i], width_));
    TRY(advance(static_cast<std::uint32_t>(sources_.size() - 1)));
  }
  return {};
}

/// Whether the row of source `a` comes behind that of `b`: the order of the heap.
bool RowSorter::comes_later(std::uint32_t a, std::uint32_t b) const noexcept {
  const int c = compare_rows(sources_[a]->row.data(), sources_[b]->row.data(), keys_);
  return c != 0 ? c > 0 : a > b;
}

/// Reads the next row of a source that is not in the heap, and puts it there; at its end, it stays
/// outside.
Result<void> RowSorter::advance(std::uint32_t number) {
  Source& source = *sources_[number];
  if (source.reader.offset() == source.end) return {};
  TRY(source.reader.next(source.row.data()));
  heap_.push_back(number);
  std::push_heap(heap_.begin(), heap_.end(),
                 [&](std::uint32_t a, std::uint32_t b) { return comes_later(a, b); });
  return {};
}

Result<const ValueRef*> RowSorter::next() {
  if (sources_.empty()) {
    return at_ == order_.size() ? static_cast<const ValueRef*>(nullptr) : order_[at_++];
  }
  if (taken_) {
    std::pop_heap(heap_.begin(), heap_.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return comes_later(a, b); });
    const std::uint32_t before = heap_.back();
    heap_.pop_back();
    TRY(advance(before));
  }
  taken_ = !heap_.empty();
  return taken_ ? sources_[heap_.front()]->row.data() : static_cast<const ValueRef*>(nullptr);
}

}  // namespace saturn::sql
