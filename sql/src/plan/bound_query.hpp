#pragma once

#include "plan/core_planner.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace saturn::sql {

/// A whole SELECT whose names are resolved and whose operators are still to be chosen, so that the
/// query around it can hand it conditions or take its tables over. Lives no longer than the
/// statement's tree and the CTEs around it. Used once: `bind`, then perhaps `push`, then `plan`.
class BoundQuery {
 public:
  /// `boundary`: of the query around it; null for one that stands alone. // SUSPENDS
  static Result<std::unique_ptr<BoundQuery>> bind(CompileContext& context,
                                                  const ast::Select& select, const CteEnv* ctes,
                                                  Boundary* boundary);
  /// What `plan` will give, without its root.
  Query& shape() noexcept {
    return parts_[0].core ? parts_[0].core->shape() : parts_[0].rows.query;
  }
  /// By what the columns compare in the compound itself, where its own reader may see others.
  const std::vector<const Collation*>& collations() const noexcept { return collations_; }
  const Boundary& boundary() const noexcept { return *boundary_; }

  /// The only SELECT, where the query is nothing else, not a LIMIT either; or null.
  CorePlanner* plain() noexcept { return limit_.count ? nullptr : single(); }

  /// Asks for a condition of a query around it, in which this query is relation number `relation`;
  /// it reads nothing else. False when the query around has to ask as well: this one cannot, or it
  /// is a compound whose columns compare by other affinities than its SELECTs' do.
  bool push(const ExprNode& condition, std::size_t relation);

  Result<Query> plan();  // SUSPENDS

 private:
  /// A SELECT of the compound, or the rows of a VALUES.
  struct Part {
    ast::CompoundOp op = ast::CompoundOp::none;
    std::unique_ptr<CorePlanner> core;
    CorePlan rows;
    Query& shape() noexcept { return core ? core->shape() : rows.query; }
  };

  explicit BoundQuery(CompileContext& context) : context_(context) {}
  CorePlanner* single() noexcept;
  Result<void> bind_parts(const ast::Select& select, const CteEnv* ctes);
  Result<void> check_widths(const ast::Select& select);
  void merge_columns();
  Result<CorePlan> plan_parts();

  CompileContext& context_;
  std::unique_ptr<Boundary> own_boundary_;
  Boundary* boundary_ = nullptr;
  std::unique_ptr<CteEnv> env_;
  std::vector<Part> parts_;
  std::vector<const Collation*> collations_;  ///< by which a compound's SELECTs compare
  std::vector<SortKey> order_;                ///< of a compound
  Limit limit_;
};

}  // namespace saturn::sql
