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

void Splitter::word(std::string_view text) noexcept {
  blank_ = false;
  switch (state_) {
    case State::start:
    case State::explain:
      if (equals_nocase(text, "create")) {
        state_ = State::create;
      } else if (state_ == State::start) {
        state_ = equals_nocase(text, "explain") ? State::explain : State::normal;
      } else if (equals_nocase(text, "explain") || equals_nocase(text, "temp") ||
                 equals_nocase(text, "temporary") || equals_nocase(text, "trigger") ||
                 equals_nocase(text, "end")) {
        state_ = State::normal;
      }
      break;
    case State::create:
      if (equals_nocase(text, "trigger")) {
        state_ = State::trigger;
      } else if (!equals_nocase(text, "temp") && !equals_nocase(text, "temporary")) {
        state_ = State::normal;
      }
      break;
    case State::trigger_semi:
      state_ = equals_nocase(text, "end") ? State::trigger_end : State::trigger;
      break;
    case State::trigger_end: state_ = State::trigger; break;
    case State::normal:
    case State::trigger: break;
  }
}

/// A byte, or a quoted text that begins with it, that is no word.
void Splitter::other(char c) noexcept {
  blank_ = false;
  switch (state_) {
    case State::start:
    case State::create: state_ = State::normal; break;
    case State::trigger_semi:
    case State::trigger_end: state_ = State::trigger; break;
    case State::normal:
    case State::explain:
    case State::trigger: break;
  }
  switch (c) {
    case '\'': quote_ = Quote::single; break;
    case '"': quote_ = Quote::dbl; break;
    case '`': quote_ = Quote::backtick; break;
    case '[': quote_ = Quote::bracket; break;
    default: break;
  }
}

void Splitter::semicolon() noexcept {
  const bool in_trigger = state_ == State::trigger || state_ == State::trigger_semi;
  state_ = in_trigger ? State::trigger_semi : State::start;
}

/// Whether byte `at` belongs to a quote or comment; moves over the second byte of `*/`.
bool Splitter::inside_quote(std::string_view bytes, std::size_t& at) {
  const char c = bytes[at];
  char close = 0;
  switch (quote_) {
    case Quote::none: return false;
    case Quote::single: close = '\''; break;
    case Quote::dbl: close = '"'; break;
    case Quote::backtick: close = '`'; break;
    case Quote::bracket: close = ']'; break;
    case Quote::line_comment: close = '\n'; break;
    case Quote::block_comment:
      if (c == '*' && at + 1 < bytes.size() && bytes[at + 1] == '/') {
        ++at;
        quote_ = Quote::none;
      }
      return true;
  }
  if (c == close) quote_ = Quote::none;
  return true;
}

std::size_t Splitter::advance(std::string_view bytes, bool stop_at_end) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (inside_quote(bytes, i)) continue;
    const char c = bytes[i];
    const char next = i + 1 < bytes.size() ? bytes[i + 1] : '\0';
    if (is_word(c)) {
      std::size_t end = i + 1;
      while (end < bytes.size() && is_word(bytes[end])) ++end;
      word(bytes.substr(i, end - i));
      i = end - 1;
    } else if (is_blank(c)) {
      continue;
    } else if (c == '-' && next == '-') {
      quote_ = Quote::line_comment;
    } else if (c == '/' && next == '*') {
      quote_ = Quote::block_comment;
      ++i;
    } else if (c == ';') {
      semicolon();
      if (stop_at_end && state_ == State::start) return i + 1;
    } else {
      other(c);
    }
  }
  return bytes.size();
}

bool Splitter::feed(std::string_view bytes) {
  advance(bytes, false);
  return state_ == State::start && (quote_ == Quote::none || quote_ == Quote::line_comment);
}

Splitter::Statement Splitter::first_statement(std::string_view sql) {
  Splitter splitter;
  const std::size_t size = splitter.advance(sql, true);
  return {size, splitter.blank()};
}

}  // namespace saturn::shell
