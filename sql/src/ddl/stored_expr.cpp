#include "ddl/stored_expr.hpp"

#include "base/text.hpp"
#include "functions/function.hpp"
#include "parser/ast_children.hpp"

namespace saturn::sql {
namespace {

std::string_view name_of(StoredExpr use) {
  switch (use) {
    case StoredExpr::check: return "CHECK constraints";
    case StoredExpr::index_key: return "index expressions";
    case StoredExpr::partial_index: return "partial index WHERE clauses";
    case StoredExpr::generated: return "generated columns";
    case StoredExpr::default_value: break;
  }
  return "DEFAULT";
}

bool is_rowid(std::string_view name) {
  return equals_nocase(name, "rowid") || equals_nocase(name, "oid") ||
         equals_nocase(name, "_rowid_");
}

bool is_truth(const ast::Column& name) {
  return !name.quoted && !ast::present(name.table) &&
         (equals_nocase(name.name, "true") || equals_nocase(name.name, "false"));
}

class Checker {
 public:
  Checker(const Table& table, StoredExpr use, std::string_view column)
      : table_(table), use_(use), column_(column) {}

  Result<void> check(const ast::Expr& expr) const {
    TRY(check_node(expr));
    Result<void> outcome;
    ast::for_each_child(expr, [&](const ast::Expr& child) {
      if (outcome) outcome = check(child);
    });
    return outcome;
  }

 private:
  Error prohibited(const ast::Expr& expr, std::string_view what) const {
    if (use_ == StoredExpr::default_value) {
      return Error(Code::error, cat("default value of column [", column_, "] is not constant"))
          .at(expr.at);
    }
    return Error(Code::error, cat(what, " prohibited in ", name_of(use_))).at(expr.at);
  }

  Result<void> check_node(const ast::Expr& expr) const;
  /// Whether the table may be in a database of this name.
  bool is_database(std::string_view name) const noexcept {
    if (table_.database > kTempDatabase) return true;
    return equals_nocase(name, table_.database == kTempDatabase ? "temp" : "main");
  }

  const Table& table_;
  const StoredExpr use_;
  const std::string_view column_;
};

Result<void> Checker::check_node(const ast::Expr& expr) const {
  switch (expr.kind) {
    case ast::ExprKind::literal:
      if (ast::as<ast::Literal>(expr).literal < ast::LiteralKind::current_date ||
          use_ == StoredExpr::check || use_ == StoredExpr::default_value) {
        return {};
      }
      return prohibited(expr, "non-deterministic functions");
    case ast::ExprKind::variable: return prohibited(expr, "parameters");
    case ast::ExprKind::exists:
    case ast::ExprKind::subquery: return prohibited(expr, "subqueries");
    case ast::ExprKind::in: {
      const auto& in = ast::as<ast::In>(expr);
      if (in.select != nullptr || ast::present(in.table)) return prohibited(expr, "subqueries");
      return {};
    }
    case ast::ExprKind::column: {
      const auto& name = ast::as<ast::Column>(expr);
      if (ast::present(name.table) &&
          (use_ == StoredExpr::index_key || use_ == StoredExpr::generated)) {
        const bool known = equals_nocase(name.table, table_.name) &&
                           (!ast::present(name.schema) || is_database(name.schema)) &&
                           (table_.find_column(name.name) >= 0 || is_rowid(name.name));
        if (known) return prohibited(expr, "the \".\" operator");
        const std::string schema = ast::present(name.schema) ? cat(name.schema, ".") : "";
        return Error(Code::error, cat("no such column: ", schema, name.table, ".", name.name))
            .at(expr.at);
      }
      if (use_ == StoredExpr::default_value && !is_truth(name)) return prohibited(expr, "columns");
      // In double quotes it is a text there.
      if ((use_ == StoredExpr::index_key || use_ == StoredExpr::generated) && is_rowid(name.name) &&
          !name.double_quoted && table_.find_column(name.name) < 0) {
        return Error(Code::error, cat("no such column: ", name.name)).at(expr.at);
      }
      return {};
    }
    case ast::ExprKind::function: {
      if (use_ == StoredExpr::check || use_ == StoredExpr::default_value) return {};
      const auto& call = ast::as<ast::Function>(expr);
      const int count = call.star ? 0 : static_cast<int>(call.arguments.size());
      const Result<const Function*> function = FunctionRegistry::find(call.name, count);
      // A function that does not exist is the binder's error. What tells of the engine may be
      // something else in its next version.
      if (function && (!(*function)->deterministic || (*function)->name.starts_with("sqlite_"))) {
        return prohibited(expr, "non-deterministic functions");
      }
      return {};
    }
    default: return {};
  }
}

}  // namespace

Result<void> check_stored_expr(const Table& table, const ast::Expr& expr, StoredExpr use,
                               std::string_view column) {
  return Checker(table, use, column).check(expr);
}

}  // namespace saturn::sql
