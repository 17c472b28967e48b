#include "parser/parser_impl.hpp"

#include <algorithm>

namespace saturn::sql {

using namespace ast;

bool Parser::at_select() const noexcept {
  return is(Tok::kw_select) || is(Tok::kw_values) || is(Tok::kw_with);
}

Select* Parser::parse_select() {
  const std::uint32_t at = token_.at;
  return parse_select_after_with(is(Tok::kw_with) ? parse_with() : nullptr, at);
}

Select* Parser::parse_select_after_with(With* with, std::uint32_t at) {
  const Nest nest(*this);
  auto* select = arena_.make<Select>();
  select->at = at;
  select->with = with;
  CompoundOp op = CompoundOp::none;
  do {
    SelectCore* core = parse_core(*select);
    core->op = op;
    select->cores.push(arena_, core);
    if (select->cores.size() > limits::kCompoundSelectMax) {
      fail("too many terms in compound SELECT");
    }
    op = accept_compound();
    if (op == CompoundOp::none) break;
    const char* early = !select->order_by.empty() ? "ORDER BY" : select->limit ? "LIMIT" : nullptr;
    if (early != nullptr) {
      const char* name = op == CompoundOp::union_all        ? "UNION ALL"
                         : op == CompoundOp::union_distinct ? "UNION"
                         : op == CompoundOp::except         ? "EXCEPT"
                                                            : "INTERSECT";
      fail(cat(early, " clause should come after ", name, " not before"));
    }
  } while (!failed());
  measure(*select);
  return select;
}

With* Parser::parse_with() {
  const Nest nest(*this);
  auto* with = arena_.make<With>();
  advance();
  with->recursive = accept(Tok::kw_recursive);
  do {
    auto* cte = arena_.make<Cte>();
    cte->at = token_.at;
    cte->name = parse_name();
    if (accept(Tok::lparen)) {
      cte->columns = parse_name_list();
      expect(Tok::rparen);
    }
    expect(Tok::kw_as);
    if (accept(Tok::kw_materialized)) {
      cte->materialize = Materialize::yes;
    } else if (accept(Tok::kw_not)) {
      expect(Tok::kw_materialized);
      cte->materialize = Materialize::no;
    }
    expect(Tok::lparen);
    cte->select = parse_select();
    expect(Tok::rparen);
    for (const Cte* other : with->ctes) {
      if (equals_nocase(other->name, cte->name))
        fail(cat("duplicate WITH table name: ", cte->name));
    }
    with->ctes.push(arena_, cte);
  } while (accept(Tok::comma));
  return with;
}

CompoundOp Parser::accept_compound() {
  if (accept(Tok::kw_union)) {
    return accept(Tok::kw_all) ? CompoundOp::union_all : CompoundOp::union_distinct;
  }
  if (accept(Tok::kw_except)) return CompoundOp::except;
  if (accept(Tok::kw_intersect)) return CompoundOp::intersect;
  return CompoundOp::none;
}

SelectCore* Parser::parse_core(Select& select) {
  auto* core = arena_.make<SelectCore>();
  core->at = token_.at;
  if (accept(Tok::kw_values)) {
    parse_values(*core);
    return core;
  }
  expect(Tok::kw_select);
  core->distinct = accept(Tok::kw_distinct);
  if (!core->distinct) accept(Tok::kw_all);
  parse_result_columns(core->columns);
  parse_core_tail(*core);
  select.order_by = parse_order_by();
  parse_limit(select.limit, select.offset);
  return core;
}

void Parser::parse_core_tail(SelectCore& core) {
  if (accept(Tok::kw_from)) core.from = parse_sources();
  if (accept(Tok::kw_where)) core.where = parse_expr();
  if (accept(Tok::kw_group)) {
    expect(Tok::kw_by);
    core.group_by = parse_expr_list();
  }
  if (accept(Tok::kw_having)) core.having = parse_expr();
  if (!accept(Tok::kw_window)) return;
  do {
    const std::uint32_t at = token_.at;
    const std::string_view name = parse_name();
    expect(Tok::kw_as);
    WindowDef* window = parse_window_body();
    window->at = at;
    window->name = name;
    core.windows.push(arena_, window);
  } while (accept(Tok::comma));
}

void Parser::parse_values(SelectCore& core) {
  core.is_values = true;
  do {
    expect(Tok::lparen);
    const List<Expr*> row = parse_expr_list();
    expect(Tok::rparen);
    if (!core.rows.empty() && core.rows[0].size() != row.size()) {
      fail("all VALUES must have the same number of terms");
    }
    core.rows.push(arena_, row);
  } while (accept(Tok::comma));
}

void Parser::parse_result_columns(List<ResultColumn>& columns) {
  do {
    ResultColumn column;
    column.at = token_.at;
    if (accept(Tok::star)) {
      columns.push(arena_, column);
      continue;
    }
    if (at_name() && peek() == Tok::dot) {
      Lexer ahead = lexer_;
      ahead.next();
      if (ahead.next().kind == Tok::star) {
        column.star_table = parse_name();
        advance();
        advance();
        columns.push(arena_, column);
        continue;
      }
    }
    column.expr = parse_expr();
    column.text = text_from(column.at);
    column.alias = parse_alias();
    columns.push(arena_, column);
  } while (accept(Tok::comma));
}

std::string_view Parser::parse_alias() {
  if (accept(Tok::kw_as)) return parse_name();
  return at_alias() ? parse_name() : std::string_view();
}

List<Source*> Parser::parse_sources() {
  const Nest nest(*this);
  List<Source*> sources;
  Source join;
  do {
    Source* source = parse_source();
    source->comma = join.comma;
    source->natural = join.natural;
    source->left = join.left;
    source->right = join.right;
    source->cross = join.cross;
    source->inner = join.inner;
    parse_join_constraint(*source, sources.empty());
    sources.push(arena_, source);
    join = Source();
  } while (parse_join_operator(join));
  return sources;
}

Source* Parser::parse_source() {
  auto* source = arena_.make<Source>();
  source->at = token_.at;
  if (accept(Tok::lparen)) {
    if (at_select()) {
      source->kind = SourceKind::subquery;
      source->select = parse_select();
    } else {
      source->kind = SourceKind::nested;
      source->nested = parse_sources();
    }
    expect(Tok::rparen);
    source->alias = parse_alias();
    return source;
  }
  parse_qualified(source->schema, source->name);
  note_database(source->schema);
  if (accept(Tok::lparen)) {
    source->kind = SourceKind::function;
    source->arguments = parse_optional_list_to_rparen();
  }
  source->alias = parse_alias();
  if (source->kind == SourceKind::function) return source;
  if (accept(Tok::kw_indexed)) {
    expect(Tok::kw_by);
    source->indexed = Indexed::by;
    source->index = parse_name();
  } else if (accept(Tok::kw_not)) {
    expect(Tok::kw_indexed);
    source->indexed = Indexed::none;
  }
  return source;
}

bool Parser::parse_join_operator(Source& join) {
  if (accept(Tok::comma)) return join.comma = true;
  if (accept(Tok::kw_join)) return true;
  if (keyword_class(token_.kind) != KeywordClass::join) return false;
  parse_join_keywords(join);
  return true;
}

/// Up to three words before JOIN, in any order that makes sense.
void Parser::parse_join_keywords(Source& join) {
  const std::uint32_t start = token_.at;
  bool outer = false;
  bool bad = false;
  for (int words = 0; words < 3 && (words == 0 || at_name()); ++words) {
    switch (token_.kind) {
      case Tok::kw_natural: join.natural = true; break;
      case Tok::kw_left: join.left = outer = true; break;
      case Tok::kw_right: join.right = outer = true; break;
      case Tok::kw_full: join.left = join.right = outer = true; break;
      case Tok::kw_outer: outer = true; break;
      case Tok::kw_inner: join.inner = true; break;
      case Tok::kw_cross: join.cross = join.inner = true; break;
      default: bad = true; break;
    }
    advance();
  }
  const std::string_view words = text_from(start);
  expect(Tok::kw_join);
  bad |= outer && (join.inner || (!join.left && !join.right));
  if (bad) fail(cat("unknown join type: ", words));
}

void Parser::parse_join_constraint(Source& source, bool first) {
  const char* clause = nullptr;
  if (accept(Tok::kw_on)) {
    source.on = parse_expr();
    clause = "ON";
  } else if (accept(Tok::kw_using)) {
    expect(Tok::lparen);
    source.has_using = true;
    source.using_columns = parse_name_list();
    expect(Tok::rparen);
    clause = "USING";
  }
  if (clause == nullptr) return;
  if (first) fail(cat("a JOIN clause is required before ", clause));
  if (source.natural) fail("a NATURAL join may not have an ON or USING clause");
}

void Parser::parse_limit(Expr*& limit, Expr*& offset) {
  if (!accept(Tok::kw_limit)) return;
  limit = parse_expr();
  if (accept(Tok::kw_offset)) {
    offset = parse_expr();
  } else if (accept(Tok::comma)) {
    offset = limit;
    limit = parse_expr();
  }
}

/// The height of the expressions of a SELECT, which counts in the expression around it.
void Parser::measure(Select& select) {
  Literal probe;
  probe.height = 0;
  const auto see = [&](const Expr* expr) {
    if (expr != nullptr) probe.height = std::max(probe.height, expr->height);
  };
  for (const SelectCore* core : select.cores) {
    for (const ResultColumn& column : core->columns) see(column.expr);
    for (const auto& row : core->rows) {
      for (const Expr* item : row) see(item);
    }
    for (const Expr* item : core->group_by) see(item);
    see(core->where);
    see(core->having);
  }
  for (const OrderTerm& term : select.order_by) see(term.expr);
  see(select.limit);
  see(select.offset);
  select.height = probe.height;
}

}  // namespace saturn::sql
