#include "plan/order_term.hpp"

#include "base/text.hpp"
#include "value/number.hpp"

#include <limits>

namespace saturn::sql {

std::string ordinal(std::size_t n) {
  const std::size_t tens = n % 100;
  const char* suffix = tens >= 11 && tens <= 13 ? "th"
                       : n % 10 == 1            ? "st"
                       : n % 10 == 2            ? "nd"
                       : n % 10 == 3            ? "rd"
                                                : "th";
  return cat(n, suffix);
}

std::optional<std::int64_t> as_ordinal(const ast::Expr& expr) {
  const ast::Expr* inner = &expr;
  bool negative = false;
  while (const auto* collate = ast::as_if<ast::Collate>(inner)) inner = collate->operand;
  while (const auto* unary = ast::as_if<ast::Unary>(inner)) {
    if (unary->op == ast::UnaryOp::minus)
      negative = !negative;
    else if (unary->op != ast::UnaryOp::plus)
      return std::nullopt;
    inner = unary->operand;
  }
  const auto* literal = ast::as_if<ast::Literal>(inner);
  if (literal == nullptr || literal->literal != ast::LiteralKind::integer) return std::nullopt;
  const ParsedInteger parsed = parse_integer(literal->text);
  // As in SQLite, what does not fit 32 bits is a constant like any other.
  if (!parsed.fits || parsed.value > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return negative ? -parsed.value : parsed.value;
}

SortKey sort_key(Slot slot, const ast::OrderTerm& term, const Collation& collation) {
  SortKey key;
  key.slot = slot;
  key.descending = term.order == ast::SortOrder::desc;
  key.nulls_last = term.nulls == ast::NullsOrder::unspecified ? key.descending
                                                              : term.nulls == ast::NullsOrder::last;
  key.collation = &collation;
  return key;
}

}  // namespace saturn::sql
