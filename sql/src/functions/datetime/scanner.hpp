#pragma once

#include <algorithm>
#include <string_view>

namespace saturn::sql::datetime {

/// Reads a text of digits and separators from left to right.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool at_end() const noexcept { return at_ == text_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
  bool accept(char c) noexcept {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() noexcept {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n') ++at_;
  }
  /// Exactly `digits` digits, with a value in low..high.
  bool number(int digits, int low, int high, int& out) noexcept {
    out = 0;
    for (int i = 0; i < digits; ++i) {
      if (peek() < '0' || peek() > '9') return false;
      out = out * 10 + (text_[at_++] - '0');
    }
    return out >= low && out <= high;
  }
  /// .SSS
  double fraction() noexcept {
    double value = 0;
    double scale = 1;
    if (peek() != '.' || at_ + 1 >= text_.size() || text_[at_ + 1] < '0' || text_[at_ + 1] > '9') {
      return 0;
    }
    ++at_;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + (text_[at_++] - '0');
      scale *= 10;
    }
    // What is nearer to the next second than a millisecond stays in this one.
    return std::min(value / scale, 0.999);
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace saturn::sql::datetime
