#include "config/options.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace saturn::config {

namespace {

constexpr std::uint64_t kDayMs = 86'400'000;
constexpr std::uint64_t kKiB = 1ULL << 10;
constexpr std::uint64_t kGiB = 1ULL << 30;

// The order of each list is that of the enumeration in config.hpp.
constexpr std::array<std::string_view, 3> kVfs{"auto", "posix", "io_uring"};
constexpr std::array<std::string_view, 2> kOnOff{"on", "off"};
constexpr std::array<std::string_view, 3> kSynchronous{"full", "normal", "off"};
constexpr std::array<std::string_view, 3> kLogSync{"auto", "fdatasync", "dsync"};
constexpr std::array<std::string_view, 6> kLevels{"trace", "debug", "info", "warn", "error", "off"};

constexpr std::array<Option, kOptionCount> kOptions{{
    {Id::listen,
     "listen",
     Type::address,
     "127.0.0.1:8080",
     "",
     0,
     65'535,
     {},
     "The TCP address on which clients are served. An IPv6 address stands in brackets. Port 0 "
     "lets the kernel choose a port.",
     false},
    {Id::data_dir,
     "data_dir",
     Type::directory,
     "./data",
     "",
     0,
     0,
     {},
     "The directory that holds the databases. A relative path starts at the working directory.",
     false},
    {Id::vfs, "vfs", Type::choice, "auto", "", 0, 0, kVfs,
     "The backend that reads and writes files. With auto it is io_uring where the kernel allows "
     "it, else posix.",
     false},
    {Id::vfs_fallback, "vfs_fallback", Type::choice, "on", "", 0, 0, kOnOff,
     "Whether the server goes on with posix, after a warning, when io_uring was asked for and "
     "cannot be had. With off it refuses to start.",
     false},
    {Id::threads,
     "threads",
     Type::integer,
     "0",
     "",
     0,
     limits::kThreadsMax,
     {},
     "The number of worker threads. 0 means one a core.",
     false},
    {Id::cache_size,
     "cache_size",
     Type::bytes,
     "256M",
     "bytes",
     limits::kCacheBytesMin,
     1024 * kGiB,
     {},
     "The size of the page cache.",
     false},
    {Id::query_memory,
     "query_memory",
     Type::bytes,
     "1G",
     "bytes",
     limits::kQueryMemoryMin,
     1024 * kGiB,
     {},
     "The memory in which the statements of one stream may keep rows (sorts, hash tables, ...). "
     "From half of it on rows go to temporary files in the database's directory, as far as they "
     "can; a statement that needs more all the same fails with SQLITE_NOMEM.",
     true},
    {Id::synchronous, "synchronous", Type::choice, "full", "", 0, 0, kSynchronous,
     "When the log reaches the disk. With full it is synced before a commit is answered. With "
     "normal it is synced at checkpoints: a power cut may take the latest commits away. With off "
     "it "
     "is never synced: a power cut may damage the database. PRAGMA synchronous changes it for the "
     "commits of one stream.",
     false},
    {Id::log_sync, "log_sync", Type::choice, "auto", "", 0, 0, kLogSync,
     "How commits are made durable when synchronous is full. With fdatasync the log is written and "
     "then synced. With dsync it is written with RWF_DSYNC, which does both at once. With auto "
     "both "
     "are measured at start, and the faster one is taken.",
     false},
    {Id::busy_timeout_ms,
     "busy_timeout_ms",
     Type::integer,
     "5000",
     "ms",
     0,
     kDayMs,
     {},
     "How long a statement waits for its turn to write before it fails with SQLITE_BUSY.",
     true},
    {Id::transaction_timeout_ms,
     "transaction_timeout_ms",
     Type::integer,
     "30000",
     "ms",
     0,
     kDayMs,
     {},
     "How long a transaction may stay open before it is rolled back. 0 means no limit.",
     true},
    {Id::stream_idle_timeout_ms,
     "stream_idle_timeout_ms",
     Type::integer,
     "600000",
     "ms",
     0,
     kDayMs,
     {},
     "How long a stream without requests is kept. 0 means no limit.",
     true},
    {Id::connections_max,
     "connections_max",
     Type::integer,
     "4096",
     "",
     1,
     1'000'000,
     {},
     "The number of connections that may be open at the same time.",
     true},
    {Id::http_body_max,
     "http_body_max",
     Type::bytes,
     "64M",
     "bytes",
     kKiB,
     kGiB,
     {},
     "The largest body of an HTTP request.",
     true},
    {Id::log_level, "log_level", Type::choice, "info", "", 0, 0, kLevels,
     "The least severe level that is logged.", true},
}};

constexpr bool in_order_of_ids() {
  for (std::size_t i = 0; i < kOptions.size(); ++i) {
    if (static_cast<std::size_t>(kOptions[i].id) != i) return false;
  }
  return true;
}
static_assert(in_order_of_ids());

std::string derived(std::string_view prefix, std::string_view name, bool variable) {
  std::string out(prefix);
  for (char c : name) {
    if (variable) {
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    } else {
      out += c == '_' ? '-' : c;
    }
  }
  return out;
}

}  // namespace

std::span<const Option> options() noexcept { return kOptions; }

const Option& option(Id id) noexcept { return kOptions[static_cast<std::size_t>(id)]; }

const Option* find_option(std::string_view name) noexcept {
  const auto* it = std::find_if(kOptions.begin(), kOptions.end(),
                                [&](const Option& o) { return o.name == name; });
  return it == kOptions.end() ? nullptr : it;
}

std::string flag_name(const Option& o) { return derived("--", o.name, false); }

std::string variable_name(const Option& o) { return derived("SATURN_", o.name, true); }

}  // namespace saturn::config
