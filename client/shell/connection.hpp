#pragma once

#include "base/result.hpp"
#include "base/value.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::shell {

/// Where rows go.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Before the rows of each statement that has columns.
  virtual void begin(const std::vector<std::string>& columns) = 0;
  virtual void row(std::span<const ValueRef> values) = 0;
  virtual void end() = 0;
};

/// What the shell works on: a file with the engine in this process, or a server. Blocking; one thread.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Runs the first statement of `sql` and hands its rows to `sink`; `consumed` is set to its length
  /// in bytes, also when it fails, and to all of `sql` when nothing but blanks was left.
  virtual Result<void> run(std::string_view sql, std::size_t& consumed, RowSink& sink) = 0;
  /// Runs `sql`, one statement with parameters, once for each row, as fast as can be. `rows` holds
  /// the parameters row after row, `width` each.
  virtual Result<void> insert_rows(const std::string& sql, std::size_t width,
                                   std::span<const Value> rows) = 0;
  /// Outside of BEGIN ... COMMIT?
  virtual bool autocommit() const = 0;
  /// Rolls back what is open and lets go of the file. // SUSPENDS
  virtual Result<void> close() = 0;
};

struct LocalOptions {
  std::string path;  ///< empty or ":memory:": in memory
  bool read_only = false;
  std::string vfs = "auto";
};
/// On a fiber. // SUSPENDS
Result<std::unique_ptr<Connection>> open_local(const LocalOptions& options);

/// Any thread; blocks it.
Result<std::unique_ptr<Connection>> open_remote(const std::string& url);

}  // namespace saturn::shell
