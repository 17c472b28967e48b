#include "protocol/json_writer.hpp"

#include "base/assert.hpp"
#include "base/text.hpp"
#include "protocol/base64.hpp"
#include "utf8.hpp"

#include <charconv>
#include <cmath>

namespace saturn::protocol {
namespace {

template <typename T>
void append_number(std::string& out, T v) {
  char digits[40];
  const auto [end, status] = std::to_chars(digits, digits + sizeof digits, v);
  ASSERT(status == std::errc());
  out.append(digits, end);
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto byte = static_cast<std::uint8_t>(c);
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

constexpr bool is_plain(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

/// NaN never appears in a `ValueRef`, so the infinities are all that JSON lacks.
Result<void> expect_finite(ValueRef v) {
  if (!v.is_real() || std::isfinite(v.as_real())) return {};
  return Error(Code::mismatch, cat("the value ", v.as_real() > 0 ? "" : "-",
                                   "Infinity cannot be sent as JSON; cast it to TEXT"));
}

}  // namespace

void JsonWriter::key(std::string_view name) {
  text(name);
  out_ += ':';
  comma_ = false;
}

void JsonWriter::null() {
  separate();
  out_ += "null";
}

void JsonWriter::boolean(bool v) {
  separate();
  out_ += v ? "true" : "false";
}

void JsonWriter::integer(std::int64_t v) {
  separate();
  append_number(out_, v);
}

void JsonWriter::unsigned_integer(std::uint64_t v) {
  separate();
  append_number(out_, v);
}

void JsonWriter::integer_text(std::int64_t v) {
  separate();
  out_ += '"';
  append_number(out_, v);
  out_ += '"';
}

void JsonWriter::number(double v) {
  ASSERT(std::isfinite(v));
  separate();
  const std::size_t start = out_.size();
  append_number(out_, v);
  if (out_.find_first_of(".e", start) == std::string::npos) out_ += ".0";
}

void JsonWriter::text(std::string_view v) {
  separate();
  out_ += '"';
  while (!v.empty()) {
    std::size_t plain = 0;
    while (plain < v.size() && is_plain(v[plain])) ++plain;
    out_ += v.substr(0, plain);
    v.remove_prefix(plain);
    if (v.empty()) break;
    const Utf8Part part = first_utf8_part(v);
    if (!part.valid) {
      out_ += "\xef\xbf\xbd";
    } else if (part.size == 1) {
      append_escape(out_, v[0]);
    } else {
      out_ += v.substr(0, part.size);
    }
    v.remove_prefix(part.size);
  }
  out_ += '"';
}

void JsonWriter::optional_text(const std::optional<std::string>& v) {
  if (v) {
    text(*v);
  } else {
    null();
  }
}

Result<void> JsonWriter::value(ValueRef v) {
  TRY(expect_finite(v));
  separate();
  comma_ = false;
  switch (v.type()) {
    case Type::null: out_ += R"({"type":"null"})"; break;
    case Type::integer:
      out_ += R"({"type":"integer","value":)";
      integer_text(v.as_integer());
      out_ += '}';
      break;
    case Type::real:
      out_ += R"({"type":"float","value":)";
      number(v.as_real());
      out_ += '}';
      break;
    case Type::text:
      out_ += R"({"type":"text","value":)";
      text(v.bytes());
      out_ += '}';
      break;
    case Type::blob:
      out_ += R"({"type":"blob","base64":")";
      append_base64(out_, v.bytes());
      out_ += "\"}";
      break;
  }
  comma_ = true;
  return {};
}

Result<void> JsonWriter::plain_value(ValueRef v) {
  TRY(expect_finite(v));
  switch (v.type()) {
    case Type::null: null(); break;
    case Type::integer: integer(v.as_integer()); break;
    case Type::real: number(v.as_real()); break;
    case Type::text: text(v.bytes()); break;
    case Type::blob:
      separate();
      out_ += R"({"base64":")";
      append_base64(out_, v.bytes());
      out_ += "\"}";
      break;
  }
  return {};
}

Result<void> JsonWriter::row(std::span<const ValueRef> values) {
  return row_of(values, &JsonWriter::value);
}

Result<void> JsonWriter::plain_row(std::span<const ValueRef> values) {
  return row_of(values, &JsonWriter::plain_value);
}

Result<void> JsonWriter::row_of(std::span<const ValueRef> values, WriteValue write) {
  const Mark start = mark();
  begin_array();
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto written = (this->*write)(values[i]);
    if (!written) {
      rewind(start);
      return Error(Code::mismatch, cat("column ", i, ": ", written.message()));
    }
  }
  end_array();
  return {};
}

void JsonWriter::raw(std::string_view json) {
  separate();
  out_ += json;
}

void JsonWriter::newline() {
  out_ += '\n';
  comma_ = false;
}

void JsonWriter::rewind(Mark mark) {
  ASSERT(mark.size <= out_.size());
  out_.resize(mark.size);
  comma_ = mark.comma;
}

}  // namespace saturn::protocol
