#pragma once

#include "base/result.hpp"
#include "base/value.hpp"
#include "storage/database.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The only face of the SQL layer: a `Database` is opened once and shared; each connection or
/// stream has a `Session` (its transaction, its pragmas, its counters); a session prepares
/// `Statement`s.
///
/// Everything here that reads or changes data may suspend the calling fiber. A session and its
/// statements belong to one fiber at a time; a database may be used by any number of threads.
namespace saturn::sql {

class Session;
class Statement;

struct DatabaseOptions {
  storage::DatabaseOptions storage;
};

/// An open database: its file, its catalog, and nothing of any session.
class Database {
 public:
  /// Opens or creates `path` in `vfs` (borrowed). Errors are those of `storage::Database::open`.
  /// // SUSPENDS
  static Result<std::shared_ptr<Database>> open(io::Vfs& vfs, std::string path,
                                                const DatabaseOptions& options);
  /// The same, and the database owns its VFS.
  static Result<std::shared_ptr<Database>> open(std::unique_ptr<io::Vfs> vfs, std::string path,
                                                const DatabaseOptions& options);
  /// An empty database in memory, with texts in that encoding; gone with the object.
  static Result<std::shared_ptr<Database>> open_memory(TextEncoding encoding);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// After every session is gone: checkpoints and gives up the file. // SUSPENDS
  Result<void> close();
  storage::Database& storage() noexcept { return *storage_; }

  struct Catalog;  ///< the schema that sessions share; private to the layer
  Catalog& catalog() noexcept { return *catalog_; }

 private:
  Database();
  std::unique_ptr<io::Vfs> vfs_;  ///< of a database in memory; else null
  std::unique_ptr<storage::Database> storage_;
  std::unique_ptr<Catalog> catalog_;
};

/// What a session may be told when it is made; pragmas change the same things later.
struct SessionOptions {
  std::uint32_t busy_timeout_ms = 5000;  ///< how long a writer waits for its turn
  bool foreign_keys = false;             ///< PRAGMA foreign_keys at the start
  /// Bytes in which its statements may keep rows; what does not fit goes to temporary files as far
  /// as it can, else it is `nomem`. 0: no limit.
  std::uint64_t query_memory = 0;
  /// Long statements let other fibers run every millisecond. Without, a simulation in which nothing
  /// waits for a clock runs the same way each time.
  bool yields = true;
  /// ATTACH, VACUUM INTO and whatever else names files: for the local shell only.
  bool allow_files = false;
  /// What ATTACH finds by a name where it may not name files; null: nothing. // SUSPENDS
  std::function<Result<std::shared_ptr<Database>>(std::string_view name)> find_database = {};
};

class Session {
 public:
  Session(std::shared_ptr<Database> database, const SessionOptions& options = {});
  /// Rolls an open transaction back. All statements must be gone. An attached database that is
  /// nobody else's is left as a crash would leave it: see `close`.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Rolls back, detaches everything, and closes the attached files that this session opened.
  /// // SUSPENDS
  Result<void> close();

  /// Compiles the first statement of `sql`. `*consumed` (if asked for) is the bytes taken, its `;`
  /// included, so that a text of many statements is walked. Null when only blanks and comments
  /// were left. Fails with SQLite's code, text, and the position in `sql` where one is known.
  /// // SUSPENDS
  Result<std::unique_ptr<Statement>> prepare(std::string_view sql, std::size_t* consumed = nullptr);

  /// Runs every statement of `sql` to its end and drops its rows; stops at the first failure.
  /// // SUSPENDS
  Result<void> execute(std::string_view sql);

  /// False between BEGIN (or SAVEPOINT) and the COMMIT or ROLLBACK that ends it.
  bool autocommit() const noexcept;
  /// Rows that the last INSERT, UPDATE or DELETE changed; those of all of them.
  std::int64_t changes() const noexcept;
  std::int64_t total_changes() const noexcept;
  std::int64_t last_insert_rowid() const noexcept;

  /// Rolls the open transaction back, if any, as when a transaction times out or a client is gone.
  /// No statement may be running. Never suspends.
  void rollback() noexcept;
  /// Returns when all that statements of the open transaction have told is durable. A row waits for
  /// that by itself; how many rows were changed, or that there are none, may reach a client only
  /// after this call. When it fails, what they told is not so, and the transaction has been rolled
  /// back. // SUSPENDS
  Result<void> wait_durable();
  /// From any thread: makes the statement that runs now, if any, fail with `interrupt` soon.
  void interrupt() noexcept;
  /// Statements that start from now on fail with `interrupt` when they run past `deadline`.
  void set_deadline(io::Clock::time_point deadline) noexcept;

  /// Whether a lone "x" that names no column is a text, as SQLite has it unless it is told
  /// otherwise. For statements that are prepared from now on.
  bool double_quoted_texts() const noexcept;
  void set_double_quoted_texts(bool on) noexcept;

  Database& database() noexcept;

  struct Impl;
  Impl& impl() noexcept { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// A compiled statement. Life: `bind`, `step` until it answers false, `reset`, and again. It must
/// not outlive its session.
class Statement {
 public:
  struct Impl;
  explicit Statement(std::unique_ptr<Impl> impl);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Columns of the result; none for a statement that returns no rows.
  std::size_t column_count() const noexcept;
  std::string_view column_name(std::size_t index) const noexcept;
  /// The declared type of the table column that this result column is; empty when it is none.
  std::string_view column_decltype(std::size_t index) const noexcept;

  // Parameters are numbered from 1.
  std::size_t parameter_count() const noexcept;
  /// With its sigil (":a"); "?5" for ?5; empty for a plain "?".
  std::string_view parameter_name(std::size_t number) const noexcept;
  /// The number of a parameter by its name with sigil; 0 when there is none of that name.
  std::size_t parameter_number(std::string_view name) const noexcept;
  /// Copies the value. `range` for a number that is no parameter. Stays bound over `reset`.
  Result<void> bind(std::size_t number, ValueRef value);
  void clear_bindings() noexcept;

  /// Runs to the next row: true when there is one, false when the statement is done. An autocommit
  /// statement is committed, and durable, before false is returned; a failure rolls the statement
  /// back, and the transaction too where SQLite does. A row is only ever shown when a power cut
  /// cannot take it away. // SUSPENDS
  Result<bool> step();
  /// A column of the row that `step` is on; borrowed until the next `step` or `reset`.
  ValueRef column(std::size_t index) const noexcept;
  /// Gives up what is left of the run; the statement may be stepped again. A transaction that the
  /// statement opened by itself (autocommit) ends. // SUSPENDS
  void reset() noexcept;

  /// Whether the statement changes nothing in the database (BEGIN and COMMIT count as such).
  bool is_readonly() const noexcept;
  bool is_explain() const noexcept;
  /// Of the latest run: rows read from tables and indexes, rows inserted, updated or deleted.
  std::uint64_t rows_read() const noexcept;
  std::uint64_t rows_written() const noexcept;
  /// The rows changed by this run when it is an INSERT, UPDATE or DELETE, else 0.
  std::int64_t affected_rows() const noexcept;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace saturn::sql
