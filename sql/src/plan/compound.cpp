#include "plan/bound_query.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "parser/ast_equal.hpp"
#include "plan/order_term.hpp"

#include <algorithm>
#include <optional>

// UNION ALL, UNION, INTERSECT and EXCEPT.

namespace saturn::sql {
namespace {

Error at(std::uint32_t position, std::string message) {
  return Error(Code::error, std::move(message)).at(position);
}

/// The place of the column that one of a compound's SELECTs has for this very expression.
std::optional<std::size_t> written_alike(const ast::Select& select, const ast::Expr& expr) {
  for (const ast::SelectCore* core : select.cores) {
    std::size_t place = 0;
    for (const ast::ResultColumn& result : core->columns) {
      if (result.expr == nullptr) break;  // beyond a star the places differ
      if (ast::same_expr(*result.expr, expr)) return place;
      ++place;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view compound_name(ast::CompoundOp op) noexcept {
  switch (op) {
    case ast::CompoundOp::union_all: return "UNION ALL";
    case ast::CompoundOp::except: return "EXCEPT";
    case ast::CompoundOp::intersect: return "INTERSECT";
    default: return "UNION";
  }
}

Result<std::vector<SortKey>> compound_order(const ast::Select& select, const Query& query,
                                            std::span<const Collation* const> collations) {
  if (select.order_by.size() > limits::kColumnsMax) {
    return Error(Code::error, "too many terms in ORDER BY clause");
  }
  std::vector<SortKey> keys;
  std::size_t number = 0;
  for (const ast::OrderTerm& term : select.order_by) {
    ++number;
    const ast::Expr* expr = term.expr;
    const Collation* collation = nullptr;
    if (const auto* collate = ast::as_if<ast::Collate>(expr)) {
      collation = Collation::find(collate->collation, collations[0]->encoding);
      if (collation == nullptr) {
        return at(expr->at, cat("no such collation sequence: ", collate->collation));
      }
      expr = collate->operand;
    }
    std::size_t column = query.columns.size();
    if (const auto place = as_ordinal(*expr)) {
      if (*place < 1 || static_cast<std::size_t>(*place) > query.columns.size()) {
        return at(expr->at,
                  cat(ordinal(number), " ORDER BY term out of range - should be between 1 and ",
                      query.columns.size()));
      }
      column = static_cast<std::size_t>(*place) - 1;
    } else if (const auto* name = ast::as_if<ast::Column>(expr)) {
      for (std::size_t i = 0; i < query.columns.size() && column == query.columns.size(); ++i) {
        if (equals_nocase(query.columns[i].name, name->name)) column = i;
      }
      // A name may also be that of a column in one of the other SELECTs.
      for (const ast::SelectCore* core : select.cores) {
        std::size_t i = 0;
        for (const ast::ResultColumn& result : core->columns) {
          if (column != query.columns.size() || result.expr == nullptr) break;
          const auto* inner = ast::as_if<ast::Column>(result.expr);
          const std::string_view known = ast::present(result.alias) ? result.alias
                                         : inner != nullptr         ? inner->name
                                                                    : std::string_view();
          if (equals_nocase(known, name->name)) column = i;
          ++i;
        }
      }
    }
    if (column == query.columns.size()) column = written_alike(select, *expr).value_or(column);
    if (column == query.columns.size()) {
      return at(expr->at,
                cat(ordinal(number), " ORDER BY term does not match any column in the result set"));
    }
    keys.push_back(sort_key(static_cast<Slot>(column), term,
                            collation != nullptr ? *collation : *collations[column]));
  }
  return keys;
}

/// "SELECTs to the left and right of UNION do not have the same number of result columns".
Result<void> BoundQuery::check_widths(const ast::Select& select) {
  // As in SQLite, of two that differ the last ones are named.
  for (std::size_t i = select.cores.size(); i-- > 1;) {
    const ast::SelectCore& core = *select.cores[i];
    if (parts_[i].shape().columns.size() == parts_[i - 1].shape().columns.size()) continue;
    if (core.is_values && select.cores[i - 1]->is_values) {
      return at(core.at, "all VALUES must have the same number of terms");
    }
    return at(core.at, cat("SELECTs to the left and right of ", compound_name(core.op),
                           " do not have the same number of result columns"));
  }
  return {};
}

/// Gives the first SELECT's columns the affinities that they have in the compound, and the kinds of
/// values that any of the SELECTs may give. Who reads them goes by their own collations; what the
/// SELECTs compare by is put into `collations_`.
void BoundQuery::merge_columns() {
  const Query& last = parts_.back().shape();
  Query& first = parts_[0].shape();
  collations_ = first.collations;
  if (parts_.size() == 1) return;
  first.last_affinities = last.last_affinities.empty() ? last.affinities : last.last_affinities;
  first.last_collations = last.collations;
  first.last_explicit = last.explicit_collations;
  for (std::size_t c = 0; c < first.columns.size(); ++c) {
    std::vector<Affinity> affinities;
    std::vector<std::uint8_t> kinds;
    for (Part& part : parts_) {
      affinities.push_back(part.shape().affinities[c]);
      kinds.push_back(part.shape().kinds[c]);
    }
    first.affinities[c] = compound_affinity(affinities, kinds);
    for (const std::uint8_t k : kinds) first.kinds[c] |= k;
    first.read_as_real.push_back(first.affinities[c] == Affinity::real &&
                                 std::any_of(affinities.begin(), affinities.end(),
                                             [](Affinity a) { return a != Affinity::real; }));
    // The collation is that of the first SELECT that has one.
    const auto collated = std::find_if(parts_.begin(), parts_.end(),
                                       [&](Part& part) { return part.shape().collated[c]; });
    if (collated == parts_.end()) continue;
    collations_[c] = collated->shape().collations[c];
    first.collated[c] = true;
  }
}

/// The rows of all SELECTs, joined as the compound says; its ORDER BY is left to do.
Result<CorePlan> BoundQuery::plan_parts() {
  for (Part& part : parts_) {
    if (part.core) part.rows = TRY(part.core->plan());
  }
  CorePlan plan = std::move(parts_[0].rows);
  std::vector<OperatorPtr> appended;
  const auto close_append = [&] {
    if (appended.empty()) return;
    appended.insert(appended.begin(), std::move(plan.query.root));
    plan.query.root = std::make_unique<AppendOperator>(std::move(appended));
    appended.clear();
  };
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    OperatorPtr rows = std::move(parts_[i].rows.query.root);
    if (parts_[i].op == ast::CompoundOp::union_all) {
      appended.push_back(std::move(rows));
      continue;
    }
    close_append();
    plan.query.root = std::make_unique<SetOperator>(
        context_.runtime, parts_[i].op, std::move(plan.query.root), std::move(rows), collations_);
  }
  close_append();
  return plan;
}

}  // namespace saturn::sql
