#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>

namespace saturn::log {

namespace {

spdlog::level::level_enum native(Level level) noexcept {
  switch (level) {
    case Level::trace: return spdlog::level::trace;
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
    case Level::off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

std::shared_ptr<spdlog::logger> make_logger(Level level, bool journal) {
  auto logger =
      std::make_shared<spdlog::logger>("saturn", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_level(native(level));
  logger->flush_on(spdlog::level::trace);
  logger->set_pattern(journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
  return logger;
}

std::atomic<bool> journal_lines{false};
std::atomic<int> current_level{static_cast<int>(Level::warn)};

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = make_logger(Level::warn, false);
  return instance;
}

/// The syslog priority that journald reads from a line's "<N>" prefix (sd-daemon(3)).
const char* priority(Level level) noexcept {
  switch (level) {
    case Level::error: return "<3>";
    case Level::warn: return "<4>";
    case Level::info: return "<6>";
    default: return "<7>";
  }
}

}  // namespace

bool parse_level(std::string_view name, Level& level) noexcept {
  constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "off"};
  for (int i = 0; i < 6; ++i) {
    if (name == kNames[i]) {
      level = static_cast<Level>(i);
      return true;
    }
  }
  return false;
}

void start(const Options& options) {
  journal_lines = options.journal;
  current_level = static_cast<int>(options.level);
  logger() = make_logger(options.level, options.journal);
}

void set_level(Level level) noexcept {
  current_level = static_cast<int>(level);
  logger()->set_level(native(level));
}

bool enabled(Level level) noexcept { return static_cast<int>(level) >= current_level; }

void write(Level level, std::string_view line) {
  if (!enabled(level)) return;
  if (journal_lines) {
    logger()->log(native(level), "{}{}", priority(level), line);
  } else {
    logger()->log(native(level), "{}", line);
  }
}

}  // namespace saturn::log
