#pragma once

#include "base/result.hpp"
#include "base/value.hpp"

#include <cstdint>
#include <memory>
#include <optional>
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

/// Where a statement failed: in being compiled, or in running.
enum class Phase : std::uint8_t { prepare, step };

/// What the shell works on: a file with the engine in this process, or a server. Blocking; it
/// belongs to one thread (and fiber), and every dot command works with either kind.
class Connection {
 public:
  virtual ~Connection() = default;
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs the first statement of `sql` and hands its rows to `sink`; `consumed` is set to its
  /// length in bytes, also when it fails, and to all of `sql` when nothing but blanks was left.
  virtual Result<void> run(std::string_view sql, std::size_t& consumed, RowSink& sink) = 0;
  /// Of the last failure of `run`.
  virtual Phase failed_phase() const noexcept = 0;

  /// Runs `sql`, one statement with parameters, once for each row, as fast as can be. `rows` holds
  /// the parameters row after row, `width` each. Stops at the first row that fails; `inserted` is
  /// the number of rows before it.
  virtual Result<void> insert_rows(const std::string& sql, std::size_t width,
                                   std::span<const Value> rows, std::size_t& inserted) = 0;

  /// What SQLite's shell calls dqs_dml: whether "x" is a text when it names no column. Returns what
  /// holds now; `on` absent: changes nothing. Fails where it cannot be told.
  virtual Result<bool> double_quoted_texts(std::optional<bool> on) = 0;
  /// Copies the database to a file, in place of what is there. // SUSPENDS
  virtual Result<void> backup(const std::string& path) = 0;
  /// Outside of BEGIN ... COMMIT?
  virtual bool autocommit() const = 0;
  /// Rolls back what is open and lets go of the file or the server. // SUSPENDS
  virtual Result<void> close() = 0;
};

struct LocalOptions {
  bool read_only = false;
  std::string vfs = "auto";  ///< auto, posix or io_uring
};

/// A file, or a database in memory when `path` is empty or ":memory:". On a fiber. // SUSPENDS
Result<std::unique_ptr<Connection>> open_local(const std::string& path,
                                               const LocalOptions& options);

/// A server; fails when it does not answer.
Result<std::unique_ptr<Connection>> open_remote(const std::string& url);

/// Whichever of the two `target` names: a URL has "://" in it.
Result<std::unique_ptr<Connection>> open_target(const std::string& target,
                                                const LocalOptions& options);

}  // namespace saturn::shell
