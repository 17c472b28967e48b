#include "pragma/integrity.hpp"

#include "base/text.hpp"
#include "exec/record_decode.hpp"
#include "plan/compile.hpp"
#include "plan/table_columns.hpp"
#include "storage/btree.hpp"
#include "storage/tree_check.hpp"
#include "value/number.hpp"
#include "value/stored_text.hpp"
#include "value/strict.hpp"

#include <deque>
#include <optional>
#include <unordered_map>

// First all trees, so that a row is only ever read from a tree that holds together; then the rows
// of each table against its constraints and its indexes.

namespace saturn::sql {
namespace {

/// Compares the rows of one table with what its definition and its indexes say.
class RowCheck {
 public:
  RowCheck(CompileContext& context, const Table& table, bool quick, std::size_t problems_max,
           std::vector<std::string>& problems)
      : context_(context),
        runtime_(context.runtime),
        table_(table),
        quick_(quick),
        problems_max_(problems_max),
        problems_(problems),
        stored_key_(table.encoding) {}

  /// `entries`: of the index trees, by index.
  Result<void> run(const std::unordered_map<const Index*, std::uint64_t>& entries);

 private:
  struct IndexState {
    const Index* index = nullptr;
    std::vector<ExprPtr> exprs;  ///< of the columns that are expressions; else null
    ExprPtr where;
    std::optional<storage::BTreeCursor> cursor;
    std::uint64_t expected = 0;  ///< entries that the rows ask for
  };

  Result<void> compile();
  Result<void> check_row(std::uint64_t number);
  Result<void> check_index(IndexState& state, std::uint64_t number);
  Result<bool> followed_by_equal(IndexState& state, std::size_t key_columns);
  Result<bool> is_true(ExprNode& expr, bool null_is) {
    const ValueRef v = TRY(eval_one(expr, runtime_, arena_, batch_));
    return v.is_null() ? null_is : to_boolean(v);
  }
  std::size_t row_place(int column) const noexcept {
    return column < 0 ? row_.size() - 1 : static_cast<std::size_t>(column);
  }
  void problem(std::string text) {
    if (problems_.size() < problems_max_) problems_.push_back(std::move(text));
  }

  CompileContext& context_;
  Runtime& runtime_;
  const Table& table_;
  const bool quick_;
  const std::size_t problems_max_;
  std::vector<std::string>& problems_;
  std::vector<ExprPtr> checks_;
  std::deque<IndexState> indexes_;
  std::vector<WantedColumn> wanted_;
  std::vector<GeneratedColumn> generated_;
  std::vector<ValueRef> row_;  ///< the columns, then the rowid
  std::vector<ValueRef> key_;
  StoredKey stored_key_;  ///< of `key_`
  Batch batch_;           ///< of `row_`
  ValueArena arena_;      ///< of one row
  storage::RecordReader reader_;
};

Result<void> RowCheck::compile() {
  RowScope scope;
  scope.relations.push_back({&table_, table_.name, 0});
  for (const CheckConstraint& check : table_.checks) {
    if (runtime_.session.ignore_check_constraints) break;
    checks_.push_back(TRY(bind_row_condition(context_, scope, *check.expr, false)));
  }
  generated_ = TRY(bind_generated(context_, table_));
  for (const auto& index : table_.indexes) {
    if (quick_) break;
    if (index->clustered) continue;
    IndexState& state = indexes_.emplace_back();
    state.index = index.get();
    for (const IndexColumn& column : index->columns) {
      ExprPtr expr;
      if (column.expr != nullptr) expr = TRY(bind_row_expr(context_, scope, *column.expr, false));
      state.exprs.push_back(std::move(expr));
    }
    if (index->where != nullptr) {
      state.where = TRY(bind_row_condition(context_, scope, *index->where, false));
    }
    state.cursor.emplace(runtime_.transaction(table_.database), index->root, &index->key_info);
  }
  row_.resize(table_.columns.size() + 1);
  for (ValueRef& value : row_) batch_.columns.push_back(&value);
  batch_.selection = first_rows(1);
  wanted_ = TRY(stored_columns(context_, table_));
  return {};
}

/// Whether the entry after the cursor's has the same key apart from the rowid.
Result<bool> RowCheck::followed_by_equal(IndexState& state, std::size_t key_columns) {
  for (std::size_t i = 0; i < key_columns; ++i) {
    if (key_[i].is_null()) return false;
  }
  const bool more = TRY(state.cursor->next());
  if (!more) return false;
  reader_.reset(TRY(state.cursor->payload()), state.index->root);
  for (std::uint32_t i = 0; i < key_columns; ++i) {
    const ValueRef v = from_stored(TRY(reader_.column(i)), table_.encoding, arena_);
    if (v.is_null() || compare(v, key_[i], *state.index->columns[i].collation) != 0) return false;
  }
  return true;
}

Result<void> RowCheck::check_index(IndexState& state, std::uint64_t number) {
  const Index& index = *state.index;
  if (state.where) {
    const bool covered = TRY(is_true(*state.where, false));
    if (!covered) return {};
  }
  ++state.expected;
  key_.clear();
  for (std::size_t i = 0; i < index.columns.size(); ++i) {
    const int column = index.columns[i].column;
    key_.push_back(state.exprs[i] ? TRY(eval_one(*state.exprs[i], runtime_, arena_, batch_))
                                  : row_[row_place(column)]);
  }
  for (const IndexColumn& column : index.tail) key_.push_back(row_[row_place(column.column)]);
  const bool found = TRY(state.cursor->seek(storage::Seek::eq, stored_key_.of(key_)));
  if (!found) {
    problem(cat("row ", number, " missing from index ", index.name));
  } else if (index.unique && TRY(followed_by_equal(state, index.columns.size()))) {
    problem(cat("non-unique entry in index ", index.name));
  }
  return {};
}

Result<void> RowCheck::check_row(std::uint64_t number) {
  for (std::size_t c = 0; c < table_.columns.size(); ++c) {
    if (table_.columns[c].not_null && row_[c].is_null()) {
      problem(cat("NULL value in ", table_.name, ".", table_.columns[c].name));
    }
    if (table_.strict && !fits_strict_type(row_[c], table_.columns[c].type)) {
      problem(cat("non-", strict_type_name(table_.columns[c].type), " value in ", table_.name, ".",
                  table_.columns[c].name));
    }
  }
  for (const ExprPtr& check : checks_) {
    const bool holds = TRY(is_true(*check, true));
    if (holds) continue;
    problem(cat("CHECK constraint failed in ", table_.name));
    break;
  }
  for (IndexState& state : indexes_) TRY(check_index(state, number));
  return {};
}

Result<void> RowCheck::run(const std::unordered_map<const Index*, std::uint64_t>& entries) {
  TRY(compile());
  storage::BTreeCursor cursor(runtime_.transaction(table_.database), table_.root,
                              table_.without_rowid ? &table_.primary->key_info : nullptr);
  std::uint64_t number = 0;
  bool more = TRY(cursor.first());
  while (more && problems_.size() < problems_max_) {
    if (++number % 256 == 0) TRY(runtime_.poll());
    arena_.reset();
    row_.back() = ValueRef::integer(cursor.rowid());
    if (table_.rowid_column >= 0) {
      row_[static_cast<std::size_t>(table_.rowid_column)] = row_.back();
    }
    TRY(decode_columns(TRY(cursor.payload()), table_.root, table_.encoding, wanted_,
                       batch_.columns.data(), 0, is_utf16(table_.encoding) ? &arena_ : nullptr));
    for (const GeneratedColumn& column : generated_) {
      if (!table_.columns[column.column].is_virtual()) continue;
      row_[column.column] = TRY(column.value(runtime_, arena_, batch_));
    }
    TRY(check_row(number));
    more = TRY(cursor.next());
  }
  if (more) return {};
  for (const IndexState& state : indexes_) {
    if (entries.at(state.index) != state.expected) {
      problem(cat("wrong # of entries in index ", state.index->name));
    }
  }
  return {};
}

class IntegrityCheck {
 public:
  IntegrityCheck(Runtime& runtime, const Schemas& schemas, const IntegrityOptions& options)
      : source_(runtime.transaction(options.database)),
        schema_(schemas[options.database]),
        options_(options),
        context_{schemas, runtime, arena_},
        trees_(source_, options.problems_max) {}

  Result<std::vector<std::string>> run();

 private:
  bool wanted(const Table& table) const {
    return table.kind == TableKind::table && table.root > 1 &&
           (options_.table == nullptr || options_.table == &table);
  }
  Result<void> check_trees(const Table& table);

  storage::Transaction& source_;
  const Schema& schema_;
  const IntegrityOptions& options_;
  Arena arena_;
  CompileContext context_;
  storage::TreeCheck trees_;
  std::unordered_map<const Index*, std::uint64_t> entries_;
};

Result<void> IntegrityCheck::check_trees(const Table& table) {
  if (!table.without_rowid) TRY(trees_.tree(table.root));
  for (const auto& index : table.indexes) {
    TRY(trees_.tree(index->root, &index->key_info));
    entries_[index.get()] = trees_.entries();
  }
  return {};
}

Result<std::vector<std::string>> IntegrityCheck::run() {
  if (options_.table == nullptr) {
    TRY(trees_.freelist());
    TRY(trees_.tree(1));
  }
  for (const Table* table : schema_.tables()) {
    if (wanted(*table)) TRY(check_trees(*table));
  }
  if (options_.table == nullptr) trees_.unused_pages();
  std::vector<std::string> problems;
  if (!trees_.problems().empty()) {
    std::string text = cat("*** in database ", context_.schemas.name(options_.database), " ***");
    for (const std::string& problem : trees_.problems()) text += cat("\n", problem);
    problems.push_back(std::move(text));
    return problems;
  }
  for (const Table* table : schema_.tables()) {
    if (!wanted(*table) || !table->generated_loop.empty()) continue;
    RowCheck rows(context_, *table, options_.quick, options_.problems_max, problems);
    TRY(rows.run(entries_));
  }
  return problems;
}

}  // namespace

Result<std::vector<std::string>> check_integrity(Runtime& runtime, const Schemas& schemas,
                                                 const IntegrityOptions& options) {
  return IntegrityCheck(runtime, schemas, options).run();
}

}  // namespace saturn::sql
