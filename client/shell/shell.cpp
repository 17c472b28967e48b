#include "shell.hpp"

#include "base/text.hpp"
#include "splitter.hpp"

#include <sys/resource.h>
#include <chrono>
#include <cstdlib>

#if defined(SATURN_HAVE_READLINE)
#include <readline/history.h>
#include <readline/readline.h>
#endif

namespace saturn::shell {
namespace {

/// Bytes of a statement shown before and around an error's place.
constexpr std::size_t kContextBeforeMax = 50;
constexpr std::size_t kContextMax = 78;

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

class Collector final : public RowSink {
 public:
  explicit Collector(std::vector<saturn::Row>& rows) : rows_(rows) {}
  void begin(const std::vector<std::string>&) override {}
  void row(std::span<const ValueRef> values) override {
    saturn::Row row;
    for (const ValueRef v : values) row.emplace_back(v);
    rows_.push_back(std::move(row));
  }
  void end() override {}

 private:
  std::vector<saturn::Row>& rows_;
};

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

/// The time of one statement, from its construction on.
class Stopwatch {
 public:
  Stopwatch() { getrusage(RUSAGE_SELF, &before_); }
  std::string report() const {
    const std::chrono::duration<double> real = std::chrono::steady_clock::now() - start_;
    rusage after{};
    getrusage(RUSAGE_SELF, &after);
    char text[120];
    std::snprintf(text, sizeof text, "Run Time: real %.3f user %.6f sys %.6f\n", real.count(),
                  seconds_of(after.ru_utime) - seconds_of(before_.ru_utime),
                  seconds_of(after.ru_stime) - seconds_of(before_.ru_stime));
    return text;
  }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  rusage before_{};
};

/// Two lines: the part of `sql` around byte `offset`, and an arrow to it.
std::string error_context(std::string_view sql, std::size_t offset) {
  if (offset > kContextBeforeMax) {
    sql.remove_prefix(offset - kContextBeforeMax);
    offset = kContextBeforeMax;
  }
  std::string shown(sql.substr(0, kContextMax));
  for (char& c : shown) {
    if (is_blank(c)) c = ' ';
  }
  const std::string arrow = offset < 25 ? std::string(offset, ' ') + "^--- error here"
                                        : std::string(offset - 14, ' ') + "error here ---^";
  return cat("\n  ", shown, "\n  ", arrow);
}

}  // namespace

bool Shell::report(std::string_view message) {
  printer_.flush();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  return false;
}

bool Shell::report_sql(const Error& error, std::string_view sql, std::size_t line, Source source) {
  const bool in_prepare = connection_->failed_phase() == Phase::prepare || error.position() >= 0;
  std::string text;
  if (source == Source::argument) {
    text = cat("Error: ", in_prepare ? "in prepare, " : "stepping, ");
  } else {
    text = in_prepare ? "Parse error" : "Runtime error";
    if (!interactive_) text += cat(" near line ", line);
    text += ": ";
  }
  text += error.message();
  const int code = static_cast<int>(primary(error.code()));
  if (code > 1) text += cat(" (", code, ")");
  const std::int64_t place = error.position();
  if (place >= 0 && static_cast<std::size_t>(place) <= sql.size()) {
    text += error_context(sql, static_cast<std::size_t>(place));
  }
  return report(text);
}

bool Shell::query(const std::string& sql, std::vector<saturn::Row>& rows) {
  Collector collector(rows);
  std::size_t consumed = 0;
  Result<void> done = connection_->run(sql, consumed, collector);
  if (!done) return report(cat("Error: ", done.message()));
  return true;
}

bool Shell::run_sql(std::string_view sql, std::size_t line, Source source) {
  bool good = true;
  for (sql = trim(sql); good && !sql.empty(); sql = trim(sql)) {
    const Stopwatch stopwatch;
    std::size_t consumed = 0;
    PlanPrinter sink(printer_, sql);
    Result<void> done = connection_->run(sql, consumed, sink);
    if (!done) {
      // The rest of the text that was read with it is given up, as in SQLite's shell.
      good = report_sql(std::move(done).error(), sql, line, source);
    } else if (timer_) {
      printer_.text(stopwatch.report());
    }
    sql.remove_prefix(consumed);
  }
  if (interactive_) printer_.flush();
  return good;
}

bool Shell::run_argument(std::string_view text) {
  if (!text.empty() && text.front() == '.') return run_command(std::string(trim(text)));
  return run_sql(text, 1, Source::argument);
}

bool Shell::read_line(std::FILE* file, std::string& line, bool continued) {
  line.clear();
  if (interactive_ && file == stdin) {
    const char* prompt = continued ? "   ...> " : "saturn> ";
    printer_.flush();
#if defined(SATURN_HAVE_READLINE)
    char* text = ::readline(prompt);
    if (text == nullptr) return false;
    line = cat(text, "\n");
    if (*text != '\0') ::add_history(text);
    std::free(text);
    return true;
#else
    std::fputs(prompt, stdout);
    std::fflush(stdout);
#endif
  }
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, file) != nullptr) {
    line += buffer;
    if (line.back() == '\n') return true;
  }
  return !line.empty();
}

bool Shell::read_stream(std::FILE* file) {
  bool good = true;
  Splitter splitter;
  std::string pending;
  std::string line;
  std::size_t number = 0;
  std::size_t first = 0;
  while (!stops_after(good) && read_line(file, line, !pending.empty())) {
    ++number;
    if (pending.empty() && (line[0] == '.' || line[0] == '#')) {
      if (echo_) printer_.text(line);
      if (line[0] == '.' && !run_command(std::string(trim(line)))) good = false;
      continue;
    }
    if (pending.empty()) {
      first = number;
      line.erase(0, static_cast<std::size_t>(trim(line).data() - line.data()));
    }
    pending += line;
    if (!splitter.feed(line)) continue;
    if (echo_) printer_.text(pending);
    if (!splitter.blank() && !run_sql(pending, first, Source::stream)) good = false;
    splitter.reset();
    pending.clear();
  }
  if (!splitter.blank() && !stops_after(good)) {
    if (echo_) printer_.text(pending);
    if (!run_sql(pending, first, Source::stream)) good = false;
  }
  if (interactive_ && file == stdin && !quit_) printer_.text("\n");
  printer_.flush();
  return good;
}

bool Shell::finish() {
  printer_.flush();
  Result<void> closed = connection_->close();
  if (!closed) return report(cat("Error: ", closed.message()));
  return true;
}

}  // namespace saturn::shell
