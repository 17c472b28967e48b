#include "base/limits.hpp"
#include "base/text.hpp"
#include "functions/json/jsonb.hpp"
#include "functions/json/text.hpp"

// JSONB to JSON text: canonical JSON without blanks, or one member a line.

namespace saturn::sql::json {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void print_control(std::string& out, unsigned char c) {
  switch (c) {
    case '\b': out += "\\b"; return;
    case '\t': out += "\\t"; return;
    case '\n': out += "\\n"; return;
    case '\f': out += "\\f"; return;
    case '\r': out += "\\r"; return;
    default: break;
  }
  out += "\\u00";
  out += kHex[c >> 4];
  out += kHex[c & 15];
}

/// A hexadecimal integer in decimal; one of more than 64 bits is infinite.
void print_hex(std::string& out, std::string_view v) {
  if (v.starts_with('-')) {
    out += '-';
    v.remove_prefix(1);
  }
  v.remove_prefix(2);
  std::uint64_t number = 0;
  bool fits = true;
  for (const char c : v) {
    const int digit = c <= '9' ? c - '0' : ascii_lower(c) - 'a' + 10;
    if ((number >> 60) != 0) fits = false;
    number = number * 16 + static_cast<std::uint64_t>(digit & 15);
  }
  out += fits ? std::to_string(number) : "9.0e999";
}

/// ".5" is 0.5 in JSON, and "5." is 5.0.
void print_real5(std::string& out, std::string_view v) {
  std::size_t at = 0;
  if (v.starts_with('-')) {
    out += '-';
    ++at;
  }
  if (at < v.size() && v[at] == '.') out += '0';
  for (; at < v.size(); ++at) {
    out += v[at];
    const bool digit_follows = at + 1 < v.size() && v[at + 1] >= '0' && v[at + 1] <= '9';
    if (v[at] == '.' && !digit_follows) out += '0';
  }
}

/// A JSON5 string with the escapes that JSON has.
bool print_string5(std::string& out, std::string_view v) {
  out += '"';
  for (std::size_t at = 0; at < v.size();) {
    const char c = v[at];
    if (c != '\\') {
      ++at;
      if (c == '"') {
        out += "\\\"";
      } else if (static_cast<unsigned char>(c) < 0x20) {
        print_control(out, static_cast<unsigned char>(c));
      } else {
        out += c;
      }
      continue;
    }
    if (at + 1 >= v.size()) return false;
    switch (v[at + 1]) {
      case '\'':
        out += '\'';
        at += 2;
        break;
      case 'v':
        out += "\\u000b";
        at += 2;
        break;
      case 'x':
        if (at + 4 > v.size()) return false;
        out += "\\u00";
        out += v.substr(at + 2, 2);
        at += 4;
        break;
      case '0':
        out += "\\u0000";
        at += 2;
        break;
      case '\n':
      case '\r':
      case '\xe2': at += unescape_one(v.substr(at)).size; break;
      default:
        out += v.substr(at, 2);
        at += 2;
        break;
    }
  }
  out += '"';
  return true;
}

class Printer {
 public:
  Printer(std::string& out, std::string_view document, const std::string_view* indent)
      : out_(out), document_(document), indent_(indent) {}

  Result<void> print(const Element& element, std::uint32_t depth);

 private:
  Result<void> print_members(const Element& container, std::uint32_t depth);
  void new_line(std::uint32_t depth) {
    if (indent_ == nullptr) return;
    out_ += '\n';
    for (std::uint32_t i = 0; i < depth; ++i) out_ += *indent_;
  }

  std::string& out_;
  const std::string_view document_;
  const std::string_view* const indent_;
};

Result<void> Printer::print(const Element& element, std::uint32_t depth) {
  const std::string_view payload = element.payload(document_);
  if (out_.size() + payload.size() > limits::kLengthMax) return Error(Code::toobig);
  switch (element.kind) {
    case Kind::null: out_ += "null"; return {};
    case Kind::yes: out_ += "true"; return {};
    case Kind::no: out_ += "false"; return {};
    case Kind::integer:
    case Kind::real:
      if (payload.empty()) return malformed();
      out_ += payload;
      return {};
    case Kind::integer5: {
      const std::size_t sign = payload.starts_with('-') ? 1 : 0;
      if (payload.size() < sign + 2) return malformed();
      const std::string_view digits = payload.substr(sign + 2);
      if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
        return malformed();
      }
      print_hex(out_, payload);
      return {};
    }
    case Kind::real5:
      if (payload.empty()) return malformed();
      print_real5(out_, payload);
      return {};
    case Kind::text:
    case Kind::text_escaped:
      out_ += '"';
      out_ += payload;
      out_ += '"';
      return {};
    case Kind::text_escaped5:
      if (!print_string5(out_, payload)) return malformed();
      return {};
    case Kind::text_raw: print_string(out_, payload); return {};
    case Kind::array:
    case Kind::object: return print_members(element, depth);
  }
  return malformed();
}

Result<void> Printer::print_members(const Element& container, std::uint32_t depth) {
  if (depth == limits::kJsonNestingMax) return malformed();
  const bool array = container.kind == Kind::array;
  out_ += array ? '[' : '{';
  std::size_t at = container.payload_at();
  Member member;
  for (bool first = true;; first = false) {
    const Walk walk = next_member(document_, container, at, member);
    if (walk == Walk::malformed) return malformed();
    if (walk == Walk::end) {
      if (!first) new_line(depth);
      break;
    }
    if (!first) out_ += ',';
    new_line(depth + 1);
    if (member.label) {
      TRY(print(*member.label, depth + 1));
      out_ += indent_ != nullptr ? ": " : ":";
    }
    TRY(print(member.value, depth + 1));
  }
  out_ += array ? ']' : '}';
  return {};
}

Result<void> print_element(std::string& out, std::string_view document, std::size_t at,
                           const std::string_view* indent) {
  const auto element = element_at(document, at);
  if (!element) return malformed();
  return Printer(out, document, indent).print(*element, 0);
}

}  // namespace

Result<void> print(std::string& out, std::string_view document, std::size_t at) {
  return print_element(out, document, at, nullptr);
}

Result<void> print_pretty(std::string& out, std::string_view document, std::string_view indent) {
  return print_element(out, document, 0, &indent);
}

void print_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      print_control(out, static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace saturn::sql::json
