#pragma once

#include "connection.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace saturn::shell {

enum class Mode : std::uint8_t { list, csv, table, json, line, quote, insert, column };

/// How rows are printed, as `.mode`, `.separator`, `.headers` and `.nullvalue` set it.
struct Format {
  Mode mode = Mode::list;
  bool headers = false;
  bool headers_set = false;  ///< by the user; until then column mode turns them on
  std::string separator = "|";
  std::string null_text;
  std::string insert_table = "table";
};

/// Sets the mode of that name ("tabs" is list mode with a separator of its own) and the separator
/// that goes with it. False, changing nothing, when there is no such mode.
bool set_mode(Format& format, std::string_view name);

/// Prints rows to a buffer, which `flush` writes to a file.
class Printer final : public RowSink {
 public:
  /// Borrows both.
  Printer(Format& format, std::FILE* file) : format_(format), file_(file) {}
  ~Printer() override { flush(); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  void begin(const std::vector<std::string>& columns) override;
  void row(std::span<const ValueRef> values) override;
  void end() override;

  void text(std::string_view text);
  void flush();

 private:
  /// One row of table or column mode: for each column, its lines.
  using Cells = std::vector<std::vector<std::string>>;

  void separated_header();
  void separated_row(std::span<const ValueRef> values);
  void json_row(std::span<const ValueRef> values);
  void line_row(std::span<const ValueRef> values);
  void insert_row(std::span<const ValueRef> values);
  void keep_cells(std::span<const ValueRef> values);
  std::vector<std::size_t> cell_widths() const;
  void print_table();
  void print_columns();

  Format& format_;
  std::FILE* file_;
  std::string out_;
  std::vector<std::string> columns_;
  std::vector<Cells> kept_;  ///< rows whose widths must be known before the first is printed
  bool has_tall_rows_ = false;
  std::size_t rows_ = 0;
};

/// A literal that reads back as the same value; infinities as 1e999.
void append_literal(std::string& out, ValueRef v);
/// 'text', with its quotes doubled.
std::string quoted_text(std::string_view text);
/// "name", with its quotes doubled.
std::string quoted_name(std::string_view name);

/// The rows of EXPLAIN QUERY PLAN and EXPLAIN ANALYZE as a tree, whatever the mode; those of any
/// other statement as they are.
class PlanPrinter final : public RowSink {
 public:
  /// Borrows `printer`. `sql` is the text of which the statement is the first.
  PlanPrinter(Printer& printer, std::string_view sql);

  void begin(const std::vector<std::string>& columns) override;
  void row(std::span<const ValueRef> values) override;
  void end() override;

 private:
  struct Line {
    std::int64_t id = 0;
    std::int64_t parent = 0;
    std::string text;
  };
  void print(std::int64_t parent, const std::string& margin);

  Printer& printer_;
  const bool explains_;
  bool tree_ = false;  ///< the statement that runs is shown as one
  std::vector<Line> lines_;
};

}  // namespace saturn::shell
