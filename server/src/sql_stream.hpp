#pragma once

#include "protocol/json_results.hpp"
#include "protocol/messages.hpp"
#include "sql/session.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::server {

/// How much a stream may hold and produce.
struct StreamLimits {
  std::uint64_t response_bytes = 0;
  std::uint32_t transaction_timeout_ms = 0;  ///< 0 = none
};

/// A Hrana stream: a session of the engine, and the texts that `store_sql` keeps. One fiber at a time,
/// on any worker.
class SqlStream {
 public:
  SqlStream(std::shared_ptr<sql::Database> database, const sql::SessionOptions& options,
            StreamLimits limits);

  using Failure = std::optional<protocol::HranaError>;

  // Each writes its result, or returns what went wrong and writes nothing. // SUSPENDS
  Failure execute(const protocol::Stmt& stmt, protocol::JsonWriter& out);
  Failure batch(const protocol::Batch& batch, protocol::JsonWriter& out);
  Failure describe(const protocol::SqlSource& sql, protocol::JsonWriter& out);
  Failure sequence(const protocol::SqlSource& sql);
  /// As `execute`, in the form of the simple API.
  Failure execute_simple(const protocol::Stmt& stmt, protocol::JsonWriter& out);

  Failure store_sql(std::int32_t id, std::string sql);
  void close_sql(std::int32_t id);
  bool autocommit() const noexcept { return session_.autocommit(); }

  /// The entries of a cursor, one after the other: `entry` is called when one has been written to
  /// `out`, and stops the run by answering false. // SUSPENDS
  void run_cursor(const protocol::Batch& batch, protocol::JsonWriter& out,
                  const std::function<bool()>& entry);

  /// For whoever watches idle streams: rolls back a transaction that has been open for too long.
  /// Never while the stream is in use.
  void check_timeout(io::Clock::time_point now);
  void rollback() noexcept { session_.rollback(); }
  void interrupt() noexcept { session_.interrupt(); }

 private:
  struct Run;
  Failure start(const protocol::Stmt& stmt, std::unique_ptr<sql::Statement>& statement);
  Failure prepare(std::string_view sql, std::unique_ptr<sql::Statement>& statement);
  Failure bind(const protocol::Stmt& stmt, sql::Statement& statement);
  Failure text_of(const protocol::SqlSource& source, std::string_view& text) const;
  Failure timed_out(std::string_view sql);
  void note_transaction();
  Failure rows(sql::Statement& statement, bool wanted,
               const std::function<Result<void>(std::span<const ValueRef>)>& row,
               protocol::JsonWriter& out, std::size_t start);
  protocol::StmtTrailer trailer(const sql::Statement& statement, io::Clock::time_point since) const;
  static std::vector<protocol::Column> columns_of(const sql::Statement& statement);

  sql::Session session_;
  const StreamLimits limits_;
  std::map<std::int32_t, std::string> stored_;
  std::uint64_t stored_bytes_ = 0;
  bool transaction_timed_out_ = false;
  io::Clock::time_point transaction_since_ = io::Clock::time_point::max();
  std::vector<ValueRef> values_;
};

}  // namespace saturn::server
