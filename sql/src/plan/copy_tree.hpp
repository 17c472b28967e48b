#pragma once

#include "exec/nodes.hpp"

namespace saturn::sql {

/// A tree that computes the same; null where some node has no copy: subqueries, and what stands
/// for aggregates, windows and RAISE().
ExprPtr copy_tree(const ExprNode& expr);

/// Whether it is made of comparisons, IN lists, IS NULL and the like of columns and values, joined
/// by AND, OR and NOT: no function is called and nothing is computed.
bool is_simple(const ExprNode& expr) noexcept;

}  // namespace saturn::sql
