#include "parser/parser_impl.hpp"

namespace saturn::sql {

using namespace ast;

/// READONLY, which SQLite does not know and Hrana's clients use.
bool Parser::accept_readonly() {
  if (!is(Tok::identifier) || !equals_nocase(token_.text, "readonly")) return false;
  advance();
  return true;
}

Stmt* Parser::parse_begin() {
  auto* stmt = make_stmt<BeginStmt>();
  advance();
  if (accept(Tok::kw_immediate)) {
    stmt->mode = BeginMode::immediate;
  } else if (accept(Tok::kw_exclusive)) {
    stmt->mode = BeginMode::exclusive;
  } else if (accept_readonly()) {
    stmt->mode = BeginMode::readonly;
  } else {
    accept(Tok::kw_deferred);
  }
  // BEGIN TRANSACTION READONLY is what the clients send; to SQLite it would be a name.
  if (accept(Tok::kw_transaction)) {
    if (accept_readonly()) {
      stmt->mode = BeginMode::readonly;
    } else if (at_name()) {
      parse_name();
    }
  }
  return stmt;
}

/// [TRANSACTION [name]]; SQLite reads the name and forgets it.
void Parser::parse_transaction_name() {
  if (accept(Tok::kw_transaction) && at_name()) parse_name();
}

Stmt* Parser::parse_commit() {
  auto* stmt = make_stmt<CommitStmt>();
  advance();
  parse_transaction_name();
  return stmt;
}

Stmt* Parser::parse_rollback() {
  auto* stmt = make_stmt<RollbackStmt>();
  advance();
  parse_transaction_name();
  if (accept(Tok::kw_to)) {
    accept(Tok::kw_savepoint);
    stmt->savepoint = parse_name();
  }
  return stmt;
}

Stmt* Parser::parse_savepoint() {
  auto* stmt = make_stmt<SavepointStmt>();
  advance();
  stmt->name = parse_name();
  return stmt;
}

Stmt* Parser::parse_release() {
  auto* stmt = make_stmt<ReleaseStmt>();
  advance();
  accept(Tok::kw_savepoint);
  stmt->name = parse_name();
  return stmt;
}

Stmt* Parser::parse_attach() {
  auto* stmt = make_stmt<AttachStmt>();
  advance();
  accept(Tok::kw_database);
  stmt->file = parse_expr();
  expect(Tok::kw_as);
  stmt->schema = parse_expr();
  if (accept(Tok::kw_key)) stmt->key = parse_expr();
  return stmt;
}

Stmt* Parser::parse_detach() {
  auto* stmt = make_stmt<DetachStmt>();
  advance();
  accept(Tok::kw_database);
  stmt->schema = parse_expr();
  return stmt;
}

Stmt* Parser::parse_pragma() {
  auto* stmt = make_stmt<PragmaStmt>();
  advance();
  parse_qualified(stmt->schema, stmt->name);
  stmt->call = is(Tok::lparen);
  if (!accept(Tok::eq) && !accept(Tok::lparen)) return stmt;
  if (is(Tok::kw_on) || is(Tok::kw_delete) || is(Tok::kw_default)) {
    stmt->value = token_.text;
    advance();
  } else if (at_name()) {
    stmt->value = parse_name();
  } else {
    const bool negative = is(Tok::minus);
    if (!accept(Tok::plus)) accept(Tok::minus);
    if (!is(Tok::real) && !is(Tok::qnumber) && !is(Tok::integer)) fail_near();
    const auto* number = as_if<Literal>(failed() ? nullptr : parse_number());
    stmt->value = number == nullptr ? std::string_view() : number->text;
    if (negative) stmt->value = arena_.copy(cat("-", stmt->value));
  }
  if (stmt->call) expect(Tok::rparen);
  return stmt;
}

Stmt* Parser::parse_vacuum() {
  auto* stmt = make_stmt<VacuumStmt>();
  advance();
  if (at_name()) stmt->schema = parse_name();
  if (accept(Tok::kw_into)) stmt->into = parse_expr();
  return stmt;
}

Stmt* Parser::parse_analyze() {
  auto* stmt = make_stmt<AnalyzeStmt>();
  advance();
  if (at_name()) parse_qualified(stmt->schema, stmt->name);
  return stmt;
}

Stmt* Parser::parse_reindex() {
  auto* stmt = make_stmt<ReindexStmt>();
  advance();
  if (at_name()) parse_qualified(stmt->schema, stmt->name);
  return stmt;
}

}  // namespace saturn::sql
