#pragma once

#include "exec/nodes.hpp"
#include "exec/recursive_operator.hpp"
#include "exec/shared_rows.hpp"
#include "functions/table_function.hpp"
#include "plan/compile.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Name spaces: what the names in an expression may mean.
namespace saturn::sql {

struct Scope;
class BoundQuery;

struct RecursiveTable;

/// WITH clauses in force, innermost first.
struct CteEnv {
  const CteEnv* parent = nullptr;
  const ast::With* with = nullptr;
  /// The CTEs that are being planned at this moment, against endless recursion.
  std::vector<const ast::Cte*> in_progress = {};
  /// Those of them whose recursive part is being planned.
  std::vector<RecursiveTable*> recursive = {};
  /// The query that has the WITH; null where it is not known which queries name its tables.
  const ast::Select* query = nullptr;
  /// CTEs that have been planned: every reference gets the same rows.
  struct Shared {
    const ast::Cte* cte = nullptr;
    std::shared_ptr<SharedRows> rows;
    Query query;  ///< without its root
    bool constant = false;
  };
  std::vector<Shared> shared = {};
};

/// "ambiguous column name: main.t.a" where a column, named in full, may be one of another of the
/// relations from `begin` on.
Result<void> check_full_name(const Scope& scope, std::size_t begin, std::size_t relation,
                             std::size_t column, std::uint32_t position);
/// The same for what `*` makes of a column; that is the name alone where a later USING merges it
/// with others and a RIGHT or FULL JOIN comes later.
Result<void> check_star_name(const Scope& scope, std::size_t relation, std::size_t column,
                             std::uint32_t position);
/// The same as `check_full_name` for all columns of the relations from `begin` on, which stand in
/// parentheses of their own, for their rowids, and for the columns that their USING clauses merge.
Result<void> check_nested_names(const Scope& scope, std::size_t begin, std::uint32_t position);

/// What kind of expression is bound, as far as it matters what is allowed in it.
struct BindRules {
  bool aggregates = false;
  bool windows = false;
  bool aliases = false;  ///< result column names count, after columns
  bool subqueries = true;
  /// An expression of the schema: "x" may be a text whatever the session says.
  bool stored = false;
  bool unused =
      false;  ///< nothing computes it: how many columns its subqueries have is all the same
  std::string_view clause;  ///< for errors: "misuse of aggregate ..."
  /// What EXISTS selects: nobody asks for it.
  bool existence = false;
};

/// Where a subquery meets the query around it: each outer value that the subquery reads has a cell
/// here, and the expression that computes it in the outer scope.
struct Boundary {
  Scope* outer = nullptr;
  const BindRules* rules = nullptr;  ///< where the subquery stands in `outer`
  struct Correlation {
    ExprPtr expr;  ///< in the outer scope
    std::unique_ptr<ValueRef> cell;
  };
  std::vector<Correlation> correlations;
  bool volatile_result = false;  ///< something random is in the subquery
  /// The subquery itself, where only whether it has rows counts and not what is in them.
  const ast::Select* existence = nullptr;
};

/// One item of FROM, in the order of the text.
struct Relation {
  Relation();
  ~Relation();
  Relation(Relation&&) noexcept;
  Relation& operator=(Relation&&) noexcept;

  struct Column {
    std::string_view name;
    Affinity affinity = Affinity::none;
    const Collation* collation = nullptr;
    std::string_view decltype_text;
    bool hidden = false;  ///< of USING and NATURAL: not part of `*`, and not found without a table
    bool argument = false;        ///< of a table function: not part of `*`
    std::string_view table = {};  ///< that qualifies it where it is not the relation's name
    /// Columns of RIGHT and FULL JOIN ... USING that give the value where this one is NULL, or
    /// where it is `superseded` by the first of them whatever it is.
    std::vector<std::pair<std::size_t, int>> merged = {};
    bool superseded = false;
    /// The relation has another column of this name before it, and USING means that one: found with
    /// a table's name only.
    bool repeated = false;
    bool leading = false;  ///< among some relation's `leading`: `*` shows it there
  };
  std::string_view qualifier(const Column& column) const noexcept {
    return column.table.empty() ? name : column.table;
  }
  std::string_view name;                    ///< that qualifies columns
  bool aliased = false;                     ///< the name is not the table's own
  std::string_view database = {};           ///< of a table or view; else empty
  const Table* table = nullptr;             ///< a base table
  const TableFunction* function = nullptr;  ///< or a call of this function
  std::vector<ExprPtr> arguments;           ///< of the call; null where none is given
  std::unique_ptr<BoundQuery> query;        ///< else a subquery or view, and when joins are planned
  OperatorPtr derived;                      ///< its plan
  bool derived_constant = false;            ///< the plan reads nothing of an outer query
  std::string label;                        ///< of the plan, for EXPLAIN
  std::vector<Column> columns;
  /// Relation and column of those that `*` shows before the relation's own: within parentheses the
  /// ones that USING or NATURAL merge with the next relation's.
  std::vector<std::pair<std::size_t, int>> leading;
  std::size_t group = 0;        ///< the first relation that its USING and NATURAL look at
  std::vector<Slot> slots;      ///< of the columns, then of the rowid; kNoSlot until it is used
  bool qualified_only = false;  ///< found with its name in front only ("excluded")
  bool bare_values = false;     ///< its columns, the rowid among them, have no affinity
  bool outer_join = false;      ///< the right side of a LEFT (or FULL) JOIN
  bool right_join = false;      ///< the right side of a RIGHT (or FULL) JOIN
  bool keep_place = false;      ///< CROSS JOIN: not before the relations left of it
  ast::Indexed indexed = ast::Indexed::unspecified;
  std::string_view index;  ///< INDEXED BY
  bool is_target = false;  ///< of UPDATE or DELETE: scanned in the order of the table itself
  const Index* found_by = nullptr;  ///< of a lone relation, once planned: an index with other order

  Slot rowid_place() const noexcept { return static_cast<Slot>(columns.size()); }
};

struct Scope {
  Boundary* boundary = nullptr;  ///< null for a query that stands alone
  const CteEnv* ctes = nullptr;
  std::vector<Relation> relations;
  /// Those of them that names may mean at the moment, in the ON clauses of a join in parentheses
  /// those within.
  std::size_t visible_from = 0;
  std::size_t visible_until = SIZE_MAX;
  Slot slot_count = 0;
  const List<ast::ResultColumn>* aliases = nullptr;  ///< that expressions may use as names
  const List<ast::WindowDef*>* windows = nullptr;    ///< of the WINDOW clause

  /// The last relation before `end` that a RIGHT or FULL JOIN adds; -1: none.
  int last_right_join(std::size_t end) const noexcept;
  int last_right_join() const noexcept { return last_right_join(relations.size()); }
  bool sees(std::size_t relation) const noexcept {
    return relation >= visible_from && relation < visible_until;
  }
};

class Binder {
 public:
  Binder(CompileContext& context, Scope& scope, BindRules rules)
      : context_(context), scope_(scope), rules_(rules) {}

  /// Binds one expression, with SQLite's errors and their positions. // SUSPENDS
  Result<ExprPtr> bind(const ast::Expr& expr);

  /// A reference to column `column` (SlotNode::kRowidColumn for the rowid) of a relation.
  static ExprPtr column_of(Scope& scope, std::size_t relation, int column);
  /// The same as a name without a table means it: with what USING merged into it.
  static ExprPtr visible_column(Scope& scope, std::size_t relation, int column);

 private:
  Result<ExprPtr> bind_literal(const ast::Literal& literal);
  Result<ExprPtr> bind_column(const ast::Column& column);
  Result<bool> names_column(const ast::Column& word);
  Result<ExprPtr> resolve(Scope& scope, const ast::Column& column);
  Result<ExprPtr> resolve_outer(Scope& scope, const ast::Column& column);
  static ExprPtr outer_value(Boundary& boundary, ExprPtr outer);
  ExprPtr resolve_trigger_row(const ast::Column& column) const;
  Result<ExprPtr> bind_raise(const ast::Raise& raise);
  Result<ExprPtr> bind_unary(const ast::Unary& unary);
  Result<ExprPtr> bind_binary(const ast::Binary& binary);
  Result<ExprPtr> bind_comparison(ast::BinaryOp op, const ast::Expr& left, const ast::Expr& right);
  Result<std::size_t> row_width(const ast::Expr& expr);
  const ast::Row* as_row(ast::Expr* expr, std::size_t width) const;
  Result<ExprPtr> bind_row_comparison(const ast::Binary& binary, std::size_t width);
  Result<ExprPtr> bind_like(const ast::Like& like);
  Result<ExprPtr> bind_between(const ast::Between& between);
  Result<ExprPtr> bind_in(const ast::In& in);
  ast::Select* select_all_of(const ast::In& in) const;
  Result<ExprPtr> bind_row_in_select(const ast::In& in, const ast::Row& row);
  Result<ExprPtr> bind_row_in(const ast::In& in, const ast::Row& row);
  Result<ExprPtr> bind_function(const ast::Function& call);
  Result<ExprPtr> bind_window(const ast::Function& call, const Function& function);
  Result<ExprPtr> bind_aggregate(const ast::Function& call, const Function& function);
  ExprPtr call(const Function& function, std::vector<ExprPtr> arguments) const;
  Result<AggregateNode::Parts> bind_aggregate_parts(const ast::Function& call,
                                                    const Function& function);
  Result<ExprPtr> place_aggregate(const ast::Function& call, const Function& function,
                                  bool of_subquery);
  Result<ExprPtr> bind_case(const ast::Case& expr);
  Result<ExprPtr> bind_cast(const ast::Cast& cast);
  Result<ExprPtr> bind_collate(const ast::Collate& collate);
  Result<std::vector<ExprPtr>> bind_list(const List<ast::Expr*>& list);
  Result<ExprPtr> bind_exists(const ast::Exists& exists);
  Result<ExprPtr> bind_subquery(const ast::Subquery& subquery);

  struct Planned {
    SubPlan plan;
    std::vector<ExprPtr> outer;
    Query query;  ///< without its root
    bool volatile_result = false;
  };
  Result<Planned> plan_subplan(const ast::Select& select, bool order_matters,
                               bool existence = false);

  static ExprPtr finish_subquery(std::unique_ptr<ExprNode> node, std::vector<ExprPtr> outer,
                                 bool volatile_result);

  CompileContext& context_;
  Scope& scope_;
  BindRules rules_;
  std::uint32_t alias_depth_ = 0;
};

/// What an expression's values may be, apart from NULL: an OR of these.
inline constexpr std::uint8_t kGivesNumbers = 1;
inline constexpr std::uint8_t kGivesTexts = 2;
inline constexpr std::uint8_t kGivesBlobs = 4;
std::uint8_t value_kinds(const ExprNode& expr) noexcept;
/// The affinity of a compound's column whose SELECTs have these: the first that is one, unless
/// the values of some SELECT would be spoilt by it (SQLite 3.41 and later).
Affinity compound_affinity(std::span<const Affinity> affinities,
                           std::span<const std::uint8_t> kinds) noexcept;

/// Folds a constant expression into its value where evaluating it cannot fail or differ later.
ExprPtr fold(CompileContext& context, ExprPtr expr);

/// Plans a SELECT inside others. // SUSPENDS
Result<Query> plan_query(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                         Boundary* boundary);

/// A CTE whose recursive part is being planned.
struct RecursiveTable {
  const ast::Cte* cte = nullptr;
  const Query* initial = nullptr;  ///< its columns
  std::shared_ptr<QueueRows> queue;
  std::size_t references = 0;
};

/// Plans a CTE that refers to itself (https://www.sqlite.org/lang_with.html, section 3). `env` is
/// where the CTE stands. // SUSPENDS
Result<Query> plan_recursive(CompileContext& context, const ast::Cte& cte, CteEnv& env,
                             Boundary* boundary);
/// How often a core's FROM names the CTE.
std::size_t count_references(const ast::SelectCore& core, const ast::Cte& cte);
/// Whether it is a compound of which a later part names the CTE.
bool is_recursive(const ast::Cte& cte);

/// ORDER BY of a compound: each term is a result column, by number or by name. `collations` are
/// those by which the columns compare.
Result<std::vector<SortKey>> compound_order(const ast::Select& select, const Query& query,
                                            std::span<const Collation* const> collations);
/// LIMIT and OFFSET; null where there is none.
struct Limit {
  ExprPtr count;
  ExprPtr offset;
};
Result<Limit> bind_limit(CompileContext& context, const ast::Select& select, const CteEnv* ctes,
                         Boundary* boundary);
/// Puts the limit over `query`; the sort right below, if any, learns of it.
void add_limit(CompileContext& context, Limit limit, SortOperator* sort, Query& query);
/// "UNION ALL" and so on.
std::string_view compound_name(ast::CompoundOp op) noexcept;

/// Fills in `scope.relations` from FROM and appends what ON, USING and NATURAL ask for.
struct JoinCondition {
  ExprPtr expr;
  int outer_relation = -1;  ///< the right side of the outer join whose ON it is part of; else -1
  int after = -1;           ///< the RIGHT or FULL JOIN that must be done before; -1: none
  int alternative = -1;     ///< asked by one alternative of an OR alone, of that number; -1: by all
};
/// `nested`: the sources stand in parentheses within a FROM.
Result<void> bind_from(CompileContext& context, Scope& scope, const List<ast::Source*>& from,
                       std::vector<JoinCondition>& conditions, bool nested = false);

/// Plans what `relation.query` is; `relation.derived` are its rows then. // SUSPENDS
Result<void> plan_relation_query(CompileContext& context, Relation& relation);

/// Cuts `expr` at its ANDs, and makes more of its ORs where `rules` says so.
void split_conjunction(ExprPtr expr, std::vector<ExprPtr>& out, RuleSet rules = {});

/// An order that the caller would like rows to come in.
struct WantedOrder {
  struct Term {
    const SlotNode* column = nullptr;
    const Collation* collation = nullptr;
    bool descending = false;
  };
  std::vector<Term> terms;
  bool limited = false;  ///< only the first rows will be asked for
};

/// Plans the joins of a scope: rows that fulfil all conditions, in the scope's slots. Which slots
/// are filled in is settled by what has been bound before. `in_order` (may be null) is set when the
/// rows come in the wanted order. // SUSPENDS
Result<OperatorPtr> plan_joins(CompileContext& context, Scope& scope,
                               std::vector<JoinCondition> conditions, const WantedOrder* wanted,
                               bool* in_order);

}  // namespace saturn::sql
