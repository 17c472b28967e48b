#include "value/pattern.hpp"

#include "base/text.hpp"
#include "value/utf8.hpp"

namespace saturn::sql {

namespace {

constexpr std::uint32_t kEnd = 0;

std::string_view up_to_nul(std::string_view text) noexcept {
  return text.substr(0, text.find('\0'));
}

std::uint32_t next(std::string_view text, std::size_t& at) noexcept {
  return at < text.size() ? read_utf8(text, at) : kEnd;
}

/// Reads a set "[^a-z]]" whose '[' is behind `at`, and leaves `at` behind its ']'.
/// False when `c` is not in it or the set does not end.
bool in_set(std::string_view pattern, std::size_t& at, std::uint32_t c) noexcept {
  bool seen = false;
  bool invert = false;
  std::uint32_t prior = 0;
  std::uint32_t p = next(pattern, at);
  if (p == '^') {
    invert = true;
    p = next(pattern, at);
  }
  if (p == ']') {
    seen = c == ']';
    p = next(pattern, at);
  }
  while (p != kEnd && p != ']') {
    const bool range = p == '-' && at < pattern.size() && pattern[at] != ']' && prior > 0;
    if (range) {
      p = next(pattern, at);
      seen = seen || (c >= prior && c <= p);
      prior = 0;
    } else {
      seen = seen || c == p;
      prior = p;
    }
    p = next(pattern, at);
  }
  return p == ']' && seen != invert;
}

struct Rules {
  std::uint32_t any_run;
  std::uint32_t any_one;
  std::uint32_t escape;
  bool sets;
  bool nocase;
};

std::uint32_t folded(std::uint32_t c) noexcept {
  return c < 0x80 ? static_cast<std::uint32_t>(ascii_lower(static_cast<char>(c))) : c;
}

/// Matches one pattern element that is no run against `c`; `at` stands on the element.
bool match_one(std::string_view pattern, std::size_t& at, std::uint32_t c,
               const Rules& rules) noexcept {
  std::uint32_t p = next(pattern, at);
  if (p == rules.escape) {
    p = next(pattern, at);
    if (p == kEnd) {
      return false;
    }
  } else if (p == rules.any_one) {
    return true;
  } else if (rules.sets && p == '[') {
    return in_set(pattern, at, c);
  }
  return p == c || (rules.nocase && p < 0x80 && c < 0x80 && folded(p) == folded(c));
}

/// Whether pattern byte `c` stands for itself alone. (No byte of a longer character is below 0x80.)
bool is_plain(unsigned char c, const Rules& rules) noexcept {
  return c < 0x80 && c != rules.any_run && c != rules.any_one && c != rules.escape &&
         !(rules.sets && c == '[');
}

bool same_byte(unsigned char p, unsigned char c, const Rules& rules) noexcept {
  return p == c ||
         (rules.nocase && ascii_lower(static_cast<char>(p)) == ascii_lower(static_cast<char>(c)));
}

/// Behind a run: moves `t` to where the pattern at `p` may match next; false when that is nowhere.
bool find_start(std::string_view pattern, std::size_t p, std::string_view text, std::size_t& t,
                const Rules& rules) noexcept {
  if (p >= pattern.size()) return true;
  const auto wanted = static_cast<unsigned char>(pattern[p]);
  if (!is_plain(wanted, rules)) return true;
  while (t < text.size() && !same_byte(wanted, static_cast<unsigned char>(text[t]), rules)) ++t;
  return t < text.size();
}

/// Greedy with one point of return: on a mismatch the last run takes one character more.
/// An earlier run never needs to, since the last one could take whatever it would have taken.
bool match(std::string_view pattern, std::string_view text, const Rules& rules) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t run_pattern = std::string_view::npos;
  std::size_t run_text = 0;
  while (true) {
    while (p < pattern.size() && t < text.size() &&
           is_plain(static_cast<unsigned char>(pattern[p]), rules) &&
           same_byte(static_cast<unsigned char>(pattern[p]), static_cast<unsigned char>(text[t]),
                     rules)) {
      ++p;
      ++t;
    }
    if (p < pattern.size()) {
      std::size_t behind = p;
      const std::uint32_t c = read_utf8(pattern, behind);
      if (c == rules.any_run && c != rules.escape) {
        p = behind;
        if (!find_start(pattern, p, text, t, rules)) return false;
        run_pattern = p;
        run_text = t;
        continue;
      }
    }
    if (t == text.size() && p == pattern.size()) {
      return true;
    }
    if (p < pattern.size() && t < text.size() && match_one(pattern, p, read_utf8(text, t), rules)) {
      continue;
    }
    if (run_pattern == std::string_view::npos || run_text >= text.size()) {
      return false;
    }
    skip_utf8(text, run_text);
    if (!find_start(pattern, run_pattern, text, run_text, rules)) return false;
    p = run_pattern;
    t = run_text;
  }
}

}  // namespace

bool like(std::string_view pattern, std::string_view text, std::uint32_t escape,
          bool case_sensitive) noexcept {
  return match(up_to_nul(pattern), up_to_nul(text), {'%', '_', escape, false, !case_sensitive});
}

bool glob(std::string_view pattern, std::string_view text) noexcept {
  return match(up_to_nul(pattern), up_to_nul(text), {'*', '?', kNoEscape, true, false});
}

}  // namespace saturn::sql
