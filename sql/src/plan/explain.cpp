#include "plan/explain.hpp"

#include "base/text.hpp"
#include "exec/listing.hpp"
#include "exec/operator.hpp"
#include "functions/json/text.hpp"

#include <chrono>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::sql {
namespace {

/// A plan as rows: an operator that is shown with its number and that of the one it feeds, then
/// what it did if that was measured.
void show_plan(const Operator& op, std::int64_t parent, std::vector<Row>& rows) {
  const std::string text = op.describe();
  if (!text.empty()) {
    const auto id = static_cast<std::int64_t>(rows.size()) + 1;
    Row row{Value(id), Value(parent), Value(0), Value(text)};
    if (const OperatorFigures* figures = op.figures()) {
      const std::chrono::duration<double, std::milli> time = figures->time;
      row.emplace_back(static_cast<std::int64_t>(figures->rows));
      row.emplace_back(static_cast<std::int64_t>(figures->loops));
      row.emplace_back(std::round(time.count() * 1000) / 1000);
      row.emplace_back(static_cast<std::int64_t>(figures->pages));
      row.emplace_back(static_cast<std::int64_t>(figures->cache_misses));
    }
    rows.push_back(std::move(row));
    parent = id;
  }
  for (const Operator* input : op.inputs()) show_plan(*input, parent, rows);
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += cat(out.back() == '{' ? "\"" : ", \"", name, "\": ", value);
}

void append_plans(const std::vector<const Operator*>& plans, std::string& out);

/// The operators that are shown, those below the others in their place.
void collect_shown(const Operator& op, std::vector<const Operator*>& shown) {
  if (!op.describe().empty()) {
    shown.push_back(&op);
    return;
  }
  for (const Operator* input : op.inputs()) collect_shown(*input, shown);
}

void append_plan(const Operator& op, std::string& out) {
  out += '{';
  std::string detail;
  json::print_string(detail, op.describe());
  append_member(out, "detail", detail);
  if (const OperatorFigures* figures = op.figures()) {
    const std::chrono::duration<double, std::milli> time = figures->time;
    append_member(out, "rows", cat(figures->rows));
    append_member(out, "loops", cat(figures->loops));
    append_member(out, "time_ms", cat(std::round(time.count() * 1000) / 1000));
    append_member(out, "pages", cat(figures->pages));
    append_member(out, "cache_misses", cat(figures->cache_misses));
  }
  std::vector<const Operator*> inputs;
  for (const Operator* input : op.inputs()) collect_shown(*input, inputs);
  if (!inputs.empty()) {
    append_member(out, "inputs", "");
    append_plans(inputs, out);
  }
  out += '}';
}

void append_plans(const std::vector<const Operator*>& plans, std::string& out) {
  out += '[';
  for (const Operator* plan : plans) {
    if (plan != plans.front()) out += ", ";
    append_plan(*plan, out);
  }
  out += ']';
}

/// EXPLAIN (FORMAT JSON) and EXPLAIN (ANALYZE, FORMAT JSON): the plan in one text. A statement
/// without operators has an empty one.
class JsonProgram final : public ImmediateProgram {
 public:
  JsonProgram(ProgramPtr inner, bool runs) : inner_(std::move(inner)), runs_(runs) {
    columns = {{"plan", ""}};
    access = runs || inner_->access == Access::none ? inner_->access : Access::read;
    readonly = !runs || inner_->readonly;
    counts_changes = runs && inner_->counts_changes;
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override {
    if (runs_) {
      if (inner_->plan() != nullptr) inner_->plan()->measure(runtime);
      TRY(run_to_end(*inner_, runtime));
    }
    std::vector<const Operator*> plans;
    if (inner_->plan() != nullptr) collect_shown(*inner_->plan(), plans);
    std::string json;
    append_plans(plans, json);
    rows.push_back({Value(std::move(json))});
    return {};
  }

 private:
  ProgramPtr inner_;
  const bool runs_;
};

/// EXPLAIN QUERY PLAN.
class PlanProgram final : public ImmediateProgram {
 public:
  explicit PlanProgram(ProgramPtr inner) : inner_(std::move(inner)) {
    columns = {{"id", ""}, {"parent", ""}, {"notused", ""}, {"detail", ""}};
    // What it shows is the plan that the statement would be run by now.
    access = inner_->access == Access::none ? Access::none : Access::read;
  }

 protected:
  Result<void> work(Runtime&, std::vector<Row>& rows) override {
    if (inner_->plan() != nullptr) show_plan(*inner_->plan(), 0, rows);
    return {};
  }

 private:
  ProgramPtr inner_;
};

/// EXPLAIN ANALYZE: runs the statement, drops its rows, and shows what its operators did.
class AnalyzedProgram final : public ImmediateProgram {
 public:
  explicit AnalyzedProgram(ProgramPtr inner) : inner_(std::move(inner)) {
    columns = {{"id", ""},    {"parent", ""},  {"notused", ""}, {"detail", ""},      {"rows", ""},
               {"loops", ""}, {"time_ms", ""}, {"pages", ""},   {"cache_misses", ""}};
    access = inner_->access;
    readonly = inner_->readonly;
    counts_changes = inner_->counts_changes;
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override {
    if (inner_->plan() != nullptr) inner_->plan()->measure(runtime);
    TRY(run_to_end(*inner_, runtime));
    if (inner_->plan() != nullptr) show_plan(*inner_->plan(), 0, rows);
    return {};
  }

 private:
  ProgramPtr inner_;
};

/// The statement in a word, and what it is about.
struct Named {
  std::string_view kind;
  std::string_view name = {};
};

Named named(const ast::Stmt& stmt) {
  using ast::StmtKind;
  switch (stmt.kind) {
    case StmtKind::select: return {"Select"};
    case StmtKind::insert: return {"Insert", ast::as<ast::InsertStmt>(stmt).target.name};
    case StmtKind::update: return {"Update", ast::as<ast::UpdateStmt>(stmt).target.name};
    case StmtKind::remove: return {"Delete", ast::as<ast::DeleteStmt>(stmt).target.name};
    case StmtKind::create_table: return {"CreateTable", ast::as<ast::CreateTableStmt>(stmt).name};
    case StmtKind::create_virtual_table:
      return {"CreateVirtualTable", ast::as<ast::CreateVirtualTableStmt>(stmt).name};
    case StmtKind::create_index: return {"CreateIndex", ast::as<ast::CreateIndexStmt>(stmt).name};
    case StmtKind::create_view: return {"CreateView", ast::as<ast::CreateViewStmt>(stmt).name};
    case StmtKind::create_trigger:
      return {"CreateTrigger", ast::as<ast::CreateTriggerStmt>(stmt).name};
    case StmtKind::drop: return {"Drop", ast::as<ast::DropStmt>(stmt).name};
    case StmtKind::alter: return {"AlterTable", ast::as<ast::AlterStmt>(stmt).table};
    case StmtKind::begin: return {"Begin"};
    case StmtKind::commit: return {"Commit"};
    case StmtKind::rollback: return {"Rollback", ast::as<ast::RollbackStmt>(stmt).savepoint};
    case StmtKind::savepoint: return {"Savepoint", ast::as<ast::SavepointStmt>(stmt).name};
    case StmtKind::release: return {"Release", ast::as<ast::ReleaseStmt>(stmt).name};
    case StmtKind::attach: return {"Attach"};
    case StmtKind::detach: return {"Detach"};
    case StmtKind::pragma: return {"Pragma", ast::as<ast::PragmaStmt>(stmt).name};
    case StmtKind::vacuum: return {"Vacuum", ast::as<ast::VacuumStmt>(stmt).schema};
    case StmtKind::analyze: return {"Analyze", ast::as<ast::AnalyzeStmt>(stmt).name};
    case StmtKind::reindex: return {"Reindex", ast::as<ast::ReindexStmt>(stmt).name};
  }
  return {};
}

/// EXPLAIN: the program as a tree, a row for each part of it.
class ListingProgram final : public ImmediateProgram {
 public:
  ListingProgram(const ast::Stmt& stmt, const Schemas& schemas, ProgramPtr inner)
      : inner_(std::move(inner)) {
    columns = {{"addr", ""}, {"opcode", ""}, {"p1", ""}, {"p2", ""},
               {"p3", ""},   {"p4", ""},     {"p5", ""}, {"comment", ""}};
    access = inner_->access == Access::none ? Access::none : Access::read;
    const Named about = named(stmt);
    kind_ = about.kind;
    if (ast::present(about.name)) name_ = about.name;
    for (std::size_t i = 0; i < schemas.entries().size(); ++i) {
      databases_.emplace_back(schemas.name(static_cast<DatabaseNo>(i)));
    }
  }

 protected:
  Result<void> work(Runtime& runtime, std::vector<Row>& rows) override {
    Listing listing;
    {
      const Listing::Part statement = listing.part(kind_, name_);
      for (std::size_t i = 0; i < databases_.size(); ++i) {
        const auto no = static_cast<DatabaseNo>(i);
        if (!runtime.use.reads.has(no)) continue;
        const bool writes = inner_->access == Access::write && runtime.use.writes.has(no);
        listing.leaf(writes ? "write" : "read", "Transaction", databases_[i], no);
      }
      inner_->list(listing);
    }
    for (const Listing::Row& row : listing.rows()) {
      rows.push_back({Value(static_cast<std::int64_t>(rows.size())), Value(row.kind),
                      Value(row.number), Value(static_cast<std::int64_t>(row.parent)),
                      Value(static_cast<std::int64_t>(row.depth)),
                      row.text.empty() ? Value() : Value(row.text), Value(0),
                      row.role.empty() ? Value() : Value(row.role)});
    }
    return {};
  }

 private:
  ProgramPtr inner_;
  std::string kind_;
  std::string name_;
  std::vector<std::string> databases_;
};

}  // namespace

ProgramPtr explain(const CompileContext& context, const ast::Stmt& stmt, ProgramPtr program) {
  switch (stmt.explain) {
    case ast::Explain::none: return program;
    case ast::Explain::program:
      return std::make_unique<ListingProgram>(stmt, context.schemas, std::move(program));
    case ast::Explain::query_plan: return std::make_unique<PlanProgram>(std::move(program));
    case ast::Explain::analyze: return std::make_unique<AnalyzedProgram>(std::move(program));
    case ast::Explain::plan_json: return std::make_unique<JsonProgram>(std::move(program), false);
    case ast::Explain::analyze_json: return std::make_unique<JsonProgram>(std::move(program), true);
  }
  return program;
}

}  // namespace saturn::sql
