#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// The one table of options. The parser of `saturn.conf`, the environment, the flags, `--help`,
/// `--print-config`, the sample file and the manual page are all made from it, so an option that is
/// added to the table is in all of them. Everything here is constant: any thread may call it.
namespace saturn::config {

/// Names an option in code; the order is the table's.
enum class Id : std::uint8_t {
  listen,
  data_dir,
  vfs,
  vfs_fallback,
  threads,
  cache_size,
  query_memory,
  synchronous,
  log_sync,
  busy_timeout_ms,
  transaction_timeout_ms,
  stream_idle_timeout_ms,
  connections_max,
  http_body_max,
  log_level,
};
inline constexpr std::size_t kOptionCount = 15;

/// What a value may look like.
enum class Type : std::uint8_t {
  address,    ///< HOST:PORT, an IPv6 host in brackets
  directory,  ///< a path, taken as it stands
  choice,     ///< one of `Option::choices`, in any case
  integer,    ///< decimal digits, within `min` and `max`
  bytes,      ///< decimal digits and K, M or G (powers of 1024), within `min` and `max`
};

/// One row of the table.
struct Option {
  Id id;
  std::string_view name;  ///< the key in saturn.conf; flag and variable are derived from it
  Type type;
  std::string_view default_text;              ///< as it would stand in saturn.conf
  std::string_view unit;                      ///< "ms", "bytes" or nothing
  std::uint64_t min;                          ///< inclusive; numbers only
  std::uint64_t max;                          ///< inclusive; numbers only
  std::span<const std::string_view> choices;  ///< choices only
  std::string_view help;                      ///< whole sentences
  bool reloadable;                            ///< whether SIGHUP can change it
};

/// The table, in the order of `Id`.
std::span<const Option> options() noexcept;
const Option& option(Id id) noexcept;
/// The option whose key is exactly `name`, or null.
const Option* find_option(std::string_view name) noexcept;

/// "data_dir" -> "--data-dir".
std::string flag_name(const Option& option);
/// "data_dir" -> "SATURN_DATA_DIR".
std::string variable_name(const Option& option);

/// What the option accepts, for messages: "an integer from 0 to 256".
std::string accepted(const Option& option);

/// A checked value. `text` is the canonical spelling ("1024K" becomes "1M"); `number` is the
/// integer, the count of bytes, the index among the choices or the port.
struct Parsed {
  std::string text;
  std::uint64_t number = 0;
};
/// Checks `text` against the option's type and range. The error names the option, the value and
/// what is accepted; it does not know the place.
Result<Parsed> parse_value(const Option& option, std::string_view text);

/// The value as saturn.conf must spell it: quoted where it would not survive bare.
std::string quoted_where_needed(std::string_view value);

/// What `--help` prints, at most 80 columns wide.
std::string help_text();
/// A saturn.conf with every option commented out at its default.
std::string sample_text();
/// The manual page saturn.conf(5), in roff (man macros).
std::string manual_text();

}  // namespace saturn::config
