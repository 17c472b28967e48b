#pragma once

#include "connection.hpp"
#include "output.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::shell {

/// The state of one shell: what it is connected to and how it prints. One thread (and fiber).
class Shell {
 public:
  /// `interactive`: prompts are printed and errors name no line.
  Shell(std::unique_ptr<Connection> connection, LocalOptions options, Format format,
        bool interactive)
      : connection_(std::move(connection)),
        options_(std::move(options)),
        interactive_(interactive),
        format_(std::move(format)),
        printer_(format_, stdout) {}

  /// Reads statements and dot commands up to the end of `file`, going on after errors unless
  /// `.bail` is on. False when one of them failed.
  bool read_stream(std::FILE* file);
  /// Runs an argument of the command line: a text of statements, or one dot command.
  bool run_argument(std::string_view text);
  /// Closes the connection; false when that failed.
  bool finish();

  void set_bail(bool bail) noexcept { bail_ = bail; }
  void set_echo(bool echo) noexcept { echo_ = echo; }
  bool quit() const noexcept { return quit_; }

 private:
  using Words = std::vector<std::string>;
  /// How SQLite's shell words an error: that of an argument differs from that of a line.
  enum class Source : std::uint8_t { stream, argument };

  bool run_sql(std::string_view sql, std::size_t line, Source source);
  bool run_command(const std::string& line);
  bool run_setting(const Words& words, bool& known);
  bool dot_backup(const Words& words);
  bool dot_dbconfig(const Words& words);
  bool dot_dump(const Words& words);
  bool dot_import(const Words& words);
  bool dot_mode(const Words& words);
  bool dot_open(const Words& words);
  bool dot_read(const Words& words);
  bool dot_schema(const Words& words);
  bool dot_tables(const Words& words);
  bool dump_table(const std::string& name, const std::string& sql);
  bool report(std::string_view message);
  bool report_sql(const Error& error, std::string_view sql, std::size_t line, Source source);
  /// For dot commands: the rows of a statement of their own. An error is reported.
  bool query(const std::string& sql, std::vector<saturn::Row>& rows);
  bool read_line(std::FILE* file, std::string& line, bool continued);
  bool stops_after(bool good) const noexcept { return quit_ || (!good && bail_ && !interactive_); }

  std::unique_ptr<Connection> connection_;
  const LocalOptions options_;
  const bool interactive_;
  Format format_;
  Printer printer_;
  bool bail_ = false;
  bool echo_ = false;
  bool timer_ = false;
  bool quit_ = false;
  int depth_ = 0;  ///< of .read in .read
};

/// Cuts a dot command into words, quotes and backslashes heeded.
std::vector<std::string> split_words(std::string_view line);

}  // namespace saturn::shell
