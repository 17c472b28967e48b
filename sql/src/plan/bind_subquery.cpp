#include "base/text.hpp"
#include "parser/ast_children.hpp"
#include "plan/scope.hpp"

#include <algorithm>

// Subqueries in expressions, and IN.

namespace saturn::sql {
namespace {

using ast::BinaryOp;

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

bool names_table(const ast::Select& select, std::string_view table);

bool names_table(const List<ast::Source*>& from, std::string_view table) {
  return std::any_of(from.begin(), from.end(), [&](const ast::Source* source) {
    return (source->select != nullptr && names_table(*source->select, table)) ||
           equals_nocase(source->name, table) || names_table(source->nested, table);
  });
}

/// Whether a table of this name is in FROM, or in that of a subquery there.
bool names_table(const ast::Select& select, std::string_view table) {
  return std::any_of(select.cores.begin(), select.cores.end(),
                     [&](const ast::SelectCore* core) { return names_table(core->from, table); });
}

/// A subquery in parentheses of its own is still the whole right side of IN.
const ast::Subquery* only_subquery(const ast::In& in) noexcept {
  const bool alone = in.list.size() == 1 && !ast::present(in.table);
  return alone ? ast::as_if<ast::Subquery>(in.list[0]) : nullptr;
}

/// Whether an expression is the same wherever it stands: made of literals, parameters and
/// functions.
bool is_constant(const ast::Expr& expr) {
  switch (expr.kind) {
    case ast::ExprKind::literal:
      if (ast::as<ast::Literal>(expr).literal >= ast::LiteralKind::current_date) return false;
      break;
    case ast::ExprKind::function: {
      const auto& call = ast::as<ast::Function>(expr);
      const auto found = FunctionRegistry::find(call.name, static_cast<int>(call.arguments.size()));
      if (!found || !(*found)->deterministic || (*found)->scalar == nullptr) return false;
      break;
    }
    case ast::ExprKind::in:
      if (ast::as<ast::In>(expr).select != nullptr || ast::present(ast::as<ast::In>(expr).table)) {
        return false;
      }
      break;
    case ast::ExprKind::column:
    case ast::ExprKind::exists:
    case ast::ExprKind::subquery:
    case ast::ExprKind::row:
    case ast::ExprKind::raise: return false;
    default: break;
  }
  bool same = true;
  ast::for_each_child(expr, [&](const ast::Expr& child) { same = same && is_constant(child); });
  return same;
}

ExprPtr constant(Value v) { return std::make_unique<ConstantNode>(std::move(v)); }

}  // namespace

Result<Binder::Planned> Binder::plan_subplan(const ast::Select& select, bool order_matters,
                                             bool existence) {
  Planned planned;
  Boundary boundary;
  boundary.outer = &scope_;
  boundary.rules = &rules_;
  ast::Select unordered = select;
  if (existence) boundary.existence = &unordered;
  if (!order_matters) unordered.order_by = {};
  planned.query = TRY(plan_query(context_, unordered, scope_.ctes, &boundary));
  boundary.existence = nullptr;
  planned.plan.root = std::move(planned.query.root);
  for (Boundary::Correlation& correlation : boundary.correlations) {
    planned.plan.cells.push_back(std::move(correlation.cell));
    planned.outer.push_back(std::move(correlation.expr));
  }
  // While rows change, what depends on one is computed anew for each, and what RETURNING reads of
  // the table that changes.
  const bool reads_target = rules_.clause == "RETURNING" && scope_.relations.size() == 1 &&
                            names_table(select, scope_.relations[0].name);
  const bool changing = context_.rows_change && (!planned.plan.cells.empty() || reads_target);
  planned.volatile_result = boundary.volatile_result || changing;
  planned.plan.run_constant = planned.plan.cells.empty() && !planned.volatile_result;
  if (boundary.volatile_result && scope_.boundary != nullptr) {
    scope_.boundary->volatile_result = true;
  }
  return planned;
}

/// What a subquery's node takes over from the plan and the outer values.
ExprPtr Binder::finish_subquery(std::unique_ptr<ExprNode> node, std::vector<ExprPtr> outer,
                                bool volatile_result) {
  for (ExprPtr& value : outer) node->children.push_back(std::move(value));
  node->inherit();
  node->collation = nullptr;
  node->explicit_collation = false;
  node->volatile_result |= volatile_result;
  return node;
}

Result<ExprPtr> Binder::bind_exists(const ast::Exists& exists) {
  if (!rules_.subqueries) {
    return at(exists.at, cat("subqueries prohibited in ", rules_.clause));
  }
  ast::Select select = *exists.select;
  // A UNION compares what its SELECTs give, a UNION ALL does not.
  const bool existence =
      std::all_of(select.cores.begin(), select.cores.end(), [](const ast::SelectCore* core) {
        return core->op == ast::CompoundOp::none || core->op == ast::CompoundOp::union_all;
      });
  // For its errors alone.
  if (!select.order_by.empty()) TRY(plan_subplan(select, true, existence));
  if (select.cores.size() == 1 && select.cores[0]->distinct) {
    auto* plain = context_.arena.make<ast::SelectCore>(*select.cores[0]);
    plain->distinct = false;
    select.cores = {};
    select.cores.push(context_.arena, plain);
  }
  Planned planned = TRY(plan_subplan(select, false, existence));
  planned.plan.root->expect_rows(1);
  return finish_subquery(std::make_unique<ExistsNode>(std::move(planned.plan)),
                         std::move(planned.outer), planned.volatile_result);
}

Result<ExprPtr> Binder::bind_subquery(const ast::Subquery& subquery) {
  if (!rules_.subqueries) {
    return at(subquery.at, cat("subqueries prohibited in ", rules_.clause));
  }
  Planned planned = TRY(plan_subplan(*subquery.select, true));
  if (subquery.assigned && planned.query.columns.size() != subquery.width) {
    return at(subquery.at,
              cat(subquery.width, " columns assigned ", planned.query.columns.size(), " values"));
  }
  if (planned.query.columns.size() != subquery.width) {
    if (rules_.unused) return constant(Value());
    return at(subquery.at, cat("sub-select returns ", planned.query.columns.size(),
                               " columns - expected ", subquery.width));
  }
  auto node = std::make_unique<ScalarSubqueryNode>(std::move(planned.plan), subquery.column);
  node->affinity = planned.query.affinities[subquery.column];
  node->subtypes = true;
  return finish_subquery(std::move(node), std::move(planned.outer), planned.volatile_result);
}

/// x IN table stands for x IN (SELECT * FROM table).
ast::Select* Binder::select_all_of(const ast::In& in) const {
  Arena& arena = context_.arena;
  auto* source = arena.make<ast::Source>();
  source->at = in.at;
  source->schema = in.schema;
  source->name = in.table;
  if (in.has_arguments) {
    source->kind = ast::SourceKind::function;
    source->arguments = in.list;
  }
  auto* core = arena.make<ast::SelectCore>();
  core->at = in.at;
  core->from.push(arena, source);
  ast::ResultColumn star;
  star.at = in.at;
  core->columns.push(arena, star);
  auto* select = arena.make<ast::Select>();
  select->at = in.at;
  select->cores.push(arena, core);
  return select;
}

/// (a, b) IN (SELECT x, y ...): 1 where a row of the SELECT is equal, NULL where one may be for all
/// that NULLs tell, else 0. Each is an EXISTS over the SELECT as a CTE:
///   CASE WHEN EXISTS (WITH s(c0, c1) AS (...) SELECT 1 FROM s WHERE a = c0 AND b = c1) THEN 1
///        WHEN EXISTS (... WHERE (a = c0) IS NOT 0 AND (b = c1) IS NOT 0) THEN NULL ELSE 0 END
Result<ExprPtr> Binder::bind_row_in_select(const ast::In& in, const ast::Row& row) {
  if (!rules_.subqueries) return at(in.at, cat("subqueries prohibited in ", rules_.clause));
  Arena& arena = context_.arena;
  const auto column = [&](std::size_t i) {
    auto* name = arena.make<ast::Column>();
    name->kind = ast::ExprKind::column;
    name->at = in.at;
    name->table = "in select";  // no name that an expression could mean
    name->name = arena.copy(cat("in select ", i));
    name->quoted = true;
    return name;
  };
  const auto binary = [&](BinaryOp op, ast::Expr* left, ast::Expr* right) {
    auto* node = arena.make<ast::Binary>();
    node->kind = ast::ExprKind::binary;
    node->at = in.at;
    node->op = op;
    node->left = left;
    node->right = right;
    return node;
  };
  const auto literal = [&](std::string_view digits) {
    auto* node = arena.make<ast::Literal>();
    node->kind = ast::ExprKind::literal;
    node->literal = ast::LiteralKind::integer;
    node->text = digits;
    return node;
  };
  auto* cte = arena.make<ast::Cte>();
  cte->at = in.at;
  cte->name = "in select";
  cte->select = in.select != nullptr ? in.select : select_all_of(in);
  for (std::size_t i = 0; i < row.items.size(); ++i) {
    cte->columns.push(arena, arena.copy(cat("in select ", i)));
  }
  {
    const Planned planned = TRY(plan_subplan(*cte->select, true));
    if (planned.query.columns.size() != row.items.size()) {
      return at(in.at, cat("sub-select returns ", planned.query.columns.size(),
                           " columns - expected ", row.items.size()));
    }
  }
  const auto exists = [&](bool maybe) -> Result<ExprPtr> {
    auto* source = arena.make<ast::Source>();
    source->name = cte->name;
    auto* core = arena.make<ast::SelectCore>();
    core->from.push(arena, source);
    ast::ResultColumn one;
    one.expr = literal("1");
    core->columns.push(arena, one);
    for (std::size_t i = 0; i < row.items.size(); ++i) {
      ast::Expr* equal = binary(BinaryOp::eq, row.items[i], column(i));
      if (maybe) equal = binary(BinaryOp::is_not, equal, literal("0"));
      core->where =
          core->where == nullptr ? equal : binary(BinaryOp::logical_and, core->where, equal);
    }
    auto* with = arena.make<ast::With>();
    with->ctes.push(arena, cte);
    auto* select = arena.make<ast::Select>();
    select->with = with;
    select->cores.push(arena, core);
    ast::Exists node{};
    node.kind = ast::ExprKind::exists;
    node.at = in.at;
    node.select = select;
    return bind_exists(node);
  };
  std::vector<ExprPtr> branches;
  branches.push_back(TRY(exists(false)));
  branches.push_back(constant(Value(in.negated ? 0 : 1)));
  branches.push_back(TRY(exists(true)));
  branches.push_back(constant(Value()));
  return ExprPtr(
      std::make_unique<CaseNode>(std::move(branches), constant(Value(in.negated ? 1 : 0))));
}

/// (a, b) IN ((1, 2), (3, 4)): any of the rows.
Result<ExprPtr> Binder::bind_row_in(const ast::In& in, const ast::Row& row) {
  if (in.select != nullptr || ast::present(in.table)) return bind_row_in_select(in, row);
  if (const auto* only = only_subquery(in)) {
    ast::In whole = in;
    whole.list = {};
    whole.select = only->select;
    return bind_row_in_select(whole, row);
  }
  ExprPtr any = constant(Value(0));
  for (ast::Expr* item : in.list) {
    const auto* given = ast::as_if<ast::Row>(item);
    const std::size_t terms = given == nullptr ? 1 : given->items.size();
    if (terms != row.items.size()) {
      return at(in.at, cat("IN(...) element has ", terms, terms == 1 ? " term" : " terms",
                           " - expected ", row.items.size()));
    }
    ast::Binary equal{};
    equal.kind = ast::ExprKind::binary;
    equal.at = in.at;
    equal.op = BinaryOp::eq;
    equal.left = in.operand;
    equal.right = item;
    ExprPtr here = TRY(bind_row_comparison(equal, terms));
    any = std::make_unique<LogicalNode>(false, std::move(any), std::move(here));
  }
  if (!in.negated) return any;
  return ExprPtr(std::make_unique<UnaryNode>(ast::UnaryOp::logical_not, std::move(any)));
}

Result<ExprPtr> Binder::bind_in(const ast::In& in) {
  if (const auto* row = ast::as_if<ast::Row>(in.operand)) return bind_row_in(in, *row);
  const auto* only = only_subquery(in);
  const bool selects = in.select != nullptr || ast::present(in.table) || only != nullptr;
  if (selects) {
    const std::size_t width = TRY(row_width(*in.operand));
    if (width > 1) return bind_row_in(in, *as_row(in.operand, width));
  }
  if (!selects && in.list.size() == 1 && in.list[0]->kind == ast::ExprKind::row) {
    return at(in.at, "row value misused");
  }
  ExprPtr operand = TRY(bind(*in.operand));
  if (!selects && in.list.size() == 1 && is_constant(*in.list[0])) {
    // As in SQLite, x IN (1) is x = +1.
    ExprPtr value = std::make_unique<UnaryNode>(ast::UnaryOp::plus, TRY(bind(*in.list[0])));
    ExprPtr equal = std::make_unique<ComparisonNode>(
        BinaryOp::eq, std::move(operand), fold(context_, std::move(value)), context_.binary());
    if (!in.negated) return equal;
    return ExprPtr(std::make_unique<UnaryNode>(ast::UnaryOp::logical_not, std::move(equal)));
  }
  if (!selects) {
    std::vector<ExprPtr> list = TRY(bind_list(in.list));
    return ExprPtr(std::make_unique<InListNode>(in.negated, std::move(operand), std::move(list),
                                                context_.binary()));
  }
  if (!rules_.subqueries) return at(in.at, cat("subqueries prohibited in ", rules_.clause));
  const ast::Select* select = only != nullptr ? only->select : in.select;
  if (select == nullptr) select = select_all_of(in);
  Planned planned = TRY(plan_subplan(*select, true));
  if (planned.query.columns.size() != 1) {
    if (rules_.unused) return constant(Value());
    return at(in.at,
              cat("sub-select returns ", planned.query.columns.size(), " columns - expected 1"));
  }
  const Query& query = planned.query;
  const bool compound = !query.last_collations.empty();
  const auto& explicit_collations = compound ? query.last_explicit : query.explicit_collations;
  const bool right_decides =
      operand->collation == nullptr ||
      (!operand->explicit_collation && !explicit_collations.empty() && explicit_collations[0]);
  const Collation& right = compound ? *query.last_collations[0] : *query.collations[0];
  const Collation& order = right_decides ? right : *operand->collation;
  const Affinity affinity =
      query.last_affinities.empty() ? query.affinities[0] : query.last_affinities[0];
  auto node = std::make_unique<InSubqueryNode>(in.negated, std::move(operand),
                                               std::move(planned.plan), affinity, order);
  return finish_subquery(std::move(node), std::move(planned.outer), planned.volatile_result);
}

}  // namespace saturn::sql
