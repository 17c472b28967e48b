#include "base/text.hpp"
#include "catalog/index_order.hpp"
#include "dml/reads_table.hpp"
#include "dml/sequences.hpp"
#include "dml/table_writer.hpp"
#include "dml/target.hpp"
#include "dml/upsert_target.hpp"
#include "exec/listing.hpp"
#include "exec/nodes.hpp"
#include "exec/row_spool.hpp"
#include "plan/scope.hpp"
#include "value/number.hpp"

#include <algorithm>

// INSERT. The rows come from VALUES, a SELECT or the defaults; rows of a SELECT are all taken
// before the first one is written, so that it never sees what it inserts. An upsert's DO UPDATE
// changes the row in the way, with "excluded" naming the row that was to be inserted.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

/// VALUES with one row, or DEFAULT VALUES.
bool is_one_row(const ast::Select* select) {
  return select == nullptr || (select->cores.size() == 1 && select->cores[0]->is_values &&
                               select->cores[0]->rows.size() == 1);
}

struct UpsertAction {
  std::unique_ptr<TableWriter> updater;              ///< of DO UPDATE; null for DO NOTHING
  std::vector<std::pair<int, ExprPtr>> assignments;  ///< column or kRowidTarget
  ExprPtr where;
};

class InsertProgram final : public Program {
 public:
  InsertProgram() {
    access = Access::write;
    counts_changes = true;
    readonly = false;
  }
  Result<void> prepare(CompileContext& context, const ast::InsertStmt& stmt);

  Result<void> start(Runtime& runtime) override;
  Result<const Batch*> next(Runtime& runtime) override;
  void finish(Runtime& runtime) noexcept override;
  const Operator* plan() const noexcept override { return query_.root.get(); }
  void list(Listing& listing) const override;

 private:
  Result<void> choose_targets(const CompileContext& context, const ast::InsertStmt& stmt);
  Result<void> bind_defaults(CompileContext& context);
  bool sees_inserted(const CompileContext& context, const ast::SelectCore& values) const;
  Result<void> bind_values(CompileContext& context, const ast::InsertStmt& stmt,
                           const CteEnv* ctes);
  Result<void> bind_upserts(CompileContext& context, const ast::InsertStmt& stmt);
  Result<bool> bind_upsert_target(CompileContext& context, const ast::Upsert& upsert,
                                  std::size_t clause);
  bool gives_rowid() const noexcept {
    return std::find(targets_.begin(), targets_.end(), kRowidTarget) != targets_.end();
  }
  Result<void> check_width(std::size_t values, const ast::InsertStmt& stmt, std::uint32_t position);
  Result<void> run(Runtime& runtime);
  Result<void> run_values(Runtime& runtime);
  Result<void> run_query(Runtime& runtime);
  Result<void> insert_row(Runtime& runtime, const ValueRef* values);
  Result<void> insert_into_view(Runtime& runtime);
  Result<void> do_upsert(Runtime& runtime, const TableWriter::Outcome& outcome);

  bool outermost_ = true;  ///< no statement of a trigger
  DmlTarget target_;
  const Table* table_ = nullptr;
  std::unique_ptr<TableWriter> writer_;  ///< null for a view
  TriggerSet instead_;
  bool all_columns_ = false;  ///< no column list
  std::vector<int> targets_;  ///< of each value: a column, or kRowidTarget
  std::vector<ExprPtr> defaults_;
  std::vector<std::vector<ExprPtr>> rows_;  ///< VALUES; one empty row for DEFAULT VALUES
  Query query_;                             ///< else
  std::unique_ptr<RowSpool> taken_;
  std::vector<UpsertAction> upserts_;
  std::size_t upsert_count_ = 0;
  TableWriter::UpsertClause upsert_keys_;
  Returning returning_;

  std::vector<ValueRef> row_;
  std::vector<ValueRef> both_;  ///< the row in the way, then the excluded one
  std::vector<ValueRef> changed_;
  ValueArena arena_;
  bool done_ = false;
};

Result<void> InsertProgram::choose_targets(const CompileContext& context,
                                           const ast::InsertStmt& stmt) {
  all_columns_ = stmt.columns.empty();
  if (all_columns_) {
    for (int i = 0; i < static_cast<int>(table_->columns.size()); ++i) {
      if (table_->columns[static_cast<std::size_t>(i)].generated != nullptr) continue;
      targets_.push_back(i == table_->rowid_column ? kRowidTarget : i);
    }
    return {};
  }
  for (const std::string_view name : stmt.columns) {
    const int target = TRY(target_column(context, *table_, name, stmt.target.at));
    if (target >= 0 && table_->columns[static_cast<std::size_t>(target)].generated != nullptr) {
      return at(stmt.target.at, cat("cannot INSERT into generated column \"",
                                    table_->columns[static_cast<std::size_t>(target)].name, "\""));
    }
    targets_.push_back(target);
  }
  return {};
}

Result<void> InsertProgram::check_width(std::size_t values, const ast::InsertStmt& stmt,
                                        std::uint32_t position) {
  if (values == targets_.size()) return {};
  if (stmt.columns.empty()) {
    return at(position, cat("table ", table_->name, " has ", targets_.size(), " columns but ",
                            values, " values were supplied"));
  }
  return at(position, cat(values, " values for ", targets_.size(), " columns"));
}

/// The default of each column that the statement gives no value for.
Result<void> InsertProgram::bind_defaults(CompileContext& context) {
  defaults_.resize(table_->columns.size());
  const RowScope none;
  for (std::size_t i = 0; i < table_->columns.size(); ++i) {
    if (std::find(targets_.begin(), targets_.end(), static_cast<int>(i)) != targets_.end())
      continue;
    if (table_->columns[i].default_value == nullptr) continue;
    defaults_[i] = TRY(bind_row_expr(context, none, *table_->columns[i].default_value, false));
  }
  return {};
}

/// Whether a row of VALUES could see what those before it have done: then all are made before the
/// first one is inserted.
bool InsertProgram::sees_inserted(const CompileContext& context,
                                  const ast::SelectCore& values) const {
  if (values.rows.size() < 2) return false;
  const bool fires =
      TriggerSet::exists(context, *table_, *target_.owner, ast::TriggerEvent::insert, {});
  const auto sees = [&](const ast::Expr* value) {
    return fires ? has_subquery(*value) : reads_table(context, *value, *target_.owner);
  };
  return std::any_of(values.rows.begin(), values.rows.end(), [&](const List<ast::Expr*>& row) {
    return std::any_of(row.begin(), row.end(), sees);
  });
}

Result<void> InsertProgram::bind_values(CompileContext& context, const ast::InsertStmt& stmt,
                                        const CteEnv* ctes) {
  if (stmt.select == nullptr) {  // DEFAULT VALUES
    targets_.clear();
    rows_.emplace_back();
    return {};
  }
  const ast::Select& select = *stmt.select;
  const bool plain_values = select.cores.size() == 1 && select.cores[0]->is_values &&
                            select.with == nullptr && stmt.with == nullptr &&
                            select.order_by.empty() && select.limit == nullptr &&
                            !sees_inserted(context, *select.cores[0]);
  if (plain_values) {
    const RowScope none;
    for (const List<ast::Expr*>& row : select.cores[0]->rows) {
      if (row.size() != select.cores[0]->rows[0].size()) {
        return at(select.at, "all VALUES must have the same number of terms");
      }
      TRY(check_width(row.size(), stmt, stmt.target.at));
      std::vector<ExprPtr> bound;
      for (const ast::Expr* expr : row) {
        bound.push_back(TRY(bind_row_expr(context, none, *expr, true)));
      }
      rows_.push_back(std::move(bound));
    }
    return {};
  }
  query_ = TRY(plan_select(context, select, ctes));
  TRY(check_width(query_.columns.size(), stmt, stmt.target.at));
  taken_ = std::make_unique<RowSpool>(static_cast<std::uint32_t>(query_.columns.size()),
                                      context.runtime.session);
  return {};
}

/// Which key of the table ON CONFLICT (...) names; without a target all of them, in the order in
/// which they are checked. False when the clause is for keys of clauses before it alone, or for a
/// rowid that is not given: then it never runs.
Result<bool> InsertProgram::bind_upsert_target(CompileContext& context, const ast::Upsert& upsert,
                                               std::size_t clause) {
  bool runs = false;
  const auto add = [&](const Index* key) {
    const bool taken = std::any_of(upsert_keys_.begin(), upsert_keys_.end(),
                                   [&](const auto& known) { return known.first == key; });
    runs = runs || (!taken && (key != nullptr || gives_rowid()));
    upsert_keys_.emplace_back(key, clause);
  };
  if (upsert.target.empty()) {
    if (!table_->without_rowid) add(nullptr);
    for (const Index* index : in_list_order(*table_)) {
      if (index->unique) add(index);
    }
    return runs;
  }
  static constexpr std::string_view kNth[] = {"1st", "2nd", "3rd"};
  const std::string which = upsert_count_ == 1 ? ""
                            : clause < 3       ? cat(kNth[clause], " ")
                                               : cat(clause + 1, "th ");
  add(TRY(find_upsert_key(context, *table_, target_.name, upsert, which)));
  return runs;
}

Result<void> InsertProgram::bind_upserts(CompileContext& context, const ast::InsertStmt& stmt) {
  if (stmt.upserts.empty()) return {};
  if (target_.is_view) return at(stmt.upserts[0]->at, "cannot UPSERT a view");
  upsert_count_ = stmt.upserts.size();
  RowScope scope;
  scope.relations.push_back({table_, target_.name, 0});
  // Plain names in SET and WHERE mean the row that is there.
  scope.relations.push_back({.table = table_,
                             .name = "excluded",
                             .base = static_cast<Slot>(table_->columns.size() + 1),
                             .qualified_only = true,
                             .bare_values = true});
  for (std::size_t clause = 0; clause < stmt.upserts.size(); ++clause) {
    const ast::Upsert& upsert = *stmt.upserts[clause];
    UpsertAction& action = upserts_.emplace_back();
    // As in SQLite, only RENAME looks at what never runs.
    if (!TRY(bind_upsert_target(context, upsert, clause)) && context.names == nullptr) continue;
    std::vector<int> updated;
    for (const SetColumn& set : TRY(resolve_set(context, *table_, upsert.assignments))) {
      ExprPtr value = TRY(bind_row_expr(context, scope, *set.value, true));
      action.assignments.emplace_back(set.target, std::move(value));
      updated.push_back(set.target);
    }
    if (upsert.where != nullptr)
      action.where = TRY(bind_row_condition(context, scope, *upsert.where, true));
    if (upsert.update) {
      WriteRules rules{
          .conflict = ast::Conflict::abort, .updates = true, .updated = std::move(updated)};
      action.updater = TRY(TableWriter::make(context, *table_, std::move(rules)));
    }
  }
  return {};
}

Result<void> InsertProgram::prepare(CompileContext& context, const ast::InsertStmt& stmt) {
  const CteEnv with{nullptr, stmt.with};
  const CteEnv* const ctes = stmt.with != nullptr ? &with : nullptr;
  outermost_ = context.trigger == nullptr;
  target_ = TRY(find_target(context, stmt.target, ast::TriggerEvent::insert));
  table_ = target_.table;
  const ast::Conflict conflict = effective_conflict(context, stmt.conflict);
  TRY(choose_targets(context, stmt));
  if (target_.is_view) {
    TRY(instead_.compile(context, *table_, *target_.owner, ast::TriggerEvent::insert, {},
                         conflict));
  } else {
    const bool many = !is_one_row(stmt.select) || !stmt.returning.empty();
    writer_ = TRY(TableWriter::make(
        context, *table_,
        {.conflict = conflict, .inserts = true, .gives_rowid = gives_rowid(), .many = many}));
  }
  TRY(bind_values(context, stmt, ctes));
  TRY(bind_defaults(context));
  TRY(bind_upserts(context, stmt));
  TRY(returning_.compile(context, *table_, stmt.returning, ctes));
  columns = returning_.columns();
  if (writer_) writer_->set_returning(returning_);
  for (const UpsertAction& upsert : upserts_) {
    if (upsert.updater) upsert.updater->set_returning(returning_);
  }
  const std::size_t width = table_->columns.size() + 1;
  row_.resize(width);
  both_.resize(2 * width);
  changed_.resize(width);
  return {};
}

Result<void> InsertProgram::start(Runtime& runtime) {
  done_ = false;
  returning_.clear();
  if (outermost_) forget_sequences(runtime.session);
  for (const UpsertAction& upsert : upserts_) {
    if (upsert.updater) TRY(upsert.updater->open());
  }
  return writer_ ? writer_->open() : Result<void>();
}

void InsertProgram::list(Listing& listing) const {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    listing.add(cat("row ", i + 1, " value"), rows_[i]);
  }
  if (query_.root) listing.add("rows", *query_.root);
  for (std::size_t i = 0; i < defaults_.size(); ++i) {
    listing.add(cat("default of ", table_->columns[i].name), defaults_[i]);
  }
  if (writer_) listing.add("target", *writer_);
  instead_.list(listing);
  for (const UpsertAction& upsert : upserts_) {
    const Listing::Part part = listing.part("Upsert", upsert.updater ? "UPDATE" : "NOTHING");
    listing.add("condition", upsert.where);
    for (const auto& [target, value] : upsert.assignments) {
      listing.add(cat("value of ", target == kRowidTarget
                                       ? std::string_view("rowid")
                                       : table_->columns[static_cast<std::size_t>(target)].name),
                  value);
    }
    if (upsert.updater) listing.add("updated", *upsert.updater);
  }
  returning_.list(listing);
}

void InsertProgram::finish(Runtime&) noexcept {
  if (query_.root) query_.root->close();
  if (taken_) taken_->clear();
  if (writer_) writer_->close();
  for (const UpsertAction& upsert : upserts_) {
    if (upsert.updater) upsert.updater->close();
  }
  returning_.clear();
}

Result<void> InsertProgram::do_upsert(Runtime& runtime, const TableWriter::Outcome& outcome) {
  UpsertAction& action = upserts_[outcome.clause];
  if (!action.updater) return {};
  const std::size_t width = writer_->width();
  const bool found = TRY(action.updater->read(writer_->row_in_the_way(), both_.data(), arena_));
  if (!found) return {};
  std::copy(row_.begin(), row_.end(), both_.begin() + static_cast<std::ptrdiff_t>(width));
  // Affinities may not have been applied yet, but for this one.
  for (std::size_t i = 0; i + 1 < width; ++i) {
    if (table_->columns[i].affinity != Affinity::real) continue;
    ValueRef& value = both_[width + i];
    if (value.is_integer()) value = apply_affinity(value, Affinity::real, arena_);
  }
  Batch batch;
  for (ValueRef& value : both_) batch.columns.push_back(&value);
  batch.selection = first_rows(1);
  if (action.where) {
    const ValueRef v = TRY(eval_one(*action.where, runtime, arena_, batch));
    if (v.is_null() || !to_boolean(v)) return {};
  }
  std::copy(both_.begin(), both_.begin() + static_cast<std::ptrdiff_t>(width), changed_.begin());
  for (auto& [target, expr] : action.assignments) {
    const ValueRef v = TRY(eval_one(*expr, runtime, arena_, batch));
    put(*table_, target, v, changed_.data());
  }
  const TableWriter::Outcome updated = TRY(action.updater->update(both_.data(), changed_.data()));
  if (updated.kind != TableWriter::Outcome::Kind::done) return {};
  ++runtime.affected_rows;
  return {};
}

Result<void> InsertProgram::insert_into_view(Runtime& runtime) {
  show_reals(*table_, row_.data());
  const bool goes_on =
      TRY(instead_.fire(runtime, ast::TriggerTime::instead_of, nullptr, row_.data()));
  if (!goes_on) return {};
  return returning_.add(runtime, row_.data());  // which changes() does not count
}

/// Writes one row; `values` in the order of the targets.
Result<void> InsertProgram::insert_row(Runtime& runtime, const ValueRef* values) {
  static const Batch kNoColumns;
  for (std::size_t i = 0; i < table_->columns.size(); ++i) {
    row_[i] = ValueRef();
    if (defaults_[i]) row_[i] = TRY(eval_one(*defaults_[i], runtime, arena_, kNoColumns));
  }
  row_.back() = ValueRef();
  // Of a column that is named twice the first value counts, of the rowid the last.
  for (std::size_t i = targets_.size(); i-- > 0;) {
    if (targets_[i] != kRowidTarget) row_[static_cast<std::size_t>(targets_[i])] = values[i];
  }
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    if (targets_[i] == kRowidTarget) row_.back() = values[i];
  }
  if (!writer_) return insert_into_view(runtime);
  const TableWriter::Outcome outcome =
      TRY(writer_->insert(row_.data(), upserts_.empty() ? nullptr : &upsert_keys_));
  switch (outcome.kind) {
    case TableWriter::Outcome::Kind::ignored: return {};
    case TableWriter::Outcome::Kind::conflict: return do_upsert(runtime, outcome);
    case TableWriter::Outcome::Kind::done: break;
  }
  ++runtime.affected_rows;
  return {};
}

Result<void> InsertProgram::run_values(Runtime& runtime) {
  static const Batch kNoColumns;
  std::vector<ValueRef> values(targets_.size());
  std::size_t count = 0;
  for (const std::vector<ExprPtr>& row : rows_) {
    if (++count % 64 == 0) TRY(runtime.poll());
    arena_.reset();
    for (std::size_t i = 0; i < row.size(); ++i) {
      values[i] = TRY(eval_one(*row[i], runtime, arena_, kNoColumns));
    }
    TRY(insert_row(runtime, values.data()));
  }
  return {};
}

Result<void> InsertProgram::run_query(Runtime& runtime) {
  TRY(take_rows(runtime, *query_.root, *taken_));
  RowSpool::Reader rows(*taken_);
  for (std::size_t i = 0; i < taken_->size(); ++i) {
    if (i % 64 == 0) TRY(runtime.poll());
    arena_.reset();
    const ValueRef* row = TRY(rows.row(i));
    TRY(insert_row(runtime, row));
  }
  return {};
}

Result<const Batch*> InsertProgram::next(Runtime& runtime) {
  if (!done_) {
    TRY(query_.root ? run_query(runtime) : run_values(runtime));
    if (outermost_) TRY(write_sequences(runtime));
    done_ = true;
  }
  return returning_.next();
}

}  // namespace

Result<ProgramPtr> compile_insert(CompileContext& context, const ast::InsertStmt& stmt) {
  auto program = std::make_unique<InsertProgram>();
  TRY(program->prepare(context, stmt));
  return ProgramPtr(std::move(program));
}

}  // namespace saturn::sql
