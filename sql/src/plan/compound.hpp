#pragma once

#include "plan/core_planner.hpp"

namespace saturn::sql {

/// One SELECT, or the rows of a VALUES, of a compound. // SUSPENDS
Result<CorePlan> plan_core(CompileContext& context, const ast::SelectCore& core,
                           const List<ast::OrderTerm>* order_by, const CteEnv* ctes,
                           Boundary* boundary);

/// All SELECTs of a compound and what joins them; its ORDER BY is left to do. // SUSPENDS
Result<CorePlan> plan_compound(CompileContext& context, const ast::Select& select,
                               const CteEnv* ctes, Boundary* boundary);

}  // namespace saturn::sql
