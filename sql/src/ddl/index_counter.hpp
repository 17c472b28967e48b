#pragma once

#include "catalog/schema.hpp"
#include "storage/record.hpp"
#include "value/arena.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace saturn::sql {

/// Entries of an index that ANALYZE chooses as samples for sqlite_stat4
/// (https://www.sqlite.org/fileformat2.html, section 2.6.6), at most `kSamplesMax` of them:
/// a third at equal distances, the others where the most entries share leading columns. What a tie
/// decides comes from the same pseudo-random numbers as in SQLite, so that both choose the same.
class IndexSampler {
 public:
  static constexpr std::size_t kSamplesMax = 24;

  /// One entry. The lists are by the number of leading columns, less one: how many entries are
  /// equal, how many come before the first of these, and how many distinct ones do.
  struct Sample {
    std::vector<std::uint64_t> equal;
    std::vector<std::uint64_t> less;
    std::vector<std::uint64_t> distinct_less;
    std::string record;  ///< as the tree has it

   private:
    friend class IndexSampler;
    std::uint32_t draw = 0;    ///< what decides between equals
    std::size_t column = 0;    ///< the last of the leading columns that it was chosen for
    bool at_distance = false;  ///< one of the third at equal distances
  };

  /// `width`: the columns that are looked at; `entries`: how many will come.
  IndexSampler(std::size_t width, std::uint64_t entries);
  /// The next entry, in the order of the index. `changed`: the first of its columns that is another
  /// than in the entry before, 0 for the first entry.
  void add(std::size_t changed, ByteSpan record);
  /// After the last entry: the samples, in the order of the index.
  const std::vector<Sample>& finish();

 private:
  void end_runs(std::size_t changed);
  void insert(const Sample& sample, std::size_t unknown);
  bool upgrade(const Sample& sample);
  void find_least();
  bool beats_by_rest(const Sample& a, const Sample& b) const noexcept;
  bool beats(const Sample& a, const Sample& b) const noexcept;

  const std::size_t width_;
  const std::uint64_t distance_;
  std::uint64_t entries_ = 0;
  std::uint32_t draw_;
  Sample current_;
  std::vector<Sample> best_;  ///< by column: the best of the run of equals that is going on
  std::vector<Sample> samples_;
  std::size_t least_ = 0;          ///< of a full set: the sample that gives way to a better one
  std::size_t unknown_until_ = 0;  ///< no sample has an unknown count from this column on
};

/// What ANALYZE counts of one index, its entries being added in their order.
class IndexCounter {
 public:
  /// `entries` as far as they are known; with `limit` not 0 (PRAGMA analysis_limit) not all will be
  /// added, and there are no samples.
  IndexCounter(const Index& index, std::uint64_t entries, std::uint64_t limit);

  /// What to do after an entry.
  enum class Next : std::uint8_t { go_on, skip_equals, stop };
  Result<Next> add(ByteSpan record);
  std::uint64_t added() const noexcept { return added_; }
  /// The first column of the last entry, as the tree has it; for `skip_equals`.
  Result<ValueRef> first_column();

  /// The text for sqlite_stat1: the entries, and for each prefix of the key how many share it.
  std::string stat() const;
  /// The texts and the record for sqlite_stat4.
  struct SampleRow {
    std::string equal;
    std::string less;
    std::string distinct_less;
    std::string record;
  };
  Result<std::vector<SampleRow>> samples();

 private:
  const Index& index_;
  const std::uint64_t entries_;
  const std::uint64_t limit_;
  const std::size_t width_;  ///< the columns that tell entries apart
  std::uint64_t added_ = 0;
  std::uint64_t skips_ = 0;
  bool all_distinct_ = false;  ///< what comes is told apart without a look
  std::vector<std::uint64_t> distinct_less_;
  std::vector<Value> before_;
  storage::RecordReader reader_;
  ValueArena arena_;
  IndexSampler sampler_;
};

}  // namespace saturn::sql
