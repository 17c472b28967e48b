#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace saturn::config {

/// One `key = value` of a file; `line` counts from 1.
struct Entry {
  std::string key;
  std::string value;
  unsigned line;
};

/// Splits a file into its entries, in order. Knows the syntax only, not the options:
///
///     # a comment, also after a value when a space stands before the '#'
///     key = bare value
///     key = "quoted: spaces, # and \" and \\ survive"
///
/// Lines end with LF or CRLF. Errors begin with "path:line: ".
Result<std::vector<Entry>> parse_file(std::string_view path, std::string_view text);

}  // namespace saturn::config
