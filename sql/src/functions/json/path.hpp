#pragma once

#include "functions/json/jsonb.hpp"

#include <string>
#include <string_view>
#include <vector>

/// SQLite's paths: `$`, then steps `.label`, `."any label"`, `[7]`, `[#-1]` (from the end) and
/// `[#]` (behind the end).
namespace saturn::sql::json {

enum class Found : std::uint8_t { yes, no, bad_path, malformed };

struct Place {
  Element element;
  std::size_t label_at = 0;  ///< of the label before it; 0 when it has none
};

/// Looks for what `path`, which starts with `$`, leads to. A path is checked only as far as the
/// document takes it.
Found find(std::string_view document, std::string_view path, Place& out);

enum class Change : std::uint8_t {
  remove,
  replace,       ///< what is there
  insert,        ///< where nothing is
  set,           ///< either
  array_insert,  ///< before what is there, in its array
};
/// Changes what `path` leads to; `value` is JSONB. `insert`, `set` and `array_insert` add a label
/// to an object, or an element at the end of an array, and make the objects and arrays on the way
/// to it. `no` means that nothing was to be changed.
Found change(std::string& document, std::string_view path, Change how, std::string_view value);

/// json_patch(): applies the merge patch (RFC 7396) to the document. False when either is
/// malformed.
bool merge_patch(std::string& document, std::string_view patch);

/// A path as the operators -> and ->> take it: a label, or an array's index.
std::string arrow_path(std::string_view text, bool is_number);

/// Appends `.label` or `."any label"`. `label` is a string's payload.
void append_label_step(std::string& path, std::string_view label);

}  // namespace saturn::sql::json
