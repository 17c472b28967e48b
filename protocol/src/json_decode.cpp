#include "protocol/json.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "json_decode_shapes.hpp"
#include "protocol/base64.hpp"

#include <array>

namespace saturn::protocol {
namespace {

enum class Transport : std::uint8_t { http, websocket };

/// A kind of request: its name, and where it exists.
struct RequestKind {
  std::string_view name;
  Version since;
  bool http;
  bool websocket;
  bool names_stream;  ///< carries a `stream_id` on WebSocket
  Result<Request> (*decode)(const Node& node, Version version);
};

Result<Request> decode_execute(const Node& node, Version version) {
  return Request(Execute{TRY(decode_stmt(node.member("stmt"), version))});
}
Result<Request> decode_execute_batch(const Node& node, Version version) {
  return Request(ExecuteBatch{TRY(decode_batch(node.member("batch"), version))});
}
Result<Request> decode_sequence(const Node& node, Version version) {
  return Request(Sequence{TRY(decode_sql_source(node, version))});
}
Result<Request> decode_describe(const Node& node, Version version) {
  return Request(Describe{TRY(decode_sql_source(node, version))});
}
Result<Request> decode_store_sql(const Node& node, Version /*version*/) {
  const std::int32_t sql_id = TRY(node.member("sql_id").take_id());
  return Request(StoreSql{sql_id, TRY(node.member("sql").take_string())});
}
Result<Request> decode_close_sql(const Node& node, Version /*version*/) {
  return Request(CloseSql{TRY(node.member("sql_id").take_id())});
}
Result<Request> decode_open_cursor(const Node& node, Version version) {
  const std::int32_t cursor_id = TRY(node.member("cursor_id").take_id());
  return Request(OpenCursor{cursor_id, TRY(decode_batch(node.member("batch"), version))});
}
Result<Request> decode_fetch_cursor(const Node& node, Version /*version*/) {
  const std::int32_t cursor_id = TRY(node.member("cursor_id").take_id());
  return Request(FetchCursor{cursor_id, TRY(node.member("max_count").take_u32())});
}
Result<Request> decode_close_cursor(const Node& node, Version /*version*/) {
  return Request(CloseCursor{TRY(node.member("cursor_id").take_id())});
}
template <typename T>
Result<Request> decode_empty(const Node& /*node*/, Version /*version*/) {
  return Request(T{});
}

constexpr std::array kRequestKinds = {
    RequestKind{"execute", Version::hrana1, true, true, true, decode_execute},
    RequestKind{"batch", Version::hrana1, true, true, true, decode_execute_batch},
    RequestKind{"close", Version::hrana1, true, false, false, decode_empty<CloseStream>},
    RequestKind{"open_stream", Version::hrana1, false, true, true, decode_empty<OpenStream>},
    RequestKind{"close_stream", Version::hrana1, false, true, true, decode_empty<CloseStream>},
    RequestKind{"sequence", Version::hrana2, true, true, true, decode_sequence},
    RequestKind{"describe", Version::hrana2, true, true, true, decode_describe},
    RequestKind{"store_sql", Version::hrana2, true, true, false, decode_store_sql},
    RequestKind{"close_sql", Version::hrana2, true, true, false, decode_close_sql},
    RequestKind{"get_autocommit", Version::hrana3, true, true, true, decode_empty<GetAutocommit>},
    RequestKind{"open_cursor", Version::hrana3, false, true, true, decode_open_cursor},
    RequestKind{"fetch_cursor", Version::hrana3, false, true, false, decode_fetch_cursor},
    RequestKind{"close_cursor", Version::hrana3, false, true, false, decode_close_cursor},
};

Result<const RequestKind*> find_kind(const Node& node, Transport transport, Version version) {
  TRY(node.expect_object());
  const Node type_node = node.member("type");
  const std::string type = TRY(type_node.take_string());
  for (const RequestKind& kind : kRequestKinds) {
    if (kind.name != type) continue;
    if (transport == Transport::http ? !kind.http : !kind.websocket) {
      return type_node.error(cat("request ", in_quotes(type),
                                 transport == Transport::http
                                     ? " exists on WebSockets only, not over HTTP"
                                     : " exists over HTTP only, not on WebSockets"));
    }
    if (version < kind.since) {
      return type_node.error(cat("request ", in_quotes(type), " needs version ",
                                 static_cast<unsigned>(kind.since), " of the protocol"));
    }
    return &kind;
  }
  return type_node.error(cat("unknown type of request ", in_quotes(type)));
}

/// A parameter of the simple API: a plain JSON value.
Result<Value> decode_plain_value(const Node& node) {
  if (!node.present()) return Value();
  Node::Json& value = *node.value();
  if (value.is_boolean()) return Value(value.get<bool>() ? 1 : 0);
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
    return node.error("not an integer of 64 bits");
  }
  if (value.is_number_integer()) return Value(value.get<std::int64_t>());
  if (value.is_number_float()) return Value(value.get<double>());
  if (value.is_string()) return Value(TRY(node.take_string()));
  if (value.is_object()) {
    const Node base64 = node.member("base64");
    const std::string text = TRY(base64.take_string());
    auto bytes = decode_base64(text);
    if (!bytes) return base64.error(cat("not base64: ", in_quotes(text)));
    return Value(Value::Blob{*std::move(bytes)});
  }
  return node.error("an array is no parameter");
}

Result<Stmt> decode_simple_stmt(const Node& node) {
  Stmt stmt;
  if (node.is_string()) {
    stmt.sql = TRY(node.take_string());
    return stmt;
  }
  TRY(node.expect_object());
  stmt.sql = TRY(node.member("q").take_string());
  const Node params = node.member("params");
  if (!params.present()) return stmt;
  if (params.is_object()) {
    for (const auto& item : params.value()->items()) {
      const std::string& name = item.key();
      stmt.named_args.push_back({name, TRY(decode_plain_value(params.member(name)))});
    }
    return stmt;
  }
  TRY(params.expect_array());
  for (std::size_t i = 0; i < params.size(); ++i) {
    stmt.args.push_back(TRY(decode_plain_value(params.element(i))));
  }
  return stmt;
}

}  // namespace

Result<PipelineRequest> decode_pipeline(std::string_view body, Version version) {
  auto document = TRY(parse_json(body));
  const Node root(document);
  TRY(root.expect_object());
  PipelineRequest pipeline;
  pipeline.baton = TRY(root.member("baton").take_optional_string());
  const Node requests = root.member("requests");
  TRY(requests.expect_array(limits::kPipelineRequestsMax));
  pipeline.requests.reserve(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Node node = requests.element(i);
    const RequestKind* kind = TRY(find_kind(node, Transport::http, version));
    pipeline.requests.push_back(TRY(kind->decode(node, version)));
  }
  return pipeline;
}

Result<CursorRequest> decode_cursor_request(std::string_view body) {
  auto document = TRY(parse_json(body));
  const Node root(document);
  TRY(root.expect_object());
  CursorRequest cursor;
  cursor.baton = TRY(root.member("baton").take_optional_string());
  cursor.batch = TRY(decode_batch(root.member("batch"), Version::hrana3));
  return cursor;
}

Result<Stmt> decode_v1_execute(std::string_view body) {
  auto document = TRY(parse_json(body));
  const Node root(document);
  TRY(root.expect_object());
  return decode_stmt(root.member("stmt"), Version::hrana1);
}

Result<Batch> decode_v1_batch(std::string_view body) {
  auto document = TRY(parse_json(body));
  const Node root(document);
  TRY(root.expect_object());
  return decode_batch(root.member("batch"), Version::hrana1);
}

Result<std::vector<Stmt>> decode_simple(std::string_view body) {
  auto document = TRY(parse_json(body));
  const Node root(document);
  TRY(root.expect_object());
  const Node statements = root.member("statements");
  TRY(statements.expect_array(limits::kBatchStepsMax));
  std::vector<Stmt> stmts;
  stmts.reserve(statements.size());
  for (std::size_t i = 0; i < statements.size(); ++i) {
    stmts.push_back(TRY(decode_simple_stmt(statements.element(i))));
  }
  return stmts;
}

Result<ClientMessage> decode_client_message(std::string_view payload, Version version) {
  auto document = TRY(parse_json(payload));
  const Node root(document);
  TRY(root.expect_object());
  const Node type_node = root.member("type");
  const std::string type = TRY(type_node.take_string());
  if (type == "hello") {
    return ClientMessage(Hello{TRY(root.member("jwt").take_optional_string())});
  }
  if (type != "request") return type_node.error(cat("unknown type of message ", in_quotes(type)));
  WsRequest message;
  message.request_id = TRY(root.member("request_id").take_id());
  const Node request = root.member("request");
  const RequestKind* kind = TRY(find_kind(request, Transport::websocket, version));
  if (kind->names_stream) message.stream_id = TRY(request.member("stream_id").take_id());
  message.request = TRY(kind->decode(request, version));
  return ClientMessage(std::move(message));
}

}  // namespace saturn::protocol
