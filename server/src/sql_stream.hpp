#pragma once

#include "base/mutex.hpp"
#include "protocol/error.hpp"
#include "protocol/json_results.hpp"
#include "protocol/messages.hpp"
#include "sql/session.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::server {

/// An error of the engine for a client: as `from_engine` has it, but what the parser refused is a
/// SQL_PARSE_ERROR.
protocol::HranaError sql_error(const Error& error);

/// How much a stream may hold and produce.
struct StreamLimits {
  std::uint64_t response_bytes = 0;
  std::uint32_t transaction_timeout_ms = 0;  ///< 0 = none
};

class SqlStream;

/// Every stream of the process, so that a stop can interrupt what runs. Thread-safe.
class SqlStreams {
 public:
  void add(SqlStream& stream);
  void remove(SqlStream& stream) noexcept;
  void interrupt_all();

 private:
  Mutex mutex_;
  std::vector<SqlStream*> streams_ GUARDED_BY(mutex_);
};

/// A Hrana stream: a session of the engine, and the texts that `store_sql` keeps. One fiber at a
/// time, on any worker.
///
/// A transaction that stays open for longer than `transaction_timeout_ms` is rolled back, while
/// idle by whoever watches, in mid-statement by the session's deadline. From then on every
/// statement fails with TRANSACTION_TIMEOUT, up to and including COMMIT; ROLLBACK succeeds. So no
/// statement that was meant for the transaction ever runs outside of it.
class SqlStream {
 public:
  /// Is among `all`, which outlives it.
  SqlStream(SqlStreams& all, std::shared_ptr<sql::Database> database,
            const sql::SessionOptions& options, StreamLimits limits);
  ~SqlStream();
  SqlStream(const SqlStream&) = delete;
  SqlStream& operator=(const SqlStream&) = delete;

  using Failure = std::optional<protocol::HranaError>;

  // Each writes its result, or returns what went wrong and writes nothing. // SUSPENDS
  Failure execute(const protocol::Stmt& stmt, protocol::JsonWriter& out);
  Failure batch(const protocol::Batch& batch, protocol::JsonWriter& out);
  Failure describe(const protocol::SqlSource& sql, protocol::JsonWriter& out);
  Failure sequence(const protocol::SqlSource& sql);
  /// As `execute`, in the form of the simple API.
  Failure execute_simple(const protocol::Stmt& stmt, protocol::JsonWriter& out);

  /// Before an answer leaves: returns when nothing that it tells of an open transaction can be lost
  /// any more. When that has been lost already, the transaction is rolled back. // SUSPENDS
  Failure settle();

  Failure store_sql(std::int32_t id, std::string sql);
  void close_sql(std::int32_t id);
  /// What the client must believe: a transaction that timed out is open until its client ends it.
  bool autocommit() const noexcept { return !transaction_timed_out_ && session_.autocommit(); }

  /// For whoever watches idle streams: rolls back a transaction that has been open for too long.
  /// Never while the stream is in use; the cursors of the stream are gone afterwards, so that the
  /// caller drops them first.
  bool is_overdue(io::Clock::time_point now) const noexcept {
    return in_transaction_ && now >= transaction_deadline_;
  }
  void expire_transaction() noexcept;
  void interrupt() noexcept { session_.interrupt(); }

 private:
  friend class Cursor;

  /// A prepared statement with its arguments. A null statement without a failure is the ROLLBACK of
  /// a transaction that has timed out: there is nothing to do.
  Failure start(const protocol::Stmt& stmt, std::unique_ptr<sql::Statement>& statement);
  template <typename Writer>
  Failure run(const protocol::Stmt& stmt, protocol::JsonWriter& out);
  template <typename Writer>
  Failure row(const sql::Statement& statement, Writer& result, const protocol::JsonWriter& out,
              std::size_t start);
  Failure prepare(std::string_view sql, std::unique_ptr<sql::Statement>& statement);
  Failure bind(const protocol::Stmt& stmt, sql::Statement& statement);
  Failure text_of(const protocol::SqlSource& source, std::string_view& text) const;
  Failure timed_out(std::string_view sql, bool& ended);
  /// After each statement: turns the failure of one that ran into its transaction's deadline into
  /// TRANSACTION_TIMEOUT, and notes whether a transaction is open.
  void finished(Failure& failure);
  protocol::StmtTrailer trailer(const sql::Statement& statement, io::Clock::time_point since) const;
  static std::vector<protocol::Column> columns_of(const sql::Statement& statement);

  SqlStreams& all_;
  sql::Session session_;
  const StreamLimits limits_;
  std::map<std::int32_t, std::string> stored_;
  std::uint64_t stored_bytes_ = 0;
  bool in_transaction_ = false;
  bool transaction_timed_out_ = false;
  io::Clock::time_point transaction_deadline_ = io::Clock::time_point::max();
  std::vector<ValueRef> values_;
};

}  // namespace saturn::server
