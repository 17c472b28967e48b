#include "functions/function.hpp"
#include "functions/random.hpp"
#include "value/number.hpp"

#include <array>
#include <optional>

// uuid(), uuid_str() and uuid_blob(), as SQLite's extension has them: version 4, made of random
// bits.

namespace saturn::sql {

namespace {

using Uuid = std::array<char, 16>;

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Sixteen bytes, or 32 digits with hyphens between pairs and braces around them.
std::optional<Uuid> read_uuid(ValueRef v, ValueArena& arena) {
  Uuid uuid;
  if (v.is_blob()) {
    if (v.bytes().size() != uuid.size()) return std::nullopt;
    v.bytes().copy(uuid.data(), uuid.size());
    return uuid;
  }
  if (!v.is_text()) return std::nullopt;
  std::string_view text = to_text(v, arena);
  if (text.starts_with('{')) text.remove_prefix(1);
  for (char& byte : uuid) {
    if (text.starts_with('-')) text.remove_prefix(1);
    if (text.size() < 2) return std::nullopt;
    const int high = hex_digit(text[0]);
    const int low = hex_digit(text[1]);
    if (high < 0 || low < 0) return std::nullopt;
    byte = static_cast<char>(high * 16 + low);
    text.remove_prefix(2);
  }
  if (text.starts_with('}')) text.remove_prefix(1);
  if (!text.empty()) return std::nullopt;
  return uuid;
}

ValueRef as_text(const Uuid& uuid, ValueArena& arena) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kHex[static_cast<unsigned char>(uuid[i]) >> 4];
    out += kHex[static_cast<unsigned char>(uuid[i]) & 15];
  }
  return ValueRef::text(arena.copy(out));
}

Result<ValueRef> fn_uuid(FunctionContext& context, Arguments) {
  Uuid uuid;
  for (char& byte : uuid) byte = static_cast<char>(random_bits());
  uuid[6] = static_cast<char>((uuid[6] & 0x0f) | 0x40);
  uuid[8] = static_cast<char>((uuid[8] & 0x3f) | 0x80);
  return as_text(uuid, context.arena);
}

Result<ValueRef> fn_uuid_str(FunctionContext& context, Arguments a) {
  const auto uuid = read_uuid(a[0], context.arena);
  return uuid ? as_text(*uuid, context.arena) : ValueRef();
}

Result<ValueRef> fn_uuid_blob(FunctionContext& context, Arguments a) {
  const auto uuid = read_uuid(a[0], context.arena);
  if (!uuid) return ValueRef();
  return ValueRef::blob(context.arena.copy({uuid->data(), uuid->size()}));
}

constexpr Function kFunctions[] = {
    {"uuid", 0, 0, fn_uuid, nullptr, false},
    {"uuid_blob", 1, 1, fn_uuid_blob},
    {"uuid_str", 1, 1, fn_uuid_str},
};

}  // namespace

std::span<const Function> uuid_functions() noexcept { return kFunctions; }

}  // namespace saturn::sql
