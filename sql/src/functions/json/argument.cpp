#include "functions/json/argument.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "functions/json/text.hpp"
#include "value/number.hpp"

#include <cmath>

namespace saturn::sql::json {
namespace {

ValueRef json_text(ValueArena& arena, std::string_view text) {
  ValueRef v = ValueRef::text(arena.copy(text));
  v.set_subtype(kSubtype);
  return v;
}

/// An integer, or a real when it has more than 64 bits; a hexadecimal one may not have more.
Result<ValueRef> integer_value(std::string_view text, bool hexadecimal) {
  const bool negative = text.starts_with('-');
  const std::size_t sign = negative ? 1 : 0;
  if (!hexadecimal) {
    const ParsedInteger parsed = parse_integer(text);
    if (!parsed.whole) return malformed();
    return parsed.fits ? ValueRef::integer(parsed.value) : ValueRef::real(parse_real(text).value);
  }
  if (text.size() < sign + 3) return malformed();
  std::string_view digits = text.substr(sign + 2);
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  if (digits.size() > 16) return malformed();
  std::uint64_t bits = 0;
  for (const char c : digits) {
    const auto digit = static_cast<unsigned>(c <= '9' ? c - '0' : ascii_lower(c) - 'a' + 10);
    bits = bits * 16 + (digit & 15);
  }
  const auto value = static_cast<std::int64_t>(negative ? std::uint64_t{0} - bits : bits);
  return ValueRef::integer(value);
}

}  // namespace

Result<bool> Document::read(ValueRef v) {
  if (v.is_null()) return false;
  if (v.is_blob() && looks_like_jsonb(v.bytes())) {
    bytes_ = v.bytes();
    return true;
  }
  ValueArena arena;
  Parsed parsed = parse(to_text(v, arena));
  if (!parsed.valid) return malformed();
  own_ = std::move(parsed.document);
  bytes_ = own_;
  return true;
}

Result<void> append_value(std::string& document, ValueRef v, ValueArena& arena,
                          std::string_view infinity) {
  switch (v.type()) {
    case Type::null: append_element(document, Kind::null, ""); return {};
    case Type::integer: append_element(document, Kind::integer, to_text(v, arena)); return {};
    case Type::real:
      if (std::isinf(v.as_real())) {
        append_element(document, Kind::real, cat(v.as_real() < 0 ? "-" : "", infinity));
      } else {
        append_element(document, Kind::real, to_text(v, arena));
      }
      return {};
    case Type::text: {
      if (v.subtype() != kSubtype) {
        append_element(document, Kind::text_raw, v.bytes());
        return {};
      }
      const Parsed parsed = parse(v.bytes());
      if (!parsed.valid) return malformed();
      document += parsed.document;
      return {};
    }
    case Type::blob:
      if (!looks_like_jsonb(v.bytes())) return Error(Code::error, "JSON cannot hold BLOB values");
      document += v.bytes();
      return {};
  }
  return {};
}

Result<ValueRef> to_value(ValueArena& arena, std::string_view document, const Element& element,
                          bool binary) {
  const std::string_view payload = element.payload(document);
  switch (element.kind) {
    case Kind::null: return ValueRef();
    case Kind::yes: return ValueRef::integer(1);
    case Kind::no: return ValueRef::integer(0);
    case Kind::integer: return integer_value(payload, false);
    case Kind::integer5: return integer_value(payload, true);
    case Kind::real:
    case Kind::real5: {
      const ParsedReal parsed = parse_real(payload);
      if (parsed.form != NumberForm::integer && parsed.form != NumberForm::real) {
        return malformed();
      }
      return ValueRef::real(parsed.value);
    }
    case Kind::text:
    case Kind::text_raw: return ValueRef::text(arena.copy(payload));
    case Kind::text_escaped:
    case Kind::text_escaped5: return ValueRef::text(arena.copy(unescape(payload)));
    case Kind::array:
    case Kind::object:
      return to_result(arena, document.substr(element.at, element.header + element.size), binary);
  }
  return malformed();
}

Result<ValueRef> to_result(ValueArena& arena, std::string_view document, bool binary) {
  if (document.size() > limits::kLengthMax) return Error(Code::toobig);
  if (binary) return ValueRef::blob(arena.copy(document));
  std::string text;
  TRY(print(text, document));
  return json_text(arena, text);
}

Result<ValueRef> to_built_result(ValueArena& arena, std::string_view document, bool binary) {
  if (!binary) return to_result(arena, document, false);
  std::string text;
  TRY(print(text, document));
  const Parsed parsed = parse(text);
  if (!parsed.valid) return malformed();
  return to_result(arena, parsed.document, true);
}

Error bad_path(std::string_view path) {
  std::string quoted;
  for (const char c : path) quoted.append(c == '\'' ? 2 : 1, c);
  return Error(Code::error, cat("bad JSON path: '", quoted, "'"));
}

}  // namespace saturn::sql::json
