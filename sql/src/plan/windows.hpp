#pragma once

#include "exec/window_operator.hpp"
#include "plan/scope.hpp"

#include <span>
#include <vector>

namespace saturn::sql {

/// A window's definition with what it takes over from the windows that it names.
/// "no such window: w", "cannot override PARTITION clause of window: w", ...
Result<ast::WindowDef> resolve_window(const ast::WindowDef& window,
                                      const List<ast::WindowDef*>& named);

/// Takes the calls of window functions out of expressions and plans them: one operator for each
/// PARTITION BY and ORDER BY, the first one named coming last, so that rows are left in its order.
class WindowPlanner {
 public:
  /// `width`: the slots of the rows below.
  WindowPlanner(Runtime& runtime, Slot width) : runtime_(runtime), width_(width) {}
  /// Replaces the calls in `expr` by slots. May be called until `plan` was.
  void take(ExprPtr& expr);
  OperatorPtr plan(OperatorPtr input);
  /// Whether `plan`'s rows come in the order of these terms, the most important one first.
  struct Term {
    const ExprNode* expr = nullptr;
    SortKey key;  ///< but for its slot
  };
  bool gives_order(std::span<const Term> terms) const;

 private:
  struct Group {
    WindowOperator::Parts parts;
    std::vector<SlotNode*> slots;  ///< of the results, by call
  };
  Group& group_for(WindowNode& node);

  Runtime& runtime_;
  const Slot width_;
  std::vector<Group> groups_;
};

}  // namespace saturn::sql
