#include "output.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace saturn::shell {

bool parse_mode(std::string_view name, Mode& mode) {
  static constexpr std::pair<std::string_view, Mode> kModes[] = {
      {"list", Mode::list}, {"csv", Mode::csv},   {"table", Mode::table},
      {"json", Mode::json}, {"line", Mode::line}, {"quote", Mode::quote}};
  for (const auto& [known, value] : kModes) {
    if (known != name) continue;
    mode = value;
    return true;
  }
  return false;
}

void append_real(std::string& out, double v) {
  if (std::isinf(v)) {
    out += v < 0 ? "-Inf" : "Inf";
    return;
  }
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.15g", v);
  std::string text = buffer;
  if (text.find_first_of(".e") == std::string::npos) {
    text += ".0";
  } else if (const std::size_t e = text.find('e');
             e != std::string::npos && text.find('.') == std::string::npos) {
    text.insert(e, ".0");
  }
  out += text;
}

void Printer::text(std::string_view text) { out_ += text; }

void Printer::flush() {
  std::fwrite(out_.data(), 1, out_.size(), stdout);
  std::fflush(stdout);
  out_.clear();
}

void Printer::plain(ValueRef v) {
  switch (v.type()) {
    case Type::null: out_ += format_.null_text; break;
    case Type::integer: out_ += cat(v.as_integer()); break;
    case Type::real: append_real(out_, v.as_real()); break;
    case Type::text:
    case Type::blob: {
      // C strings end at their first NUL, and so they print.
      const std::string_view bytes = v.bytes();
      out_ += bytes.substr(0, bytes.find('\0'));
      break;
    }
  }
}

void Printer::csv(std::string_view text, bool is_null) {
  if (is_null) {
    out_ += format_.null_text;
    return;
  }
  const bool needs_quotes =
      text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
        return c == '"' || c == '\'' || c == ',' || static_cast<unsigned char>(c) <= ' ' ||
               static_cast<unsigned char>(c) >= 0x7f;
      });
  if (!needs_quotes) {
    out_ += text;
    return;
  }
  out_ += '"';
  for (const char c : text) {
    if (c == '"') out_ += '"';
    out_ += c;
  }
  out_ += '"';
}

void Printer::json_text(std::string_view text) {
  out_ += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out_ += "\\\""; break;
      case '\\': out_ += "\\\\"; break;
      case '\n': out_ += "\\n"; break;
      case '\r': out_ += "\\r"; break;
      case '\t': out_ += "\\t"; break;
      case '\b': out_ += "\\b"; break;
      case '\f': out_ += "\\f"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          char buffer[8];
          std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(c));
          out_ += buffer;
        } else {
          out_ += c;
        }
    }
  }
  out_ += '"';
}

void Printer::json_value(ValueRef v) {
  switch (v.type()) {
    case Type::null: out_ += "null"; break;
    case Type::text:
    case Type::blob: json_text(v.bytes()); break;
    default: plain(v);
  }
}

void Printer::quoted(ValueRef v) {
  switch (v.type()) {
    case Type::null: out_ += "NULL"; break;
    case Type::text:
      out_ += '\'';
      for (const char c : v.bytes()) {
        if (c == '\'') out_ += '\'';
        out_ += c;
      }
      out_ += '\'';
      break;
    case Type::blob: {
      out_ += "X'";
      static constexpr char kHex[] = "0123456789abcdef";
      for (const char c : v.bytes()) {
        out_ += kHex[static_cast<unsigned char>(c) >> 4];
        out_ += kHex[static_cast<unsigned char>(c) & 15];
      }
      out_ += '\'';
      break;
    }
    default: plain(v);
  }
}

void Printer::begin(const std::vector<std::string>& columns) {
  columns_ = columns;
  rows_ = 0;
  table_.clear();
}

void Printer::row(std::span<const ValueRef> values) {
  const bool first = rows_++ == 0;
  if (out_.size() > (64U << 10)) flush();
  switch (format_.mode) {
    case Mode::list:
    case Mode::quote:
    case Mode::csv: {
      const bool is_csv = format_.mode == Mode::csv;
      const bool own_separator =
          format_.mode == Mode::list || (is_csv && format_.separator != "|");
      const std::string_view separator =
          own_separator ? std::string_view(format_.separator) : std::string_view(",");
      const std::string_view line_end = is_csv ? "\r\n" : "\n";
      if (first && format_.headers) {
        for (std::size_t i = 0; i < columns_.size(); ++i) {
          if (i > 0) out_ += separator;
          if (is_csv) csv(columns_[i], false);
          else if (format_.mode == Mode::quote) quoted(ValueRef::text(columns_[i]));
          else out_ += columns_[i];
        }
        out_ += line_end;
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out_ += separator;
        if (format_.mode == Mode::list) {
          plain(values[i]);
        } else if (format_.mode == Mode::quote) {
          quoted(values[i]);
        } else if (values[i].is_text() || values[i].is_blob() || values[i].is_null()) {
          csv(values[i].is_null() ? std::string_view() : values[i].bytes(), values[i].is_null());
        } else {
          plain(values[i]);
        }
      }
      out_ += line_end;
      break;
    }
    case Mode::json:
      out_ += first ? "[{" : ",\n{";
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i > 0) out_ += ',';
        json_text(columns_[i]);
        out_ += ':';
        json_value(values[i]);
      }
      out_ += '}';
      break;
    case Mode::line: {
      std::size_t width = 5;
      for (const std::string& name : columns_) width = std::max(width, name.size());
      if (!first) out_ += '\n';
      for (std::size_t i = 0; i < values.size(); ++i) {
        out_ += std::string(width - columns_[i].size(), ' ') + columns_[i] + " = ";
        plain(values[i]);
        out_ += '\n';
      }
      break;
    }
    case Mode::table: {
      std::vector<std::string> cells;
      std::string kept = std::move(out_);
      for (const ValueRef v : values) {
        out_.clear();
        plain(v);
        cells.push_back(out_);
      }
      out_ = std::move(kept);
      table_.push_back(std::move(cells));
      break;
    }
  }
}

void Printer::print_table() {
  const auto width_of = [](const std::string& text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  };
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i]);
    for (const auto& cells : table_) width = std::max(width, width_of(cells[i]));
    widths.push_back(width);
  }
  const auto rule = [&] {
    out_ += '+';
    for (const std::size_t width : widths) out_ += std::string(width + 2, '-') + "+";
    out_ += '\n';
  };
  rule();
  out_ += '|';
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t room = widths[i] - width_of(columns_[i]);
    out_ += ' ' + std::string(room / 2, ' ') + columns_[i] + std::string(room - room / 2, ' ') + " |";
  }
  out_ += '\n';
  rule();
  for (const auto& cells : table_) {
    out_ += '|';
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out_ += ' ' + cells[i] + std::string(widths[i] - width_of(cells[i]), ' ') + " |";
    }
    out_ += '\n';
  }
  rule();
  table_.clear();
}

void Printer::end() {
  if (format_.mode == Mode::json && rows_ > 0) out_ += "]\n";
  if (format_.mode == Mode::table && rows_ > 0) print_table();
}

}  // namespace saturn::shell
