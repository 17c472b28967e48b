#pragma once

#include "exec/operators.hpp"
#include "plan/scope.hpp"

#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

namespace saturn::sql {

/// Plans the joins of one FROM: see join_planner.cpp for the choice, join_builder.cpp for what is
/// made of it. Used once.
class JoinPlanner {
 public:
  JoinPlanner(CompileContext& context, Scope& scope, std::vector<JoinCondition> conditions,
              const WantedOrder* wanted)
      : context_(context), scope_(scope), conditions_(std::move(conditions)), wanted_(wanted) {}
  /// `in_order` tells whether the rows come in the wanted order. // SUSPENDS
  Result<OperatorPtr> plan(bool& in_order);

 private:
  static constexpr int kNoColumn = -3;
  enum class TermOp : std::uint8_t { eq, is, in, lt, le, gt, ge };

  /// A condition seen as `column op value`, the value being computed from other relations.
  struct Term {
    std::size_t condition = 0;
    std::size_t relation = 0;
    int column = 0;  ///< SlotNode::kRowidColumn, or kNoColumn for an expression
    TermOp op = TermOp::eq;
    Affinity applied = Affinity::none;
    const Collation* order = nullptr;
    const ExprNode* side = nullptr;  ///< the expression, for kNoColumn
    bool slot_is_left = true;        ///< the column is the condition's left operand
    std::uint64_t others = 0;        ///< the relations that the value needs
    bool reads_outer = false;
    /// What is compared with, where it is known and an index has samples: of an IN all values.
    std::vector<Value> values = {};
    double distinct = 0;  ///< values that the column has, as far as the schema tells; 0: unknown
  };

  /// An index that the query may use, with its expressions over the relation's slots; null for
  /// columns.
  struct UsableIndex {
    const Index* index = nullptr;
    std::vector<ExprPtr> exprs;
  };

  struct RelationInfo {
    std::vector<UsableIndex> indexes = {};
    bool indexed_exprs = false;  ///< one of them is on an expression
    /// Virtual columns that are used, each behind those that it reads.
    std::vector<std::pair<std::uint32_t, ExprPtr>> virtuals = {};
    double rows = 1;
    storage::Transaction* counted_in = nullptr;  ///< where `rows` is an estimate of a tree's size
    double kept = 1;          ///< the part that conditions on this relation alone let pass
    std::uint64_t needs = 0;  ///< relations that must come before
  };

  /// A way to reach a relation; terms by their number. Cost and rows are for one left row.
  struct Choice {
    enum class Kind : std::uint8_t { rowid, index, hash, function, either };
    Kind kind = Kind::rowid;
    std::vector<Choice> ways = {};    ///< of `either`: one for each alternative of an OR,
    std::size_t alternatives_of = 0;  ///< which is this condition
    const Index* index = nullptr;
    bool covering = false;
    bool point = false;       ///< a whole unique key: at most one row, whatever the table's size
    bool filtered = false;    ///< `rows` has the other conditions in it already
    bool order_only = false;  ///< of use for its order alone
    std::vector<std::size_t> equal;
    int low = -1;
    int high = -1;
    double rows = 1;
    double cost = 1;
  };
  /// An OR whose alternatives may have indexes of their own. What they ask for is in `conditions_`
  /// as well, under the numbers of the alternatives.
  struct Disjunction {
    std::size_t condition = 0;
    int first = 0;
    int count = 0;
  };
  struct Order {
    std::vector<std::size_t> relations;
    double cost = 0;
  };

  void add_term(std::size_t condition, const ExprNode* side, const ExprNode& other, TermOp op,
                Affinity applied, const Collation* order, bool left);
  void collect_terms();
  void strengthen_outer_joins();
  Result<void> plan_queries();
  Result<void> complete_arguments();
  bool take_argument(std::size_t relation, std::size_t argument);
  Result<void> bind_virtual_columns();
  bool fits(const Term& term, const UsableIndex& usable, std::size_t place) const;
  bool usable_for(const JoinCondition& condition, std::size_t relation) const noexcept;
  Result<void> estimate_relations();

  // key_estimate.cpp
  Result<void> find_known_values();
  void note_parameters();
  double value_count(const Term& term) const;
  double sampled_range(const Index& index, std::vector<ValueRef>& key, int low, int high) const;
  std::optional<double> sampled_rows(const Choice& choice) const;
  double matching_rows(const Choice& choice, double rows) const;
  Result<double> rows_of(const Table& table) const;
  Result<double> distinct_values(const Table& table, int column, double rows, int depth) const;
  Result<void> find_distinct_values();
  double join_distinct(const Term& term) const;
  bool is_matched_key(const Index& index, std::size_t r, const Choice& choice) const;
  double hash_matches(const Choice& choice, std::size_t relation) const;
  double part_kept(std::size_t relation, std::size_t condition) const;

  // either_planner.cpp
  void add_alternatives();
  void consider_either(Choice& best, std::size_t relation, std::uint64_t placed) const;
  Result<std::unique_ptr<AccessPath>> either_access(std::size_t relation, const Choice& choice);

  bool available(const Term& term, std::size_t relation, std::uint64_t placed) const noexcept;
  bool covers(const Index& index, std::size_t relation) const;
  void consider(Choice& best, Choice candidate) const;
  Choice scan_of(std::size_t relation) const;
  void consider_rowid(Choice& best, std::size_t relation, std::uint64_t placed) const;
  void consider_index(Choice& best, const UsableIndex& usable, std::size_t relation,
                      std::uint64_t placed) const;
  bool reads_index(std::size_t relation, std::uint64_t placed) const;
  void consider_hash(Choice& best, std::size_t relation, std::uint64_t placed,
                     double left_rows) const;
  Choice best_access(std::size_t relation, std::uint64_t placed, double left_rows,
                     bool single) const;
  bool uses(const Choice& choice, std::size_t condition) const noexcept;
  bool comes_in_order(const Term& term) const noexcept;
  void note_order(std::size_t first, const Choice& choice) const noexcept;
  Order greedy_from(std::size_t first, double give_up_at) const;
  Result<std::vector<std::size_t>> choose_order() const;
  bool gives_order(const Choice& choice, std::size_t relation, bool& backward) const;
  Choice best_ordered(std::size_t relation) const;

  // row_sample.cpp
  Result<std::uint32_t> read_some_rows(std::size_t relation, const Batch& out, ValueArena& arena);
  Result<void> try_conditions(std::size_t relation);

  // index_use.cpp
  Result<ExprPtr> bind_own(std::size_t relation, const ast::Expr& expr);
  Result<bool> is_implied(std::size_t relation, const ast::Expr& where);
  Result<void> find_indexes();

  // automatic_index.cpp
  bool makes_automatic_index() const;
  OperatorPtr in_index_order(OperatorPtr rows, std::size_t relation,
                             const std::vector<MaterializedAccess::HashKey>& keys) const;

  // join_builder.cpp
  bool is_asked_once(const JoinCondition& condition) const;
  ExprPtr take_gate();
  ExprPtr take_value(const Term& term);
  ExprPtr take_column(const Term& term);
  SeekSpec take_seek(const Choice& choice);
  ExprPtr take_conditions(std::uint64_t placed, int outer_relation, std::uint64_t only);
  struct Columns {
    std::vector<WantedColumn> from_table;  ///< places in its records
    std::vector<WantedColumn> from_index;  ///< places in its entries
    std::vector<ComputedAccess::Column> computed;
  };
  Result<Columns> wanted_columns(std::size_t relation, const Index* index);
  Result<std::unique_ptr<AccessPath>> tree_access(std::size_t relation, const Choice& choice,
                                                  bool backward);
  bool reads_outer(const Choice& choice) const;
  Result<std::unique_ptr<AccessPath>> hash_access(std::size_t relation, const Choice& choice);
  std::unique_ptr<AccessPath> function_access(std::size_t relation);
  Result<OperatorPtr> relation_rows(std::size_t relation, bool& constant);
  std::vector<Slot> used_slots(std::size_t relation) const;
  Result<void> note_sizes();
  Result<OperatorPtr> add_step(OperatorPtr left, std::size_t relation, const Choice& choice,
                               bool backward);

  CompileContext& context_;
  Scope& scope_;
  std::vector<JoinCondition> conditions_;  ///< `expr` is null once it has been put to use
  const WantedOrder* wanted_;
  std::vector<Term> terms_;
  std::vector<RelationInfo> info_;
  std::vector<double> kept_;  ///< by condition on one relation alone: the part that it lets pass
  std::vector<Disjunction> disjunctions_;
  /// The alternative of an OR that is looked at: only its conditions count. -1: none.
  mutable int alternative_ = -1;
  /// The relation that the others are joined to, if its rows come in the order of their rowids.
  mutable int in_rowid_order_ = -1;
  bool automatic_index_ = false;  ///< relation 1 is read as if by one
  std::uint64_t placed_ = 0;
  std::vector<Slot> filled_;  ///< by the relations placed
};

}  // namespace saturn::sql
