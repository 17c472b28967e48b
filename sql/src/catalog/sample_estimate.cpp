#include "catalog/sample_estimate.hpp"

#include <algorithm>
#include <vector>

namespace saturn::sql {
namespace {

/// The place of a key among the samples.
struct Place {
  std::size_t at = 0;  ///< the first sample that does not come before the key
  bool exact = false;  ///< its leading columns are the key
};

int compare_prefix(const Index& index, const IndexSample& sample,
                   std::span<const ValueRef> key) noexcept {
  for (std::size_t i = 0; i < key.size(); ++i) {
    const IndexColumn& column = index.columns[i];
    const int order = compare(sample.key[i].ref(), key[i], *column.collation);
    if (order != 0) return column.descending ? -order : order;
  }
  return 0;
}

Place find(const Index& index, std::span<const ValueRef> key) noexcept {
  const auto begin = index.samples.begin();
  const auto at = std::partition_point(begin, index.samples.end(), [&](const IndexSample& sample) {
    return compare_prefix(index, sample, key) < 0;
  });
  const bool exact = at != index.samples.end() && compare_prefix(index, *at, key) == 0;
  return {static_cast<std::size_t>(at - begin), exact};
}

double total(const Index& index) noexcept { return static_cast<double>(index.stat[0]); }

/// Where `v` lies between two numbers, from 0 to 1; the middle for what are none.
double part_of_gap(ValueRef low, ValueRef v, ValueRef high) noexcept {
  const auto number = [](ValueRef value, double& out) {
    if (value.is_integer()) out = static_cast<double>(value.as_integer());
    if (value.is_real()) out = value.as_real();
    return value.is_integer() || value.is_real();
  };
  double a = 0;
  double b = 0;
  double at = 0;
  if (!number(low, a) || !number(v, at) || !number(high, b) || a == b) return 0.5;
  const double part = (at - a) / (b - a);
  return part >= 0 && part <= 1 ? part : 0.5;
}

/// Entries of a prefix of so many columns that no sample has.
double usual_equal(const Index& index, std::size_t columns) noexcept {
  double sampled = 0;
  double values = 0;
  std::uint64_t distinct = 0;
  const IndexSample* last = nullptr;
  for (const IndexSample& sample : index.samples) {
    distinct = std::max(distinct, sample.distinct_less[columns - 1] + 1);
    if (last != nullptr && last->distinct_less[columns - 1] == sample.distinct_less[columns - 1]) {
      continue;
    }
    last = &sample;
    sampled += static_cast<double>(sample.equal[columns - 1]);
    ++values;
  }
  double all = static_cast<double>(distinct);
  if (index.stat.size() > columns && index.stat[columns] > 0) {
    all = std::max(all, total(index) / static_cast<double>(index.stat[columns]));
  }
  if (all <= values) return 1;
  return std::max(1.0, (total(index) - sampled) / (all - values));
}

double bounded(double rows, const Index& index) noexcept {
  return std::clamp(rows, 0.0, total(index));
}

}  // namespace

bool has_samples(const Index& index) noexcept {
  return !index.samples.empty() && !index.stat.empty();
}

double sampled_equal(const Index& index, std::span<const ValueRef> key) noexcept {
  const std::size_t columns = key.size();
  const Place place = find(index, key);
  if (place.exact) {
    return bounded(static_cast<double>(index.samples[place.at].equal[columns - 1]), index);
  }
  double rows = usual_equal(index, columns);
  if (columns > 1) {
    // No more than all that share the columns before the last one.
    const Place shorter = find(index, key.first(columns - 1));
    if (shorter.exact) {
      rows = std::min(rows, static_cast<double>(index.samples[shorter.at].equal[columns - 2]));
    }
  }
  return bounded(rows, index);
}

double sampled_before(const Index& index, std::span<const ValueRef> key, bool inclusive) noexcept {
  if (key.empty()) return inclusive ? total(index) : 0;
  const std::size_t last = key.size() - 1;
  const Place place = find(index, key);
  if (place.exact) {
    const IndexSample& sample = index.samples[place.at];
    return bounded(static_cast<double>(sample.less[last]) +
                       (inclusive ? static_cast<double>(sample.equal[last]) : 0.0),
                   index);
  }
  double low = 0;
  double high = total(index);
  ValueRef low_value;
  ValueRef high_value;
  if (place.at > 0) {
    const IndexSample& sample = index.samples[place.at - 1];
    low = static_cast<double>(sample.less[last]) + static_cast<double>(sample.equal[last]);
    if (compare_prefix(index, sample, key.first(last)) == 0) low_value = sample.key[last].ref();
  }
  if (place.at < index.samples.size()) {
    const IndexSample& sample = index.samples[place.at];
    high = static_cast<double>(sample.less[last]);
    if (compare_prefix(index, sample, key.first(last)) == 0) high_value = sample.key[last].ref();
  }
  return bounded(low + std::max(high - low, 0.0) * part_of_gap(low_value, key[last], high_value),
                 index);
}

}  // namespace saturn::sql
