#include "json_node.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

#include <charconv>
#include <limits>

namespace saturn::protocol {
namespace {

/// Whether brackets nest deeper than the limit. Looks at brackets outside of strings only, so it is
/// right for every valid document; an invalid one is the parser's to refuse.
bool too_deep(std::string_view text) {
  std::uint32_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > limits::kJsonDepthMax) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// The parser's own words without its library's "[json.exception.parse_error.101] ".
std::string parse_failure(std::string_view what) {
  const std::size_t end = what.find("] ");
  if (what.starts_with('[') && end != std::string_view::npos) what.remove_prefix(end + 2);
  return cat("$: not JSON: ", what.substr(0, 300));
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShownMax = 64;
  if (text.size() <= kShownMax) return cat('"', text, '"');
  return cat('"', text.substr(0, kShownMax), "…\"");
}

Result<nlohmann::json> parse_json(std::string_view text) {
  if (too_deep(text)) {
    return Error(Code::protocol,
                 cat("$: JSON nested deeper than ", limits::kJsonDepthMax, " levels"));
  }
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    return Error(Code::protocol, parse_failure(e.what()));
  }
}

Node Node::member(std::string_view key) const {
  Json* child = nullptr;
  if (is_object()) {
    const auto found = value_->find(key);
    if (found != value_->end()) child = &*found;
  }
  return {child, this, key, 0};
}

Node Node::element(std::size_t index) const { return {&(*value_)[index], this, {}, index}; }

std::string Node::path() const {
  if (parent_ == nullptr) return "$";
  std::string path = parent_->path();
  path += key_.empty() ? cat('[', index_, ']') : cat('.', key_);
  return path;
}

Error Node::error(std::string_view why) const {
  return Error(Code::protocol, cat(path(), ": ", why));
}

Result<void> Node::expect_object() const {
  if (!present()) return error("missing, expected an object");
  if (!value_->is_object()) return error(cat("expected an object, not ", value_->type_name()));
  return {};
}

Result<void> Node::expect_array(std::size_t elements_max) const {
  if (!present()) return error("missing, expected an array");
  if (!value_->is_array()) return error(cat("expected an array, not ", value_->type_name()));
  if (elements_max != 0 && value_->size() > elements_max) {
    return error(cat(value_->size(), " elements, at most ", elements_max, " are allowed"));
  }
  return {};
}

Result<std::int64_t> Node::take_decimal() const {
  const std::string text = TRY(take_string());
  std::int64_t v = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, v);
  if (status != std::errc() || stop != end) {
    return error(cat("not an integer of 64 bits: ", in_quotes(text)));
  }
  return v;
}

Result<std::string> Node::take_string() const {
  if (!present()) return error("missing, expected a string");
  if (!value_->is_string()) return error(cat("expected a string, not ", value_->type_name()));
  return std::move(*value_->get_ptr<std::string*>());
}

Result<std::optional<std::string>> Node::take_optional_string() const {
  if (!present()) return std::optional<std::string>();
  return std::optional<std::string>(TRY(take_string()));
}

Result<bool> Node::take_bool(bool fallback) const {
  if (!present()) return fallback;
  if (!value_->is_boolean()) return error(cat("expected a boolean, not ", value_->type_name()));
  return value_->get<bool>();
}

Result<std::int32_t> Node::take_id() const {
  if (!present()) return error("missing, expected an integer");
  if (!value_->is_number_integer()) {
    return error(cat("expected an integer, not ", value_->type_name()));
  }
  // Unsigned tokens above INT64_MAX become negative in a cast, so they are compared as they are.
  if (value_->is_number_unsigned()
          ? value_->get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max()
          : value_->get<std::int64_t>() < std::numeric_limits<std::int32_t>::min()) {
    return error("not an integer of 32 bits");
  }
  return static_cast<std::int32_t>(value_->get<std::int64_t>());
}

Result<std::uint32_t> Node::take_u32() const {
  if (!present()) return error("missing, expected an integer");
  if (!value_->is_number_unsigned() ||
      value_->get<std::uint64_t>() > std::numeric_limits<std::uint32_t>::max()) {
    return error("not an unsigned integer of 32 bits");
  }
  return static_cast<std::uint32_t>(value_->get<std::uint64_t>());
}

}  // namespace saturn::protocol
