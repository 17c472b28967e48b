#include "base/limits.hpp"
#include "base/text.hpp"
#include "io/fiber.hpp"
#include "plan/bound_query.hpp"

#include <algorithm>
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

Result<Limit> bind_limit(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                         Boundary* boundary) {
  Limit limit;
  if (select.limit == nullptr) return limit;
  Scope scope;
  scope.boundary = boundary;
  scope.ctes = ctes;
  Binder binder(context, scope, BindRules{.clause = "LIMIT"});
  limit.count = TRY(binder.bind(*select.limit));
  if (select.offset != nullptr) limit.offset = TRY(binder.bind(*select.offset));
  return limit;
}

void add_limit(CompileContext& context, Limit limit, SortOperator* sort, Query& query) {
  if (!limit.count) return;
  auto limited = std::make_unique<LimitOperator>(context.runtime, std::move(query.root),
                                                 std::move(limit.count), std::move(limit.offset));
  if (sort != nullptr && context.has(Rule::top_n)) {
    sort->set_limit([above = limited.get()] { return above->rows_needed(); });
  }
  query.root = std::move(limited);
}

Relation::Relation() = default;
Relation::~Relation() = default;
Relation::Relation(Relation&&) noexcept = default;
Relation& Relation::operator=(Relation&&) noexcept = default;

Result<std::unique_ptr<BoundQuery>> BoundQuery::bind(CompileContext& context,
                                                     const ast::Select& select, const CteEnv* ctes,
                                                     Boundary* boundary) {
  if (io::stack_left() < limits::kFiberStackReserve) {
    return at(select.at, "query is nested too deeply");
  }
  std::unique_ptr<BoundQuery> query(new BoundQuery(context));
  if (boundary == nullptr) {
    query->own_boundary_ = std::make_unique<Boundary>();
    boundary = query->own_boundary_.get();
  }
  query->boundary_ = boundary;
  if (select.with != nullptr) {
    for (std::size_t i = 0; i < select.with->ctes.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (equals_nocase(select.with->ctes[i]->name, select.with->ctes[j]->name)) {
          return at(select.with->ctes[i]->at,
                    cat("duplicate WITH table name: ", select.with->ctes[i]->name));
        }
      }
    }
    query->env_ = std::make_unique<CteEnv>(CteEnv{ctes, select.with});
    query->env_->query = &select;
    ctes = query->env_.get();
  }
  TRY(query->bind_parts(select, ctes));
  if (query->single() == nullptr)
    query->order_ = TRY(compound_order(select, query->shape(), query->collations_));
  query->limit_ = TRY(bind_limit(context, select, ctes, boundary));
  return query;
}

Result<void> BoundQuery::bind_parts(const ast::Select& select, const CteEnv* ctes) {
  const bool single = select.cores.size() == 1;
  for (const ast::SelectCore* core : select.cores) {
    Part& part = parts_.emplace_back();
    part.op = core->op;
    if (core->is_values) {
      part.rows = TRY(plan_values(context_, *core, ctes, boundary_));
      continue;
    }
    part.core = std::make_unique<CorePlanner>(context_, *core, single ? &select.order_by : nullptr,
                                              ctes, boundary_);
    TRY(part.core->bind());
  }
  TRY(check_widths(select));
  merge_columns();
  return {};
}

CorePlanner* BoundQuery::single() noexcept {
  return parts_.size() == 1 ? parts_[0].core.get() : nullptr;
}

bool BoundQuery::push(const ExprNode& condition, std::size_t relation) {
  if (limit_.count) return false;
  const bool merges = std::any_of(parts_.begin() + 1, parts_.end(), [](const Part& part) {
    return part.op != ast::CompoundOp::union_all;
  });
  const bool accepted = std::all_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.core && part.core->accepts(condition, relation, merges);
  });
  if (!accepted) return false;
  for (Part& part : parts_) part.core->add_condition(condition);
  return parts_.size() == 1;
}

Result<Query> BoundQuery::plan() {
  if (io::stack_left() < limits::kFiberStackReserve) {
    return Error(Code::error, "query is nested too deeply");
  }
  CorePlan plan = TRY(plan_parts());
  if (single() == nullptr) {
    plan.order = std::move(order_);
    plan.width = static_cast<std::uint32_t>(plan.query.columns.size());
  }
  SortOperator* sort = nullptr;
  if (!plan.order.empty()) {
    auto sorted = std::make_unique<SortOperator>(context_.runtime, std::move(plan.query.root),
                                                 std::move(plan.order), plan.width);
    sort = sorted.get();
    plan.query.root = std::move(sorted);
  }
  add_limit(context_, std::move(limit_), sort, plan.query);
  return std::move(plan.query);
}

Result<Query> plan_query(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                         Boundary* boundary) {
  return TRY(BoundQuery::bind(context, select, ctes, boundary))->plan();
}

Result<Query> plan_select(CompileContext& context, const ast::Select& select, const CteEnv* ctes) {
  Boundary alone;
  return plan_query(context, select, ctes, &alone);
}

}  // namespace saturn::sql
