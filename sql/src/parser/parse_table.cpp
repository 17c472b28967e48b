#include "parser/parser_impl.hpp"

namespace saturn::sql {

using namespace ast;

/// After CREATE [TEMP] TABLE.
Stmt* Parser::parse_create_table(bool temporary) {
  auto* stmt = make_stmt<CreateTableStmt>();
  stmt->temporary = temporary;
  stmt->if_not_exists = parse_if_not_exists();
  stmt->written_name = parse_qualified(stmt->schema, stmt->name);
  if (accept(Tok::kw_as)) {
    if (!at_select()) fail_near();
    stmt->select = parse_select();
    return stmt;
  }
  expect(Tok::lparen);
  do {
    // Constraints start with reserved words; the first entry is always a column.
    if (!stmt->columns.empty() && at_table_constraint()) break;
    stmt->columns.push(arena_, parse_column_def());
    if (stmt->columns.size() > limits::kColumnsMax) {
      fail(cat("too many columns on ", stmt->name));
    }
  } while (accept(Tok::comma));
  if (at_table_constraint()) {
    do {
      if (Constraint* constraint = parse_table_constraint()) {
        stmt->constraints.push(arena_, constraint);
      }
      if (accept(Tok::comma) && !at_table_constraint()) fail_near();
    } while (at_table_constraint());
  }
  expect(Tok::rparen);
  parse_table_options(*stmt);
  return stmt;
}

void Parser::parse_table_options(CreateTableStmt& stmt) {
  if (!is(Tok::kw_without) && !at_name()) return;
  do {
    const bool without = accept(Tok::kw_without);
    const std::string_view word = token_.text;
    const std::string_view option = parse_name();
    if (without && equals_nocase(option, "rowid")) {
      stmt.without_rowid = true;
    } else if (!without && equals_nocase(option, "strict")) {
      stmt.strict = true;
    } else {
      fail(cat("unknown table option: ", word));
    }
  } while (accept(Tok::comma));
}

namespace {

/// `type` without a last word `word`, in any case, and the white space before it; all of it where
/// its end is another.
std::string_view without_end(std::string_view type, std::string_view word) {
  if (type.size() < word.size()) return type;
  const std::size_t rest = type.size() - word.size();
  if (!equals_nocase(type.substr(rest), word)) return type;
  const std::size_t last = type.substr(0, rest).find_last_not_of(" \t\n\v\f\r");
  return type.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

/// GENERATED and ALWAYS are words that a type may have; at its end they begin a generated column.
std::string_view without_generated_always(std::string_view type) {
  if (type.size() < 16) return type;
  const std::string_view shorter = without_end(type, "always");
  return shorter.size() == type.size() ? type : without_end(shorter, "generated");
}

}  // namespace

ColumnDef* Parser::parse_column_def() {
  auto* column = arena_.make<ColumnDef>();
  column->at = token_.at;
  column->name = parse_name();
  column->type = without_generated_always(parse_type());
  for (;;) {
    std::string_view name;
    if (accept(Tok::kw_constraint)) name = parse_name();
    if (is(Tok::kw_deferrable) || (is(Tok::kw_not) && peek() == Tok::kw_deferrable)) {
      References unused;  // SQLite lets it stand alone, and means the foreign key before it
      References* references = &unused;
      for (Constraint* c : column->constraints) {
        if (c->references != nullptr) references = c->references;
      }
      parse_deferral(*references);
      continue;
    }
    Constraint* constraint = parse_column_constraint(*column);
    if (constraint != nullptr) {
      constraint->name = name;
      column->constraints.push(arena_, constraint);
    } else if (!present(name)) {
      break;
    }
  }
  column->text = text_from(column->at);
  return column;
}

/// One constraint of a column, or null when none follows.
Constraint* Parser::parse_column_constraint(ColumnDef& column) {
  if (failed()) return nullptr;
  auto* c = arena_.make<Constraint>();
  c->at = token_.at;
  c->of_column = true;
  switch (token_.kind) {
    case Tok::kw_default: parse_default(*c); return c;
    case Tok::kw_null:
      advance();
      c->kind = ConstraintKind::null;
      break;
    case Tok::kw_not:
      advance();
      expect(Tok::kw_null);
      c->kind = ConstraintKind::not_null;
      break;
    case Tok::kw_primary:
      advance();
      expect(Tok::kw_key);
      c->kind = ConstraintKind::primary_key;
      if (accept(Tok::kw_asc))
        c->order = SortOrder::asc;
      else if (accept(Tok::kw_desc))
        c->order = SortOrder::desc;
      c->conflict = parse_on_conflict();
      c->autoincrement = accept(Tok::kw_autoincrement);
      return c;
    case Tok::kw_unique:
      advance();
      c->kind = ConstraintKind::unique;
      break;
    case Tok::kw_check: parse_check(*c); return c;
    case Tok::kw_references:
      c->kind = ConstraintKind::foreign_key;
      c->columns.push(arena_, column.name);
      c->references = parse_references();
      return c;
    case Tok::kw_collate:
      advance();
      c->kind = ConstraintKind::collate;
      c->collation = parse_identifier_or_string();
      return c;
    case Tok::kw_generated:
    case Tok::kw_as: parse_generated(*c); return c;
    default: return nullptr;
  }
  c->conflict = parse_on_conflict();
  return c;
}

void Parser::parse_default(Constraint& c) {
  advance();
  c.kind = ConstraintKind::default_value;
  if (accept(Tok::lparen)) {
    const std::uint32_t start = token_.at;
    c.expr = parse_expr();
    c.text = text_from(start);
    expect(Tok::rparen);
    return;
  }
  const std::uint32_t start = token_.at;
  Unary* sign = nullptr;
  if (is(Tok::plus) || is(Tok::minus)) {
    sign = make<Unary>(token_.at);
    sign->op = is(Tok::plus) ? UnaryOp::plus : UnaryOp::minus;
    advance();
  }
  c.expr = parse_default_term(sign == nullptr);
  if (sign != nullptr) {
    sign->operand = c.expr;
    raise_height(*sign, c.expr->height);
    c.expr = sign;
  }
  c.text = text_from(start);
}

/// A literal, or (when allowed) a bare name, which stands for its own text.
Expr* Parser::parse_default_term(bool name_allowed) {
  switch (token_.kind) {
    case Tok::kw_null:
    case Tok::blob:
    case Tok::integer:
    case Tok::real:
    case Tok::qnumber:
    case Tok::kw_current_date:
    case Tok::kw_current_time:
    case Tok::kw_current_timestamp: return parse_primary();
    case Tok::string: return parse_literal(LiteralKind::string);
    default: break;
  }
  if (!name_allowed || !(is_identifier_like(token_.kind) || is(Tok::kw_indexed))) {
    fail_near();
    return make<Literal>(token_.at);
  }
  if (equals_nocase(token_.text, "true") || equals_nocase(token_.text, "false")) {
    auto* truth = make<Column>(token_.at);
    truth->name = parse_name();
    return truth;
  }
  auto* node = make<Literal>(token_.at);
  node->literal = LiteralKind::string;
  node->text = parse_name();
  return node;
}

void Parser::parse_check(Constraint& c) {
  advance();
  c.kind = ConstraintKind::check;
  expect(Tok::lparen);
  const std::uint32_t start = token_.at;
  c.expr = parse_expr();
  c.text = text_from(start);
  expect(Tok::rparen);
}

void Parser::parse_generated(Constraint& c) {
  c.kind = ConstraintKind::generated;
  if (accept(Tok::kw_generated)) expect(Tok::kw_always);
  expect(Tok::kw_as);
  expect(Tok::lparen);
  const std::uint32_t start = token_.at;
  c.expr = parse_expr();
  c.text = text_from(start);
  expect(Tok::rparen);
  if (!is_identifier_like(token_.kind)) return;
  if (equals_nocase(token_.text, "stored")) {
    c.stored = true;
  } else if (!equals_nocase(token_.text, "virtual")) {
    return fail("error in generated column");
  }
  advance();
}

Conflict Parser::parse_on_conflict() {
  if (!accept(Tok::kw_on)) return Conflict::unspecified;
  expect(Tok::kw_conflict);
  return parse_conflict_action();
}

References* Parser::parse_references() {
  auto* references = arena_.make<References>();
  expect(Tok::kw_references);
  references->table = parse_name();
  references->columns = parse_optional_columns();
  for (;;) {
    if (accept(Tok::kw_match)) {
      parse_name();
    } else if (accept(Tok::kw_on)) {
      if (accept(Tok::kw_delete))
        references->on_delete = parse_action();
      else if (accept(Tok::kw_update))
        references->on_update = parse_action();
      else {
        expect(Tok::kw_insert);
        parse_action();
      }
    } else {
      return references;
    }
  }
}

Action Parser::parse_action() {
  if (accept(Tok::kw_cascade)) return Action::cascade;
  if (accept(Tok::kw_restrict)) return Action::restrict;
  if (accept(Tok::kw_set)) {
    if (accept(Tok::kw_null)) return Action::set_null;
    expect(Tok::kw_default);
    return Action::set_default;
  }
  expect(Tok::kw_no);
  expect(Tok::kw_action);
  return Action::no_action;
}

void Parser::parse_deferral(References& references) {
  references.deferrable = !accept(Tok::kw_not);
  expect(Tok::kw_deferrable);
  references.initially = Deferral::unspecified;
  if (!accept(Tok::kw_initially)) return;
  references.initially = is(Tok::kw_deferred) ? Deferral::deferred : Deferral::immediate;
  if (!accept(Tok::kw_deferred)) expect(Tok::kw_immediate);
}

/// `(a, b)` or nothing. SQLite's grammar lets COLLATE and an order in, to refuse them by name.
List<std::string_view> Parser::parse_optional_columns() {
  List<std::string_view> columns;
  if (!accept(Tok::lparen)) return columns;
  do {
    columns.push(arena_, parse_name());
    if (is(Tok::kw_collate) || is(Tok::kw_asc) || is(Tok::kw_desc)) {
      fail(cat("syntax error after column name \"", columns.back(), "\""));
    }
  } while (accept(Tok::comma));
  expect(Tok::rparen);
  return columns;
}

bool Parser::at_table_constraint() const noexcept {
  return is(Tok::kw_constraint) || is(Tok::kw_primary) || is(Tok::kw_unique) || is(Tok::kw_check) ||
         is(Tok::kw_foreign);
}

/// Null for a name without its constraint, which SQLite lets stand.
Constraint* Parser::parse_table_constraint() {
  auto* c = arena_.make<Constraint>();
  c->at = token_.at;
  if (accept(Tok::kw_constraint)) {
    c->name = parse_name();
    if (is(Tok::comma) || is(Tok::rparen) || is(Tok::kw_constraint)) return nullptr;
  }
  if (accept(Tok::kw_foreign)) {
    expect(Tok::kw_key);
    c->kind = ConstraintKind::foreign_key;
    if (!is(Tok::lparen)) fail_near();
    c->columns = parse_optional_columns();
    c->references = parse_references();
    if (is(Tok::kw_not) || is(Tok::kw_deferrable)) parse_deferral(*c->references);
    return c;
  }
  if (is(Tok::kw_check)) {
    parse_check(*c);
    c->conflict = parse_on_conflict();
    return c;
  }
  c->kind = is(Tok::kw_primary) ? ConstraintKind::primary_key : ConstraintKind::unique;
  if (accept(Tok::kw_primary))
    expect(Tok::kw_key);
  else
    expect(Tok::kw_unique);
  expect(Tok::lparen);
  c->key = parse_order_terms();
  if (c->kind == ConstraintKind::primary_key) c->autoincrement = accept(Tok::kw_autoincrement);
  expect(Tok::rparen);
  c->conflict = parse_on_conflict();
  return c;
}

}  // namespace saturn::sql
