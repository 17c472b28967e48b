#pragma once

#include <string>
#include <string_view>

/// The log façade: spdlog stays in base/src/log.cpp. Any thread may log at any time; before
/// `log::start` lines go to standard error at level `warn`.
namespace saturn::log {

enum class Level { trace, debug, info, warn, error, off };

/// Parses "trace", "debug", "info", "warn", "error", "off"; false when `name` is none of them.
bool parse_level(std::string_view name, Level& level) noexcept;

/// Where the lines go. Under systemd (`journal`) lines carry a "<N>" priority and no time stamp.
struct Options {
  Level level = Level::info;
  bool journal = false;
};

void start(const Options& options);
void set_level(Level level) noexcept;
bool enabled(Level level) noexcept;

void write(Level level, std::string_view line);
inline void debug(std::string_view line) { write(Level::debug, line); }
inline void info(std::string_view line) { write(Level::info, line); }
inline void warn(std::string_view line) { write(Level::warn, line); }
inline void error(std::string_view line) { write(Level::error, line); }

}  // namespace saturn::log
