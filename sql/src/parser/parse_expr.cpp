#include "parser/parser_impl.hpp"

#include <algorithm>
#include <charconv>

namespace saturn::sql {

using namespace ast;

namespace {

/// SQLite's precedences, loosest first (https://www.sqlite.org/lang_expr.html).
enum Precedence : int {
  kNone = 0,
  kOr,
  kAnd,
  kNot,
  kEquality,
  kComparison,
  kBitwise,
  kAdditive,
  kMultiplicative,
  kConcat,
  kCollate,
  kUnary,
};

Precedence infix_precedence(Tok kind) {
  switch (kind) {
    case Tok::kw_or: return kOr;
    case Tok::kw_and: return kAnd;
    case Tok::eq:
    case Tok::ne:
    case Tok::kw_is:
    case Tok::kw_isnull:
    case Tok::kw_notnull:
    case Tok::kw_not:  // NOT LIKE, NOT IN, NOT NULL, ...
    case Tok::kw_like:
    case Tok::kw_glob:
    case Tok::kw_regexp:
    case Tok::kw_match:
    case Tok::kw_between:
    case Tok::kw_in: return kEquality;
    case Tok::lt:
    case Tok::le:
    case Tok::gt:
    case Tok::ge: return kComparison;
    case Tok::bit_and:
    case Tok::bit_or:
    case Tok::lshift:
    case Tok::rshift: return kBitwise;
    case Tok::plus:
    case Tok::minus: return kAdditive;
    case Tok::star:
    case Tok::slash:
    case Tok::percent: return kMultiplicative;
    case Tok::concat:
    case Tok::arrow:
    case Tok::long_arrow: return kConcat;
    case Tok::kw_collate: return kCollate;
    default: return kNone;
  }
}

BinaryOp binary_op(Tok kind) {
  switch (kind) {
    case Tok::kw_or: return BinaryOp::logical_or;
    case Tok::kw_and: return BinaryOp::logical_and;
    case Tok::ne: return BinaryOp::ne;
    case Tok::lt: return BinaryOp::lt;
    case Tok::le: return BinaryOp::le;
    case Tok::gt: return BinaryOp::gt;
    case Tok::ge: return BinaryOp::ge;
    case Tok::bit_and: return BinaryOp::bit_and;
    case Tok::bit_or: return BinaryOp::bit_or;
    case Tok::lshift: return BinaryOp::lshift;
    case Tok::rshift: return BinaryOp::rshift;
    case Tok::plus: return BinaryOp::add;
    case Tok::minus: return BinaryOp::subtract;
    case Tok::star: return BinaryOp::multiply;
    case Tok::slash: return BinaryOp::divide;
    case Tok::percent: return BinaryOp::remainder;
    case Tok::concat: return BinaryOp::concat;
    case Tok::arrow: return BinaryOp::arrow;
    case Tok::long_arrow: return BinaryOp::long_arrow;
    default: return BinaryOp::eq;
  }
}

bool is_hex_digit(char c) {
  const char l = ascii_lower(c);
  return (c >= '0' && c <= '9') || (l >= 'a' && l <= 'f');
}

}  // namespace

/// The node's height is above `below`'s; SQLite's limit is on the same measure.
void Parser::raise_height(Expr& expr, std::uint32_t below) {
  expr.height = std::max(expr.height, below + 1);
  if (expr.height > limits::kExpressionDepthMax) {
    fail(cat("Expression tree is too large (maximum depth ", limits::kExpressionDepthMax, ")"));
  }
}

void Parser::raise_height(Expr& expr, const List<Expr*>& below) {
  for (const Expr* item : below) raise_height(expr, item->height);
}

void Parser::raise_height(Expr& expr, const List<OrderTerm>& below) {
  for (const OrderTerm& term : below) raise_height(expr, term.expr->height);
}

/// Operators that bind at least as tightly as `min_precedence`. With `stop_at_and`, this level
/// leaves AND to its caller: BETWEEN's.
Expr* Parser::parse_binary(int min_precedence, bool stop_at_and) {
  const Nest nest(*this);
  Expr* left = parse_prefix();
  for (;;) {
    const Precedence precedence = infix_precedence(token_.kind);
    if (precedence == kNone || precedence < min_precedence) return left;
    if (stop_at_and && is(Tok::kw_and)) return left;
    left = parse_infix(left, precedence);
  }
}

Expr* Parser::parse_infix(Expr* left, int precedence) {
  if (accept(Tok::kw_collate)) {
    auto* node = make<Collate>(left->at);
    node->operand = left;
    node->collation = parse_identifier_or_string();
    raise_height(*node, left->height);
    return node;
  }
  const bool negated = accept(Tok::kw_not);
  switch (token_.kind) {
    case Tok::kw_like:
    case Tok::kw_glob:
    case Tok::kw_regexp:
    case Tok::kw_match: return parse_like(left, negated);
    case Tok::kw_between: return parse_between(left, negated);
    case Tok::kw_in: return parse_in(left, negated);
    default: break;
  }
  const Tok op = token_.kind;
  if (negated ? op == Tok::kw_null : op == Tok::kw_isnull || op == Tok::kw_notnull) {
    advance();
    auto* node = make<Unary>(left->at);
    node->op = op == Tok::kw_isnull ? UnaryOp::is_null : UnaryOp::not_null;
    node->operand = left;
    raise_height(*node, left->height);
    return node;
  }
  if (negated) fail_near();
  if (op == Tok::kw_is) return parse_is(left);
  advance();
  auto* node = make<Binary>(left->at);
  node->op = binary_op(op);
  node->left = left;
  node->right = parse_binary(precedence + 1, false);
  raise_height(*node, std::max(left->height, node->right->height));
  return node;
}

Expr* Parser::parse_is(Expr* left) {
  advance();
  bool negated = accept(Tok::kw_not);
  if (accept(Tok::kw_distinct)) {
    expect(Tok::kw_from);
    negated = !negated;
  }
  auto* node = make<Binary>(left->at);
  node->op = negated ? BinaryOp::is_not : BinaryOp::is;
  node->left = left;
  node->right = parse_binary(kEquality + 1, false);
  raise_height(*node, std::max(left->height, node->right->height));
  return node;
}

Expr* Parser::parse_like(Expr* left, bool negated) {
  auto* node = make<Like>(left->at);
  node->op = is(Tok::kw_like)    ? LikeOp::like
             : is(Tok::kw_glob)  ? LikeOp::glob
             : is(Tok::kw_match) ? LikeOp::match
                                 : LikeOp::regexp;
  advance();
  node->negated = negated;
  node->left = left;
  node->pattern = parse_binary(kEquality + 1, false);
  raise_height(*node, std::max(left->height, node->pattern->height));
  if (accept(Tok::kw_escape)) {
    node->escape = parse_binary(kEquality + 1, false);
    raise_height(*node, node->escape->height);
  }
  return node;
}

Expr* Parser::parse_between(Expr* left, bool negated) {
  advance();
  auto* node = make<Between>(left->at);
  node->negated = negated;
  node->operand = left;
  node->low = parse_binary(kOr, true);
  expect(Tok::kw_and);
  node->high = parse_binary(kEquality + 1, false);
  raise_height(*node, std::max({left->height, node->low->height, node->high->height}));
  return node;
}

Expr* Parser::parse_in(Expr* left, bool negated) {
  advance();
  auto* node = make<In>(left->at);
  node->negated = negated;
  node->operand = left;
  raise_height(*node, left->height);
  if (accept(Tok::lparen)) {
    if (at_select()) {
      node->select = parse_select();
      raise_height(*node, node->select->height);
      expect(Tok::rparen);
      return node;
    }
    node->list = parse_optional_list_to_rparen();
  } else {
    parse_qualified(node->schema, node->table);
    note_database(node->schema);
    if (accept(Tok::lparen)) {
      node->has_arguments = true;
      node->list = parse_optional_list_to_rparen();
    }
  }
  raise_height(*node, node->list);
  return node;
}

Expr* Parser::parse_prefix() {
  UnaryOp op = UnaryOp::plus;
  int precedence = kUnary;
  switch (token_.kind) {
    case Tok::plus: break;
    case Tok::minus: op = UnaryOp::minus; break;
    case Tok::bit_not: op = UnaryOp::bit_not; break;
    case Tok::kw_not:
      op = UnaryOp::logical_not;
      precedence = kNot;
      break;
    default: return parse_primary();
  }
  auto* node = make<Unary>(token_.at);
  advance();
  node->op = op;
  node->operand = parse_binary(precedence, false);
  raise_height(*node, node->operand->height);
  return node;
}

Expr* Parser::parse_primary() {
  switch (token_.kind) {
    case Tok::kw_null: return parse_literal(LiteralKind::null);
    case Tok::blob: return parse_literal(LiteralKind::blob);
    case Tok::kw_current_date: return parse_literal(LiteralKind::current_date);
    case Tok::kw_current_time: return parse_literal(LiteralKind::current_time);
    case Tok::kw_current_timestamp: return parse_literal(LiteralKind::current_timestamp);
    case Tok::integer:
    case Tok::real:
    case Tok::qnumber: return parse_number();
    case Tok::variable: return parse_variable();
    case Tok::lparen: return parse_parenthesised();
    case Tok::kw_cast: return parse_cast();
    case Tok::kw_case: return parse_case();
    case Tok::kw_exists: return parse_exists();
    case Tok::kw_raise: return parse_raise();
    case Tok::string:
      if (peek() != Tok::dot) return parse_literal(LiteralKind::string);
      return parse_name_expr();
    default:
      if (at_name()) return parse_name_expr();
      fail_near();
      return make<Literal>(token_.at);
  }
}

Expr* Parser::parse_literal(LiteralKind kind) {
  auto* node = make<Literal>(token_.at);
  node->literal = kind;
  node->text = token_.text;
  if (kind == LiteralKind::string) node->text = dequote(token_);
  if (kind == LiteralKind::blob) node->text = token_.text.substr(2, token_.text.size() - 3);
  advance();
  return node;
}

/// A number; digit separators are dropped and must stand between two digits.
Expr* Parser::parse_number() {
  auto* node = make<Literal>(token_.at);
  std::string_view text = token_.text;
  const bool hex = text.size() > 2 && ascii_lower(text[1]) == 'x';
  if (is(Tok::qnumber)) {
    char* out = static_cast<char*>(arena_.allocate(text.size(), 1));
    std::size_t size = 0;
    const auto digit = [&](std::size_t i) {
      return i < text.size() && (hex ? is_hex_digit(text[i]) : text[i] >= '0' && text[i] <= '9');
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '_') {
        out[size++] = text[i];
      } else if (i == 0 || !digit(i - 1) || !digit(i + 1)) {
        fail(cat("unrecognized token: \"", text, "\""), token_.at);
        return node;
      }
    }
    text = {out, size};
  }
  const bool real = !hex && text.find_first_of(".eE") != std::string_view::npos;
  node->literal = real ? LiteralKind::real : LiteralKind::integer;
  node->text = text;
  advance();
  return node;
}

Expr* Parser::parse_variable() {
  auto* node = make<Variable>(token_.at);
  const std::string_view text = token_.text;
  if (text[0] == '#' && text.size() > 1 && text[1] >= '0' && text[1] <= '9') {
    fail_near();
    return node;
  }
  number_variable(*node, text);
  advance();
  return node;
}

void Parser::number_variable(Variable& variable, std::string_view text) {
  if (text.size() == 1) {
    variable.number = ++parsed_.parameter_count;
  } else if (text[0] == '?') {
    std::uint32_t number = 0;
    const auto end = text.data() + text.size();
    const auto [p, ec] = std::from_chars(text.data() + 1, end, number);
    if (ec != std::errc() || p != end || number < 1 || number > limits::kVariableNumberMax) {
      fail(cat("variable number must be between ?1 and ?", limits::kVariableNumberMax), token_.at);
      return;
    }
    variable.number = number;
    variable.name = text;
  } else {
    variable.name = text;
    for (const Variable* known : parsed_.named) {
      if (known->name == text) variable.number = known->number;
    }
    if (variable.number == 0) variable.number = ++parsed_.parameter_count;
  }
  parsed_.parameter_count = std::max(parsed_.parameter_count, variable.number);
  if (parsed_.parameter_count > limits::kVariableNumberMax)
    fail("too many SQL variables", token_.at);
  if (!present(variable.name)) return;
  for (const Variable* known : parsed_.named) {
    if (known->number == variable.number) return;
  }
  parsed_.named.push(arena_, &variable);
}

/// `(expr)`, a row value or a scalar subquery.
Expr* Parser::parse_parenthesised() {
  const std::uint32_t at = token_.at;
  advance();
  if (at_select()) {
    auto* node = make<Subquery>(at);
    node->select = parse_select();
    raise_height(*node, node->select->height);
    expect(Tok::rparen);
    return node;
  }
  Expr* first = parse_expr();
  if (!is(Tok::comma)) {
    expect(Tok::rparen);
    return first;
  }
  auto* row = make<Row>(at);
  row->items.push(arena_, first);
  while (accept(Tok::comma)) row->items.push(arena_, parse_expr());
  expect(Tok::rparen);
  raise_height(*row, row->items);
  return row;
}

/// A column in one to three parts, or a function call.
Expr* Parser::parse_name_expr() {
  const Token first = token_;
  const std::string_view name = parse_name();
  if (is(Tok::lparen) && first.kind != Tok::string) return parse_function(first.at, name);
  auto* node = make<Column>(first.at);
  node->name = name;
  const char open = first.text.front();
  node->quoted = open == '"' || open == '`' || open == '[';
  node->double_quoted = open == '"';
  if (accept(Tok::dot)) {
    node->table = name;
    node->name = parse_name();
    if (accept(Tok::dot)) {
      node->schema = node->table;
      node->table = node->name;
      node->name = parse_name();
    }
  }
  return node;
}

Expr* Parser::parse_function(std::uint32_t at, std::string_view name) {
  auto* node = make<Function>(at);
  node->name = name;
  expect(Tok::lparen);
  if (accept(Tok::star)) {
    node->star = true;
    expect(Tok::rparen);
  } else {
    node->distinct = accept(Tok::kw_distinct);
    if (!node->distinct) accept(Tok::kw_all);
    if (!is(Tok::rparen) && !is(Tok::kw_order)) node->arguments = parse_expr_list();
    node->order_by = parse_order_by();
    expect(Tok::rparen);
  }
  if (node->arguments.size() > limits::kFunctionArgumentsMax) {
    fail(cat("too many arguments on function ", name), at);
  }
  raise_height(*node, node->arguments);
  raise_height(*node, node->order_by);
  if (accept(Tok::kw_filter)) {
    expect(Tok::lparen);
    expect(Tok::kw_where);
    node->filter = parse_expr();
    raise_height(*node, node->filter->height);
    expect(Tok::rparen);
  }
  if (accept(Tok::kw_over)) node->over = parse_over();
  return node;
}

List<Expr*> Parser::parse_expr_list() {
  List<Expr*> list;
  do list.push(arena_, parse_expr());
  while (accept(Tok::comma));
  return list;
}

List<Expr*> Parser::parse_optional_list_to_rparen() {
  List<Expr*> list;
  if (!is(Tok::rparen)) list = parse_expr_list();
  expect(Tok::rparen);
  return list;
}

/// A type name of any words, with up to two signed numbers; absent when there is none.
std::string_view Parser::parse_type() {
  if (!at_alias()) return {};
  const Token first = token_;
  while (at_alias()) advance();
  if (accept(Tok::lparen)) {
    int numbers = 0;
    do {
      if (!accept(Tok::plus)) accept(Tok::minus);
      if (!accept(Tok::real) && !accept(Tok::qnumber)) expect(Tok::integer);
    } while (++numbers < 2 && accept(Tok::comma));
    expect(Tok::rparen);
  }
  // Of a type that begins in quotes that is all.
  const std::string_view name = dequote(first);
  return name.size() != first.text.size() ? name : text_from(first.at);
}

Expr* Parser::parse_cast() {
  auto* node = make<Cast>(token_.at);
  advance();
  expect(Tok::lparen);
  node->operand = parse_expr();
  raise_height(*node, node->operand->height);
  expect(Tok::kw_as);
  node->type = parse_type();
  expect(Tok::rparen);
  return node;
}

Expr* Parser::parse_case() {
  auto* node = make<Case>(token_.at);
  advance();
  if (!is(Tok::kw_when)) {
    node->operand = parse_expr();
    raise_height(*node, node->operand->height);
  }
  do {
    expect(Tok::kw_when);
    Expr* when = parse_expr();
    expect(Tok::kw_then);
    Expr* then = parse_expr();
    node->branches.push(arena_, {when, then});
    raise_height(*node, std::max(when->height, then->height));
  } while (is(Tok::kw_when));
  if (accept(Tok::kw_else)) {
    node->otherwise = parse_expr();
    raise_height(*node, node->otherwise->height);
  }
  expect(Tok::kw_end);
  return node;
}

Expr* Parser::parse_exists() {
  auto* node = make<Exists>(token_.at);
  advance();
  expect(Tok::lparen);
  node->select = parse_select();
  raise_height(*node, node->select->height);
  expect(Tok::rparen);
  return node;
}

Expr* Parser::parse_raise() {
  auto* node = make<Raise>(token_.at);
  advance();
  expect(Tok::lparen);
  if (!accept(Tok::kw_ignore)) {
    node->action = is(Tok::kw_rollback) ? Conflict::rollback
                   : is(Tok::kw_abort)  ? Conflict::abort
                                        : Conflict::fail;
    if (!accept(Tok::kw_rollback) && !accept(Tok::kw_abort)) expect(Tok::kw_fail);
    expect(Tok::comma);
    node->message = parse_expr();
    raise_height(*node, node->message->height);
  }
  expect(Tok::rparen);
  return node;
}

}  // namespace saturn::sql
