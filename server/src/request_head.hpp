#pragma once

#include "base/result.hpp"

#include <string_view>

namespace saturn::server {

/// Refuses request heads on which two HTTP parsers could disagree about where the request ends: the
/// shapes that request smuggling is made of (RFC 9112, sections 2.2, 3.2, 5.1, 5.2 and 6). Beast
/// 1.81 accepts several of them, so the listener asks here before it hands the head to Beast.
///
/// `head` is everything from the request line to the empty line, that line's CRLF included; it is
/// at most `limits::kHttpHeaderBytesMax` bytes long and is only read during the call.
/// The error is `Code::protocol`, its message names the fault and its position is the byte offset
/// of the line at fault; the answer to it is 400, and the connection closes. Any thread may call.
Result<void> check_request_head(std::string_view head);

}  // namespace saturn::server
