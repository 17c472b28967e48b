#include "ddl/index_counter.hpp"

#include "base/assert.hpp"
#include "base/text.hpp"
#include "value/stored_text.hpp"

#include <algorithm>

namespace saturn::sql {
namespace {

// The pseudo-random numbers that SQLite draws.
constexpr std::uint32_t kWidthFactor = 0x689e962d;
constexpr std::uint32_t kEntriesFactor = 0xd0944565;
constexpr std::uint32_t kDrawFactor = 1103515245;
constexpr std::uint32_t kDrawStep = 12345;

std::string list_text(const std::vector<std::uint64_t>& numbers) {
  std::string text;
  for (const std::uint64_t number : numbers) {
    if (!text.empty()) text += ' ';
    text += cat(number);
  }
  return text;
}

}  // namespace

IndexSampler::IndexSampler(std::size_t width, std::uint64_t entries)
    : width_(width),
      distance_(entries / (kSamplesMax / 3 + 1) + 1),
      draw_((kWidthFactor * static_cast<std::uint32_t>(width)) ^
            (kEntriesFactor * static_cast<std::uint32_t>(entries))),
      best_(width - 1) {
  ASSERT(width > 0);
  current_.equal.resize(width, 1);
  current_.less.resize(width, 0);
  current_.distinct_less.resize(width, 0);
}

/// Of two samples for the same column: the one that more entries share further columns with.
bool IndexSampler::beats_by_rest(const Sample& a, const Sample& b) const noexcept {
  for (std::size_t i = a.column + 1; i < width_; ++i) {
    if (a.equal[i] != b.equal[i]) return a.equal[i] > b.equal[i];
  }
  return a.draw > b.draw;
}

bool IndexSampler::beats(const Sample& a, const Sample& b) const noexcept {
  if (a.equal[a.column] != b.equal[b.column]) return a.equal[a.column] > b.equal[b.column];
  if (a.column != b.column) return a.column < b.column;
  return beats_by_rest(a, b);
}

/// Of a full set, which sample is worth least; those at equal distances stay.
void IndexSampler::find_least() {
  if (samples_.size() < kSamplesMax) return;
  bool found = false;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    if (samples_[i].at_distance || (found && !beats(samples_[least_], samples_[i]))) continue;
    least_ = i;
    found = true;
  }
  ASSERT(found);
}

/// Whether a sample that is there already stands for the same run of equal entries: then that one
/// counts as chosen for it.
bool IndexSampler::upgrade(const Sample& sample) {
  Sample* best = nullptr;
  for (Sample& old : samples_) {
    if (old.equal[sample.column] != 0) continue;  // of a run that has ended
    if (old.at_distance) return true;
    if (best == nullptr || !beats(*best, old)) best = &old;
  }
  if (best == nullptr) return false;
  best->column = sample.column;
  best->equal[best->column] = sample.equal[sample.column];
  find_least();
  return true;
}

/// Takes a sample in, in place of the least one where there is no room. Of its first `unknown`
/// columns the runs go on, so that their counts (0 until then) are not known yet.
void IndexSampler::insert(const Sample& sample, std::size_t unknown) {
  unknown_until_ = std::max(unknown_until_, unknown);
  if (!sample.at_distance && upgrade(sample)) return;
  if (samples_.size() == kSamplesMax) {
    samples_.erase(samples_.begin() + static_cast<std::ptrdiff_t>(least_));
  }
  samples_.push_back(sample);
  std::fill_n(samples_.back().equal.begin(), unknown, 0);
  find_least();
}

/// The runs of equal entries from column `changed` on are over: the best of each may become a
/// sample, and the samples in them get their counts.
void IndexSampler::end_runs(std::size_t changed) {
  for (std::size_t i = width_ - 1; i-- > changed;) {
    Sample& best = best_[i];
    best.equal[i] = current_.equal[i];
    if (samples_.size() < kSamplesMax || beats(best, samples_[least_])) insert(best, i);
  }
  if (changed >= unknown_until_) return;
  for (Sample& sample : samples_) {
    for (std::size_t i = changed; i < width_; ++i) {
      if (sample.equal[i] == 0) sample.equal[i] = current_.equal[i];
    }
  }
  unknown_until_ = changed;
}

void IndexSampler::add(std::size_t changed, ByteSpan record) {
  if (entries_ > 0) {
    end_runs(changed);
    for (std::size_t i = 0; i < changed; ++i) ++current_.equal[i];
    for (std::size_t i = changed; i < width_; ++i) {
      ++current_.distinct_less[i];
      current_.less[i] += current_.equal[i];
      current_.equal[i] = 1;
    }
  }
  ++entries_;
  draw_ = draw_ * kDrawFactor + kDrawStep;
  current_.draw = draw_;
  current_.record.assign(reinterpret_cast<const char*>(record.data()), record.size());
  const std::uint64_t before = current_.less[width_ - 1];
  if (before / distance_ != (before + 1) / distance_) {
    current_.at_distance = true;
    current_.column = 0;
    insert(current_, width_ - 1);
    current_.at_distance = false;
  }
  for (std::size_t i = 0; i + 1 < width_; ++i) {
    current_.column = i;
    if (i >= changed || beats_by_rest(current_, best_[i])) best_[i] = current_;
  }
}

const std::vector<IndexSampler::Sample>& IndexSampler::finish() {
  if (entries_ > 0) end_runs(0);
  return samples_;
}

IndexCounter::IndexCounter(const Index& index, std::uint64_t entries, std::uint64_t limit)
    : index_(index),
      entries_(entries),
      limit_(limit),
      width_(index.clustered ? index.columns.size() : index.entry_width()),
      distinct_less_(width_, 0),
      before_(width_),
      sampler_(width_, entries) {}

Result<ValueRef> IndexCounter::first_column() { return reader_.column(0); }

Result<IndexCounter::Next> IndexCounter::add(ByteSpan record) {
  reader_.reset(record, index_.root);
  arena_.reset();
  std::size_t changed = width_;
  for (std::uint32_t i = 0; i < width_; ++i) {
    const ValueRef value = from_stored(TRY(reader_.column(i)), index_.table->encoding, arena_);
    const bool differs = changed < width_ || added_ == 0 || all_distinct_ ||
                         compare(before_[i].ref(), value, *index_.entry_column(i).collation) != 0;
    if (!differs) continue;
    changed = std::min<std::size_t>(changed, i);
    if (added_ > 0) ++distinct_less_[i];
    before_[i] = Value(value);
  }
  // As in SQLite, what comes behind a key of one column that is not NULL is no duplicate.
  all_distinct_ = all_distinct_ || (index_.unique && index_.columns.size() == 1 &&
                                    !index_.clustered && !before_[0].ref().is_null());
  // All columns together are a key, whatever a corrupt tree has.
  changed = std::min(changed, width_ - 1);
  ++added_;
  if (limit_ == 0) {
    sampler_.add(changed, record);
    return Next::go_on;
  }
  if (added_ <= limit_ * (skips_ + 1)) return Next::go_on;
  ++skips_;
  return distinct_less_[0] > 0 ? Next::stop : Next::skip_equals;
}

std::string IndexCounter::stat() const {
  std::string text = cat(skips_ > 0 ? entries_ : added_);
  for (std::size_t i = 0; i < index_.columns.size(); ++i) {
    const std::uint64_t distinct = distinct_less_[i] + 1;
    std::uint64_t common = (added_ + distinct - 1) / distinct;
    // Nearly unique counts as unique.
    if (common == 2 && added_ * 10 <= distinct * 11) common = 1;
    text += cat(' ', common);
  }
  return text;
}

Result<std::vector<IndexCounter::SampleRow>> IndexCounter::samples() {
  std::vector<SampleRow> rows;
  if (limit_ != 0) return rows;
  std::vector<ValueRef> values(width_);
  for (const IndexSampler::Sample& sample : sampler_.finish()) {
    SampleRow& row = rows.emplace_back();
    row.equal = list_text(sample.equal);
    row.less = list_text(sample.less);
    row.distinct_less = list_text(sample.distinct_less);
    reader_.reset(
        {reinterpret_cast<const std::uint8_t*>(sample.record.data()), sample.record.size()},
        index_.root);
    for (std::uint32_t i = 0; i < width_; ++i) {
      values[i] = TRY(reader_.column(i));
      // What the tree keeps as an integer to save room is a real to whoever asks for the column.
      const int column = index_.entry_column(i).column;
      const bool real =
          column >= 0 &&
          index_.table->columns[static_cast<std::size_t>(column)].affinity == Affinity::real;
      if (real && values[i].is_integer()) {
        values[i] = ValueRef::real(static_cast<double>(values[i].as_integer()));
      }
    }
    TRY(storage::encode_record(values, row.record));
  }
  return rows;
}

}  // namespace saturn::sql
