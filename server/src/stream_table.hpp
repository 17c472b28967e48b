#pragma once

#include "base/mutex.hpp"
#include "base/text.hpp"
#include "protocol/baton.hpp"
#include "sql_stream.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace saturn::server {

/// The one database that there is.
inline constexpr std::string_view kDefaultDatabase = "default";

/// What every connection of a server shares.
struct Shared {
  std::shared_ptr<sql::Database> database;
  SqlStreams all_streams;
  std::uint64_t response_bytes_max = 0;
  // A reload changes these while workers read them; each stands for itself.
  std::atomic<std::uint32_t> busy_timeout_ms{0};
  std::atomic<std::uint64_t> query_memory{0};            ///< bytes
  std::atomic<std::uint32_t> transaction_timeout_ms{0};  ///< 0 = none
  std::atomic<std::uint32_t> stream_idle_timeout_ms{0};  ///< 0 = none
  std::atomic<std::uint32_t> connections_max{0};
  std::atomic<std::uint64_t> http_body_max{0};  ///< bytes
  std::atomic<std::uint32_t> connections{0};
  std::atomic<bool> stopping{false};

  std::unique_ptr<SqlStream> new_stream() {
    sql::SessionOptions options;
    options.busy_timeout_ms = busy_timeout_ms.load();
    options.query_memory = query_memory.load();
    options.foreign_keys = true;  // as in libSQL, unlike SQLite
    options.find_database =
        [this](std::string_view name) -> Result<std::shared_ptr<sql::Database>> {
      if (name == kDefaultDatabase) return database;
      return Error(Code::error, cat("there is no database named ", name));
    };
    const StreamLimits limits{response_bytes_max, transaction_timeout_ms.load()};
    return std::make_unique<SqlStream>(all_streams, database, options, limits);
  }
};

/// The HTTP streams between their requests. A stream that is in use is out of the table, so that
/// its baton cannot be used twice. Any thread.
class StreamTable {
 public:
  explicit StreamTable(Shared& shared, protocol::BatonCodec codec)
      : shared_(shared), codec_(codec) {}

  /// A stream out of the table, for the length of a request.
  struct Lease {
    std::unique_ptr<SqlStream> stream;
    protocol::Baton baton;
  };
  /// A new stream without a baton, else the one that the baton stands for.
  struct Taken {
    std::optional<Lease> lease;
    protocol::HranaError error;  ///< when there is no lease
  };
  Taken take(const std::optional<std::string>& baton);
  /// The baton that `put_back` will return. Fails with `Code::internal`.
  Result<std::string> next_baton(const Lease& lease) const;
  /// Puts the stream back and returns its next baton. Fails with `Code::internal`.
  Result<std::string> put_back(Lease lease);
  /// Ends streams that have been idle for too long, and transactions that have been open for too
  /// long. To be called now and then.
  void sweep();
  void clear();

 private:
  struct Entry {
    std::unique_ptr<SqlStream> stream;
    std::uint64_t sequence = 0;
    io::Clock::time_point idle_since{};
  };
  Shared& shared_;
  const protocol::BatonCodec codec_;
  Mutex mutex_;
  std::unordered_map<std::uint64_t, Entry> streams_ GUARDED_BY(mutex_);
  std::uint64_t next_id_ GUARDED_BY(mutex_) = 1;
};

}  // namespace saturn::server
