#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "stream_table.hpp"

#include <functional>
#include <memory>
#include <string>

namespace saturn::server {

/// The daemon: workers, listeners and everything behind them.
///
/// Life: `start`, then `stop` from any thread (or a signal), and `wait` returns when every
/// connection has ended and the database is closed.
class Server {
 public:
  /// Opens the database and listens. Fails with what could not be had, in words for a person.
  static Result<std::unique_ptr<Server>> start(const config::Config& config);
  ~Server();

  /// The port that is listened on, also when the configuration left it to the kernel.
  std::uint16_t port() const noexcept;
  /// Puts in force what a reload may change; the log level is the caller's. Any thread.
  void reload(const config::Config& config);
  /// Stops accepting, and lets what runs come to its end for up to `drain_ms`. Any thread.
  void stop();
  /// Returns the outcome of closing the database.
  Result<void> wait();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace saturn::server
