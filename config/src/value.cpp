#include "base/text.hpp"
#include "config/options.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace saturn::config {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_alnum(char c) {
  const char l = ascii_lower(c);
  return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

/// Decimal digits only: no sign, no space, no overflow.
std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t v = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (text.empty() || ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return v;
}

unsigned suffix_shift(char c) {
  switch (ascii_lower(c)) {
    case 'k': return 10;
    case 'm': return 20;
    case 'g': return 30;
    default: return 0;
  }
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const unsigned shift = suffix_shift(text.back());
  if (shift != 0) text.remove_suffix(1);
  const auto v = parse_digits(text);
  if (!v || *v > (UINT64_MAX >> shift)) return std::nullopt;
  return *v << shift;
}

/// The shortest exact spelling: 268435456 -> "256M".
std::string bytes_text(std::uint64_t v) {
  for (const char suffix : {'G', 'M', 'K'}) {
    const std::uint64_t unit = 1ULL << suffix_shift(suffix);
    if (v != 0 && v % unit == 0) return cat(v / unit, suffix);
  }
  return cat(v);
}

std::optional<Parsed> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // A bare host has no colon: "::1:80" could be read in two ways.
  const std::string_view also = bracketed ? ":.%-_" : ".-_";
  const bool host_good = !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
    return is_alnum(c) || also.find(c) != std::string_view::npos;
  });
  if (!host_good || (bracketed && host.find(':') == std::string_view::npos)) return std::nullopt;
  const auto port = parse_digits(text.substr(colon + 1));
  if (!port || *port > 65'535) return std::nullopt;
  return Parsed{cat(text.substr(0, colon), ':', *port), *port};
}

std::optional<Parsed> parse_choice(const Option& o, std::string_view text) {
  for (std::size_t i = 0; i < o.choices.size(); ++i) {
    if (equals_nocase(o.choices[i], text)) return Parsed{std::string(o.choices[i]), i};
  }
  return std::nullopt;
}

std::optional<Parsed> parse_typed(const Option& o, std::string_view text) {
  switch (o.type) {
    case Type::address: return parse_address(text);
    case Type::directory:
      if (text.empty() || std::any_of(text.begin(), text.end(), is_control)) return std::nullopt;
      return Parsed{std::string(text), 0};
    case Type::choice: return parse_choice(o, text);
    case Type::integer:
    case Type::bytes: break;
  }
  const bool bytes = o.type == Type::bytes;
  const auto v = bytes ? parse_bytes(text) : parse_digits(text);
  if (!v || *v < o.min || *v > o.max) return std::nullopt;
  return Parsed{bytes ? bytes_text(*v) : cat(*v), *v};
}

/// For a message: control characters would spoil the line that it is printed on.
std::string printable(std::string_view text) {
  std::string out(text);
  std::replace_if(out.begin(), out.end(), is_control, '?');
  return out;
}

}  // namespace

std::string accepted(const Option& o) {
  switch (o.type) {
    case Type::address:
      return cat("HOST:PORT with a port from ", o.min, " to ", o.max,
                 " (an IPv6 host in brackets: [::1]:8080)");
    case Type::directory: return "the path of a directory";
    case Type::choice: {
      std::string out = "one of ";
      for (std::size_t i = 0; i < o.choices.size(); ++i) {
        if (i != 0) out += ", ";
        out += o.choices[i];
      }
      return out;
    }
    case Type::integer:
      return cat(o.unit == "ms" ? "milliseconds, an integer from " : "an integer from ", o.min,
                 " to ", o.max);
    case Type::bytes:
      return cat("bytes, an integer with an optional K, M or G, from ", bytes_text(o.min), " to ",
                 bytes_text(o.max));
  }
  return {};
}

Result<Parsed> parse_value(const Option& o, std::string_view text) {
  auto parsed = parse_typed(o, text);
  if (!parsed) {
    return Error(Code::error, cat("bad value '", printable(text), "' for ", o.name,
                                  "; accepted: ", accepted(o)));
  }
  return *std::move(parsed);
}

std::string quoted_where_needed(std::string_view value) {
  const bool bare = !value.empty() && value.front() != '"' && value.front() != '\'' &&
                    value.front() != ' ' && value.back() != ' ' &&
                    value.find('#') == std::string_view::npos;
  if (bare) return std::string(value);
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace saturn::config
