#pragma once

#include "catalog/schema.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace saturn::sql {

/// For how many rows a plan was made where the value of a parameter decides that, by the samples of
/// an index. Another value may ask for another plan.
class PlannedValues {
 public:
  enum class Compared : std::uint8_t { equal, below, up_to, above, from };
  /// `parameter` (from 1), compared with the first column of the index.
  struct Use {
    const Index* index = nullptr;
    std::uint32_t parameter = 0;
    Compared compared = Compared::equal;
    Affinity affinity = Affinity::none;  ///< applied to the value
    double rows = 0;                     ///< that the plan is made for
  };

  void clear() noexcept { uses_.clear(); }
  void add(const Use& use) { uses_.push_back(use); }
  /// Whether these values choose ten times more or fewer rows, so that the plan is to be made
  /// again. The indexes must be those of the schema that the plan was made for.
  bool outdated(std::span<const ValueRef> parameters) const;
  /// The rows that a value chooses.
  static double rows_of(const Index& index, Compared compared, ValueRef value) noexcept;

 private:
  std::vector<Use> uses_;
};

}  // namespace saturn::sql
