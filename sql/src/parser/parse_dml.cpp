#include "parser/parser_impl.hpp"

namespace saturn::sql {

using namespace ast;

/// A statement that may start with WITH. In a trigger's body (`in_trigger`) only SELECT may.
Stmt* Parser::parse_dml(bool in_trigger) {
  const std::uint32_t at = token_.at;
  With* with = is(Tok::kw_with) ? parse_with() : nullptr;
  const bool changes_allowed = with == nullptr || !in_trigger;
  if (changes_allowed) {
    switch (token_.kind) {
      case Tok::kw_insert:
      case Tok::kw_replace: return parse_insert(with, in_trigger);
      case Tok::kw_update: return parse_update(with, in_trigger);
      case Tok::kw_delete: return parse_delete(with, in_trigger);
      default: break;
    }
  }
  if (!is(Tok::kw_select) && !is(Tok::kw_values)) {
    fail_near();
    return nullptr;
  }
  auto* stmt = make_stmt<SelectStmt>();
  stmt->select = parse_select_after_with(with, at);
  return stmt;
}

Target Parser::parse_target(bool in_trigger, bool may_be_indexed) {
  Target target;
  target.at = token_.at;
  parse_qualified(target.schema, target.name);
  if (in_trigger && present(target.schema)) {
    fail(
        "qualified table names are not allowed on INSERT, UPDATE, and DELETE statements within "
        "triggers");
  }
  if (!in_trigger && accept(Tok::kw_as)) target.alias = parse_name();
  if (!may_be_indexed) return target;
  if (accept(Tok::kw_indexed)) {
    expect(Tok::kw_by);
    target.indexed = Indexed::by;
    target.index = parse_name();
  } else if (accept(Tok::kw_not)) {
    expect(Tok::kw_indexed);
    target.indexed = Indexed::none;
  }
  if (in_trigger && target.indexed != Indexed::unspecified) {
    fail(cat("the ", target.indexed == Indexed::by ? "INDEXED BY" : "NOT INDEXED",
             " clause is not allowed on UPDATE or DELETE statements within triggers"));
  }
  return target;
}

/// OR ROLLBACK and so on, or ON CONFLICT ROLLBACK after `keyword`.
Conflict Parser::parse_conflict_action() {
  if (accept(Tok::kw_rollback)) return Conflict::rollback;
  if (accept(Tok::kw_abort)) return Conflict::abort;
  if (accept(Tok::kw_fail)) return Conflict::fail;
  if (accept(Tok::kw_ignore)) return Conflict::ignore;
  expect(Tok::kw_replace);
  return Conflict::replace;
}

InsertStmt* Parser::parse_insert(With* with, bool in_trigger) {
  auto* stmt = make_stmt<InsertStmt>();
  stmt->with = with;
  if (accept(Tok::kw_replace)) {
    stmt->conflict = Conflict::replace;
  } else {
    expect(Tok::kw_insert);
    if (accept(Tok::kw_or)) stmt->conflict = parse_conflict_action();
  }
  expect(Tok::kw_into);
  stmt->target = parse_target(in_trigger, false);
  if (accept(Tok::lparen)) {
    stmt->columns = parse_name_list();
    expect(Tok::rparen);
  }
  if (!in_trigger && accept(Tok::kw_default)) {
    expect(Tok::kw_values);
  } else {
    if (!at_select()) fail_near();
    stmt->select = parse_select();
    while (is(Tok::kw_on)) {
      Upsert* upsert = parse_upsert();
      stmt->upserts.push(arena_, upsert);
      if (upsert->target.empty()) break;
    }
  }
  if (in_trigger && is(Tok::kw_returning)) fail("cannot use RETURNING in a trigger");
  stmt->returning = parse_returning();
  return stmt;
}

Upsert* Parser::parse_upsert() {
  auto* upsert = arena_.make<Upsert>();
  upsert->at = token_.at;
  expect(Tok::kw_on);
  expect(Tok::kw_conflict);
  if (accept(Tok::lparen)) {
    upsert->target = parse_order_terms();
    expect(Tok::rparen);
    if (accept(Tok::kw_where)) upsert->target_where = parse_expr();
  }
  expect(Tok::kw_do);
  if (accept(Tok::kw_nothing)) return upsert;
  expect(Tok::kw_update);
  expect(Tok::kw_set);
  upsert->update = true;
  upsert->assignments = parse_assignments();
  if (accept(Tok::kw_where)) upsert->where = parse_expr();
  return upsert;
}

List<Assignment> Parser::parse_assignments() {
  List<Assignment> assignments;
  do {
    Assignment assignment;
    assignment.at = token_.at;
    if (accept(Tok::lparen)) {
      assignment.is_row = true;
      assignment.columns = parse_name_list();
      expect(Tok::rparen);
    } else {
      assignment.columns.push(arena_, parse_name());
    }
    expect(Tok::eq);
    assignment.value = parse_expr();
    assignments.push(arena_, assignment);
  } while (accept(Tok::comma));
  return assignments;
}

List<ResultColumn> Parser::parse_returning() {
  List<ResultColumn> columns;
  if (accept(Tok::kw_returning)) parse_result_columns(columns);
  return columns;
}

UpdateStmt* Parser::parse_update(With* with, bool in_trigger) {
  auto* stmt = make_stmt<UpdateStmt>();
  stmt->with = with;
  expect(Tok::kw_update);
  if (accept(Tok::kw_or)) stmt->conflict = parse_conflict_action();
  stmt->target = parse_target(in_trigger, true);
  expect(Tok::kw_set);
  stmt->assignments = parse_assignments();
  if (accept(Tok::kw_from)) stmt->from = parse_sources();
  if (accept(Tok::kw_where)) stmt->where = parse_expr();
  if (!in_trigger) stmt->returning = parse_returning();
  return stmt;
}

DeleteStmt* Parser::parse_delete(With* with, bool in_trigger) {
  auto* stmt = make_stmt<DeleteStmt>();
  stmt->with = with;
  expect(Tok::kw_delete);
  expect(Tok::kw_from);
  stmt->target = parse_target(in_trigger, true);
  if (accept(Tok::kw_where)) stmt->where = parse_expr();
  if (!in_trigger) stmt->returning = parse_returning();
  return stmt;
}

}  // namespace saturn::sql
