#pragma once

#include "exec/operators.hpp"

#include <vector>

namespace saturn::sql {

/// Turns the expressions of an aggregate query into ones over its groups: a subtree that is a GROUP
/// BY term becomes the slot of that key, an aggregate call the slot of its result, and any other
/// column a bare column of the group (https://www.sqlite.org/lang_select.html, section 2.5).
class Aggregation {
 public:
  /// `binary`: the collation of what has none.
  Aggregation(std::vector<ExprPtr> keys, const Collation& binary);
  Result<void> rewrite(ExprPtr& expr);
  /// After all rewrites: settles the slots, and says what the operator has to compute.
  AggregateOperator::Parts finish();

 private:
  std::unique_ptr<SlotNode> slot_like(const ExprNode& expr) const;
  Result<void> replace_call(ExprPtr& expr);

  std::vector<ExprPtr> keys_;
  const Collation& binary_;
  std::vector<ExprPtr> calls_;  ///< AggregateNodes
  std::vector<ExprPtr> bare_;
  struct Placed {
    SlotNode* node;
    std::size_t number;
  };
  void read_keys_bare();

  std::vector<Placed> key_slots_;
  std::vector<Placed> call_slots_;
  std::vector<Placed> bare_slots_;
};

}  // namespace saturn::sql
