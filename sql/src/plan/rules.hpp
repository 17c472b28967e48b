#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace saturn::sql {

/// What the planner may do with a query beside the plain way: read whole tables in the order of
/// FROM, and choose, sort and group afterwards. Each rule leaves the rows as they are, so that it
/// can be switched off (PRAGMA optimizer_rules): to see what it is good for, and to test it.
enum class Rule : std::uint8_t {
  count_entries,
  covering_index,
  flatten,
  hash_join,
  index_order,
  index_search,
  inline_cte,
  join_order,
  left_to_inner,
  min_max,
  or_factors,
  or_indexes,
  or_to_in,
  push_down,
  shared_rows,
  table_samples,
  top_n,
};

struct RuleText {
  std::string_view name;
  std::string_view what;
};

/// By number of the rule.
inline constexpr std::array<RuleText, 17> kRules = {{
    {"count_entries", "count(*) of a whole table counts the entries of its smallest tree"},
    {"covering_index", "an index that has all columns asked for stands for its table"},
    {"flatten", "tables of subqueries and views that are joins take their place"},
    {"hash_join", "equal keys are found in a hash table"},
    {"index_order", "rows come from an index in the order that is asked for"},
    {"index_search", "keys are looked up in indexes and by rowid"},
    {"inline_cte", "a WITH that is named once is a subquery"},
    {"join_order", "tables are joined in the order that costs least"},
    {"left_to_inner", "a LEFT JOIN whose NULLs WHERE refuses is an inner join"},
    {"min_max", "min() or max() alone is the first row of an index"},
    {"or_factors", "what all alternatives of an OR ask for is asked before"},
    {"or_indexes", "alternatives of an OR are looked up in indexes of their own"},
    {"or_to_in", "an OR of equalities is one IN"},
    {"push_down", "subqueries ask for conditions on their rows themselves"},
    {"shared_rows", "what a correlated subquery reads again is kept"},
    {"table_samples", "conditions are tried on a few rows to guess how many pass"},
    {"top_n", "a sort under a LIMIT keeps no more rows than that"},
}};

/// Which rules apply; all of them at first.
class RuleSet {
 public:
  bool has(Rule rule) const noexcept { return (off_ & bit(rule)) == 0; }
  void set(Rule rule, bool on) noexcept { off_ = on ? off_ & ~bit(rule) : off_ | bit(rule); }
  void set_all(bool on) noexcept { off_ = on ? 0 : (std::uint32_t{1} << kRules.size()) - 1; }

 private:
  static constexpr std::uint32_t bit(Rule rule) noexcept {
    return std::uint32_t{1} << static_cast<unsigned>(rule);
  }
  std::uint32_t off_ = 0;
};

/// A rule by its name; nothing: there is none.
constexpr std::optional<Rule> find_rule(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kRules.size(); ++i) {
    if (kRules[i].name == name) return static_cast<Rule>(i);
  }
  return std::nullopt;
}

}  // namespace saturn::sql
