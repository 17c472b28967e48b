#include "output.hpp"

#include "base/real_text.hpp"
#include "base/text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

// The modes that print each row as it comes, and the texts of values. Table and column mode, which
// need all rows first, are in table.cpp.

namespace saturn::shell {
namespace {

constexpr std::size_t kFlushBytes = 256U << 10;

struct ModeName {
  std::string_view name;
  Mode mode;
  std::string_view separator;  ///< empty: stays as it is
};
constexpr ModeName kModes[] = {
    {"list", Mode::list, "|"},   {"csv", Mode::csv, ","},      {"tabs", Mode::list, "\t"},
    {"table", Mode::table, ""},  {"json", Mode::json, ""},     {"line", Mode::line, ""},
    {"quote", Mode::quote, ","}, {"insert", Mode::insert, ""}, {"column", Mode::column, ""}};

/// A text as C sees it, which is how SQLite's shell prints: up to its first NUL.
std::string_view shown_bytes(std::string_view bytes) noexcept {
  return bytes.substr(0, bytes.find('\0'));
}

/// The shortest digits that read back as `v`, always with a point or an exponent.
void append_exact_real(std::string& out, double v) {
  if (std::isinf(v)) {
    out += v < 0 ? "-1e999" : "1e999";
    return;
  }
  char digits[40];
  const std::to_chars_result end = std::to_chars(digits, digits + sizeof digits, v);
  const std::string_view text(digits, static_cast<std::size_t>(end.ptr - digits));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_plain(std::string& out, ValueRef v, const std::string& null_text) {
  switch (v.type()) {
    case Type::null: out += null_text; break;
    case Type::integer: out += cat(v.as_integer()); break;
    case Type::real: append_real(out, v.as_real()); break;
    case Type::text:
    case Type::blob: out += shown_bytes(v.bytes()); break;
  }
}

void append_csv(std::string& out, std::string_view text, std::string_view separator) {
  const bool needs_quotes = text.empty() || text.find(separator) != std::string_view::npos ||
                            std::any_of(text.begin(), text.end(), [](char c) {
                              return c == '"' || c == '\'' ||
                                     static_cast<unsigned char>(c) <= ' ' ||
                                     static_cast<unsigned char>(c) >= 0x7f;
                            });
  if (!needs_quotes) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

void append_json_text(std::string& out, std::string_view text) {
  static constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
  static constexpr std::string_view kLetters = "\"\\bfnrt";
  out += '"';
  for (const char c : text) {
    if (const std::size_t at = kEscaped.find(c); at != std::string_view::npos) {
      out += '\\';
      out += kLetters[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
      out += buffer;
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string doubled(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
  return out;
}

}  // namespace

bool set_mode(Format& format, std::string_view name) {
  for (const ModeName& known : kModes) {
    if (known.name != name) continue;
    format.mode = known.mode;
    if (!known.separator.empty()) format.separator = known.separator;
    return true;
  }
  return false;
}

std::string quoted_text(std::string_view text) { return doubled(text, '\''); }
std::string quoted_name(std::string_view name) { return doubled(name, '"'); }

void append_literal(std::string& out, ValueRef v) {
  switch (v.type()) {
    case Type::null: out += "NULL"; break;
    case Type::integer: out += cat(v.as_integer()); break;
    case Type::real: append_exact_real(out, v.as_real()); break;
    case Type::text: out += quoted_text(v.bytes()); break;
    case Type::blob: {
      static constexpr char kHex[] = "0123456789abcdef";
      out += "X'";
      for (const char c : v.bytes()) {
        out += kHex[static_cast<unsigned char>(c) >> 4];
        out += kHex[static_cast<unsigned char>(c) & 15];
      }
      out += '\'';
      break;
    }
  }
}

void Printer::text(std::string_view text) { out_ += text; }

void Printer::flush() {
  if (!out_.empty()) std::fwrite(out_.data(), 1, out_.size(), file_);
  std::fflush(file_);
  out_.clear();
}

void Printer::begin(const std::vector<std::string>& columns) {
  columns_ = columns;
  rows_ = 0;
  kept_.clear();
  has_tall_rows_ = false;
}

void Printer::separated_header() {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) out_ += format_.separator;
    if (format_.mode == Mode::csv) {
      append_csv(out_, columns_[i], format_.separator);
    } else if (format_.mode == Mode::quote) {
      out_ += quoted_text(columns_[i]);
    } else {
      out_ += columns_[i];
    }
  }
  out_ += format_.mode == Mode::csv ? "\r\n" : "\n";
}

void Printer::separated_row(std::span<const ValueRef> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ValueRef v = values[i];
    if (i > 0) out_ += format_.separator;
    if (format_.mode == Mode::quote) {
      append_literal(out_, v);
    } else if (format_.mode == Mode::csv && (v.is_text() || v.is_blob())) {
      append_csv(out_, shown_bytes(v.bytes()), format_.separator);
    } else {
      append_plain(out_, v, format_.null_text);
    }
  }
  out_ += format_.mode == Mode::csv ? "\r\n" : "\n";
}

void Printer::json_row(std::span<const ValueRef> values) {
  out_ += rows_ == 1 ? "[{" : ",\n{";
  for (std::size_t i = 0; i < values.size(); ++i) {
    const ValueRef v = values[i];
    if (i > 0) out_ += ',';
    append_json_text(out_, columns_[i]);
    out_ += ':';
    if (v.is_null()) {
      out_ += "null";
    } else if (v.is_text() || v.is_blob()) {
      append_json_text(out_, v.bytes());
    } else {
      append_literal(out_, v);
    }
  }
  out_ += '}';
}

void Printer::line_row(std::span<const ValueRef> values) {
  std::size_t width = 5;
  for (const std::string& name : columns_) width = std::max(width, name.size());
  if (rows_ > 1) out_ += '\n';
  for (std::size_t i = 0; i < values.size(); ++i) {
    out_ += std::string(width - columns_[i].size(), ' ') + columns_[i] + " = ";
    append_plain(out_, values[i], format_.null_text);
    out_ += '\n';
  }
}

void Printer::insert_row(std::span<const ValueRef> values) {
  out_ += cat("INSERT INTO ", format_.insert_table);
  if (format_.headers) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      out_ += cat(i == 0 ? "(" : ",", quoted_name(columns_[i]));
    }
    out_ += ')';
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    out_ += i == 0 ? " VALUES(" : ",";
    append_literal(out_, values[i]);
  }
  out_ += ");\n";
}

void Printer::row(std::span<const ValueRef> values) {
  ++rows_;
  if (out_.size() > kFlushBytes) flush();
  switch (format_.mode) {
    case Mode::list:
    case Mode::quote:
    case Mode::csv:
      if (rows_ == 1 && format_.headers) separated_header();
      separated_row(values);
      break;
    case Mode::json: json_row(values); break;
    case Mode::line: line_row(values); break;
    case Mode::insert: insert_row(values); break;
    case Mode::table:
    case Mode::column: keep_cells(values); break;
  }
}

void Printer::keep_cells(std::span<const ValueRef> values) {
  Cells cells;
  for (const ValueRef v : values) {
    std::string text;
    append_plain(text, v, format_.null_text);
    std::vector<std::string> lines(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
      // A control character ends a line as a newline does.
      if (text[i] == '\t') {
        lines.back() += std::string(8 - lines.back().size() % 8, ' ');
      } else if (static_cast<unsigned char>(text[i]) < ' ') {
        if (text.compare(i, 2, "\r\n") == 0) ++i;
        if (i + 1 < text.size()) lines.emplace_back();
      } else {
        lines.back() += text[i];
      }
    }
    has_tall_rows_ = has_tall_rows_ || lines.size() > 1;
    cells.push_back(std::move(lines));
  }
  kept_.push_back(std::move(cells));
}

void Printer::end() {
  if (rows_ == 0) return;
  if (format_.mode == Mode::json) out_ += "]\n";
  if (format_.mode == Mode::table) print_table();
  if (format_.mode == Mode::column) print_columns();
  kept_.clear();
}

}  // namespace saturn::shell
