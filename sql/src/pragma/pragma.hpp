#pragma once

#include "base/text.hpp"
#include "exec/program.hpp"
#include "exec/runtime.hpp"
#include "functions/table_function.hpp"
#include "plan/compile.hpp"
#include "value/number.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::sql {

/// One call of a pragma.
struct PragmaCall {
  Runtime& runtime;
  const Schemas& schemas;
  std::string_view name;                ///< as in the table of pragmas
  std::string_view argument;            ///< absent when the pragma only asks
  std::optional<DatabaseNo> qualifier;  ///< the database, when one is named
  std::vector<Row>& rows;               ///< the result

  SessionState& session() const { return runtime.session; }
  DatabaseNo database() const { return qualifier.value_or(kMainDatabase); }
  storage::Transaction& transaction() const { return runtime.transaction(database()); }
  /// Makes the temp database when that is meant. // SUSPENDS
  Result<storage::Database*> storage() const { return session().storage(database()); }
  /// The table that the argument names; null when there is none.
  const Table* table() const { return schemas.find_table(qualifier, argument); }
  bool asks() const { return !ast::present(argument); }
  /// The argument as SQLite reads truth values.
  bool flag() const;
  /// The argument as SQLite reads integers: 0 for what is none and for what has more than 32 bits.
  std::int64_t number() const;
  void add(Value v) const { rows.push_back({std::move(v)}); }
};

/// What an argument does.
enum class PragmaArgument : std::uint8_t {
  answered,  ///< the pragma returns rows all the same
  silent,    ///< no rows
  writes,    ///< no rows; it changes the database, and needs a write transaction
};

/// What pragma_NAME takes in FROM, where a pragma only asks.
enum class PragmaFunction : std::uint8_t {
  without_arguments,
  by_schema,           ///< pragma_NAME(schema)
  by_name,             ///< pragma_NAME(argument)
  by_name_and_schema,  ///< pragma_NAME(argument, schema)
  no_function,         ///< there is no such function
};

struct Pragma {
  std::string_view name;
  std::string_view columns;  ///< their names, with blanks between them
  Result<void> (*run)(const PragmaCall&);
  Access access = Access::read;
  PragmaArgument argument = PragmaArgument::answered;
  PragmaFunction function = PragmaFunction::without_arguments;
  bool everywhere = false;  ///< without a database's name it concerns them all

  /// The databases that a call looks into.
  DatabaseSet concerns(const Schemas& schemas, std::optional<DatabaseNo> qualifier) const;
};

std::span<const Pragma> pragmas() noexcept;
std::vector<std::string> pragma_columns(const Pragma& pragma);
/// The pragmas that may stand in FROM.
std::span<const std::unique_ptr<const TableFunction>> pragma_functions() noexcept;

// What the catalog knows. Each returns nothing for a name that does not exist.
Result<void> pragma_table_info(const PragmaCall& call);
Result<void> pragma_table_xinfo(const PragmaCall& call);
Result<void> pragma_table_list(const PragmaCall& call);
Result<void> pragma_index_list(const PragmaCall& call);
Result<void> pragma_index_info(const PragmaCall& call);
Result<void> pragma_index_xinfo(const PragmaCall& call);
Result<void> pragma_foreign_key_check(const PragmaCall& call);
Result<void> pragma_foreign_key_list(const PragmaCall& call);
Result<void> pragma_function_list(const PragmaCall& call);

}  // namespace saturn::sql
