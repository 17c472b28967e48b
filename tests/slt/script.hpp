#pragma once

#include "base/result.hpp"
#include "base/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The sqllogictest script format (https://www.sqlite.org/sqllogictest/doc/trunk/about.wiki): what
/// a record is, how results are printed for comparison, and a runner over any engine.
namespace saturn::slt {

enum class Sort { none, rows, values };

struct Record {
  enum class Kind { statement_ok, statement_error, query, plan };
  Kind kind = Kind::statement_ok;
  std::uint32_t line = 0;  ///< 1-based line of the record's first line
  std::string sql;
  std::string types;       ///< query: a letter a column, of T, I and R
  Sort sort = Sort::none;  ///< query
  bool by_plan = false;    ///< `skipif other-plans`: the outcome depends on the plan
  std::string message;     ///< statement error: the whole message; empty: any
  /// query: printed values, empty when `hash` is given; plan: its lines
  std::vector<std::string> expected;
  std::uint64_t expected_count = 0;  ///< query: number of values, with `hash`
  std::string hash;                  ///< query: MD5 in lower-case hex over "value\n" each
};

/// Parses a whole script, leaving out the records that do not concern `engine` ("sqlite"):
/// `skipif engine` and `onlyif other`. A malformed record is an error that names its line.
/// Extensions of the format: `skipif other-plans` (see `run`), `statement error MESSAGE` names the
/// message that is wanted, and a `plan` is followed by a statement, "----" and what EXPLAIN QUERY
/// PLAN says of it, each operator on a line, two blanks further in than the one that it is an input
/// of.
Result<std::vector<Record>> parse(std::string_view script, std::string_view engine);

/// A value as the format prints it for a column of type letter `type`: NULL, "(empty)", integers by
/// C truncation, reals with three decimals, unprintable bytes as '@'.
/// `as_integer` and `as_real` are the engine's own conversions of the value.
std::string print_value(char type, ValueRef value, std::int64_t as_integer, double as_real);

/// One query's rows, each value already printed, row by row.
struct Printed {
  std::size_t column_count = 0;
  std::vector<std::string> values;
};

/// What a script runs on. One connection to one fresh database.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual Result<void> execute(const std::string& sql) = 0;
  virtual Result<Printed> query(const std::string& sql, std::string_view types) = 0;
};

struct Failure {
  std::uint32_t line;
  std::string why;
};

struct Outcome {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t unsupported = 0;  ///< the engine's error said "not supported yet"
  std::vector<Failure> failures;  ///< the first `failures_max` of them
};

/// Runs the records in order; a failed record does not stop the script. Where the engine plans
/// otherwise than it would by itself (`other_plans`), records that show plans are left out, and
/// rows that no ORDER BY puts in order may come in any.
Outcome run(const std::vector<Record>& records, Engine& engine, std::size_t failures_max,
            bool other_plans = false);

}  // namespace saturn::slt
