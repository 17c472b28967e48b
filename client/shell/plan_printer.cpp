#include "base/text.hpp"
#include "output.hpp"

#include <array>
#include <cstdio>

namespace saturn::shell {
namespace {

bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Whether the text begins with EXPLAIN QUERY or EXPLAIN ANALYZE.
bool begins_with_explain(std::string_view sql) {
  std::array<std::string_view, 2> words;
  for (std::string_view& word : words) {
    while (!sql.empty() && is_blank(sql.front())) sql.remove_prefix(1);
    std::size_t end = 0;
    while (end < sql.size() && !is_blank(sql[end])) ++end;
    word = sql.substr(0, end);
    sql.remove_prefix(end);
  }
  return equals_nocase(words[0], "explain") &&
         (equals_nocase(words[1], "query") || equals_nocase(words[1], "analyze"));
}

std::string measured(std::span<const ValueRef> values) {
  char time[32];
  const double ms = values[6].is_real() ? values[6].as_real() : 0;
  std::snprintf(time, sizeof time, "%.3f", ms);
  return cat(" (rows=", values[4].as_integer(), " loops=", values[5].as_integer(), " time=", time,
             "ms pages=", values[7].as_integer(), " misses=", values[8].as_integer(), ")");
}

}  // namespace

PlanPrinter::PlanPrinter(Printer& printer, std::string_view sql)
    : printer_(printer), explains_(begins_with_explain(sql)) {}

void PlanPrinter::begin(const std::vector<std::string>& columns) {
  tree_ = explains_ && columns.size() >= 4 && columns[0] == "id" && columns[3] == "detail";
  lines_.clear();
  if (!tree_) printer_.begin(columns);
}

void PlanPrinter::row(std::span<const ValueRef> values) {
  if (!tree_) return printer_.row(values);
  const bool complete = values[0].is_integer() && values[1].is_integer() && values[3].is_text();
  if (!complete) return;
  Line line{values[0].as_integer(), values[1].as_integer(), std::string(values[3].bytes())};
  if (values.size() == 9 && values[4].is_integer() && values[5].is_integer() &&
      values[7].is_integer() && values[8].is_integer()) {
    line.text += measured(values);
  }
  lines_.push_back(std::move(line));
}

void PlanPrinter::end() {
  if (!tree_) return printer_.end();
  if (lines_.empty()) return;
  printer_.text("QUERY PLAN\n");
  print(0, "");
}

void PlanPrinter::print(std::int64_t parent, const std::string& margin) {
  std::vector<const Line*> below;
  for (const Line& line : lines_) {
    if (line.parent == parent && line.id > parent) below.push_back(&line);
  }
  for (const Line* line : below) {
    const bool last = line == below.back();
    printer_.text(cat(margin, last ? "`--" : "|--", line->text, "\n"));
    print(line->id, margin + (last ? "   " : "|  "));
  }
}

}  // namespace saturn::shell
