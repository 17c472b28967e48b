#pragma once

#include "base/log.hpp"
#include "base/result.hpp"
#include "config/options.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace saturn::config {

/// The longest configuration file that is read, in bytes.
inline constexpr std::size_t kFileBytesMax = 1U << 20;

/// How `load` reaches files; tests pass their own.
class FileReader {
 public:
  virtual ~FileReader() = default;
  /// The whole file. Fails with `Code::cantopen` and the errno, or `Code::toobig` past
  /// `kFileBytesMax`; the message names the path.
  virtual Result<std::string> read(const std::string& path) const = 0;
  /// The names (not paths) of the directory's entries that are not directories, in any order. A
  /// directory that does not exist has none; any other failure is `Code::cantopen`.
  virtual Result<std::vector<std::string>> list(const std::string& directory) const = 0;
};

/// The file system's files. Stateless; any thread.
const FileReader& real_files() noexcept;

/// Everything that a configuration is made from. `files` is borrowed for the call.
struct Sources {
  std::vector<std::string> args;  ///< without the program's name
  /// Names and values; names that do not begin with SATURN_ are passed over.
  std::vector<std::pair<std::string, std::string>> environment;
  const FileReader* files = &real_files();
};

/// Splits `environ`'s "NAME=value" texts; `environment` ends with a null pointer.
std::vector<std::pair<std::string, std::string>> split_environment(const char* const* environment);

/// What the command line asks for besides a configuration.
enum class Action : std::uint8_t { run, help, version, print_config, check_config, probe_vfs };

enum class Vfs : std::uint8_t { automatic, posix, io_uring };
enum class Synchronous : std::uint8_t { full, normal, off };
enum class LogSync : std::uint8_t { automatic, fdatasync, dsync };

/// `host` without brackets: an IPv4 or IPv6 address or a name. Port 0 lets the kernel choose.
struct Listen {
  std::string host;
  std::uint16_t port;
};

/// One option's value and where it comes from: "default", "/etc/saturn/saturn.conf:3",
/// "environment SATURN_THREADS" or "flag --threads".
struct Setting {
  Parsed value;
  std::string source;
};

/// A complete, checked configuration: a plain value, copied freely.
class Config {
 public:
  /// Every option at its default.
  Config();

  Listen listen() const;
  const std::string& data_dir() const { return setting(Id::data_dir).value.text; }
  Vfs vfs() const { return static_cast<Vfs>(number(Id::vfs)); }
  /// Whether `posix` may stand in for an `io_uring` that cannot be had.
  bool vfs_fallback() const { return number(Id::vfs_fallback) == 0; }
  /// Workers; 0 = one a core.
  std::uint32_t threads() const { return number32(Id::threads); }
  std::uint64_t cache_size() const { return number(Id::cache_size); }      ///< bytes
  std::uint64_t query_memory() const { return number(Id::query_memory); }  ///< bytes
  Synchronous synchronous() const { return static_cast<Synchronous>(number(Id::synchronous)); }
  LogSync log_sync() const { return static_cast<LogSync>(number(Id::log_sync)); }
  std::uint32_t busy_timeout_ms() const { return number32(Id::busy_timeout_ms); }
  /// 0 = none.
  std::uint32_t transaction_timeout_ms() const { return number32(Id::transaction_timeout_ms); }
  /// 0 = none.
  std::uint32_t stream_idle_timeout_ms() const { return number32(Id::stream_idle_timeout_ms); }
  std::uint32_t connections_max() const { return number32(Id::connections_max); }
  std::uint64_t http_body_max() const { return number(Id::http_body_max); }  ///< bytes
  log::Level log_level() const;

  Action action() const noexcept { return action_; }
  /// The file that `--config` named; empty when there was none.
  const std::string& config_path() const noexcept { return config_path_; }

  const Setting& setting(Id id) const { return settings_[static_cast<std::size_t>(id)]; }
  /// Checks and stores one value; the error is `parse_value`'s, without the place.
  Result<void> set(const Option& option, std::string_view text, std::string source);

 private:
  friend class Loader;
  std::uint64_t number(Id id) const { return setting(id).value.number; }
  std::uint32_t number32(Id id) const { return static_cast<std::uint32_t>(number(id)); }

  std::array<Setting, kOptionCount> settings_;
  std::string config_path_;
  Action action_ = Action::run;
};

/// Reads all sources, each overriding the one before: the defaults; the file of `--config`; the
/// `*.conf` files of the directory `conf.d` beside it, by name in byte order; SATURN_* variables;
/// flags, the last of a repeated one. With `--help` or `--version` nothing is read, so that they
/// work whatever the files say. The first fault found ends it: an unknown key, variable or flag, a
/// key that one file sets twice, a bad value or an unreadable file; the message begins with its
/// place ("saturn.conf:3: ").
Result<Config> load(const Sources& sources);

/// What `--print-config` prints: a saturn.conf with every value, its source as a comment.
std::string print_text(const Config& config);

/// One option whose value differs, with both values as text.
struct Difference {
  const Option* option;
  std::string before;
  std::string after;
};
/// What a reload found, in the table's order.
struct Differences {
  std::vector<Difference> reloadable;     ///< to be applied at once
  std::vector<Difference> needs_restart;  ///< to be warned of
};
/// Compares values, not sources.
Differences reloadable_differences(const Config& before, const Config& after);

}  // namespace saturn::config
