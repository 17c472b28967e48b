#include "dml/row_program.hpp"

#include "base/limits.hpp"
#include "parser/parser.hpp"
#include "value/number.hpp"

#include <algorithm>

namespace saturn::sql {

RowProgram::RowProgram(const CompileContext& context, const Table& table, DatabaseNo database,
                       const void* identity, ast::Conflict conflict, const ast::Expr* when,
                       std::vector<const ast::Stmt*> body)
    : schemas_(context.schemas),
      table_(table),
      when_(when),
      body_(std::move(body)),
      names_(context.names),
      runtime_(context.runtime.session),
      old_row_(table.columns.size() + 1),
      new_row_(table.columns.size() + 1) {
  runtime_.transactions = context.runtime.transactions;
  frame_.table = &table_;
  frame_.database = database;
  frame_.identity = identity;
  frame_.conflict = conflict;
  frame_.outer = context.trigger;
  frame_.depth = context.trigger == nullptr ? 1 : context.trigger->depth + 1;
  set_rows(true, true);
}

RowProgram::~RowProgram() = default;

Result<std::unique_ptr<RowProgram>> RowProgram::from_text(const CompileContext& context,
                                                          const Table& table, std::string text) {
  auto program = std::make_unique<RowProgram>(context, table, table.database, nullptr,
                                              ast::Conflict::unspecified, nullptr,
                                              std::vector<const ast::Stmt*>());
  program->text_ = std::move(text);
  const Parsed parsed = TRY(parse_next(program->text_, program->arena_));
  program->body_.push_back(parsed.stmt);
  return program;
}

void RowProgram::set_rows(bool has_old, bool has_new) noexcept {
  frame_.old_row = has_old ? old_row_.data() : nullptr;
  frame_.new_row = has_new ? new_row_.data() : nullptr;
}

Result<void> RowProgram::compile() {
  if (compiled_) return {};
  programs_.clear();
  runtime_.sizes.clear();
  CompileContext context{schemas_, runtime_, arena_};
  context.trigger = &frame_;
  context.names = names_;
  if (when_ != nullptr) condition_ = TRY(bind_row_condition(context, {}, *when_, true));
  for (const ast::Stmt* stmt : body_) {
    programs_.push_back(TRY(saturn::sql::compile(context, *stmt)));
  }
  compiled_ = true;
  return {};
}

Result<void> RowProgram::prepare_run(Runtime& outer, const ValueRef* old_row,
                                     const ValueRef* new_row) {
  if (frame_.depth > limits::kTriggerDepthMax) {
    return Error(Code::error, "too many levels of trigger recursion");
  }
  runtime_.transactions = outer.transactions;
  runtime_.now_ms = outer.now_ms;
  runtime_.on_error = OnError::abort;
  runtime_.raised_ignore = false;
  runtime_.rows_read = 0;
  runtime_.rows_written = 0;
  const bool outgrown = TRY(runtime_.sizes.outgrown(*outer.transactions));
  if (outgrown) compiled_ = false;
  TRY(compile());
  TRY(outer.transactions->require(runtime_.use));
  const auto take = [](const ValueRef* row, std::vector<ValueRef>& cells) {
    if (row == nullptr) {
      std::fill(cells.begin(), cells.end(), ValueRef());
    } else {
      std::copy(row, row + cells.size(), cells.begin());
    }
  };
  take(old_row, old_row_);
  take(new_row, new_row_);
  return {};
}

Result<bool> RowProgram::condition_holds() {
  if (!condition_) return true;
  static const Batch kNoColumns;
  ValueArena arena;
  ++runtime_.run;
  const ValueRef v = TRY(eval_one(*condition_, runtime_, arena, kNoColumns));
  return !v.is_null() && to_boolean(v);
}

Result<void> RowProgram::run_statement(Program& program, std::int64_t* counted) {
  ++runtime_.run;
  runtime_.affected_rows = 0;
  TRY(program.start(runtime_));
  for (;;) {
    const Batch* batch = TRY(program.next(runtime_));
    if (batch == nullptr) return {};
    if (counted != nullptr && batch->selection.count > 0) {
      *counted = to_integer(batch->columns[0][batch->selection.rows[0]]);
    }
  }
}

Result<void> RowProgram::run_body(std::int64_t* counted) {
  SessionCounters& counters = runtime_.session.counters;
  for (const ProgramPtr& program : programs_) {
    Result<void> ran = run_statement(*program, counted);
    program->finish(runtime_);
    runtime_.end_run();
    TRY(std::move(ran));
    if (!program->counts_changes) continue;
    counters.changes = runtime_.affected_rows;
    counters.total_changes += runtime_.affected_rows;
  }
  return {};
}

Result<bool> RowProgram::run(Runtime& outer, const ValueRef* old_row, const ValueRef* new_row) {
  TRY(prepare_run(outer, old_row, new_row));
  const bool holds = TRY(condition_holds());
  if (!holds) return true;
  SessionCounters& counters = runtime_.session.counters;
  const SessionCounters before = counters;
  Result<void> ran = run_body(nullptr);
  counters.changes = before.changes;
  counters.last_insert_rowid = before.last_insert_rowid;
  outer.rows_read += runtime_.rows_read;
  outer.rows_written += runtime_.rows_written;
  if (ran) return true;
  if (runtime_.raised_ignore) return false;
  outer.on_error = runtime_.on_error;
  return std::move(ran).error();
}

Result<std::int64_t> RowProgram::count(Runtime& outer, const ValueRef* old_row,
                                       const ValueRef* new_row) {
  TRY(prepare_run(outer, old_row, new_row));
  std::int64_t counted = 0;
  TRY(run_body(&counted));
  outer.rows_read += runtime_.rows_read;
  return counted;
}

}  // namespace saturn::sql
