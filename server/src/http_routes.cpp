#include "http_routes.hpp"

#include "base/text.hpp"
#include "protocol/error.hpp"
#include "protocol/json.hpp"
#include "protocol/json_results.hpp"

namespace saturn::server {
namespace {

using protocol::HranaError;
using protocol::JsonWriter;
using protocol::Version;

constexpr std::string_view kJson = "application/json";
constexpr std::size_t kChunkBytes = 64U << 10;

class Router {
 public:
  Router(const HttpRequest& request, Shared& shared, StreamTable& streams, Responder& responder)
      : request_(request), shared_(shared), streams_(streams), responder_(responder) {}

  void run();

 private:
  void error(unsigned status, const HranaError& what) {
    responder_.reply(status, kJson, protocol::http_error_body(what));
  }
  void not_found(std::string_view what) {
    error(404, protocol::make_error("NOT_FOUND", what));
  }
  bool get(std::string_view path);
  void post(std::string_view path);
  void pipeline(Version version);
  void v1_execute();
  void v1_batch();
  void simple();
  void cursor();

  /// One request of a pipeline. False when the whole pipeline is to fail with `violation_`.
  bool pipeline_request(const protocol::Request& request, SqlStream& stream,
                        protocol::PipelineResponseWriter& answer, JsonWriter& out);

  const HttpRequest& request_;
  Shared& shared_;
  StreamTable& streams_;
  Responder& responder_;
  bool closed_ = false;
  HranaError violation_;
};

/// A failure that breaks the protocol's rules rather than a statement.
bool is_violation(const SqlStream::Failure& failure) {
  return failure && failure->code == protocol::codes::kProtocolError;
}

bool Router::pipeline_request(const protocol::Request& request, SqlStream& stream,
                              protocol::PipelineResponseWriter& answer, JsonWriter& out) {
  if (closed_) {
    answer.error(protocol::make_error(protocol::codes::kStreamNotOpen, "the stream is closed"));
    return true;
  }
  const JsonWriter::Mark mark = out.mark();
  SqlStream::Failure failure;
  const auto with_result = [&](std::string_view type, auto fill) {
    answer.begin_ok(type);
    out.key("result");
    failure = fill();
  };
  if (const auto* execute = std::get_if<protocol::Execute>(&request)) {
    with_result("execute", [&] { return stream.execute(execute->stmt, out); });
  } else if (const auto* batch = std::get_if<protocol::ExecuteBatch>(&request)) {
    with_result("batch", [&] { return stream.batch(batch->batch, out); });
  } else if (const auto* describe = std::get_if<protocol::Describe>(&request)) {
    with_result("describe", [&] { return stream.describe(describe->sql, out); });
  } else if (const auto* sequence = std::get_if<protocol::Sequence>(&request)) {
    answer.begin_ok("sequence");
    failure = stream.sequence(sequence->sql);
  } else if (const auto* store = std::get_if<protocol::StoreSql>(&request)) {
    answer.begin_ok("store_sql");
    failure = stream.store_sql(store->sql_id, store->sql);
  } else if (const auto* close = std::get_if<protocol::CloseSql>(&request)) {
    answer.begin_ok("close_sql");
    stream.close_sql(close->sql_id);
  } else if (std::get_if<protocol::GetAutocommit>(&request) != nullptr) {
    answer.begin_ok("get_autocommit");
    out.key("is_autocommit");
    out.boolean(stream.autocommit());
  } else if (std::get_if<protocol::CloseStream>(&request) != nullptr) {
    answer.begin_ok("close");
    closed_ = true;
  } else {
    violation_ = protocol::make_error(protocol::codes::kProtocolError,
                                      "this request is not for HTTP pipelines");
    return false;
  }
  if (is_violation(failure)) {
    violation_ = *failure;
    return false;
  }
  if (failure) {
    out.rewind(mark);
    answer.error(*failure);
  } else {
    answer.end_ok();
  }
  return true;
}

void Router::pipeline(Version version) {
  auto decoded = protocol::decode_pipeline(request_.body, version);
  if (!decoded) return error(400, protocol::from_decoder(decoded.error()));
  StreamTable::Taken taken = streams_.take(decoded->baton);
  if (!taken.lease) return error(400, taken.error);
  std::string body;
  JsonWriter out(body);
  protocol::PipelineResponseWriter answer(out);
  answer.begin();
  for (const protocol::Request& request : decoded->requests) {
    if (!pipeline_request(request, *taken.lease->stream, answer, out)) {
      return error(400, violation_);
    }
  }
  std::optional<std::string> baton;
  if (!closed_) {
    auto next = streams_.put_back(std::move(*taken.lease));
    if (!next) return error(500, protocol::from_engine(next.error()));
    baton = std::move(*next);
  }
  answer.finish(baton, std::nullopt);
  responder_.reply(200, kJson, body);
}

void Router::v1_execute() {
  auto stmt = protocol::decode_v1_execute(request_.body);
  if (!stmt) return error(400, protocol::from_decoder(stmt.error()));
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  out.key("result");
  const auto failure = shared_.new_stream()->execute(*stmt, out);
  if (failure) return error(400, *failure);
  out.end_object();
  responder_.reply(200, kJson, body);
}

void Router::v1_batch() {
  auto batch = protocol::decode_v1_batch(request_.body);
  if (!batch) return error(400, protocol::from_decoder(batch.error()));
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  out.key("result");
  const auto failure = shared_.new_stream()->batch(*batch, out);
  if (failure) return error(400, *failure);
  out.end_object();
  responder_.reply(200, kJson, body);
}

/// Stops at the first failure, which takes back what came before it.
void Router::simple() {
  auto stmts = protocol::decode_simple(request_.body);
  if (!stmts) return error(400, protocol::from_decoder(stmts.error()));
  std::string body;
  JsonWriter out(body);
  auto stream = shared_.new_stream();
  out.begin_array();
  for (const protocol::Stmt& stmt : *stmts) {
    const auto failure = stream->execute_simple(stmt, out);
    if (failure) {
      protocol::write_simple_error(out, *failure);
      break;
    }
  }
  out.end_array();
  responder_.reply(200, kJson, body);
}

void Router::cursor() {
  auto decoded = protocol::decode_cursor_request(request_.body);
  if (!decoded) return error(400, protocol::from_decoder(decoded.error()));
  StreamTable::Taken taken = streams_.take(decoded->baton);
  if (!taken.lease) return error(400, taken.error);
  // The stream's next baton is promised before the run, which ends before the stream is put back.
  auto baton = streams_.next_baton(*taken.lease);
  if (!baton) return error(500, protocol::from_engine(baton.error()));
  std::string buffer;
  JsonWriter out(buffer);
  bool there = responder_.begin_chunked("application/json");
  protocol::write_cursor_head(out, *baton, std::nullopt);
  out.newline();
  taken.lease->stream->run_cursor(decoded->batch, out, [&] {
    out.newline();
    if (there && buffer.size() > kChunkBytes) {
      there = responder_.chunk(buffer);
      buffer.clear();
    }
    return there;
  });
  if (!there) return;  // the stream ends with its client
  auto put = streams_.put_back(std::move(*taken.lease));
  if (!put) return;
  if (!buffer.empty()) responder_.chunk(buffer);
  responder_.end_chunked();
}

bool Router::get(std::string_view path) {
  if (path == "/health" || path == "/livez" || path == "/readyz") {
    responder_.reply(200, "", "");
    return true;
  }
  if (path == "/version") {
    responder_.reply(200, "text/plain", "saturnd " SATURN_VERSION);
    return true;
  }
  if (path == "/v1" || path == "/v2" || path == "/v3") {
    responder_.reply(200, "text/plain", "Hello, this is HTTP API of Saturn");
    return true;
  }
  return false;
}

void Router::post(std::string_view path) {
  if (path == "/v2/pipeline") return pipeline(Version::hrana2);
  if (path == "/v3/pipeline") return pipeline(Version::hrana3);
  if (path == "/v3/cursor") return cursor();
  if (path == "/v1/execute") return v1_execute();
  if (path == "/v1/batch") return v1_batch();
  if (path == "/") return simple();
  not_found(cat("there is no route POST ", path));
}

void Router::run() {
  std::string_view path = request_.target.substr(0, request_.target.find('?'));
  std::string_view database = request_.database.value_or("default");
  if (path.substr(0, 5) == "/dev/") {
    path.remove_prefix(5);
    const std::size_t end = path.find('/');
    database = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view("/") : path.substr(end);
  }
  if (database != "default") {
    return error(404, protocol::make_error("NAMESPACE_NOT_FOUND",
                                           cat("there is no database named ", database)));
  }
  if (request_.method == "GET") {
    if (!get(path)) not_found(cat("there is no route GET ", path));
  } else if (request_.method == "POST") {
    post(path);
  } else {
    error(405, protocol::make_error("METHOD_NOT_ALLOWED", cat("method ", request_.method)));
  }
}

}  // namespace

void serve_request(const HttpRequest& request, Shared& shared, StreamTable& streams,
                   Responder& responder) {
  Router(request, shared, streams, responder).run();
}

}  // namespace saturn::server
