#include "functions/json/jsonb.hpp"

#include "base/limits.hpp"
#include "functions/json/text.hpp"

#include <cstring>

namespace saturn::sql::json {
namespace {

constexpr std::size_t kSmallSizeMax = 11;

/// Bytes of size behind the first byte of a header.
std::size_t size_bytes_of(unsigned char first) noexcept {
  switch (first >> 4) {
    case 12: return 1;
    case 13: return 2;
    case 14: return 4;
    case 15: return 8;
    default: return 0;
  }
}
std::size_t size_bytes_for(std::size_t size) noexcept {
  return size <= kSmallSizeMax ? 0 : size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
}

/// The size that a complete header gives.
std::uint64_t declared_size(std::string_view document, std::size_t at) noexcept {
  const auto first = static_cast<unsigned char>(document[at]);
  const std::size_t bytes = size_bytes_of(first);
  std::uint64_t size = bytes == 0 ? first >> 4 : 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    size = (size << 8) | static_cast<unsigned char>(document[at + 1 + i]);
  }
  return size;
}

/// Writes a header of `1 + bytes` bytes.
void write_header(char* out, Kind kind, std::size_t size, std::size_t bytes) noexcept {
  const auto high = bytes == 0   ? static_cast<unsigned>(size)
                    : bytes == 1 ? 12U
                    : bytes == 2 ? 13U
                    : bytes == 4 ? 14U
                                 : 15U;
  out[0] = static_cast<char>((high << 4) | static_cast<unsigned>(kind));
  for (std::size_t i = 0; i < bytes; ++i) {
    out[1 + i] = static_cast<char>(size >> (8 * (bytes - 1 - i)));
  }
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Checks payloads; each check returns the place of the error from 1, or 0.
class Checker {
 public:
  explicit Checker(std::string_view document) : document_(document) {}

  std::size_t check(std::size_t at, std::size_t end, std::uint32_t depth) const {
    if (depth > limits::kJsonNestingMax) return at + 1;
    const auto element = element_at(document_, at, end);
    if (!element || element->end() != end) return at + 1;
    const std::string_view payload = element->payload(document_);
    const std::size_t from = element->payload_at();
    switch (element->kind) {
      case Kind::null:
      case Kind::yes:
      case Kind::no: return element->header + element->size == 1 ? 0 : at + 1;
      case Kind::integer: return check_integer(payload, at, from);
      case Kind::integer5: return check_hex(payload, at, from);
      case Kind::real: return check_real(payload, at, from, true);
      case Kind::real5: return check_real(payload, at, from, false);
      case Kind::text: return check_text(payload, from);
      case Kind::text_escaped: return check_escapes(payload, from, false);
      case Kind::text_escaped5: return check_escapes(payload, from, true);
      case Kind::text_raw: return 0;
      case Kind::array:
      case Kind::object: return check_members(*element, depth);
    }
    return at + 1;
  }

 private:
  static std::size_t check_integer(std::string_view v, std::size_t at, std::size_t from) {
    const std::size_t sign = v.starts_with('-') ? 1 : 0;
    if (v.size() <= sign) return at + 1;
    for (std::size_t i = sign; i < v.size(); ++i) {
      if (!is_digit(v[i])) return from + i + 1;
    }
    return 0;
  }

  static std::size_t check_hex(std::string_view v, std::size_t at, std::size_t from) {
    const std::size_t sign = v.starts_with('-') ? 1 : 0;
    if (v.size() < sign + 3 || v[sign] != '0') return at + 1;
    if (v[sign + 1] != 'x' && v[sign + 1] != 'X') return from + sign + 2;
    for (std::size_t i = sign + 2; i < v.size(); ++i) {
      if (!is_hex(v[i])) return from + i + 1;
    }
    return 0;
  }

  static std::size_t check_real(std::string_view v, std::size_t at, std::size_t from, bool strict) {
    const std::size_t sign = v.starts_with('-') ? 1 : 0;
    const auto digit_at = [&](std::size_t i) { return i < v.size() && is_digit(v[i]); };
    if (v.size() < sign + 2) return at + 1;
    bool point = false;
    bool exponent = false;
    std::size_t i = sign;
    if (v[i] == '.') {
      if (strict || !digit_at(i + 1)) return from + i + 1;
      point = true;
      i += 2;
    } else if (v[i] == '0' && strict) {
      const bool goes_on = v[i + 1] == '.' || v[i + 1] == 'e' || v[i + 1] == 'E';
      if (i + 3 > v.size() || !goes_on) return from + i + 1;
      ++i;
    }
    for (; i < v.size(); ++i) {
      if (is_digit(v[i])) continue;
      if (v[i] == '.') {
        if (point || exponent || (strict && !digit_at(i + 1))) return from + i + 1;
        point = true;
      } else if (v[i] == 'e' || v[i] == 'E') {
        if (exponent || i + 1 == v.size()) return from + i + 1;
        if (v[i + 1] == '+' || v[i + 1] == '-') {
          ++i;
          if (i + 1 == v.size()) return from + i + 1;
        }
        exponent = true;
      } else {
        return from + i + 1;
      }
    }
    return point || exponent ? 0 : at + 1;
  }

  static std::size_t check_text(std::string_view v, std::size_t from) {
    for (std::size_t i = 0; i < v.size(); ++i) {
      const auto c = static_cast<unsigned char>(v[i]);
      if (c < 0x20 || c == '"' || c == '\\') return from + i + 1;
    }
    return 0;
  }

  static std::size_t check_escapes(std::string_view v, std::size_t from, bool json5) {
    for (std::size_t i = 0; i < v.size(); ++i) {
      const auto c = static_cast<unsigned char>(v[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      if (c != '\\') {
        if (!json5) return from + i + 1;
        continue;
      }
      if (i + 1 >= v.size()) return from + i + 1;
      const bool standard = std::strchr("\"\\/bfnrtu", v[i + 1]) != nullptr;
      if (!standard && !json5) return from + i + 1;
      const Unescaped one = unescape_one(v.substr(i));
      if (!one.valid) return from + i + 1;
      // A pair of surrogates is looked at half by half.
      i += v[i + 1] == 'u' ? 1 : one.size - 1;
    }
    return 0;
  }

  std::size_t check_members(const Element& container, std::uint32_t depth) const {
    const bool object = container.kind == Kind::object;
    bool label = object;
    std::size_t at = container.payload_at();
    while (at < container.end()) {
      const auto element = element_at(document_, at, container.end());
      if (!element) return at + 1;
      if (label && !is_text(element->kind)) return at + 1;
      if (const std::size_t bad = check(at, element->end(), depth + 1)) return bad;
      label = object && !label;
      at = element->end();
    }
    return object && !label ? at + 1 : 0;
  }

  std::string_view document_;
};

}  // namespace

std::string_view type_name(Kind kind) noexcept {
  constexpr std::string_view kNames[] = {"null", "true",  "false", "integer", "integer",
                                         "real", "real",  "text",  "text",    "text",
                                         "text", "array", "object"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<Element> element_at(std::string_view document, std::size_t at,
                                  std::size_t end) noexcept {
  if (at >= end || end > document.size()) return std::nullopt;
  const auto first = static_cast<unsigned char>(document[at]);
  if ((first & 0x0f) > static_cast<unsigned>(Kind::object)) return std::nullopt;
  Element element;
  element.kind = static_cast<Kind>(first & 0x0f);
  element.at = at;
  const std::size_t bytes = size_bytes_of(first);
  element.header = 1 + bytes;
  if (element.header > end - at) return std::nullopt;
  const std::uint64_t size = declared_size(document, at);
  if (size > end - at - element.header) return std::nullopt;
  element.size = static_cast<std::size_t>(size);
  return element;
}

Walk next_member(std::string_view document, const Element& container, std::size_t& at,
                 Member& out) noexcept {
  if (at == container.end()) return Walk::end;
  out.label.reset();
  if (container.kind == Kind::object) {
    out.label = element_at(document, at, container.end());
    if (!out.label || !is_text(out.label->kind)) return Walk::malformed;
    at = out.label->end();
  }
  const auto value = element_at(document, at, container.end());
  if (!value) return Walk::malformed;
  out.value = *value;
  at = value->end();
  return Walk::member;
}

void append_element(std::string& document, Kind kind, std::string_view payload) {
  char header[5];
  const std::size_t bytes = size_bytes_for(payload.size());
  write_header(header, kind, payload.size(), bytes);
  document.append(header, 1 + bytes);
  document += payload;
}

std::size_t begin_container(std::string& document, Kind kind) {
  document += static_cast<char>(kind);
  return document.size() - 1;
}

void end_container(std::string& document, std::size_t at) {
  grow(document, at, static_cast<std::ptrdiff_t>(document.size() - at - 1));
}

std::ptrdiff_t grow(std::string& document, std::size_t at, std::ptrdiff_t by) {
  const auto first = static_cast<unsigned char>(document[at]);
  const std::size_t had = size_bytes_of(first);
  const auto size =
      static_cast<std::size_t>(static_cast<std::ptrdiff_t>(declared_size(document, at)) + by);
  const std::size_t needs = size_bytes_for(size);
  if (needs > had) document.insert(at + 1, needs - had, '\0');
  if (needs < had) document.erase(at + 1, had - needs);
  write_header(document.data() + at, static_cast<Kind>(first & 0x0f), size, needs);
  return by + static_cast<std::ptrdiff_t>(needs) - static_cast<std::ptrdiff_t>(had);
}

bool stretch_header(std::string& element, std::size_t bytes) {
  const auto first = static_cast<unsigned char>(element[0]);
  const auto kind = static_cast<Kind>(first & 0x0f);
  if (kind <= Kind::no) return false;
  const std::size_t had = size_bytes_of(first);
  const std::size_t needs = had + bytes;
  if (bytes == 0 || (needs != 1 && needs != 2 && needs != 4 && needs != 8)) return false;
  element.insert(1, bytes, '\0');
  write_header(element.data(), kind, element.size() - 1 - needs, needs);
  return true;
}

bool looks_like_jsonb(std::string_view blob) noexcept {
  const auto element = element_at(blob, 0);
  if (!element || element->end() != blob.size()) return false;
  if (element->kind <= Kind::no && element->size != 0) return false;
  // Short JSON texts start like JSONB too: '[' is an array, '{' a text, and digits are numbers.
  const char first = blob[0];
  if (element->size > 7 || (first != '{' && first != '[' && !is_digit(first))) return true;
  return find_jsonb_error(blob) == 0;
}

std::size_t find_jsonb_error(std::string_view blob) {
  return Checker(blob).check(0, blob.size(), 1);
}

}  // namespace saturn::sql::json
