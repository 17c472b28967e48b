#include "shell.hpp"

#include "base/text.hpp"

#include <sys/resource.h>
#include <chrono>
#include <cstdio>
#include <cstring>

#if defined(SATURN_HAVE_READLINE)
#include <readline/history.h>
#include <readline/readline.h>
#endif

namespace saturn::shell {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

class Collector final : public RowSink {
 public:
  explicit Collector(std::vector<Row>& rows) : rows_(rows) {}
  void begin(const std::vector<std::string>&) override {}
  void row(std::span<const ValueRef> values) override {
    Row row;
    for (const ValueRef v : values) row.emplace_back(v);
    rows_.push_back(std::move(row));
  }
  void end() override {}

 private:
  std::vector<Row>& rows_;
};

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

}  // namespace

bool Shell::report(std::string_view message) {
  printer_.flush();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(message.size()), message.data());
  return false;
}

/// As SQLite's shell words it: what failed, where in the input, and the place in the statement.
bool Shell::report_sql(const Error& error, std::string_view sql, std::size_t line) {
  const bool parse = error.position() >= 0 || error.code() == Code::error;
  std::string text = cat(parse ? "Parse error" : "Runtime error");
  if (!interactive_ && line > 0) text += cat(" near line ", line);
  text += cat(": ", error.message());
  if (!parse) text += cat(" (", static_cast<int>(error.code()) & 0xff, ")");
  if (error.position() >= 0 && static_cast<std::size_t>(error.position()) <= sql.size()) {
    std::size_t offset = static_cast<std::size_t>(error.position());
    std::string_view shown = sql;
    if (offset > 50) {
      shown.remove_prefix(offset - 50);
      offset = 50;
    }
    std::string context(shown.substr(0, 78));
    for (char& c : context) {
      if (c == '\n' || c == '\t' || c == '\r') c = ' ';
    }
    text += cat("\n  ", context, "\n  ");
    if (offset < 25) {
      text += cat(std::string(offset, ' '), "^--- error here");
    } else {
      text += cat(std::string(offset - 14, ' '), "error here ---^");
    }
  }
  return report(text);
}

bool Shell::query(const std::string& sql, std::vector<Row>& rows) {
  Collector collector(rows);
  std::size_t consumed = 0;
  Result<void> done = connection_->run(sql, consumed, collector);
  if (!done) return report(cat("Error: ", done.message()));
  return true;
}

bool Shell::run_sql(std::string_view sql, std::size_t line) {
  bool good = true;
  while (!trim(sql).empty()) {
    const auto start = std::chrono::steady_clock::now();
    rusage before{};
    getrusage(RUSAGE_SELF, &before);
    std::size_t consumed = 0;
    Result<void> done = connection_->run(sql, consumed, printer_);
    if (!done) {
      const Error error = std::move(done).error();
      good = report_sql(error, sql, line);
      break;  // the rest of the text that was read with it is given up, as in SQLite's shell
    }
    if (timer_) {
      const std::chrono::duration<double> real = std::chrono::steady_clock::now() - start;
      rusage after{};
      getrusage(RUSAGE_SELF, &after);
      char text[120];
      std::snprintf(text, sizeof text, "Run Time: real %.3f user %.6f sys %.6f\n", real.count(),
                    seconds_of(after.ru_utime) - seconds_of(before.ru_utime),
                    seconds_of(after.ru_stime) - seconds_of(before.ru_stime));
      printer_.text(text);
    }
    for (const char c : sql.substr(0, consumed)) line += c == '\n' ? 1 : 0;
    sql.remove_prefix(consumed);
  }
  if (interactive_) printer_.flush();
  return good;
}

bool Shell::run_text(std::string_view text, std::size_t line) {
  const std::string_view trimmed = trim(text);
  if (!trimmed.empty() && trimmed.front() == '.') return run_command(std::string(trimmed));
  return run_sql(text, line);
}

bool Shell::read_line(std::FILE* file, std::string& line, bool continued) {
  line.clear();
#if defined(SATURN_HAVE_READLINE)
  if (interactive_ && file == stdin) {
    printer_.flush();
    char* text = ::readline(continued ? "   ...> " : "saturn> ");
    if (text == nullptr) return false;
    line = cat(text, "\n");
    if (*text != '\0') ::add_history(text);
    std::free(text);
    return true;
  }
#endif
  if (interactive_ && file == stdin) {
    printer_.text(continued ? "   ...> " : "saturn> ");
    printer_.flush();
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
  while (!quit_ && read_line(file, line, !pending.empty())) {
    ++number;
    if (pending.empty() && trim(line).empty()) continue;
    if (pending.empty() && line[0] == '.') {
      if (echo_) printer_.text(line);
      if (!run_command(std::string(trim(line)))) good = false;
      if (!good && bail_) return false;
      continue;
    }
    if (pending.empty()) first = number;
    pending += line;
    if (!splitter.feed(line)) continue;
    splitter.reset();
    if (echo_) printer_.text(pending);
    if (!run_sql(pending, first)) good = false;
    pending.clear();
    if (!good && bail_) return false;
  }
  if (!trim(pending).empty() && !quit_) {
    if (!run_sql(pending, first)) good = false;
  }
  if (interactive_ && depth_ == 0) printer_.text("\n");
  printer_.flush();
  return good;
}

void Shell::finish() {
  printer_.flush();
  Result<void> closed = connection_->close();
  if (!closed) report(cat("Error: ", closed.message()));
}

}  // namespace saturn::shell
