#pragma once

#include "functions/function.hpp"
#include "functions/json/jsonb.hpp"

#include <string>
#include <string_view>

/// From SQL values to JSON, and back.
namespace saturn::sql::json {

/// The subtype of an SQL text that is JSON: as an argument it is taken for what it says.
inline constexpr std::uint8_t kSubtype = 'J';

/// A JSON argument: JSONB as it is, anything else as JSON text.
class Document {
 public:
  /// False for NULL. Fails with "malformed JSON". `v` outlives this object.
  Result<bool> read(ValueRef v);
  std::string_view bytes() const noexcept { return bytes_; }
  /// A copy to be changed.
  std::string take() && { return own_.empty() ? std::string(bytes_) : std::move(own_); }

 private:
  std::string own_;
  std::string_view bytes_;
};

/// Appends an SQL value as JSONB: JSON for what has the subtype or is JSONB, else a number, a
/// string or null. Fails with "JSON cannot hold BLOB values". `infinity` is how one is written.
Result<void> append_value(std::string& document, ValueRef v, ValueArena& arena,
                          std::string_view infinity);
inline constexpr std::string_view kLongInfinity = "9.0e+999";  ///< of what is built anew
inline constexpr std::string_view kShortInfinity = "9e999";    ///< of what is put into JSON

/// An element as an SQL value: an array or object as JSON text, or as JSONB when `binary`.
Result<ValueRef> to_value(ValueArena& arena, std::string_view document, const Element& element,
                          bool binary);
/// A whole document as JSON text with the subtype, or as JSONB.
Result<ValueRef> to_result(ValueArena& arena, std::string_view document, bool binary);

/// The same of a document that was built from SQL values: SQLite makes it of JSON text, whose
/// strings then are in JSONB what they are there.
Result<ValueRef> to_built_result(ValueArena& arena, std::string_view document, bool binary);

Error bad_path(std::string_view path);

}  // namespace saturn::sql::json
