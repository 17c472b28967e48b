#pragma once

#include "base/result.hpp"
#include "protocol/messages.hpp"

#include <string_view>

/// Decoders of Hrana's JSON (sections "JSON" of the Hrana 2 and 3 specifications).
///
/// All are pure functions, callable from any thread, that never suspend. On failure they return
/// `Code::protocol` with a text for the client that says what was wrong and where, as a JSON path:
/// `$.requests[2].stmt.args[0].value: not an integer of 64 bits: "1e3"`. Members that the
/// protocol does not know are ignored; an explicit null is the same as an absent member; limits are
/// those of `base/limits.hpp`. `version` decides which requests and conditions exist.
namespace saturn::protocol {

/// The body of POST /v2/pipeline and /v3/pipeline.
Result<PipelineRequest> decode_pipeline(std::string_view body, Version version);

/// The body of POST /v3/cursor.
Result<CursorRequest> decode_cursor_request(std::string_view body);

/// The bodies of POST /v1/execute (`{stmt}`) and /v1/batch (`{batch}`).
Result<Stmt> decode_v1_execute(std::string_view body);
Result<Batch> decode_v1_batch(std::string_view body);

/// The body of POST /: `{"statements":[…]}`, plain JSON values for parameters; a JSON integer binds
/// as an integer, true and false as 1 and 0, `{"base64"}` as a blob.
Result<std::vector<Stmt>> decode_simple(std::string_view body);

/// The payload of a WebSocket text frame.
Result<ClientMessage> decode_client_message(std::string_view payload, Version version);

/// The answer to a pipeline, for a client. A row has as many values as there are columns; a server
/// that sends other numbers is refused.
Result<PipelineResponse> decode_pipeline_response(std::string_view body);

/// The JSON body of an HTTP answer that is not 200; nothing when it is no such body.
std::optional<HranaError> decode_http_error(std::string_view body);

}  // namespace saturn::protocol
