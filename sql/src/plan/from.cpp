#include "base/limits.hpp"
#include "base/scoped_value.hpp"
#include "base/text.hpp"
#include "parser/ast_children.hpp"
#include "plan/bound_query.hpp"
#include "plan/count_uses.hpp"
#include "plan/recode.hpp"
#include "plan/scope.hpp"

#include <algorithm>

// FROM: what is joined, and under which names.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

struct FromBinder {
  CompileContext& context;
  Scope& scope;
  std::vector<JoinCondition>& conditions;

  /// Calls of table functions, whose arguments are bound when all relations are known.
  struct Call {
    std::size_t relation;
    List<ast::Expr*> arguments;
  };
  std::vector<Call> calls = {};
  struct On {
    const ast::Expr* expr;
    std::size_t relation;
    bool outer;
    std::size_t from = 0;  ///< the relations that it may name, with `until`
    std::size_t until = SIZE_MAX;
  };
  std::vector<On> ons = {};
  bool right_joins = false;  ///< one of the joins is a RIGHT or FULL JOIN
  std::size_t group = 0;     ///< the first relation that USING and NATURAL look at
  bool nested = false;       ///< what is added stands in parentheses with others

  Result<void> add_table(const ast::Source& source, const Table& table, Relation& relation);
  Result<void> add_function(const ast::Source& source, const TableFunction& function,
                            Relation& relation);
  Result<void> bind_arguments();
  void compare_argument(std::size_t place, std::size_t argument, ExprPtr value);
  Result<void> bind_on(const On& on);
  void name_derived(const Query& shape, const Boundary& boundary, Relation& relation,
                    std::span<const std::string> given = {});
  void add_derived(Query query, const Boundary& boundary, Relation& relation);
  void add_bound(std::unique_ptr<BoundQuery> query, Relation& relation,
                 std::span<const std::string> given = {});
  Result<void> add_named(const ast::Source& source, Relation& relation);
  Result<bool> add_cte(const ast::Source& source, Relation& relation);
  Result<void> plan_cte(const ast::Cte& cte, CteEnv& env, Relation& relation);
  Result<void> add_recursive_reference(const ast::Source& source, RecursiveTable& table,
                                       Relation& relation);
  Result<void> name_columns(const ast::Source& source, const ast::Cte& cte, Relation& relation);
  Result<void> add_view(const ast::Source& source, const Table& view, Relation& relation);
  Result<void> add_query(const ast::Select& select, const CteEnv* ctes, Relation& relation);
  Result<void> join_columns(const ast::Source& source, std::size_t relation);
  Result<void> equal_columns(std::string_view name, const ast::Source& source,
                             std::size_t relation);
  void show_first(std::size_t before, std::size_t relation, int column);
  Result<void> add_source(const ast::Source& source);
  Result<void> add_nested(const ast::Source& source);
  Result<void> add_joined(const ast::Source& source);
  Result<void> add_relation(const ast::Source& source, Relation relation);
};

Result<void> FromBinder::add_table(const ast::Source& source, const Table& table,
                                   Relation& relation) {
  if (table.kind == TableKind::virtual_table) {
    return at(source.at, "virtual tables are not supported yet");
  }
  if (!table.unsupported.empty()) {
    return at(source.at, cat(table.unsupported, " is not supported yet"));
  }
  relation.table = &table;
  relation.indexed = source.indexed;
  relation.index = source.index;
  for (const TableColumn& column : table.columns) {
    relation.columns.push_back(
        {column.name, column.affinity, column.collation, column.type, false});
  }
  if (source.indexed == ast::Indexed::by) {
    const Index* index = context.schemas.find_index(table.database, source.index);
    if (index == nullptr || index->table != &table) {
      return at(source.at, cat("no such index: ", source.index));
    }
  }
  return {};
}

Result<void> FromBinder::add_query(const ast::Select& select, const CteEnv* ctes,
                                   Relation& relation) {
  // A subquery in FROM sees what the query around this one sees, not its neighbours.
  add_bound(TRY(BoundQuery::bind(context, select, ctes, scope.boundary)), relation);
  return {};
}

/// The rows of a query, with reals in the columns that are to be read as such.
OperatorPtr reals_of(CompileContext& context, Query& query) {
  const auto& wanted = query.read_as_real;
  if (std::find(wanted.begin(), wanted.end(), true) == wanted.end()) return std::move(query.root);
  std::vector<ExprPtr> outputs;
  for (std::size_t i = 0; i < query.columns.size(); ++i) {
    outputs.push_back(std::make_unique<SlotNode>(static_cast<Slot>(i)));
    if (i < wanted.size() && wanted[i]) {
      outputs.back() = std::make_unique<RealNode>(std::move(outputs.back()));
    }
  }
  return std::make_unique<ProjectOperator>(context.runtime, std::move(query.root),
                                           std::move(outputs));
}

void FromBinder::name_derived(const Query& shape, const Boundary& boundary, Relation& relation,
                              std::span<const std::string> given) {
  // A boundary without correlations has none that this plan could read.
  relation.derived_constant = boundary.correlations.empty() && !boundary.volatile_result;
  const std::vector<std::string> names = names_as_table(shape, given);
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    relation.columns.push_back({context.arena.copy(names[i]), shape.affinities[i],
                                shape.collations[i],
                                context.arena.copy(shape.columns[i].decltype_text), false});
  }
}

void FromBinder::add_derived(Query query, const Boundary& boundary, Relation& relation) {
  name_derived(query, boundary, relation);
  relation.derived = reals_of(context, query);
}

void FromBinder::add_bound(std::unique_ptr<BoundQuery> query, Relation& relation,
                           std::span<const std::string> given) {
  name_derived(query->shape(), query->boundary(), relation, given);
  relation.query = std::move(query);
}

/// The reference of a recursive part to its own table: the rows at hand.
Result<void> FromBinder::add_recursive_reference(const ast::Source& source, RecursiveTable& table,
                                                 Relation& relation) {
  ++table.references;
  Query rows;
  rows.columns = table.initial->columns;
  rows.table_names = table.initial->table_names;
  rows.affinities = table.initial->affinities;
  rows.collations = table.initial->collations;
  for (const Affinity affinity : rows.affinities) {
    rows.read_as_real.push_back(affinity == Affinity::real);
  }
  rows.root = std::make_unique<QueueScan>(table.queue);
  Boundary changing;
  changing.volatile_result = true;  // other rows each time
  add_derived(std::move(rows), changing, relation);
  return name_columns(source, *table.cte, relation);
}

/// WITH name(columns).
Result<void> FromBinder::name_columns(const ast::Source& source, const ast::Cte& cte,
                                      Relation& relation) {
  if (cte.columns.empty()) return {};
  if (cte.columns.size() != relation.columns.size()) {
    return at(source.at, cat("table ", cte.name, " has ", relation.columns.size(), " values for ",
                             cte.columns.size(), " columns"));
  }
  Query named;
  named.columns.resize(cte.columns.size());
  for (const std::string_view name : cte.columns) named.table_names.emplace_back(name);
  const std::vector<std::string> names = names_as_table(named);
  for (std::size_t i = 0; i < names.size(); ++i) {
    relation.columns[i].name = context.arena.copy(names[i]);
  }
  return {};
}

bool calls_aggregate(const ast::Expr& expr) {
  if (const auto* call = ast::as_if<ast::Function>(&expr)) {
    const int count = call->star ? 0 : static_cast<int>(call->arguments.size());
    const auto function = FunctionRegistry::find(call->name, count);
    if (function && (*function)->aggregate != nullptr && call->over == nullptr) return true;
  }
  bool found = false;
  ast::for_each_child(expr,
                      [&](const ast::Expr& child) { found = found || calls_aggregate(child); });
  return found;
}

/// Whether SQLite would put the query's tables in the place of the query, where it is named.
bool is_plain(const ast::Select& select) {
  if (select.cores.size() != 1 || select.limit != nullptr) return false;
  const ast::SelectCore& core = *select.cores[0];
  return !core.distinct && core.group_by.empty() && !core.is_values &&
         std::none_of(core.columns.begin(), core.columns.end(), [](const auto& column) {
           return column.expr != nullptr && calls_aggregate(*column.expr);
         });
}

/// Whether a CTE is as good as a subquery where it is named: it is named once, or never to be kept.
bool takes_part(const CompileContext& context, const ast::Cte& cte, const CteEnv& env) {
  if (!context.has(Rule::inline_cte)) return false;
  if (is_recursive(cte) || cte.materialize == ast::Materialize::yes) return false;
  return cte.materialize == ast::Materialize::no ||
         (env.query != nullptr && count_uses(*env.query, cte.name) == 1);
}

/// Plans a CTE. What reads nothing of the queries around it is planned once for all references.
Result<void> FromBinder::plan_cte(const ast::Cte& cte, CteEnv& env, Relation& relation) {
  for (CteEnv::Shared& known : env.shared) {
    if (known.cte != &cte || (context.rows_change && is_plain(*cte.select))) continue;
    Query copy;
    copy.columns = known.query.columns;
    copy.table_names = known.query.table_names;
    copy.affinities = known.query.affinities;
    copy.collations = known.query.collations;
    copy.read_as_real = known.query.read_as_real;
    copy.root = std::make_unique<SharedScan>(known.rows);
    Boundary of_rows;
    of_rows.volatile_result = !known.constant;
    add_derived(std::move(copy), of_rows, relation);
    return {};
  }
  if (takes_part(context, cte, env)) {
    env.in_progress.push_back(&cte);
    auto bound = BoundQuery::bind(context, *cte.select, &env, scope.boundary);
    env.in_progress.pop_back();
    add_bound(TRY(std::move(bound)), relation);
    return {};
  }
  Boundary alone;
  Boundary& boundary = scope.boundary != nullptr ? *scope.boundary : alone;
  const std::size_t correlations = boundary.correlations.size();
  env.in_progress.push_back(&cte);
  auto planned = is_recursive(cte) ? plan_recursive(context, cte, env, &boundary)
                                   : plan_query(context, *cte.select, &env, &boundary);
  env.in_progress.pop_back();
  Query query = TRY(std::move(planned));
  // What is correlated, or within a recursion, has other rows at each place and time.
  const bool stands_alone = boundary.correlations.size() == correlations && env.recursive.empty() &&
                            context.trigger == nullptr && !context.rows_change;
  if (cte.materialize != ast::Materialize::no && stands_alone) {
    CteEnv::Shared shared;
    shared.cte = &cte;
    shared.constant = boundary.correlations.empty() && !boundary.volatile_result;
    shared.rows = std::make_shared<SharedRows>(context.runtime, std::move(query.root),
                                               static_cast<std::uint32_t>(query.columns.size()));
    query.root = std::make_unique<SharedScan>(shared.rows);
    shared.query.columns = query.columns;
    shared.query.table_names = query.table_names;
    shared.query.affinities = query.affinities;
    shared.query.collations = query.collations;
    shared.query.read_as_real = query.read_as_real;
    env.shared.push_back(std::move(shared));
  }
  add_derived(std::move(query), boundary, relation);
  return {};
}

Result<bool> FromBinder::add_cte(const ast::Source& source, Relation& relation) {
  for (const CteEnv* env = scope.ctes; env != nullptr; env = env->parent) {
    for (const ast::Cte* cte : env->with->ctes) {
      if (!equals_nocase(cte->name, source.name)) continue;
      auto& changing = const_cast<CteEnv&>(*env);
      for (RecursiveTable* table : changing.recursive) {
        if (table->cte != cte) continue;
        TRY(add_recursive_reference(source, *table, relation));
        return true;
      }
      const auto& open = changing.in_progress;
      if (std::find(open.begin(), open.end(), cte) != open.end()) {
        return at(source.at, cat("circular reference: ", cte->name));
      }
      TRY(plan_cte(*cte, changing, relation));
      TRY(name_columns(source, *cte, relation));
      return true;
    }
  }
  return false;
}

Result<void> FromBinder::add_view(const ast::Source& source, const Table& view,
                                  Relation& relation) {
  if (std::find(context.views.begin(), context.views.end(), &view) != context.views.end()) {
    return at(source.at, cat("view ", view.name, " is circularly defined"));
  }
  context.views.push_back(&view);
  auto bound = BoundQuery::bind(context, *view.view, nullptr, nullptr);
  context.views.pop_back();
  std::unique_ptr<BoundQuery> query = TRY(std::move(bound));
  if (!view.view_column_names.empty()) {
    const std::size_t count = query->shape().columns.size();
    if (view.view_column_names.size() != count) {
      return at(source.at, cat("expected ", view.view_column_names.size(), " columns for '",
                               view.name, "' but got ", count));
    }
  }
  add_bound(std::move(query), relation, view.view_column_names);
  return {};
}

/// The function's name may stand alone; its arguments are then looked for in WHERE only.
Result<void> FromBinder::add_function(const ast::Source& source, const TableFunction& function,
                                      Relation& relation) {
  if (source.arguments.size() > function.arguments.size()) {
    return at(source.at,
              cat("too many arguments on ", source.name, "() - max ", function.arguments.size()));
  }
  relation.function = &function;
  for (const TableFunction::Column& column : function.columns) {
    relation.columns.push_back(
        {column.name, affinity_of_type(column.type), &context.binary(), column.type});
  }
  for (const TableFunction::Column& column : function.arguments) {
    relation.columns.push_back(
        {column.name, affinity_of_type(column.type), &context.binary(), column.type, false, true});
  }
  relation.arguments.resize(function.arguments.size());
  calls.push_back({scope.relations.size(), source.arguments});
  return {};
}

Result<void> FromBinder::bind_arguments() {
  Binder binder(context, scope, BindRules{.clause = "FROM"});
  for (const Call& call : calls) {
    std::size_t place = 0;
    for (const ast::Expr* argument : call.arguments) {
      ExprPtr bound = TRY(binder.bind(*argument));
      Relation& relation = scope.relations[call.relation];
      if ((bound->tables >> call.relation & 1) != 0) {
        compare_argument(call.relation, place++, std::move(bound));
        continue;
      }
      relation.arguments[place++] = recode(context, std::move(bound), Recode::leaving);
    }
  }
  return {};
}

/// What reads the function's own columns gives it no argument: it is only compared with what the
/// function takes for one.
void FromBinder::compare_argument(std::size_t place, std::size_t argument, ExprPtr value) {
  const Relation& relation = scope.relations[place];
  const auto column = static_cast<int>(relation.function->columns.size() + argument);
  JoinCondition condition;
  condition.expr =
      std::make_unique<ComparisonNode>(ast::BinaryOp::eq, Binder::column_of(scope, place, column),
                                       std::move(value), context.binary());
  if (relation.outer_join || relation.right_join) {
    condition.outer_relation = static_cast<int>(place);
  } else {
    condition.after = scope.last_right_join(place);
  }
  conditions.push_back(std::move(condition));
}

Result<void> FromBinder::add_named(const ast::Source& source, Relation& relation) {
  const bool called = source.kind == ast::SourceKind::function;
  if (!ast::present(source.schema)) {
    const bool is_cte = TRY(add_cte(source, relation));
    if (is_cte && called) return at(source.at, cat("'", source.name, "' is not a function"));
    if (is_cte) return {};
  }
  const Table* table = context.find_table(source.schema, source.name);
  if (table == nullptr) {
    if (const TableFunction* function = find_table_function(source.name)) {
      return add_function(source, *function, relation);
    }
    return context.no_such_table(source.schema, source.name, source.at);
  }
  relation.database = context.schemas.name(table->database);
  if (context.names != nullptr) context.names->table_named(table, source.name);
  if (called) return at(source.at, cat("'", source.name, "' is not a function"));
  if (table->kind == TableKind::view) return add_view(source, *table, relation);
  return add_table(source, *table, relation);
}

/// left.name = right.name; the right one is then hidden.
Result<void> FromBinder::equal_columns(std::string_view name, const ast::Source& source,
                                       std::size_t relation) {
  const auto find = [&](std::size_t r, bool visible) {
    const Relation& where = scope.relations[r];
    for (std::size_t c = 0; c < where.columns.size(); ++c) {
      if (!equals_nocase(where.columns[c].name, name)) continue;
      return visible && where.columns[c].hidden ? -1 : static_cast<int>(c);
    }
    return -1;
  };
  const int right = find(relation, false);
  int left = -1;
  std::size_t left_relation = 0;
  for (std::size_t r = group; r < relation && left < 0; ++r) {
    left = find(r, true);
    left_relation = r;
  }
  if (left < 0 || right < 0) {
    return at(source.at,
              cat("cannot join using column ", name, " - column not present in both tables"));
  }
  // With a RIGHT JOIN the columns on the left may differ, so that it matters which one is meant.
  for (std::size_t r = left_relation + 1; right_joins && r < relation; ++r) {
    if (find(r, true) < 0) continue;
    return Error(Code::error, cat("ambiguous reference to ", name, " in USING()"));
  }
  ExprPtr l = Binder::visible_column(scope, left_relation, left);
  ExprPtr r = Binder::column_of(scope, relation, right);
  JoinCondition condition;
  condition.expr = std::make_unique<ComparisonNode>(ast::BinaryOp::eq, std::move(l), std::move(r),
                                                    context.binary());
  const bool outer = source.left || source.right;
  condition.outer_relation = outer ? static_cast<int>(relation) : -1;
  if (!outer) condition.after = scope.last_right_join(relation);
  conditions.push_back(std::move(condition));
  if (source.right) {
    Relation::Column& of = scope.relations[left_relation].columns[static_cast<std::size_t>(left)];
    if (!source.left) {
      of.superseded = true;
      of.merged.clear();
    }
    of.merged.emplace_back(relation, right);
  }
  if (nested) show_first(relation - 1, left_relation, left);
  std::vector<Relation::Column>& columns = scope.relations[relation].columns;
  columns[static_cast<std::size_t>(right)].hidden = true;
  for (std::size_t c = static_cast<std::size_t>(right) + 1; !source.right && c < columns.size();
       ++c) {
    columns[c].repeated = columns[c].repeated || equals_nocase(columns[c].name, name);
  }
  return {};
}

/// Lets `*` show a merged column before those of relation number `before`.
void FromBinder::show_first(std::size_t before, std::size_t relation, int column) {
  Relation::Column& shown = scope.relations[relation].columns[static_cast<std::size_t>(column)];
  if (shown.leading) return;
  shown.leading = true;
  scope.relations[before].leading.emplace_back(relation, column);
}

Result<void> FromBinder::join_columns(const ast::Source& source, std::size_t relation) {
  if (source.natural) {
    std::vector<std::string_view> shared;
    for (const Relation::Column& column : scope.relations[relation].columns) {
      if (column.argument) continue;
      bool found = false;
      for (std::size_t r = group; r < relation && !found; ++r) {
        for (const Relation::Column& other : scope.relations[r].columns) {
          found =
              found || (!other.hidden && !other.argument && equals_nocase(other.name, column.name));
        }
      }
      const bool known = std::any_of(shared.begin(), shared.end(), [&](std::string_view name) {
        return equals_nocase(name, column.name);
      });
      if (found && !known) shared.push_back(column.name);
    }
    for (const std::string_view name : shared) {
      TRY(equal_columns(name, source, relation));
    }
  }
  for (const std::string_view name : source.using_columns) {
    TRY(equal_columns(name, source, relation));
  }
  if (source.on != nullptr) ons.push_back({source.on, relation, source.left || source.right});
  return {};
}

/// Names in ON mean columns of the whole FROM, or of the parentheses around it.
Result<void> FromBinder::bind_on(const On& on) {
  const ScopedValue from(scope.visible_from, on.from);
  const ScopedValue until(scope.visible_until, on.until);
  Binder binder(context, scope, BindRules{.aliases = true, .clause = "ON"});
  ExprPtr expr = TRY(binder.bind(*on.expr));
  const std::uint64_t known =
      on.relation == 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << (on.relation + 1)) - 1;
  std::vector<ExprPtr> parts;
  split_conjunction(std::move(expr), parts, context.runtime.session.rules);
  for (ExprPtr& part : parts) {
    if ((part->tables & ~known) != 0 && (on.outer || scope.last_right_join() >= 0)) {
      return at(on.expr->at, "ON clause references tables to its right");
    }
    conditions.push_back({std::move(part), on.outer ? static_cast<int>(on.relation) : -1,
                          on.outer ? -1 : scope.last_right_join(on.relation)});
  }
  return {};
}

bool has_right_join(const List<ast::Source*>& from) {
  return std::any_of(from.begin(), from.end(),
                     [](const ast::Source* source) { return source->right; });
}

/// `(a JOIN b ...)`: what can be joined one by one is; anything else as a subquery would be, whose
/// columns keep their tables' names.
Result<void> FromBinder::add_nested(const ast::Source& source) {
  const bool plain = !source.left && !source.right && !source.natural &&
                     source.using_columns.empty() && !ast::present(source.alias) &&
                     !source.as_one && !right_joins && !has_right_join(source.nested);
  if (source.nested.size() > 1 && !plain) return add_joined(source);
  const std::size_t begin = scope.relations.size();
  const ScopedValue grouped(group, source.nested.size() > 1 ? begin : group);
  const std::size_t ons_before = ons.size();
  const ScopedValue parenthesized(nested, nested || source.nested.size() > 1);
  bool first = true;
  for (const ast::Source* inner : source.nested) {
    ast::Source copy = *inner;
    if (first) {
      copy.comma = source.comma;
      copy.left = source.left;
      copy.right = source.right;
      copy.natural = source.natural;
      copy.cross = source.cross;
      if (source.nested.size() == 1) {
        copy.on = source.on;
        copy.using_columns = source.using_columns;
        copy.has_using = source.has_using;
        if (ast::present(source.alias)) copy.alias = source.alias;
      }
    }
    TRY(add_source(copy));
    first = false;
  }
  TRY(check_nested_names(scope, begin, source.at));
  for (std::size_t i = ons_before; i < ons.size() && source.nested.size() > 1; ++i) {
    if (ons[i].until != SIZE_MAX) continue;  // of parentheses within these
    ons[i].from = begin;
    ons[i].until = scope.relations.size();
  }
  if (source.nested.size() == 1 || source.on == nullptr) return {};
  ast::Source on_only;
  on_only.at = source.at;
  on_only.on = source.on;
  return join_columns(on_only, scope.relations.size() - 1);
}

/// A parenthesized join as one relation.
Result<void> FromBinder::add_joined(const ast::Source& source) {
  Scope inner;
  inner.boundary = scope.boundary;
  inner.ctes = scope.ctes;
  std::vector<JoinCondition> inner_conditions;
  TRY(bind_from(context, inner, source.nested, inner_conditions, true));
  TRY(check_nested_names(inner, 0, source.at));
  Relation relation;
  std::vector<ExprPtr> outputs;
  const bool named = ast::present(source.alias);
  const auto add = [&](Relation::Column column, ExprPtr output) {
    if (named && column.hidden) return;
    if (named) column.table = {};
    column.merged.clear();
    column.superseded = false;
    column.leading = false;
    relation.columns.push_back(std::move(column));
    outputs.push_back(std::move(output));
  };
  for (std::size_t r = 0; r < inner.relations.size(); ++r) {
    // A merged value goes by no table's name, the tables' own columns by theirs alone.
    for (const auto& [from, place] : inner.relations[r].leading) {
      Relation::Column column = inner.relations[from].columns[static_cast<std::size_t>(place)];
      column.table = {};
      add(std::move(column), Binder::visible_column(inner, from, place));
    }
    for (std::size_t c = 0; c < inner.relations[r].columns.size(); ++c) {
      Relation::Column column = inner.relations[r].columns[c];
      column.table = inner.relations[r].qualifier(column);
      column.hidden = column.hidden || column.leading;
      add(std::move(column), Binder::column_of(inner, r, static_cast<int>(c)));
    }
  }
  OperatorPtr rows = TRY(plan_joins(context, inner, std::move(inner_conditions), nullptr, nullptr));
  relation.derived =
      std::make_unique<ProjectOperator>(context.runtime, std::move(rows), std::move(outputs));
  relation.derived_constant = scope.boundary == nullptr || (scope.boundary->correlations.empty() &&
                                                            !scope.boundary->volatile_result);
  relation.label = "subquery";
  return add_relation(source, std::move(relation));
}

Result<void> FromBinder::add_source(const ast::Source& source) {
  if (source.kind == ast::SourceKind::nested) return add_nested(source);
  if (scope.relations.size() == limits::kJoinTablesMax) {
    return at(source.at, "at most 64 tables in a join");
  }
  Relation relation;
  if (source.kind == ast::SourceKind::subquery) {
    relation.label = "subquery";
    TRY(add_query(*source.select, scope.ctes, relation));
  } else {
    relation.label = std::string(source.name);
    relation.name = source.name;
    TRY(add_named(source, relation));
  }
  return add_relation(source, std::move(relation));
}

/// Puts a relation behind the others, with what ties it to them.
Result<void> FromBinder::add_relation(const ast::Source& source, Relation relation) {
  relation.outer_join = source.left;
  relation.right_join = source.right;
  relation.keep_place = source.cross;
  relation.group = group;
  if (ast::present(source.alias)) {
    relation.name = source.alias;
    relation.aliased =
        relation.table == nullptr || source.alias.data() != relation.table->name.data();
    relation.label = std::string(source.alias);
  }
  relation.slots.assign(relation.columns.size() + 1, kNoSlot);
  const std::size_t place = scope.relations.size();
  scope.relations.push_back(std::move(relation));
  return join_columns(source, place);
}

/// Parentheses at the beginning of FROM with nothing behind them that is for them alone mean
/// nothing.
void append_flat(Arena& arena, const List<ast::Source*>& from, List<ast::Source*>& flat) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    ast::Source* source = from[i];
    const bool plain = source->kind == ast::SourceKind::nested && !ast::present(source->alias) &&
                       source->on == nullptr && source->using_columns.empty() && !source->as_one;
    if (i == 0 && plain) {
      append_flat(arena, source->nested, flat);
    } else {
      flat.push(arena, source);
    }
  }
}

}  // namespace

Result<void> plan_relation_query(CompileContext& context, Relation& relation) {
  Query query = TRY(relation.query->plan());
  relation.query.reset();
  relation.derived = reals_of(context, query);
  return {};
}

Result<void> bind_from(CompileContext& context, Scope& scope, const List<ast::Source*>& from,
                       std::vector<JoinCondition>& conditions, bool nested) {
  FromBinder binder{context, scope, conditions};
  binder.nested = nested;
  List<ast::Source*> flat;
  append_flat(context.arena, from, flat);
  binder.right_joins = has_right_join(flat);
  for (const ast::Source* source : flat) TRY(binder.add_source(*source));
  for (const FromBinder::On& on : binder.ons) TRY(binder.bind_on(on));
  return binder.bind_arguments();
}

}  // namespace saturn::sql
