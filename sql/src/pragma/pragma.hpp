#pragma once

#include "base/text.hpp"
#include "exec/runtime.hpp"
#include "plan/compile.hpp"
#include "value/number.hpp"

#include <string_view>
#include <vector>

namespace saturn::sql {

/// One call of a pragma.
struct PragmaCall {
  Runtime& runtime;
  const Schema& schema;
  std::string_view name;      ///< as in the table of pragmas
  std::string_view argument;  ///< absent when the pragma only asks
  std::vector<Row>& rows;     ///< the result

  SessionState& session() const { return runtime.session; }
  bool asks() const { return !ast::present(argument); }
  /// The argument as SQLite reads truth values.
  bool flag() const;
  /// The argument as SQLite reads integers: 0 for what is none and for what has more than 32 bits.
  std::int64_t number() const;
  void add(Value v) const { rows.push_back({std::move(v)}); }
};

// What the catalog knows. Each returns nothing for a name that does not exist.
Result<void> pragma_table_info(const PragmaCall& call);
Result<void> pragma_table_xinfo(const PragmaCall& call);
Result<void> pragma_table_list(const PragmaCall& call);
Result<void> pragma_index_list(const PragmaCall& call);
Result<void> pragma_index_info(const PragmaCall& call);
Result<void> pragma_index_xinfo(const PragmaCall& call);
Result<void> pragma_foreign_key_list(const PragmaCall& call);
Result<void> pragma_function_list(const PragmaCall& call);

}  // namespace saturn::sql
