#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "value/arena.hpp"
#include "value/compare.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace saturn::sql {

/// What changes(), total_changes() and last_insert_rowid() report; the session's own.
struct SessionCounters {
  std::int64_t changes = 0;
  std::int64_t total_changes = 0;
  std::int64_t last_insert_rowid = 0;
};

/// What a function may use besides its arguments. Borrowed for one call; one fiber.
struct FunctionContext {
  ValueArena& arena;  ///< results that are not borrowed from arguments live here
  const SessionCounters& counters;
  /// Of the first argument: min, max, nullif. Its encoding is that of the database.
  const Collation* collation = &Collation::binary();
  std::int64_t now_ms = 0;  ///< 'now', since 1970; 0: ask the clock
  /// Set by a function that has used 'now' or the time zone: elsewhere its result may be another.
  mutable bool used_now = false;
  std::size_t kept_bytes = 0;  ///< that aggregates have added to what they hold
};

using Arguments = std::span<const ValueRef>;

/// One group's running state of an aggregate.
class Aggregate {
 public:
  virtual ~Aggregate() = default;
  /// Adds a row. Copies what it keeps.
  virtual Result<void> step(FunctionContext& context, Arguments arguments) = 0;
  /// Whether `forget` is there: then a frame that moves on is not computed anew.
  virtual bool can_forget() const noexcept { return false; }
  /// Takes back the step of the row that came first of those that are in it.
  virtual void forget(FunctionContext&, Arguments) {}
  /// The result over the rows so far; more rows may follow. It may borrow from this object.
  virtual Result<ValueRef> finalize(FunctionContext& context) = 0;
};

/// What only exists as a window function (https://www.sqlite.org/windowfunctions.html, section 3).
enum class WindowFunction : std::uint8_t {
  none,
  row_number,
  rank,
  dense_rank,
  percent_rank,
  cume_dist,
  ntile,
  lag,
  lead,
  first_value,
  last_value,
  nth_value,
};

/// One built-in function; exactly one of `scalar`, `aggregate` and `window` is set.
struct Function {
  using Scalar = Result<ValueRef> (*)(FunctionContext&, Arguments);
  using MakeAggregate = std::unique_ptr<Aggregate> (*)();

  std::string_view name;  ///< in lower case
  int arguments_min;
  int arguments_max;  ///< -1 = up to limits::kFunctionArgumentsMax
  Scalar scalar;
  MakeAggregate aggregate = nullptr;
  bool deterministic = true;
  bool subtypes = false;  ///< heeds the subtypes of arguments, and its result may have one
  WindowFunction window = WindowFunction::none;

  bool takes(int count) const noexcept {
    return count >= arguments_min && (arguments_max < 0 || count <= arguments_max);
  }
};

/// The built-in functions. Immutable; any thread may use it.
class FunctionRegistry {
 public:
  /// The function of this name, in any case, that takes `argument_count` arguments; never null.
  /// Fails with SQLite's "no such function: f" or "wrong number of arguments to function f()".
  static Result<const Function*> find(std::string_view name, int argument_count);
};

std::span<const Function> core_functions() noexcept;
std::span<const Function> datetime_functions() noexcept;
std::span<const Function> text_functions() noexcept;
std::span<const Function> format_functions() noexcept;
std::span<const Function> math_functions() noexcept;
std::span<const Function> aggregate_functions() noexcept;
std::span<const Function> window_functions() noexcept;
std::span<const Function> build_functions() noexcept;
std::span<const Function> escape_functions() noexcept;
std::span<const Function> percentile_functions() noexcept;
std::span<const Function> regexp_functions() noexcept;
std::span<const Function> uuid_functions() noexcept;
std::span<const Function> json_functions() noexcept;
std::span<const Function> json_aggregates() noexcept;
/// All of them, by area.
std::span<const std::span<const Function>> all_functions() noexcept;

/// As sqlite_compileoption_get() tells them.
std::span<const std::string_view> compile_options() noexcept;

/// The text of a value as an SQL literal, as quote() gives it.
std::string quoted(ValueRef v);

}  // namespace saturn::sql
