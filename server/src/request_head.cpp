#include "request_head.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace saturn::server {

namespace {

/// RFC 9110, section 5.6.2: the characters of a token, of which field names and methods are made.
bool is_token_char(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

/// A control character other than a tab has no place in a line: a lone CR, LF or NUL is read as the
/// end of the line by some parsers and not by others.
bool has_control_char(std::string_view line) {
  return std::any_of(line.begin(), line.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// What has been seen of the fields that frame a message.
struct Framing {
  unsigned hosts = 0;
  unsigned content_lengths = 0;
  unsigned transfer_encodings = 0;
};

/// Why the request line is refused, or an empty view. Sets `is_http_1_1`.
std::string_view check_request_line(std::string_view line, bool& is_http_1_1) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return "malformed request line";
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(line.substr(0, first))) return "malformed method";
  if (target.empty() || target.find_first_of(" \t") != std::string_view::npos) {
    return "malformed request target";
  }
  is_http_1_1 = version == "HTTP/1.1";
  return is_http_1_1 || version == "HTTP/1.0" ? "" : "unsupported HTTP version";
}

/// Why the field is refused, or an empty view. Counts what frames the message in `seen`.
std::string_view check_field(std::string_view line, Framing& seen) {
  if (line[0] == ' ' || line[0] == '\t') return "folded header line";
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "header line without a colon";
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return "malformed header name";
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (equals_nocase(name, "host")) {
    if (++seen.hosts > 1) return "more than one Host";
    if (value.find_first_of(" \t,@/") != std::string_view::npos) return "malformed Host";
  } else if (equals_nocase(name, "content-length")) {
    if (++seen.content_lengths > 1) return "more than one Content-Length";
    const bool digits = !value.empty() && value.size() <= 18 &&
                        value.find_first_not_of("0123456789") == std::string_view::npos;
    if (!digits) return "malformed Content-Length";
  } else if (equals_nocase(name, "transfer-encoding")) {
    if (++seen.transfer_encodings > 1) return "more than one Transfer-Encoding";
    if (!equals_nocase(value, "chunked")) return "Transfer-Encoding other than chunked";
  }
  return "";
}

Error refused(std::string_view why, std::size_t offset) {
  return Error(Code::protocol, std::string(why)).at(static_cast<std::int64_t>(offset));
}

}  // namespace

Result<void> check_request_head(std::string_view head) {
  Framing seen;
  bool is_http_1_1 = false;
  std::size_t offset = 0;
  while (true) {
    const std::size_t end = head.find("\r\n", offset);
    if (end == std::string_view::npos) return refused("header without an end", offset);
    const std::string_view line = head.substr(offset, end - offset);
    if (has_control_char(line)) return refused("control character in a header line", offset);
    if (line.empty() && offset > 0) break;
    const std::string_view why =
        offset == 0 ? check_request_line(line, is_http_1_1) : check_field(line, seen);
    if (!why.empty()) return refused(why, offset);
    offset = end + 2;
  }
  if (offset + 2 != head.size()) return refused("bytes behind the header", offset + 2);
  if (is_http_1_1 && seen.hosts == 0) return refused("no Host", offset);
  if (seen.transfer_encodings > 0 && seen.content_lengths > 0) {
    return refused("both Transfer-Encoding and Content-Length", offset);
  }
  if (seen.transfer_encodings > 0 && !is_http_1_1) {
    return refused("Transfer-Encoding in HTTP/1.0", offset);
  }
  return {};
}

}  // namespace saturn::server
