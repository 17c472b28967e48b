#include "parser/parser_impl.hpp"

namespace saturn::sql {

using namespace ast;

bool Parser::parse_if_not_exists() {
  if (!accept(Tok::kw_if)) return false;
  expect(Tok::kw_not);
  expect(Tok::kw_exists);
  return true;
}

Stmt* Parser::parse_create() {
  advance();
  const bool temporary = accept(Tok::kw_temp) || accept(Tok::kw_temporary);
  if (accept(Tok::kw_table)) return parse_create_table(temporary);
  if (accept(Tok::kw_view)) return parse_create_view(temporary);
  if (accept(Tok::kw_trigger)) return parse_create_trigger(temporary);
  if (!temporary && accept(Tok::kw_virtual)) return parse_create_virtual_table();
  if (!temporary && (is(Tok::kw_unique) || is(Tok::kw_index))) return parse_create_index();
  fail_near();
  return nullptr;
}

Stmt* Parser::parse_create_view(bool temporary) {
  auto* stmt = make_stmt<CreateViewStmt>();
  stmt->temporary = temporary;
  stmt->if_not_exists = parse_if_not_exists();
  stmt->written_name = parse_qualified(stmt->schema, stmt->name);
  stmt->columns = parse_optional_columns();
  expect(Tok::kw_as);
  if (!at_select()) fail_near();
  databases_ = &stmt->databases;
  stmt->select = parse_select();
  if (parsed_.parameter_count > 0) fail("parameters are not allowed in views");
  return stmt;
}

Stmt* Parser::parse_create_index() {
  auto* stmt = make_stmt<CreateIndexStmt>();
  stmt->unique = accept(Tok::kw_unique);
  expect(Tok::kw_index);
  stmt->if_not_exists = parse_if_not_exists();
  parse_qualified(stmt->schema, stmt->name);
  expect(Tok::kw_on);
  stmt->table = parse_name();
  expect(Tok::lparen);
  stmt->key = parse_order_terms();
  expect(Tok::rparen);
  for (const OrderTerm& term : stmt->key) {
    if (term.nulls == NullsOrder::unspecified) continue;
    fail(cat("unsupported use of NULLS ", term.nulls == NullsOrder::first ? "FIRST" : "LAST"));
  }
  if (accept(Tok::kw_where)) stmt->where = parse_expr();
  return stmt;
}

Stmt* Parser::parse_create_virtual_table() {
  auto* stmt = make_stmt<CreateVirtualTableStmt>();
  expect(Tok::kw_table);
  stmt->if_not_exists = parse_if_not_exists();
  parse_qualified(stmt->schema, stmt->name);
  expect(Tok::kw_using);
  stmt->module = parse_name();
  if (!accept(Tok::lparen)) return stmt;
  std::uint32_t start = token_.at;
  for (std::uint32_t depth = 0; depth > 0 || !is(Tok::rparen); advance()) {
    if (is(Tok::end)) fail_near();
    if (failed()) return stmt;
    if (is(Tok::lparen)) ++depth;
    if (is(Tok::rparen)) --depth;
    if (is(Tok::comma) && depth == 0) {
      stmt->arguments.push(arena_, text_from(start));
      start = token_.at + 1;
      while (start < lexer_.text().size() && lexer_.text()[start] <= ' ') ++start;
    }
  }
  if (start < token_.at || !stmt->arguments.empty()) {
    stmt->arguments.push(arena_, text_from(start));
  }
  advance();
  return stmt;
}

Stmt* Parser::parse_create_trigger(bool temporary) {
  auto* stmt = make_stmt<CreateTriggerStmt>();
  stmt->temporary = temporary;
  databases_ = &stmt->databases;
  stmt->if_not_exists = parse_if_not_exists();
  stmt->written_name = parse_qualified(stmt->schema, stmt->name);
  if (accept(Tok::kw_after)) {
    stmt->time = TriggerTime::after;
  } else if (accept(Tok::kw_instead)) {
    expect(Tok::kw_of);
    stmt->time = TriggerTime::instead_of;
  } else {
    accept(Tok::kw_before);
  }
  if (accept(Tok::kw_delete)) {
    stmt->event = TriggerEvent::remove;
  } else if (accept(Tok::kw_update)) {
    stmt->event = TriggerEvent::update;
    if (accept(Tok::kw_of)) stmt->update_of = parse_name_list();
  } else {
    expect(Tok::kw_insert);
  }
  expect(Tok::kw_on);
  parse_qualified(stmt->table_schema, stmt->table);
  if (accept(Tok::kw_for)) {
    expect(Tok::kw_each);
    expect(Tok::kw_row);
    stmt->for_each_row = true;
  }
  if (accept(Tok::kw_when)) stmt->when = parse_expr();
  expect(Tok::kw_begin);
  do {
    const std::uint32_t at = token_.at;
    Stmt* step = parse_dml(true);
    if (step != nullptr) {
      step->at = at;
      step->text = text_from(at);
      stmt->body.push(arena_, step);
    }
    expect(Tok::semicolon);
  } while (!is(Tok::kw_end) && !failed());
  expect(Tok::kw_end);
  if (parsed_.parameter_count > 0) fail("trigger cannot use variables");
  return stmt;
}

Stmt* Parser::parse_drop() {
  auto* stmt = make_stmt<DropStmt>();
  advance();
  stmt->object = is(Tok::kw_view)    ? ObjectKind::view
                 : is(Tok::kw_index) ? ObjectKind::index
                 : is(Tok::kw_table) ? ObjectKind::table
                                     : ObjectKind::trigger;
  if (!accept(Tok::kw_view) && !accept(Tok::kw_index) && !accept(Tok::kw_table)) {
    expect(Tok::kw_trigger);
  }
  if (accept(Tok::kw_if)) {
    expect(Tok::kw_exists);
    stmt->if_exists = true;
  }
  parse_qualified(stmt->schema, stmt->name);
  return stmt;
}

Stmt* Parser::parse_alter() {
  auto* stmt = make_stmt<AlterStmt>();
  advance();
  expect(Tok::kw_table);
  parse_qualified(stmt->schema, stmt->table);
  if (accept(Tok::kw_add)) {
    stmt->action = AlterKind::add_column;
    accept(Tok::kw_column);
    stmt->definition = parse_column_def();
  } else if (accept(Tok::kw_drop)) {
    stmt->action = AlterKind::drop_column;
    accept(Tok::kw_column);
    stmt->written_column = token_.text;
    stmt->column = parse_name();
  } else {
    expect(Tok::kw_rename);
    if (!accept(Tok::kw_to)) {
      stmt->action = AlterKind::rename_column;
      accept(Tok::kw_column);
      stmt->written_column = token_.text;
      stmt->column = parse_name();
      expect(Tok::kw_to);
    }
    stmt->new_name = parse_name();
  }
  return stmt;
}

}  // namespace saturn::sql
