#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// JSON and JSON5 texts.
namespace saturn::sql::json {

/// What a text was parsed into.
struct Parsed {
  std::string document;  ///< JSONB
  bool valid = false;
  bool standard = true;      ///< nothing in it is JSON5 only (or SQLite's own)
  std::size_t error_at = 0;  ///< byte offset, when it is not valid
};
/// Parses a whole text, up to its first NUL. Numbers and strings keep the form they are written in.
Parsed parse(std::string_view text);

/// Appends the JSON text of the element at `at`; fails with "malformed JSON".
Result<void> print(std::string& out, std::string_view document, std::size_t at = 0);
/// The same over several lines, with `indent` for each level.
Result<void> print_pretty(std::string& out, std::string_view document, std::string_view indent);
/// Appends `text` as a JSON string.
void print_string(std::string& out, std::string_view text);

/// One character of a text with escapes.
struct Unescaped {
  std::uint32_t character = 0;
  std::size_t size = 1;  ///< bytes it takes
  bool valid = true;
  bool nothing = false;  ///< an escaped line break stands for nothing
};
/// Precondition: `text` starts with a backslash.
Unescaped unescape_one(std::string_view text) noexcept;
/// The SQL text of a string with escapes.
std::string unescape(std::string_view text);
/// Whether two labels are the same text; `plain` says that a text has no escapes.
bool same_label(std::string_view a, bool a_plain, std::string_view b, bool b_plain);

Error malformed();

}  // namespace saturn::sql::json
