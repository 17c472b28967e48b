#pragma once

#include "exec/program.hpp"
#include "parser/parser.hpp"
#include "plan/compile.hpp"
#include "session/session_state.hpp"
#include "session/shared_literals.hpp"

#include <array>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

// Transactions and statements.
//
// Outside BEGIN ... COMMIT a statement has transactions of its own, one for each database that it
// uses, opened by its first step and ended when it is done, failed or reset. Inside, statements
// share the session's; a statement that writes has savepoints around it, so that its failure takes
// back its own changes only. Each database commits by itself, as in SQLite's WAL mode.
//
// A compiled statement is good for one set of schemas. Each run looks at the schema cookie in the
// first page of every transaction that it opens, and compiles again when a schema is another.

namespace saturn::sql {

/// What is kept of a statement between two preparations of the same text.
struct Compiled {
  explicit Compiled(SessionState& session) : runtime(session) {}
  std::string text;
  Arena arena;
  Parsed parsed;
  std::shared_ptr<const Schemas> schemas;
  std::uint32_t compile_rules = 0;  ///< of the session when it was compiled
  Runtime runtime;
  ProgramPtr program;
  std::vector<Value> values;  ///< of the parameters, then of literals that are shared
  SharedLiterals literals;
  std::string shape;  ///< the key of its `StatementShape`, if literals are shared
  /// What it is kept under.
  std::string_view cache_key() const noexcept { return shape.empty() ? text : shape; }
  std::uint64_t columns = 0;  ///< that the program made for its batches
};

struct Session::Impl {
  explicit Impl(std::shared_ptr<Database> main) : state(std::move(main)) {}

  SessionState state;

  /// Makes the schema of `database` the one that `transaction` sees. // SUSPENDS
  Result<void> refresh_schema(DatabaseNo database, storage::Transaction& transaction);
  /// The schemas for compiling outside of any run, through `transactions`. // SUSPENDS
  Result<void> refresh_schemas(Transactions& transactions);
  /// Compiles `compiled.parsed` against the present schemas. // SUSPENDS
  Result<void> compile_now(Compiled& compiled, Transactions* transactions);

  /// What the session knows of a database's schema is for the others too, unless it is private.
  void publish_schema(DatabaseNo database);
  void forget_private_schema(DatabaseNo database) noexcept;
  /// The transaction of a database was committed, or ended otherwise: a private schema is published
  /// or forgotten.
  void settle_schema(DatabaseNo database, bool committed);
  /// Foreign keys that were to hold at COMMIT. `constraint_foreignkey` if one does not.
  Result<void> check_deferred_keys() const;
  /// COMMIT: each database in its turn. On failure what is not committed yet is rolled back.
  /// // SUSPENDS
  Result<void> commit();
  /// Ends the session's transaction without a commit; statements in it are stopped, but for `but`.
  void roll_back(const Statement::Impl* but = nullptr) noexcept;
  /// SAVEPOINT commands, in every database that is being written.
  Result<void> roll_back_to(std::size_t depth);
  void release(std::size_t depth) noexcept;

  /// ATTACH and DETACH. // SUSPENDS
  Result<void> attach(std::string_view file, std::string_view name);
  /// Fails unless the database has main's encoding; one without a schema is given it. // SUSPENDS
  Result<void> match_encoding(Database& database) const;
  /// Closes a database that no session has any more. // SUSPENDS
  Result<void> let_go(std::shared_ptr<Database> database) const;
  Result<void> detach(std::string_view name);

  // Statements of the same text, or with literals in other places only, ready for use again; the
  // least recently used go first.
  std::unique_ptr<Compiled> take_cached(std::string_view text);
  std::unique_ptr<Compiled> take_shared(const StatementShape& shape);
  /// Makes parameters of literals in a statement that `shape` has read.
  void share(Compiled& compiled) const;
  void keep(std::unique_ptr<Compiled> compiled);

  using Cache = std::list<std::unique_ptr<Compiled>>;
  using CacheIndex = std::unordered_multimap<std::string_view, Cache::iterator>;
  std::unique_ptr<Compiled> take_from_cache(CacheIndex::iterator found);
  Cache cache;
  CacheIndex cache_index;
  StatementShape shape;                          ///< scratch of `prepare`
  std::unordered_set<Statement::Impl*> running;  ///< started and not finished
  struct Savepoint {
    std::string name;
    std::int64_t violations = 0;  ///< deferred ones, when it was opened
  };
  std::vector<Savepoint> savepoints;  ///< outermost first
  bool savepoint_began = false;       ///< a SAVEPOINT opened the transaction
  ast::BeginMode begin_mode = ast::BeginMode::deferred;

 private:
  void end_transaction() noexcept;
};

struct Statement::Impl final : Transactions {
  Impl(Session::Impl& s, std::unique_ptr<Compiled> c) : session(s), compiled(std::move(c)) {}
  ~Impl();

  Result<void> begin();
  Result<bool> advance();
  Result<void> check_keys() const;
  Result<bool> finish_run();
  Error fail(Error error);
  void stop() noexcept;

  Session::Impl& session;
  std::unique_ptr<Compiled> compiled;
  bool is_running = false;
  bool owns_transactions = false;  ///< outside BEGIN ... COMMIT
  bool aborted = false;            ///< the transaction was rolled back under it
  const Batch* batch = nullptr;
  std::uint32_t row = 0;
  /// Texts of the row that are not as a UTF-16 database has them.
  std::deque<std::string> left_texts;

 private:
  /// What a run has of one database.
  struct Part {
    std::unique_ptr<storage::Transaction> own;  ///< outside BEGIN ... COMMIT
    std::size_t savepoint = 0;                  ///< around this statement; 0 = none
  };
  Result<void> open(const DatabaseUse& use) override;
  Result<void> open_one(DatabaseNo database, bool writes);
  Result<void> open_and_compile();
  Result<void> wait_durable() const;
  /// The run is over: commits what is its own, or closes its savepoints. // SUSPENDS
  Result<void> keep_changes();
  /// The run has failed or was given up. Fails when the changes cannot be taken back.
  Result<void> undo_changes() noexcept;
  void end_run() noexcept;

  std::array<Part, limits::kSessionDatabasesMax> parts_;
  std::int64_t violations_before_ = 0;  ///< deferred ones, when the run began
};

}  // namespace saturn::sql
