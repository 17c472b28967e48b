#include "output.hpp"

#include <algorithm>

// Table and column mode.

namespace saturn::shell {
namespace {

/// In characters, of UTF-8.
std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string padded(std::string_view text, std::size_t width) {
  return std::string(text) + std::string(width - width_of(text), ' ');
}

std::string centered(std::string_view text, std::size_t width) {
  const std::size_t room = width - width_of(text);
  return std::string(room / 2, ' ') + std::string(text) + std::string(room - room / 2, ' ');
}

std::size_t height_of(const std::vector<std::vector<std::string>>& cells) noexcept {
  std::size_t height = 1;
  for (const auto& lines : cells) height = std::max(height, lines.size());
  return height;
}

std::string_view line_of(const std::vector<std::string>& lines, std::size_t index) noexcept {
  return index < lines.size() ? std::string_view(lines[index]) : std::string_view();
}

}  // namespace

std::vector<std::size_t> Printer::cell_widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i]);
    for (const Cells& cells : kept_) {
      for (const std::string& line : cells[i]) width = std::max(width, width_of(line));
    }
    widths.push_back(width);
  }
  return widths;
}

void Printer::print_table() {
  const std::vector<std::size_t> widths = cell_widths();
  std::string rule = "+";
  for (const std::size_t width : widths) rule += std::string(width + 2, '-') + "+";
  rule += '\n';
  out_ += rule;
  out_ += '|';
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    out_ += ' ' + centered(columns_[i], widths[i]) + " |";
  }
  out_ += '\n' + rule;
  for (std::size_t row = 0; row < kept_.size(); ++row) {
    const Cells& cells = kept_[row];
    if (row > 0 && has_tall_rows_) out_ += rule;
    for (std::size_t line = 0; line < height_of(cells); ++line) {
      out_ += '|';
      for (std::size_t i = 0; i < cells.size(); ++i) {
        out_ += ' ' + padded(line_of(cells[i], line), widths[i]) + " |";
      }
      out_ += '\n';
    }
  }
  out_ += rule;
}

void Printer::print_columns() {
  const std::vector<std::size_t> widths = cell_widths();
  const std::size_t last = columns_.size() - 1;
  const auto end_of = [&](std::size_t i) { return i == last ? "\n" : "  "; };
  if (format_.headers || !format_.headers_set) {
    for (std::size_t i = 0; i <= last; ++i) out_ += padded(columns_[i], widths[i]) + end_of(i);
    for (std::size_t i = 0; i <= last; ++i) out_ += std::string(widths[i], '-') + end_of(i);
  }
  for (std::size_t row = 0; row < kept_.size(); ++row) {
    const Cells& cells = kept_[row];
    if (row > 0 && has_tall_rows_) out_ += '\n';
    for (std::size_t line = 0; line < height_of(cells); ++line) {
      for (std::size_t i = 0; i <= last; ++i) {
        out_ += padded(line_of(cells[i], line), widths[i]) + end_of(i);
      }
    }
  }
}

}  // namespace saturn::shell
