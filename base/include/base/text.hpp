#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace saturn {

namespace detail {
void append(std::string& out, std::string_view v);
void append(std::string& out, char v);
void append(std::string& out, bool v);
void append(std::string& out, double v);
void append_signed(std::string& out, std::int64_t v);
void append_unsigned(std::string& out, std::uint64_t v);
template <typename T>
void append_any(std::string& out, const T& v) {
  if constexpr (std::is_same_v<T, char> || std::is_same_v<T, bool> || std::is_same_v<T, double>) {
    append(out, v);
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    append_signed(out, static_cast<std::int64_t>(v));
  } else if constexpr (std::is_integral_v<T>) {
    append_unsigned(out, static_cast<std::uint64_t>(v));
  } else {
    append(out, std::string_view(v));
  }
}
}  // namespace detail

/// Concatenates texts and numbers: `cat("page ", 7, " of ", name)`.
template <typename... Ts>
std::string cat(const Ts&... parts) {
  std::string out;
  (detail::append_any(out, parts), ...);
  return out;
}

/// ASCII-only case folding, as SQLite's identifiers, keywords and NOCASE use it.
constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
std::string to_lower(std::string_view text);
bool equals_nocase(std::string_view a, std::string_view b) noexcept;
/// -1, 0 or 1 in the order of `ascii_lower`.
int compare_nocase(std::string_view a, std::string_view b) noexcept;

/// Hash and equality for maps keyed by identifiers in any case (transparent).
struct NocaseHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept;
};
struct NocaseEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const noexcept {
    return equals_nocase(a, b);
  }
};

/// The nearest of `candidates` to a mistyped `word` (edit distance at most 2), or an empty view.
template <typename Range>
std::string_view nearest_name(std::string_view word, const Range& candidates);
unsigned edit_distance(std::string_view a, std::string_view b);

template <typename Range>
std::string_view nearest_name(std::string_view word, const Range& candidates) {
  std::string_view best;
  unsigned best_distance = 3;
  for (std::string_view candidate : candidates) {
    const unsigned distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace saturn
