#include "exec/planned_values.hpp"

#include "catalog/sample_estimate.hpp"

#include <algorithm>
#include <utility>

namespace saturn::sql {
namespace {

/// Plans differ when there are so many times more or fewer rows, and not for a handful.
constexpr double kFactor = 10;
constexpr double kRowsMin = 30;

}  // namespace

double PlannedValues::rows_of(const Index& index, Compared compared, ValueRef value) noexcept {
  if (value.is_null()) return 0;
  const std::span<const ValueRef> key(&value, 1);
  if (compared == Compared::equal) return sampled_equal(index, key);
  const bool low = compared == Compared::above || compared == Compared::from;
  const bool inclusive = compared == Compared::up_to || compared == Compared::from;
  // What lies on the side of the index's start, in its order, and what does not.
  const bool at_start = low == index.columns[0].descending;
  const double before = sampled_before(index, key, inclusive == at_start);
  return at_start ? before : static_cast<double>(index.stat[0]) - before;
}

bool PlannedValues::outdated(std::span<const ValueRef> parameters) const {
  ValueArena arena;
  return std::any_of(uses_.begin(), uses_.end(), [&](const Use& use) {
    if (use.parameter > parameters.size()) return false;
    const ValueRef value =
        with_comparison_affinity(parameters[use.parameter - 1], use.affinity, arena);
    double less = std::max(rows_of(*use.index, use.compared, value), kRowsMin);
    double more = std::max(use.rows, kRowsMin);
    if (less > more) std::swap(less, more);
    return more >= less * kFactor;
  });
}

}  // namespace saturn::sql
