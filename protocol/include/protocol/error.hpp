#pragma once

#include "base/error.hpp"
#include "protocol/messages.hpp"

#include <string_view>

namespace saturn::protocol {

/// The codes that clients know, besides SQLite's own ("SQLITE_CONSTRAINT").
namespace codes {
inline constexpr std::string_view kProtocolError = "PROTOCOL_ERROR";
inline constexpr std::string_view kSqlParseError = "SQL_PARSE_ERROR";
inline constexpr std::string_view kSqlInputError = "SQL_INPUT_ERROR";
inline constexpr std::string_view kSqlNoStatement = "SQL_NO_STATEMENT";
inline constexpr std::string_view kSqlManyStatements = "SQL_MANY_STATEMENTS";
inline constexpr std::string_view kArgsInvalid = "ARGS_INVALID";
inline constexpr std::string_view kArgsBothPositionalAndNamed = "ARGS_BOTH_POSITIONAL_AND_NAMED";
inline constexpr std::string_view kTransactionTimeout = "TRANSACTION_TIMEOUT";
inline constexpr std::string_view kTransactionBusy = "TRANSACTION_BUSY";
inline constexpr std::string_view kBlocked = "BLOCKED";
inline constexpr std::string_view kResponseTooLarge = "RESPONSE_TOO_LARGE";
inline constexpr std::string_view kSqlStoreTooMany = "SQL_STORE_TOO_MANY";
inline constexpr std::string_view kSqlStoreTooLarge = "SQL_STORE_TOO_LARGE";
inline constexpr std::string_view kStreamExpired = "STREAM_EXPIRED";
inline constexpr std::string_view kStreamNotOpen = "STREAM_NOT_OPEN";
inline constexpr std::string_view kCursorNotOpen = "CURSOR_NOT_OPEN";
inline constexpr std::string_view kAuthHttpHeaderMissing = "AUTH_HTTP_HEADER_MISSING";
inline constexpr std::string_view kAuthHttpHeaderInvalid = "AUTH_HTTP_HEADER_INVALID";
inline constexpr std::string_view kAuthHttpHeaderUnsupportedScheme =
    "AUTH_HTTP_HEADER_UNSUPPORTED_SCHEME";
inline constexpr std::string_view kAuthBasicNotAllowed = "AUTH_BASIC_NOT_ALLOWED";
inline constexpr std::string_view kAuthBasicRejected = "AUTH_BASIC_REJECTED";
inline constexpr std::string_view kAuthJwtMissing = "AUTH_JWT_MISSING";
inline constexpr std::string_view kAuthJwtNotAllowed = "AUTH_JWT_NOT_ALLOWED";
inline constexpr std::string_view kAuthJwtInvalid = "AUTH_JWT_INVALID";
inline constexpr std::string_view kAuthJwtExpired = "AUTH_JWT_EXPIRED";
inline constexpr std::string_view kAuthJwtImmature = "AUTH_JWT_IMMATURE";
}  // namespace codes

/// An error of the engine: "SQLite error: " and SQLite's text verbatim, since clients match on it,
/// under the name of the primary code; a plain SQLITE_ERROR whose place in the SQL text is known
/// is a mistake in that text, SQL_INPUT_ERROR.
HranaError from_engine(const Error& error);

/// An error of the decoders of this layer, which answer 400 or close the WebSocket.
HranaError from_decoder(const Error& error);

/// With a code of ours and a text.
HranaError make_error(std::string_view code, std::string_view message);

/// `execute` takes exactly one statement.
HranaError no_statement();
HranaError many_statements();
/// For a baton of before a restart: what happened and what to do, rather than "invalid baton".
HranaError restarted();

}  // namespace saturn::protocol
