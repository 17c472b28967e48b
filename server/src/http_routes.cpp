#include "http_routes.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cursor.hpp"
#include "protocol/error.hpp"
#include "protocol/json.hpp"
#include "protocol/json_results.hpp"

#include <algorithm>
#include <charconv>

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
  void not_found(std::string_view what) { error(404, protocol::make_error("NOT_FOUND", what)); }
  void wrong_method(std::string_view allowed) {
    error(405, protocol::make_error("METHOD_NOT_ALLOWED", cat("this route takes ", allowed)));
  }
  /// There is no stream for the request.
  void refuse(const HranaError& why) {
    error(why.code == protocol::codes::kBlocked ? 429 : 400, why);
  }
  bool get(std::string_view path);
  void readiness();
  void backup();
  bool post(std::string_view path);
  void pipeline2() { pipeline(Version::hrana2); }
  void pipeline3() { pipeline(Version::hrana3); }
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
  if (!taken.lease) return refuse(taken.error);
  std::string body;
  JsonWriter out(body);
  protocol::PipelineResponseWriter answer(out);
  answer.begin();
  for (const protocol::Request& request : decoded->requests) {
    if (!pipeline_request(request, *taken.lease->stream, answer, out)) {
      return error(400, violation_);
    }
  }
  // What its statements have told is not so; the stream goes with its transaction.
  if (const auto lost = taken.lease->stream->settle()) return error(500, *lost);
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
  const auto stream = shared_.new_stream();
  const auto failure = stream->batch(*batch, out);
  if (failure) return error(400, *failure);
  if (const auto lost = stream->settle()) return error(500, *lost);
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
  if (const auto lost = stream->settle()) return error(500, *lost);
  responder_.reply(200, kJson, body);
}

void Router::cursor() {
  auto decoded = protocol::decode_cursor_request(request_.body);
  if (!decoded) return error(400, protocol::from_decoder(decoded.error()));
  StreamTable::Taken taken = streams_.take(decoded->baton);
  if (!taken.lease) return refuse(taken.error);
  // The stream's next baton is promised before the run, which ends before the stream is put back.
  auto baton = streams_.next_baton(*taken.lease);
  if (!baton) return error(500, protocol::from_engine(baton.error()));
  std::string buffer;
  JsonWriter out(buffer);
  protocol::write_cursor_head(out, *baton, std::nullopt);
  out.newline();
  bool in_parts = false;
  {
    Cursor entries(*taken.lease->stream, 0, std::move(decoded->batch));
    while (entries.next(out)) {
      out.newline();
      if (buffer.size() < kChunkBytes) continue;
      if (!in_parts && !responder_.begin_chunked(kJson)) return;
      in_parts = true;
      // The stream ends with its client.
      if (!responder_.chunk(buffer)) return;
      buffer.clear();
    }
  }
  auto put = streams_.put_back(std::move(*taken.lease));
  if (!put) return error(500, protocol::from_engine(put.error()));
  if (!in_parts) return responder_.reply(200, kJson, buffer);
  if (!buffer.empty()) responder_.chunk(buffer);
  responder_.end_chunked();
}

/// Readers are served in every state, so only one that ends with a restart is no readiness.
void Router::readiness() {
  using Kind = storage::WriteState::Kind;
  const storage::WriteState state = shared_.database->storage().write_state();
  std::string_view status = "ok";
  switch (state.kind) {
    case Kind::ready: break;
    case Kind::full: status = "full"; break;
    case Kind::broken: status = "broken"; break;
    case Kind::read_only: status = "read_only"; break;
  }
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  out.key("status");
  out.text(status);
  if (!state.message.empty()) {
    out.key("message");
    out.text(state.message);
  }
  out.end_object();
  responder_.reply(state.kind == Kind::broken ? 503 : 200, kJson, body);
}

/// The number of bytes a second that `?rate=` asks for; 0 when nothing is asked for.
std::optional<std::uint64_t> rate_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return 0;
  std::string_view query = target.substr(mark + 1);
  constexpr std::string_view kRate = "rate=";
  std::uint64_t rate = 0;
  if (!query.starts_with(kRate)) return std::nullopt;
  query.remove_prefix(kRate.size());
  const auto [end, error] = std::from_chars(query.data(), query.data() + query.size(), rate);
  if (error != std::errc() || end != query.data() + query.size() || rate == 0) return std::nullopt;
  return rate;
}

/// The database file, as the last commit left it.
void Router::backup() {
  const std::optional<std::uint64_t> rate = rate_of(request_.target);
  if (!rate) {
    return error(400,
                 protocol::make_error("ARGS_INVALID", "this route takes ?rate=BYTES_A_SECOND"));
  }
  auto begun = shared_.database->storage().begin_backup();
  if (!begun) {
    const bool busy = begun.error().code() == Code::busy;
    return error(busy ? 429 : 500, protocol::from_engine(begun.error()));
  }
  storage::Backup& copy = **begun;
  const std::uint64_t bytes = std::uint64_t{copy.page_count()} * copy.page_size();
  if (!responder_.begin_sized("application/vnd.sqlite3", bytes)) return;
  storage::Throttle throttle(*rate);
  std::vector<std::uint8_t> buffer(
      std::max<std::size_t>(throttle.portion(limits::kBackupReadBytes), copy.page_size()));
  for (;;) {
    auto got = copy.read(buffer);
    if (!got) return log::error(cat("a backup failed: ", got.error().message()));
    if (*got == 0) return;
    const auto* text = reinterpret_cast<const char*>(buffer.data());
    if (!responder_.part({text, *got})) return;
    throttle.take(*got);
  }
}

bool Router::get(std::string_view path) {
  const bool probe = path == "/v1" || path == "/v2" || path == "/v3";
  const bool health = path == "/health" || path == "/livez";
  const bool ready = path == "/readyz";
  const bool copies = path == "/backup";
  if (!probe && !health && !ready && !copies && path != "/version" && path != "/") return false;
  if (request_.method == "POST") return wrong_method("GET"), true;
  if (health) return responder_.reply(200, "", ""), true;
  if (ready) return readiness(), true;
  if (copies) return backup(), true;
  return responder_.reply(200, "text/plain", "saturnd " SATURN_VERSION "\n"), true;
}

bool Router::post(std::string_view path) {
  struct Route {
    std::string_view path;
    void (Router::*run)();
  };
  static constexpr Route kRoutes[] = {
      {"/v2/pipeline", &Router::pipeline2}, {"/v3/pipeline", &Router::pipeline3},
      {"/v3/cursor", &Router::cursor},      {"/v1/execute", &Router::v1_execute},
      {"/v1/batch", &Router::v1_batch},     {"/", &Router::simple},
  };
  for (const Route& route : kRoutes) {
    if (route.path != path) continue;
    if (request_.method == "POST") {
      (this->*route.run)();
    } else if (path == "/") {
      return false;
    } else {
      wrong_method("POST");
    }
    return true;
  }
  return false;
}

void Router::run() {
  const Target target = target_of(request_);
  if (target.database != kDefaultDatabase) {
    return error(404, protocol::make_error("NAMESPACE_NOT_FOUND",
                                           cat("there is no database named ", target.database)));
  }
  if (request_.method != "GET" && request_.method != "HEAD" && request_.method != "POST") {
    return error(405, protocol::make_error("METHOD_NOT_ALLOWED", cat("method ", request_.method)));
  }
  if (post(target.path) || get(target.path)) return;
  not_found(cat("there is no route ", request_.method, ' ', target.path));
}

}  // namespace

Target target_of(const HttpRequest& request) {
  constexpr std::string_view kPrefix = "/dev/";
  Target out{request.target.substr(0, request.target.find('?')),
             request.database.value_or(kDefaultDatabase)};
  if (out.path.starts_with(kPrefix)) {
    const std::string_view rest = out.path.substr(kPrefix.size());
    const std::size_t end = rest.find('/');
    out.database = rest.substr(0, end);
    out.path = end == std::string_view::npos ? std::string_view("/") : rest.substr(end);
  }
  // Clients put the path of their URL in front, with or without a slash at its end.
  while (out.path.size() > 1 && out.path.ends_with('/')) out.path.remove_suffix(1);
  return out;
}

void serve_request(const HttpRequest& request, Shared& shared, StreamTable& streams,
                   Responder& responder) {
  Router(request, shared, streams, responder).run();
}

}  // namespace saturn::server
