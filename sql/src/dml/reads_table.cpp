#include "dml/reads_table.hpp"

#include "parser/ast_children.hpp"

#include <algorithm>
#include <vector>

namespace saturn::sql {
namespace {

/// The SELECT of an expression that is a subquery; null for any other.
const ast::Select* select_of(const ast::Expr& expr) {
  switch (expr.kind) {
    case ast::ExprKind::exists: return ast::as<ast::Exists>(expr).select;
    case ast::ExprKind::subquery: return ast::as<ast::Subquery>(expr).select;
    case ast::ExprKind::in: return ast::as<ast::In>(expr).select;
    default: return nullptr;
  }
}

class Search {
 public:
  Search(const CompileContext& context, const Table& table) : context_(context), table_(table) {}

  bool in_expr(const ast::Expr* expr) {
    if (expr == nullptr) return false;
    if (const ast::Select* select = select_of(*expr); select != nullptr && in_select(*select)) {
      return true;
    }
    if (const auto* in = ast::as_if<ast::In>(expr); in != nullptr && ast::present(in->table)) {
      if (is_table(in->schema, in->table)) return true;
    }
    bool found = false;
    ast::for_each_child(*expr, [&](const ast::Expr& child) { found = found || in_expr(&child); });
    return found;
  }

  bool in_select(const ast::Select& select) {
    bool found = in_expr(select.limit) || in_expr(select.offset);
    if (select.with != nullptr) {
      for (const ast::Cte* cte : select.with->ctes) found = found || in_select(*cte->select);
    }
    for (const ast::SelectCore* core : select.cores) found = found || in_core(*core);
    for (const ast::OrderTerm& term : select.order_by) found = found || in_expr(term.expr);
    return found;
  }

 private:
  bool is_table(std::string_view schema, std::string_view name) {
    const Table* known = context_.find_table(schema, name);
    if (known == nullptr || known->kind != TableKind::view) return known == &table_;
    // Whatever a view reads that is defined in a circle, it will not be planned.
    if (std::find(views_.begin(), views_.end(), known) != views_.end()) return true;
    views_.push_back(known);
    const bool found = in_select(*known->view);
    views_.pop_back();
    return found;
  }

  bool in_source(const ast::Source& source) {
    if (source.select != nullptr && in_select(*source.select)) return true;
    if (source.kind == ast::SourceKind::table && is_table(source.schema, source.name)) return true;
    bool found = in_expr(source.on);
    for (const ast::Expr* argument : source.arguments) found = found || in_expr(argument);
    for (const ast::Source* nested : source.nested) found = found || in_source(*nested);
    return found;
  }

  bool in_core(const ast::SelectCore& core) {
    bool found = in_expr(core.where) || in_expr(core.having);
    for (const auto& row : core.rows) {
      for (const ast::Expr* value : row) found = found || in_expr(value);
    }
    for (const ast::ResultColumn& column : core.columns) found = found || in_expr(column.expr);
    for (const ast::Source* source : core.from) found = found || in_source(*source);
    for (const ast::Expr* term : core.group_by) found = found || in_expr(term);
    return found;
  }

  const CompileContext& context_;
  const Table& table_;
  std::vector<const Table*> views_;  ///< those around what is looked at
};

}  // namespace

bool has_subquery(const ast::Expr& expr) {
  if (select_of(expr) != nullptr) return true;
  if (const auto* in = ast::as_if<ast::In>(&expr); in != nullptr && ast::present(in->table)) {
    return true;
  }
  bool found = false;
  ast::for_each_child(expr, [&](const ast::Expr& child) { found = found || has_subquery(child); });
  return found;
}

bool reads_table(const CompileContext& context, const ast::Expr& expr, const Table& table) {
  return Search(context, table).in_expr(&expr);
}

bool reads_table(const CompileContext& context, const ast::Select& select, const Table& table) {
  return Search(context, table).in_select(select);
}

}  // namespace saturn::sql
