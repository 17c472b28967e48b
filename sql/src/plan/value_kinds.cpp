#include "plan/scope.hpp"

// What expressions may give, as far as it settles the affinities of compounds' columns.

namespace saturn::sql {
namespace {

constexpr std::uint8_t kAnything = kGivesNumbers | kGivesTexts | kGivesBlobs;

std::uint8_t kinds_of(Affinity affinity) noexcept {
  if (is_numeric(affinity)) return kGivesNumbers | kGivesBlobs;
  return affinity == Affinity::text ? kGivesTexts | kGivesBlobs : kAnything;
}

std::uint8_t kinds_of(ValueRef v) noexcept {
  if (v.is_null()) return 0;
  if (v.is_text()) return kGivesTexts;
  return v.is_blob() ? kGivesBlobs : kGivesNumbers;
}

}  // namespace

std::uint8_t value_kinds(const ExprNode& expr) noexcept {
  switch (expr.kind) {
    case NodeKind::constant:
      // Of a CAST that was folded, its type counts.
      if (expr.affinity != Affinity::none) return kinds_of(expr.affinity);
      return kinds_of(static_cast<const ConstantNode&>(expr).value.ref());
    case NodeKind::slot:
    case NodeKind::outer:
    case NodeKind::cast:
    case NodeKind::scalar_subquery: return kinds_of(expr.affinity);
    case NodeKind::recode:
    case NodeKind::collate: return value_kinds(*expr.children[0]);
    case NodeKind::concat: return kGivesTexts;
    case NodeKind::function:
    case NodeKind::like:  // a function as well, but NOT LIKE gives numbers
    case NodeKind::parameter:
    case NodeKind::coalesce:
    case NodeKind::aggregate:
    case NodeKind::window: return kAnything;
    case NodeKind::case_when: {
      // WHEN and THEN in turn, then what ELSE says.
      std::uint8_t kinds = 0;
      const std::size_t n = expr.children.size();
      for (std::size_t i = 1; i < n; i += 2) kinds |= value_kinds(*expr.children[i]);
      if (n % 2 == 1) kinds |= value_kinds(*expr.children[n - 1]);
      return kinds;
    }
    default: return kGivesNumbers;
  }
}

Affinity compound_affinity(std::span<const Affinity> affinities,
                           std::span<const std::uint8_t> kinds) noexcept {
  Affinity affinity = Affinity::none;
  for (const Affinity a : affinities) {
    affinity = a;
    if (a != Affinity::none) break;
  }
  std::uint8_t all = 0;
  for (const std::uint8_t k : kinds) all |= k;
  if (affinity == Affinity::text && (all & kGivesNumbers) != 0) return Affinity::blob;
  if (is_numeric(affinity) && (all & kGivesTexts) != 0) return Affinity::blob;
  return affinity;
}

}  // namespace saturn::sql
