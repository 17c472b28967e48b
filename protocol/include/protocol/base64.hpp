#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saturn::protocol {

/// Appends standard base64 of `bytes` without padding: some clients' decoders refuse padding.
void append_base64(std::string& out, std::string_view bytes);

/// Decodes standard base64, with its full padding or without any. Empty when a character, the
/// length, the padding or the unused low bits are not base64's.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace saturn::protocol
