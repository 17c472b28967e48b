#include "plan/count_uses.hpp"

#include "base/text.hpp"
#include "parser/ast_children.hpp"

namespace saturn::sql {
namespace {

class UseCounter {
 public:
  explicit UseCounter(std::string_view name) : name_(name) {}

  void visit(const ast::Select* select) {
    if (select == nullptr) return;
    if (select->with != nullptr) {
      for (const ast::Cte* cte : select->with->ctes) visit(cte->select);
    }
    for (const ast::SelectCore* core : select->cores) visit(*core);
    for (const ast::OrderTerm& term : select->order_by) visit(term.expr);
    visit(select->limit);
    visit(select->offset);
  }

  std::size_t count() const noexcept { return count_; }

 private:
  void visit(const ast::SelectCore& core) {
    for (const List<ast::Expr*>& row : core.rows) visit(row);
    for (const ast::ResultColumn& column : core.columns) visit(column.expr);
    visit(core.from);
    visit(core.where);
    visit(core.group_by);
    visit(core.having);
    for (const ast::WindowDef* window : core.windows) visit(window);
  }

  void visit(const List<ast::Source*>& from) {
    for (const ast::Source* source : from) {
      visit_name(source->schema, source->name);
      visit(source->arguments);
      visit(source->select);
      visit(source->nested);
      visit(source->on);
    }
  }

  void visit(const ast::WindowDef* window) {
    if (window == nullptr) return;
    visit(window->partition_by);
    for (const ast::OrderTerm& term : window->order_by) visit(term.expr);
    visit(window->start_offset);
    visit(window->end_offset);
  }

  void visit(const List<ast::Expr*>& list) {
    for (const ast::Expr* expr : list) visit(expr);
  }

  void visit(const ast::Expr* expr) {
    if (expr == nullptr) return;
    if (const auto* exists = ast::as_if<ast::Exists>(expr)) visit(exists->select);
    if (const auto* subquery = ast::as_if<ast::Subquery>(expr)) visit(subquery->select);
    if (const auto* call = ast::as_if<ast::Function>(expr)) visit(call->over);
    if (const auto* in = ast::as_if<ast::In>(expr)) {
      visit(in->select);
      visit_name(in->schema, in->table);
    }
    ast::for_each_child(*expr, [&](const ast::Expr& child) { visit(&child); });
  }

  void visit_name(std::string_view schema, std::string_view name) {
    if (ast::present(name) && !ast::present(schema) && equals_nocase(name, name_)) ++count_;
  }

  const std::string_view name_;
  std::size_t count_ = 0;
};

}  // namespace

std::size_t count_uses(const ast::Select& select, std::string_view name) {
  UseCounter counter(name);
  counter.visit(&select);
  return counter.count();
}

}  // namespace saturn::sql
