#pragma once

#include "base/error.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "io/fiber.hpp"
#include "parser/ast.hpp"
#include "parser/lexer.hpp"
#include "parser/parser.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace saturn::sql {

/// The recursive-descent parser of one statement.
///
/// The first error is kept and the current token becomes `Tok::poison`, which nothing accepts: all
/// loops end, every function returns (expressions return a NULL literal, never a null pointer), and
/// `finish` reports. So the rules below carry no error plumbing, and their frames stay small.
class Parser {
 public:
  Parser(std::string_view sql, Arena& arena);
  Result<Parsed> run();

 private:
  // parser.cpp: tokens, names, errors
  bool is(Tok kind) const noexcept { return token_.kind == kind; }
  void advance();
  bool accept(Tok kind);
  void expect(Tok kind);
  Tok peek() const;
  bool failed() const noexcept { return error_.has_value(); }
  void fail(std::string message, std::int64_t at = -1);
  void fail_near();
  std::string_view dequote(const Token& token);
  bool at_name() const noexcept;
  bool at_alias() const noexcept;
  std::string_view parse_name();
  std::string_view parse_identifier_or_string();
  /// Returns the name as it was written, its quotes included.
  std::string_view parse_qualified(std::string_view& schema, std::string_view& name);
  /// For views and triggers: which databases their tables are said to be of.
  void note_database(std::string_view schema) {
    if (databases_ != nullptr && ast::present(schema)) databases_->push(arena_, schema);
  }
  List<std::string_view> parse_name_list();
  std::string_view text_from(std::uint32_t start) const;
  ast::Stmt* parse_statement();
  ast::Explain parse_explain_options();
  ast::Stmt* parse_command();

  /// Counts nesting, and sees that the chain of rules leaves room on the fiber's stack.
  class Nest {
   public:
    explicit Nest(Parser& parser) : parser_(parser) {
      if (++parser_.nesting_ > limits::kParserDepthMax ||
          io::stack_left() < limits::kFiberStackReserve) {
        parser_.fail("parser stack overflow");
      }
    }
    ~Nest() { --parser_.nesting_; }
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;

   private:
    Parser& parser_;
  };

  // parse_expr.cpp
  ast::Expr* parse_expr() { return parse_binary(1, false); }
  ast::Expr* parse_binary(int min_precedence, bool stop_at_and);
  ast::Expr* parse_infix(ast::Expr* left, int precedence);
  ast::Expr* parse_is(ast::Expr* left);
  ast::Expr* parse_like(ast::Expr* left, bool negated);
  ast::Expr* parse_between(ast::Expr* left, bool negated);
  ast::Expr* parse_in(ast::Expr* left, bool negated);
  ast::Expr* parse_prefix();
  ast::Expr* parse_primary();
  ast::Expr* parse_literal(ast::LiteralKind kind);
  ast::Expr* parse_number();
  ast::Expr* parse_variable();
  void number_variable(ast::Variable& variable, std::string_view text);
  ast::Expr* parse_parenthesised();
  ast::Expr* parse_name_expr();
  ast::Expr* parse_function(std::uint32_t at, std::string_view name);
  ast::Expr* parse_cast();
  ast::Expr* parse_case();
  ast::Expr* parse_exists();
  ast::Expr* parse_raise();
  List<ast::Expr*> parse_expr_list();
  List<ast::Expr*> parse_optional_list_to_rparen();
  std::string_view parse_type();
  ast::WindowDef* parse_over();
  ast::WindowDef* parse_window_body();
  void parse_frame(ast::WindowDef& window);
  ast::FrameBound parse_frame_bound(ast::Expr*& offset, bool is_end);
  List<ast::OrderTerm> parse_order_terms();
  List<ast::OrderTerm> parse_order_by();
  void raise_height(ast::Expr& expr, std::uint32_t below);
  void raise_height(ast::Expr& expr, const List<ast::Expr*>& below);
  void raise_height(ast::Expr& expr, const List<ast::OrderTerm>& below);
  template <typename T>
  T* make(std::uint32_t at) {
    T* node = arena_.make<T>();
    node->kind = T::kKind;
    node->at = at;
    node->height = 1;
    return node;
  }

  // parse_select.cpp
  bool at_select() const noexcept;
  ast::Select* parse_select();
  ast::Select* parse_select_after_with(ast::With* with, std::uint32_t at);
  ast::With* parse_with();
  ast::SelectCore* parse_core(ast::Select& select);
  void parse_core_tail(ast::SelectCore& core);
  void parse_values(ast::SelectCore& core);
  ast::CompoundOp accept_compound();
  void parse_result_columns(List<ast::ResultColumn>& columns);
  std::string_view parse_alias();
  List<ast::Source*> parse_sources();
  ast::Source* parse_source();
  bool parse_join_operator(ast::Source& join);
  void parse_join_keywords(ast::Source& join);
  void parse_join_constraint(ast::Source& source, bool first);
  void parse_limit(ast::Expr*& limit, ast::Expr*& offset);
  void measure(ast::Select& select);

  // parse_dml.cpp
  ast::Stmt* parse_dml(bool in_trigger);
  ast::Target parse_target(bool in_trigger, bool may_be_indexed);
  ast::Conflict parse_conflict_action();
  ast::InsertStmt* parse_insert(ast::With* with, bool in_trigger);
  ast::Upsert* parse_upsert();
  List<ast::Assignment> parse_assignments();
  List<ast::ResultColumn> parse_returning();
  ast::UpdateStmt* parse_update(ast::With* with, bool in_trigger);
  ast::DeleteStmt* parse_delete(ast::With* with, bool in_trigger);
  template <typename T>
  T* make_stmt() {
    T* stmt = arena_.make<T>();
    stmt->kind = T::kKind;
    return stmt;
  }

  // parse_table.cpp
  ast::Stmt* parse_create_table(bool temporary);
  void parse_table_options(ast::CreateTableStmt& stmt);
  ast::ColumnDef* parse_column_def();
  ast::Constraint* parse_column_constraint(ast::ColumnDef& column);
  void parse_default(ast::Constraint& c);
  ast::Expr* parse_default_term(bool name_allowed);
  void parse_check(ast::Constraint& c);
  void parse_generated(ast::Constraint& c);
  ast::Conflict parse_on_conflict();
  ast::References* parse_references();
  ast::Action parse_action();
  void parse_deferral(ast::References& references);
  List<std::string_view> parse_optional_columns();
  bool at_table_constraint() const noexcept;
  ast::Constraint* parse_table_constraint();

  // parse_ddl.cpp
  bool parse_if_not_exists();
  ast::Stmt* parse_create();
  ast::Stmt* parse_create_view(bool temporary);
  ast::Stmt* parse_create_index();
  ast::Stmt* parse_create_virtual_table();
  ast::Stmt* parse_create_trigger(bool temporary);
  ast::Stmt* parse_drop();
  ast::Stmt* parse_alter();

  // parse_admin.cpp
  ast::Stmt* parse_begin();
  bool accept_readonly();
  void parse_transaction_name();
  ast::Stmt* parse_commit();
  ast::Stmt* parse_rollback();
  ast::Stmt* parse_savepoint();
  ast::Stmt* parse_release();
  ast::Stmt* parse_attach();
  ast::Stmt* parse_detach();
  ast::Stmt* parse_pragma();
  ast::Stmt* parse_vacuum();
  ast::Stmt* parse_analyze();
  ast::Stmt* parse_reindex();

  Arena& arena_;
  Lexer lexer_;
  Token token_;
  std::uint32_t last_end_ = 0;  ///< end of the token before `token_`
  std::uint32_t nesting_ = 0;
  std::optional<Error> error_;
  Parsed parsed_;
  List<std::string_view>* databases_ = nullptr;  ///< of the view or trigger; null: of no interest
};

}  // namespace saturn::sql
