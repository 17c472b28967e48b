#pragma once

#include "catalog/schema.hpp"
#include "functions/function.hpp"
#include "io/fiber.hpp"
#include "sql/session.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace saturn::sql {

/// What a session knows, as far as compiled statements and pragmas need it.
struct SessionState {
  explicit SessionState(Database& d) noexcept : database(d) {}

  Database& database;
  Session::Impl* owner = nullptr;  ///< the session around this
  SessionOptions options;          ///< busy_timeout_ms and foreign_keys are pragmas too
  SessionCounters counters;
  bool autocommit = true;
  bool query_only = false;
  bool case_sensitive_like = false;
  bool recursive_triggers = false;
  bool defer_foreign_keys = false;
  bool ignore_check_constraints = false;
  /// Steps when a pragma changes what compiled statements do.
  std::uint32_t compile_rules = 0;
  /// Rows that lack the parent their foreign key asks for: what the running statement, and what the
  /// open transaction has to answer for.
  std::int64_t immediate_violations = 0;
  std::int64_t deferred_violations = 0;
  bool reverse_unordered_selects = false;
  /// Pragmas that are kept and answered, and have no other effect; by their names in the table.
  std::unordered_map<std::string_view, std::int64_t> remembered_pragmas;
  /// What PRAGMA auto_vacuum and page_size asked for, and VACUUM will do.
  std::optional<int> next_auto_vacuum;  ///< 0 none, 1 full, 2 incremental
  std::uint32_t next_page_size = 0;     ///< bytes; 0: as it is
  std::int64_t cache_size = -2000;      ///< as PRAGMA cache_size has it; the cache is the server's
  std::atomic<bool> interrupted{false};
  io::Clock::time_point deadline = io::Clock::time_point::max();

  /// The transaction between BEGIN and COMMIT; null outside, and until its first statement.
  std::unique_ptr<storage::Transaction> transaction;
  /// The schema that statements are compiled against.
  std::shared_ptr<const Schema> schema;
  /// The schema was changed in the open transaction: nobody else may see it yet.
  bool schema_is_private = false;

  io::Clock::time_point busy_deadline() const noexcept;
  /// After a statement changed sqlite_schema: steps the schema cookie in `transaction` and reads
  /// the schema again, as private to this session until the transaction commits. // SUSPENDS
  Result<void> schema_changed(storage::Transaction& transaction);
};

}  // namespace saturn::sql
