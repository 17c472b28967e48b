#include "base/text.hpp"
#include "parser/ast_children.hpp"
#include "plan/bound_query.hpp"
#include "plan/scope.hpp"

// Recursive common table expressions.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

std::size_t count_in(const List<ast::Source*>& from, const ast::Cte& cte) {
  std::size_t count = 0;
  for (const ast::Source* source : from) {
    if (source->kind == ast::SourceKind::nested) count += count_in(source->nested, cte);
    if (source->kind != ast::SourceKind::table || ast::present(source->schema)) continue;
    if (equals_nocase(source->name, cte.name)) ++count;
  }
  return count;
}

/// Aggregates and windows have no place where rows come one by one.
Result<void> check_calls(const ast::Expr& expr) {
  if (const auto* call = ast::as_if<ast::Function>(&expr)) {
    if (call->over != nullptr) {
      return at(expr.at, "cannot use window functions in recursive queries");
    }
    const int count = call->star ? 0 : static_cast<int>(call->arguments.size());
    const auto function = FunctionRegistry::find(call->name, count);
    if (function && (*function)->aggregate != nullptr) {
      return at(expr.at, "recursive aggregate queries not supported");
    }
  }
  Result<void> outcome;
  ast::for_each_child(expr, [&](const ast::Expr& child) {
    if (outcome) outcome = check_calls(child);
  });
  return outcome;
}

Result<void> check_step(const ast::SelectCore& core) {
  if (!core.group_by.empty()) return at(core.at, "recursive aggregate queries not supported");
  for (const ast::ResultColumn& column : core.columns) {
    if (column.expr != nullptr) TRY(check_calls(*column.expr));
  }
  return {};
}

}  // namespace

std::size_t count_references(const ast::SelectCore& core, const ast::Cte& cte) {
  return count_in(core.from, cte);
}

bool is_recursive(const ast::Cte& cte) {
  const List<ast::SelectCore*>& cores = cte.select->cores;
  for (std::size_t i = 1; i < cores.size(); ++i) {
    if (count_references(*cores[i], cte) > 0) return true;
  }
  return false;
}

namespace {

/// Plans the recursive SELECTs of a CTE, from number `first` on, over `table`'s columns.
Result<std::vector<Query>> plan_steps(CompileContext& context, RecursiveTable& table,
                                      std::size_t first, const CteEnv* ctes, Boundary* boundary) {
  const ast::Cte& cte = *table.cte;
  std::vector<Query> steps;
  for (std::size_t i = first; i < cte.select->cores.size(); ++i) {
    const ast::SelectCore& core = *cte.select->cores[i];
    const bool is_union =
        core.op == ast::CompoundOp::union_all || core.op == ast::CompoundOp::union_distinct;
    const std::size_t named = count_references(core, cte);
    if (!is_union || named == 0) return at(core.at, cat("circular reference: ", cte.name));
    TRY(check_step(core));
    if (named > 1) return at(core.at, cat("multiple references to recursive table: ", cte.name));
    ast::SelectCore single = core;
    single.op = ast::CompoundOp::none;
    ast::Select step;
    step.at = core.at;
    step.cores.push(context.arena, context.arena.make<ast::SelectCore>(single));
    table.references = 0;
    Query planned = TRY(plan_query(context, step, ctes, boundary));
    if (table.references > named) {
      return at(core.at, cat("multiple recursive references: ", cte.name));
    }
    if (planned.columns.size() != table.initial->columns.size()) {
      return at(core.at, cat("SELECTs to the left and right of ", compound_name(core.op),
                             " do not have the same number of result columns"));
    }
    steps.push_back(std::move(planned));
  }
  return steps;
}

/// Gives the columns of the initial SELECT the affinities that they have with those of the steps;
/// false when they have them already.
bool merge_affinities(Query& initial, const std::vector<Query>& steps) {
  bool changed = false;
  for (std::size_t c = 0; c < initial.columns.size(); ++c) {
    std::vector<Affinity> affinities{initial.affinities[c]};
    std::vector<std::uint8_t> kinds{initial.kinds[c]};
    for (const Query& step : steps) {
      affinities.push_back(step.affinities[c]);
      kinds.push_back(step.kinds[c]);
    }
    const Affinity merged = compound_affinity(affinities, kinds);
    changed = changed || merged != initial.affinities[c];
    initial.affinities[c] = merged;
  }
  return changed;
}

}  // namespace

Result<Query> plan_recursive(CompileContext& context, const ast::Cte& cte, CteEnv& env,
                             Boundary* boundary) {
  const ast::Select& select = *cte.select;
  CteEnv inner{&env, select.with};
  const CteEnv* ctes = select.with != nullptr ? &inner : &env;
  std::size_t first = 0;
  while (count_references(*select.cores[first], cte) == 0) ++first;
  if (first == 0) return at(cte.at, cat("circular reference: ", cte.name));
  ast::Select initial;
  initial.at = select.at;
  for (std::size_t i = 0; i < first; ++i) initial.cores.push(context.arena, select.cores[i]);
  const auto bound = TRY(BoundQuery::bind(context, initial, ctes, boundary));
  RecursiveOperator::Parts parts;
  parts.collations = bound->collations();
  Query query = TRY(bound->plan());
  parts.queue = std::make_shared<QueueRows>();
  RecursiveTable table{&cte, &query, parts.queue};
  env.recursive.push_back(&table);
  std::vector<Query> steps = TRY(plan_steps(context, table, first, ctes, boundary));
  // What the steps make of their own table's columns depends on the affinities that those have.
  if (merge_affinities(query, steps)) {
    steps = TRY(plan_steps(context, table, first, ctes, boundary));
  }
  env.recursive.pop_back();
  parts.one_by_one = select.cores.size() > first + 1;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const ast::SelectCore& core = *select.cores[first + i];
    // A join may give the rows of many in another order than those of each in turn.
    parts.one_by_one = parts.one_by_one || core.from.size() > 1 || core.distinct;
    query.read_as_real.resize(query.columns.size());
    for (std::size_t c = 0; c < query.columns.size(); ++c) {
      const bool other = steps[i].affinities[c] != Affinity::real;
      query.read_as_real[c] =
          query.affinities[c] == Affinity::real && (query.read_as_real[c] || other);
    }
    for (std::size_t c = 0; c < query.columns.size(); ++c) {
      if (query.collated[c] || !steps[i].collated[c]) continue;
      query.collated[c] = true;
      parts.collations[c] = steps[i].collations[c];
    }
    parts.steps.push_back(std::move(steps[i].root));
  }
  parts.distinct = select.cores[select.cores.size() - 1]->op == ast::CompoundOp::union_distinct;
  parts.order = TRY(compound_order(select, query, parts.collations));
  parts.width = static_cast<std::uint32_t>(query.columns.size());
  parts.initial = std::move(query.root);
  query.root = std::make_unique<RecursiveOperator>(context.runtime, std::move(parts));
  add_limit(context, TRY(bind_limit(context, select, ctes, boundary)), nullptr, query);
  return query;
}

}  // namespace saturn::sql
