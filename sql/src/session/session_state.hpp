#pragma once

#include "catalog/schemas.hpp"
#include "exec/memory_account.hpp"
#include "functions/function.hpp"
#include "io/fiber.hpp"
#include "plan/rules.hpp"
#include "sql/session.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace saturn::sql {

/// A database as a session has it.
struct SessionDatabase {
  std::string name;                    ///< "main", "temp", or as ATTACH says
  std::shared_ptr<Database> database;  ///< null: temp, until something needs it
  /// The transaction between BEGIN and COMMIT; null outside, and until a statement needs it.
  std::unique_ptr<storage::Transaction> transaction;
  /// PRAGMA synchronous of this session, as it was given; nothing: as the database has it.
  std::optional<std::uint8_t> synchronous;
  /// The schema was changed in the open transaction: nobody else may see it yet.
  bool schema_is_private = false;
};

/// What a value of PRAGMA synchronous asks for.
storage::Synchronous to_synchronous(std::uint8_t safety_level) noexcept;

/// How far AUTOINCREMENT has counted in a table, while a statement counts.
struct Sequence {
  DatabaseNo database = kMainDatabase;
  storage::PageNo root = 0;  ///< of that database's sqlite_sequence
  std::string table;
  std::int64_t last = 0;               ///< the largest rowid so far
  std::optional<std::int64_t> stored;  ///< in sqlite_sequence; nothing: it has no row
  std::optional<std::int64_t> rowid;   ///< of that row
};

/// What a session knows, as far as compiled statements and pragmas need it.
struct SessionState {
  explicit SessionState(std::shared_ptr<Database> main);

  std::vector<SessionDatabase> databases;  ///< by number
  Session::Impl* owner = nullptr;          ///< the session around this
  SessionOptions options;                  ///< busy_timeout_ms and foreign_keys are pragmas too
  SessionCounters counters;
  MemoryAccount memory;
  bool autocommit = true;
  /// Statements of the open transaction have ended since `Session::wait_durable` was called last.
  bool tells_more = false;
  bool query_only = false;
  bool case_sensitive_like = false;
  bool recursive_triggers = false;
  bool double_quoted_texts = true;  ///< of statements; what is stored may always have them
  bool defer_foreign_keys = false;
  bool ignore_check_constraints = false;
  /// Steps when a pragma changes what compiled statements do.
  std::uint32_t compile_rules = 0;
  /// Rows that lack the parent their foreign key asks for: what the running statement, and what the
  /// open transaction has to answer for.
  std::int64_t immediate_violations = 0;
  std::int64_t deferred_violations = 0;
  std::deque<Sequence> sequences;  ///< of the running statement, in the order of their first use
  bool reverse_unordered_selects = false;
  RuleSet rules;  ///< of the planner that apply
  /// Pragmas that are kept and answered, and have no other effect; by their names in the table.
  std::unordered_map<std::string_view, std::int64_t> remembered_pragmas;
  /// What PRAGMA auto_vacuum and page_size asked for, and VACUUM will do.
  std::optional<int> next_auto_vacuum;  ///< 0 none, 1 full, 2 incremental
  std::uint32_t next_page_size = 0;     ///< bytes; 0: as it is
  /// What PRAGMA encoding asked for: that of main as long as it is empty.
  std::optional<TextEncoding> asked_encoding;
  bool encoding_settled = false;    ///< something was put into main: nothing else can be asked for
  std::int64_t cache_size = -2000;  ///< as PRAGMA cache_size has it; the cache is the server's
  std::atomic<bool> interrupted{false};
  io::Clock::time_point deadline = io::Clock::time_point::max();

  /// The schemas that statements are compiled against; null in it what has yet to be read.
  std::shared_ptr<const Schemas> schemas;

  /// Of all texts of the session's databases: that of main, known from the first statement on.
  TextEncoding encoding() const noexcept { return encoding_; }

  io::Clock::time_point busy_deadline() const noexcept;
  /// A database's storage; makes the temp database when it is asked for first. // SUSPENDS
  Result<storage::Database*> storage(DatabaseNo database);
  /// Commits a transaction of the database, as durably as the session asks for. // SUSPENDS
  Result<void> commit(DatabaseNo database, storage::Transaction& transaction) const;
  const std::shared_ptr<const Schema>& schema(DatabaseNo database) const noexcept {
    return schemas->entries()[database].schema;
  }
  /// Null: to be read again before it is used.
  void set_schema(DatabaseNo database, std::shared_ptr<const Schema> schema);
  /// After a statement changed sqlite_schema: steps the schema cookie in `transaction` and reads
  /// the schema again, as private to this session until the transaction commits. // SUSPENDS
  Result<void> schema_changed(storage::Transaction& transaction, DatabaseNo database);

 private:
  TextEncoding encoding_ = TextEncoding::utf8;
};

}  // namespace saturn::sql
