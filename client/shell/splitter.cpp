#include "splitter.hpp"

#include "base/text.hpp"

namespace saturn::shell {
namespace {

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

}  // namespace

/// CREATE [TEMP|TEMPORARY] TRIGGER begins a statement that ends with `; END ;`.
void Splitter::word(std::string_view text) {
  ++words_;
  end_seen_ = is_trigger_ && equals_nocase(text, "end") && last_ == ';';
  if (words_ == 1 && equals_nocase(text, "explain")) words_ = 0;
  if (words_ == 1) is_create_ = equals_nocase(text, "create");
  if (words_ > 3 || !is_create_ || is_trigger_) return;
  if (equals_nocase(text, "trigger")) is_trigger_ = true;
  if (words_ == 2 && !equals_nocase(text, "temp") && !equals_nocase(text, "temporary")) {
    is_create_ = is_trigger_;
  }
}

void Splitter::semicolon() {
  if (is_trigger_ && !end_seen_) return;
  words_ = 0;
  is_create_ = is_trigger_ = end_seen_ = false;
  empty_ = true;
}

bool Splitter::feed(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    const char next = i + 1 < bytes.size() ? bytes[i + 1] : '\0';
    switch (quote_) {
      case Quote::single:
        if (c == '\'') quote_ = Quote::none;
        continue;
      case Quote::dbl:
        if (c == '"') quote_ = Quote::none;
        continue;
      case Quote::backtick:
        if (c == '`') quote_ = Quote::none;
        continue;
      case Quote::bracket:
        if (c == ']') quote_ = Quote::none;
        continue;
      case Quote::line_comment:
        if (c == '\n') quote_ = Quote::none;
        continue;
      case Quote::block_comment:
        if (c == '*' && next == '/') {
          quote_ = Quote::none;
          ++i;
        }
        continue;
      case Quote::none: break;
    }
    if (is_word(c)) {
      std::size_t end = i + 1;
      while (end < bytes.size() && is_word(bytes[end])) ++end;
      word(bytes.substr(i, end - i));
      i = end - 1;
      last_ = 'w';
      empty_ = false;
      continue;
    }
    if (is_blank(c)) continue;
    if (c == '-' && next == '-') {
      quote_ = Quote::line_comment;
      continue;
    }
    if (c == '/' && next == '*') {
      quote_ = Quote::block_comment;
      ++i;
      continue;
    }
    if (c == ';') {
      semicolon();
      last_ = ';';
      continue;
    }
    empty_ = false;
    end_seen_ = false;
    last_ = c;
    if (c == '\'') quote_ = Quote::single;
    if (c == '"') quote_ = Quote::dbl;
    if (c == '`') quote_ = Quote::backtick;
    if (c == '[') quote_ = Quote::bracket;
  }
  return empty_ && (quote_ == Quote::none || quote_ == Quote::line_comment);
}

}  // namespace saturn::shell
