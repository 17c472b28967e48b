#pragma once

#include <string>
#include <string_view>

/// Texts as SQL literals, and the escapes of unistr().
namespace saturn::sql {

bool has_control_character(std::string_view text) noexcept;
/// Appends `text` with `quote` doubled; with `escaped` control characters are \uXXXX and
/// backslashes are doubled.
void append_quoted(std::string& out, std::string_view text, char quote, bool escaped);

}  // namespace saturn::sql
