#include "base/text.hpp"
#include "exec/operators.hpp"
#include "io/fiber.hpp"
#include "plan/compound.hpp"

#include <unordered_set>

// A whole SELECT: WITH, VALUES, ORDER BY and LIMIT.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

Result<CorePlan> plan_values(CompileContext& context, const ast::SelectCore& core,
                             const CteEnv* ctes, Boundary* boundary) {
  Scope scope;
  scope.boundary = boundary;
  scope.ctes = ctes;
  Binder binder(context, scope, BindRules{.clause = "VALUES"});
  CorePlan plan;
  std::vector<std::vector<ExprPtr>> rows;
  for (const List<ast::Expr*>& row : core.rows) {
    if (row.size() != core.rows[0].size()) {
      return at(core.at, "all VALUES must have the same number of terms");
    }
    std::vector<ExprPtr> bound;
    for (const ast::Expr* expr : row) bound.push_back(TRY(binder.bind(*expr)));
    rows.push_back(std::move(bound));
  }
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    plan.query.columns.push_back({cat("column", i + 1), ""});
    std::vector<Affinity> affinities;
    std::vector<std::uint8_t> kinds;
    for (const std::vector<ExprPtr>& row : rows) {
      affinities.push_back(row[i]->affinity);
      kinds.push_back(value_kinds(*row[i]));
    }
    plan.query.affinities.push_back(compound_affinity(affinities, kinds));
    plan.query.collated.push_back(false);
    plan.query.kinds.push_back(0);
    for (const std::uint8_t k : kinds) plan.query.kinds.back() |= k;
    plan.query.last_affinities.push_back(affinities.back());
    plan.query.collations.push_back(&context.binary());
  }
  plan.width = static_cast<std::uint32_t>(rows[0].size());
  plan.query.root = std::make_unique<ValuesOperator>(context.runtime, std::move(rows));
  return plan;
}

}  // namespace

Result<CorePlan> plan_core(CompileContext& context, const ast::SelectCore& core,
                           const List<ast::OrderTerm>* order_by, const CteEnv* ctes,
                           Boundary* boundary) {
  if (core.is_values) return plan_values(context, core, ctes, boundary);
  return CorePlanner(context, core, order_by, ctes, boundary).plan();
}

std::vector<std::string> names_as_table(const Query& query, std::span<const std::string> given) {
  std::vector<std::string> names;
  std::unordered_set<std::string, NocaseHash, NocaseEqual> taken;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    std::string name = i < given.size()               ? given[i]
                       : i < query.table_names.size() ? query.table_names[i]
                                                      : query.columns[i].name;
    for (std::size_t n = 1; !taken.insert(name).second; ++n) {
      // The number that a name has already makes room for another.
      const std::size_t end = name.find_last_not_of("0123456789");
      const bool numbered = end != std::string::npos && end > 0 && name[end] == ':';
      name = cat(std::string_view(name).substr(0, numbered ? end : name.size()), ":", n);
    }
    names.push_back(std::move(name));
  }
  return names;
}

Result<void> add_limit(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                       Boundary* boundary, SortOperator* sort, Query& query) {
  if (select.limit == nullptr) return {};
  Scope scope;
  scope.boundary = boundary;
  scope.ctes = ctes;
  Binder binder(context, scope, BindRules{.clause = "LIMIT"});
  ExprPtr limit = TRY(binder.bind(*select.limit));
  ExprPtr offset;
  if (select.offset != nullptr) offset = TRY(binder.bind(*select.offset));
  auto limited = std::make_unique<LimitOperator>(context.runtime, std::move(query.root),
                                                 std::move(limit), std::move(offset));
  if (sort != nullptr) {
    sort->set_limit([above = limited.get()] { return above->rows_needed(); });
  }
  query.root = std::move(limited);
  return {};
}

Result<Query> plan_query(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                         Boundary* boundary) {
  if (io::stack_left() < limits::kFiberStackReserve) {
    return at(select.at, "query is nested too deeply");
  }
  CteEnv env{ctes, select.with, {}};
  if (select.with != nullptr) {
    for (std::size_t i = 0; i < select.with->ctes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (equals_nocase(select.with->ctes[i]->name, select.with->ctes[j]->name)) {
          return at(select.with->ctes[i]->at,
                    cat("duplicate WITH table name: ", select.with->ctes[i]->name));
        }
      }
    }
    ctes = &env;
  }
  const bool single = select.cores.size() == 1 && !select.cores[0]->is_values;
  CorePlan plan =
      TRY(single ? plan_core(context, *select.cores[0], &select.order_by, ctes, boundary)
                 : plan_compound(context, select, ctes, boundary));
  SortOperator* sort = nullptr;
  if (!plan.order.empty()) {
    auto sorted = std::make_unique<SortOperator>(context.runtime, std::move(plan.query.root),
                                                 std::move(plan.order), plan.width);
    sort = sorted.get();
    plan.query.root = std::move(sorted);
  }
  TRY(add_limit(context, select, ctes, boundary, sort, plan.query));
  return std::move(plan.query);
}

Result<Query> plan_select(CompileContext& context, const ast::Select& select, const CteEnv* ctes) {
  Boundary alone;
  return plan_query(context, select, ctes, &alone);
}

}  // namespace saturn::sql
