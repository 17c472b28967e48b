#pragma once

#include "connection.hpp"
#include "output.hpp"
#include "splitter.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::shell {

/// The state of one shell: where it is connected to and how it prints. Not thread-safe.
class Shell {
 public:
  Shell(std::unique_ptr<Connection> connection, bool interactive)
      : connection_(std::move(connection)), interactive_(interactive), printer_(format_) {}

  /// Reads statements and dot commands up to the end of `file`; false when one of them failed.
  bool read_stream(std::FILE* file);
  /// Runs a text of statements, or one dot command.
  bool run_text(std::string_view text, std::size_t line);
  void finish();

  Format& format() noexcept { return format_; }
  void set_bail(bool bail) noexcept { bail_ = bail; }
  void set_echo(bool echo) noexcept { echo_ = echo; }
  Connection& connection() noexcept { return *connection_; }

 private:
  using Words = std::vector<std::string>;
  bool run_sql(std::string_view sql, std::size_t line);
  bool run_command(const std::string& line);
  bool dot_tables(const Words& words);
  bool dot_schema(const Words& words);
  bool dot_import(const Words& words);
  bool dot_mode(const Words& words);
  bool dot_read(const Words& words);
  bool report(std::string_view message);
  bool report_sql(const Error& error, std::string_view sql, std::size_t line);
  bool query(const std::string& sql, std::vector<Row>& rows);
  bool read_line(std::FILE* file, std::string& line, bool continued);

  std::unique_ptr<Connection> connection_;
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
