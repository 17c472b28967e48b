#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "value/arena.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::sql {

class Schemas;
struct Runtime;

/// The rows of calls of a table-valued function, one call after the other.
class TableCursor {
 public:
  virtual ~TableCursor() = default;
  /// Starts a call. `arguments` has one entry for each argument that the function takes, nothing
  /// where none was given; their texts outlive all rows. // SUSPENDS
  virtual Result<void> start(std::span<const std::optional<ValueRef>> arguments) = 0;
  /// Goes to the next row, the first one included; false when there are no more. // SUSPENDS
  virtual Result<bool> next() = 0;
  /// A column of the row: visible ones first, then the arguments. The value borrows from `arena`
  /// or from the arguments, since it outlives the row and the call.
  virtual Result<ValueRef> column(std::size_t column, ValueArena& arena) = 0;
  /// As SQLite numbers the rows.
  virtual std::int64_t rowid() const noexcept = 0;
};

/// A function that stands in FROM: a relation whose rows follow from its arguments. An argument is
/// a column too, one that `*` does not show: it may be given in parentheses, or by an equality in
/// WHERE. Immutable; lives for ever; any thread may use it.
class TableFunction {
 public:
  struct Column {
    std::string name;
    std::string type;  ///< as a column of a table would declare it
  };
  virtual ~TableFunction() = default;
  /// A reader for one place of one query; `schemas` and `runtime` outlive it.
  virtual std::unique_ptr<TableCursor> make_cursor(Runtime& runtime,
                                                   const Schemas& schemas) const = 0;
  /// Fails when an argument is missing without which there are no rows; `given` by argument.
  virtual Result<void> check_arguments(const std::vector<bool>& given) const {
    static_cast<void>(given);
    return {};
  }

  std::string name;
  std::vector<Column> columns;    ///< what `*` shows
  std::vector<Column> arguments;  ///< the hidden columns, behind those
  double rows_guess = 25;         ///< of one call
};

/// By name, in any case; null when there is none.
const TableFunction* find_table_function(std::string_view name) noexcept;

const TableFunction& series_function() noexcept;
/// json_each, json_tree and their jsonb_ forms.
std::span<const TableFunction* const> json_table_functions() noexcept;

}  // namespace saturn::sql
