#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace saturn::protocol {

/// One place in a parsed document, and the way to it. A node lives on the stack of the function
/// that reads it and borrows its parent and the document, which outlive it; texts are moved out.
class Node {
 public:
  using Json = nlohmann::json;

  explicit Node(Json& root) noexcept : value_(&root) {}

  /// False for an absent member and for an explicit null alike.
  bool present() const noexcept { return value_ != nullptr && !value_->is_null(); }
  Json* value() const noexcept { return value_; }
  std::size_t size() const noexcept { return value_->size(); }
  bool is_string() const noexcept { return present() && value_->is_string(); }
  bool is_object() const noexcept { return present() && value_->is_object(); }
  bool is_array() const noexcept { return present() && value_->is_array(); }

  /// The member of an object; not present where there is none or this is no object.
  Node member(std::string_view key) const;
  /// The element of an array; `index` is below `size()`.
  Node element(std::size_t index) const;

  /// "$.requests[0].stmt"
  std::string path() const;
  /// `Code::protocol` with the path in front of `why`.
  Error error(std::string_view why) const;

  Result<void> expect_object() const;
  /// `elements_max` = 0 stands for no limit of its own.
  Result<void> expect_array(std::size_t elements_max = 0) const;
  Result<std::string> take_string() const;
  /// A decimal integer of 64 bits in a string, as Hrana writes integers.
  Result<std::int64_t> take_decimal() const;
  /// As above; empty where the member is absent.
  Result<std::optional<std::string>> take_optional_string() const;
  Result<bool> take_bool(bool fallback) const;
  Result<std::int32_t> take_id() const;
  Result<std::uint32_t> take_u32() const;

 private:
  Node(Json* value, const Node* parent, std::string_view key, std::size_t index) noexcept
      : value_(value), parent_(parent), key_(key), index_(index) {}

  Json* value_;
  const Node* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
};

/// A text of the peer between quotes, cut to what fits an error message.
std::string in_quotes(std::string_view text);

/// Parses `text` within `limits::kJsonDepthMax`.
Result<nlohmann::json> parse_json(std::string_view text);

}  // namespace saturn::protocol
