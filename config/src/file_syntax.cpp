#include "file_syntax.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace saturn::config {

namespace {

constexpr std::string_view kBlanks = " \t";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char l = ascii_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Error fault(std::string_view why) { return Error(Code::error, std::string(why)); }

/// `text` begins with the opening quote.
Result<std::string> parse_quoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      const std::string_view rest = trim(text.substr(i + 1));
      if (!rest.empty() && rest.front() != '#') {
        return fault("only a comment may follow the closing quote");
      }
      return out;
    }
    if (c != '\\') {
      out += c;
      continue;
    }
    if (++i == text.size() || (text[i] != '"' && text[i] != '\\')) {
      return fault("in quotes a backslash stands only before a quote or a backslash");
    }
    out += text[i];
  }
  return fault("the closing quote is missing");
}

/// `text` is what follows the '=', trimmed.
Result<std::string> parse_file_value(std::string_view text) {
  if (text.starts_with('"')) return parse_quoted(text);
  if (text.starts_with('\'')) return fault("values are quoted with \", not with '");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || kBlanks.find(text[i - 1]) != std::string_view::npos)) {
      text = trim(text.substr(0, i));
      break;
    }
  }
  return std::string(text);
}

/// A line that holds something; trimmed.
Result<Entry> parse_line(std::string_view text, unsigned line) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return fault("expected 'key = value'");
  const std::string_view key = trim(text.substr(0, equals));
  if (!is_key(key)) return fault("expected 'key = value'");
  auto value = TRY(parse_file_value(trim(text.substr(equals + 1))));
  return Entry{std::string(key), std::move(value), line};
}

}  // namespace

Result<std::vector<Entry>> parse_file(std::string_view path, std::string_view text) {
  std::vector<Entry> entries;
  unsigned line = 0;
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view content = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (content.ends_with('\r')) content.remove_suffix(1);
    content = trim(content);
    if (content.empty() || content.front() == '#') continue;
    auto entry = parse_line(content, line);
    if (!entry) return Error(Code::error, cat(path, ':', line, ": ", entry.error().message()));
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace saturn::config
