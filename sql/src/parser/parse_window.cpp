#include "parser/parser_impl.hpp"

namespace saturn::sql {

using namespace ast;

List<OrderTerm> Parser::parse_order_terms() {
  List<OrderTerm> terms;
  do {
    OrderTerm term;
    term.expr = parse_expr();
    if (accept(Tok::kw_asc))
      term.order = SortOrder::asc;
    else if (accept(Tok::kw_desc))
      term.order = SortOrder::desc;
    if (accept(Tok::kw_nulls)) {
      term.nulls = is(Tok::kw_first) ? NullsOrder::first : NullsOrder::last;
      if (!accept(Tok::kw_first)) expect(Tok::kw_last);
    }
    terms.push(arena_, term);
  } while (accept(Tok::comma));
  return terms;
}

List<OrderTerm> Parser::parse_order_by() {
  if (!accept(Tok::kw_order)) return {};
  expect(Tok::kw_by);
  return parse_order_terms();
}

/// After OVER: a window's name, or its definition in parentheses.
WindowDef* Parser::parse_over() {
  if (is(Tok::lparen)) return parse_window_body();
  auto* window = arena_.make<WindowDef>();
  window->at = token_.at;
  window->reference = parse_name();
  return window;
}

WindowDef* Parser::parse_window_body() {
  auto* window = arena_.make<WindowDef>();
  window->at = token_.at;
  expect(Tok::lparen);
  const bool clause =
      is(Tok::kw_partition) || is(Tok::kw_range) || is(Tok::kw_rows) || is(Tok::kw_groups);
  if (!clause && at_name()) window->base = parse_name();
  if (accept(Tok::kw_partition)) {
    expect(Tok::kw_by);
    window->partition_by = parse_expr_list();
  }
  window->order_by = parse_order_by();
  if (is(Tok::kw_range) || is(Tok::kw_rows) || is(Tok::kw_groups)) parse_frame(*window);
  expect(Tok::rparen);
  return window;
}

void Parser::parse_frame(WindowDef& window) {
  window.has_frame = true;
  window.unit = is(Tok::kw_range)  ? FrameUnit::range
                : is(Tok::kw_rows) ? FrameUnit::rows
                                   : FrameUnit::groups;
  advance();
  if (accept(Tok::kw_between)) {
    window.start = parse_frame_bound(window.start_offset, false);
    expect(Tok::kw_and);
    window.end = parse_frame_bound(window.end_offset, true);
  } else {
    window.start = parse_frame_bound(window.start_offset, false);
  }
  const bool backwards =
      (window.start == FrameBound::current_row && window.end == FrameBound::preceding) ||
      (window.start == FrameBound::following &&
       (window.end == FrameBound::preceding || window.end == FrameBound::current_row));
  if (backwards) fail("unsupported frame specification");
  if (!accept(Tok::kw_exclude)) return;
  if (accept(Tok::kw_no)) {
    expect(Tok::kw_others);
  } else if (accept(Tok::kw_current)) {
    expect(Tok::kw_row);
    window.exclude = FrameExclude::current_row;
  } else if (accept(Tok::kw_group)) {
    window.exclude = FrameExclude::group;
  } else {
    expect(Tok::kw_ties);
    window.exclude = FrameExclude::ties;
  }
}

FrameBound Parser::parse_frame_bound(Expr*& offset, bool is_end) {
  if (accept(Tok::kw_unbounded)) {
    expect(is_end ? Tok::kw_following : Tok::kw_preceding);
    return is_end ? FrameBound::unbounded_following : FrameBound::unbounded_preceding;
  }
  if (accept(Tok::kw_current)) {
    expect(Tok::kw_row);
    return FrameBound::current_row;
  }
  offset = parse_expr();
  if (accept(Tok::kw_preceding)) return FrameBound::preceding;
  expect(Tok::kw_following);
  return FrameBound::following;
}

}  // namespace saturn::sql
