#pragma once

#include "connection.hpp"

#include <string>

namespace saturn::shell {

enum class Mode : std::uint8_t { list, csv, table, json, line, quote };

/// How rows are printed, as `.mode`, `.separator`, `.headers` and `.nullvalue` set it.
struct Format {
  Mode mode = Mode::list;
  bool headers = false;
  std::string separator = "|";
  std::string null_text;
};

/// False when there is no mode of that name.
bool parse_mode(std::string_view name, Mode& mode);

/// Prints rows to a buffer that `flush` writes to standard output.
class Printer final : public RowSink {
 public:
  explicit Printer(Format& format) : format_(format) {}
  ~Printer() override { flush(); }
  void begin(const std::vector<std::string>& columns) override;
  void row(std::span<const ValueRef> values) override;
  void end() override;
  void text(std::string_view text);
  void flush();

 private:
  void plain(ValueRef v);
  void csv(std::string_view text, bool is_null);
  void json_value(ValueRef v);
  void json_text(std::string_view text);
  void quoted(ValueRef v);
  void print_table();

  Format& format_;
  std::string out_;
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> table_;
  std::size_t rows_ = 0;
};

/// REAL as SQLite prints it.
void append_real(std::string& out, double v);

}  // namespace saturn::shell
