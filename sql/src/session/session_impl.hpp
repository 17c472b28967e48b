#pragma once

#include "exec/program.hpp"
#include "parser/parser.hpp"
#include "plan/compile.hpp"
#include "session/session_state.hpp"

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

// Transactions and statements.
//
// Outside BEGIN ... COMMIT a statement has a transaction of its own, opened by its first step and
// ended when it is done, failed or reset. Inside, statements share the session's; a statement that
// writes has a savepoint around it, so that its failure takes back its own changes only.
//
// A compiled statement is good for one schema. Each run looks at the schema cookie in its
// transaction's first page, and compiles again when the schema is another.

namespace saturn::sql {

/// What is kept of a statement between two preparations of the same text.
struct Compiled {
  explicit Compiled(SessionState& session) : runtime(session) {}
  std::string text;
  Arena arena;
  Parsed parsed;
  std::shared_ptr<const Schema> schema;
  bool schema_was_private = false;
  std::uint32_t compile_rules = 0;  ///< of the session when it was compiled
  Runtime runtime;
  ProgramPtr program;
  std::vector<Value> values;  ///< of the parameters
  std::uint64_t columns = 0;  ///< that the program made for its batches
};

struct Session::Impl {
  explicit Impl(std::shared_ptr<Database> d) : database(std::move(d)), state(*database) {}

  std::shared_ptr<Database> database;
  SessionState state;

  /// Makes `state.schema` the schema that `transaction` sees. // SUSPENDS
  Result<void> refresh_schema(storage::Transaction& transaction);
  /// Compiles `compiled.parsed` against the present schema. // SUSPENDS
  Result<void> compile_now(Compiled& compiled, storage::Transaction* source);
  /// The schema for compiling outside of any run. // SUSPENDS
  Result<void> schema_for_prepare(std::unique_ptr<storage::Transaction>& own);

  /// The session's transaction ended without a commit.
  void forget_private_schema() noexcept;
  /// Foreign keys that were to hold at COMMIT. `constraint_foreignkey` if one does not.
  Result<void> check_deferred_keys() const;
  /// The transaction is over, whichever way.
  void end_deferral() noexcept;

  // Statements of the same text, ready for use again; the least recently used go first.
  std::unique_ptr<Compiled> take_cached(std::string_view text);
  void keep(std::unique_ptr<Compiled> compiled);

  std::list<std::unique_ptr<Compiled>> cache;
  std::unordered_multimap<std::string_view, std::list<std::unique_ptr<Compiled>>::iterator>
      cache_index;
  std::unordered_set<Statement::Impl*> running;  ///< started and not finished
  struct Savepoint {
    std::string name;
    std::int64_t violations = 0;  ///< deferred ones, when it was opened
  };
  std::vector<Savepoint> savepoints;  ///< outermost first
  bool savepoint_began = false;       ///< a SAVEPOINT opened the transaction
  ast::BeginMode begin_mode = ast::BeginMode::deferred;
};

struct Statement::Impl {
  Impl(Session::Impl& s, std::unique_ptr<Compiled> c) : session(s), compiled(std::move(c)) {}
  ~Impl();

  Result<void> begin();
  Result<bool> advance();
  Result<void> open_transaction();
  Result<void> check_keys() const;
  Result<bool> finish_run();
  Error fail(Error error);
  void stop() noexcept;
  storage::Transaction* transaction() noexcept;

  Session::Impl& session;
  std::unique_ptr<Compiled> compiled;
  std::unique_ptr<storage::Transaction> own;  ///< outside BEGIN ... COMMIT
  std::size_t savepoint = 0;                  ///< around this statement; 0 = none
  std::int64_t violations_before = 0;         ///< deferred ones, when the run began
  const Batch* batch = nullptr;
  std::uint32_t row = 0;
  bool is_running = false;
  bool aborted = false;  ///< the transaction was rolled back under it
};

}  // namespace saturn::sql
