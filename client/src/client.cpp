#include "saturn/client.hpp"

#include "base/text.hpp"
#include "base/value.hpp"
#include "http_client.hpp"
#include "protocol/error.hpp"
#include "protocol/json.hpp"
#include "protocol/json_results.hpp"
#include "protocol/json_writer.hpp"

#include <optional>
#include <span>

namespace saturn::client {

using protocol::JsonWriter;

/// Between the library's values and the protocol's.
class Codec {
 public:
  static ValueRef ref(const Value& value) {
    struct Visitor {
      ValueRef operator()(std::monostate) const { return {}; }
      ValueRef operator()(std::int64_t v) const { return ValueRef::integer(v); }
      ValueRef operator()(double v) const { return ValueRef::real(v); }
      ValueRef operator()(const std::string& v) const { return ValueRef::text(v); }
      ValueRef operator()(const Blob& v) const { return ValueRef::blob(v.bytes); }
    };
    return std::visit(Visitor{}, value.state_);
  }
  static Value value(const saturn::Value& from) {
    const ValueRef v = from.ref();
    switch (v.type()) {
      case saturn::Type::null: return {};
      case saturn::Type::integer: return v.as_integer();
      case saturn::Type::real: return v.as_real();
      case saturn::Type::text: return std::string(v.bytes());
      case saturn::Type::blob: return Blob{std::string(v.bytes())};
    }
    return {};
  }
  static std::vector<Column> columns(const std::vector<protocol::Column>& from) {
    std::vector<Column> columns;
    columns.reserve(from.size());
    for (const protocol::Column& column : from) {
      columns.push_back({column.name.value_or(""), column.decltype_name.value_or("")});
    }
    return columns;
  }
  static Result result(const protocol::StmtResult& from) {
    Result result;
    result.columns = columns(from.cols);
    const auto shared = std::make_shared<const std::vector<Column>>(result.columns);
    for (const saturn::Row& row : from.rows) {
      std::vector<Value> values;
      for (const saturn::Value& v : row) values.push_back(value(v));
      result.rows.emplace_back(shared, std::move(values));
    }
    result.affected_rows = from.trailer.affected_row_count;
    result.last_insert_rowid = from.trailer.last_insert_rowid.value_or(0);
    return result;
  }
};

const Value& Row::operator[](std::string_view name) const {
  for (std::size_t i = 0; i < columns_->size(); ++i) {
    if ((*columns_)[i].name == name) return values_[i];
  }
  throw Error(cat("there is no column named ", name), "USAGE_ERROR");
}

namespace {

/// Bounds of one round trip of `execute_many`, far inside of what servers take.
constexpr std::size_t kStepsMax = 5000;
constexpr std::size_t kStepBytesMax = 4U << 20;

[[noreturn]] void raise(const protocol::HranaError& error,
                        std::optional<std::size_t> index = std::nullopt) {
  throw Error(error.message, error.code, index);
}

void write_value(JsonWriter& out, const Value& value) {
  saturn::Result<void> written = out.value(Codec::ref(value));
  if (!written) throw Error("an infinite number cannot be sent", "USAGE_ERROR");
}

void write_args(JsonWriter& out, const Parameters& parameters) {
  if (parameters.empty()) return;
  out.key("args");
  out.begin_array();
  for (const Value& value : parameters) write_value(out, value);
  out.end_array();
}

void write_stmt(JsonWriter& out, std::string_view sql, const Parameters& parameters,
                const NamedParameters& named, bool want_rows) {
  out.begin_object();
  out.key("sql");
  out.text(sql);
  write_args(out, parameters);
  if (!named.empty()) {
    out.key("named_args");
    out.begin_array();
    for (const auto& [name, value] : named) {
      out.begin_object();
      out.key("name");
      out.text(name);
      out.key("value");
      write_value(out, value);
      out.end_object();
    }
    out.end_array();
  }
  out.key("want_rows");
  out.boolean(want_rows);
  out.end_object();
}

/// The body of a pipeline, request by request.
class Pipeline {
 public:
  explicit Pipeline(std::string_view baton) : out_(body_) {
    out_.begin_object();
    if (!baton.empty()) {
      out_.key("baton");
      out_.text(baton);
    }
    out_.key("requests");
    out_.begin_array();
  }
  JsonWriter& request(std::string_view type) {
    out_.begin_object();
    out_.key("type");
    out_.text(type);
    return out_;
  }
  void end_request() { out_.end_object(); }
  void execute(std::string_view sql, const Parameters& parameters, const NamedParameters& named) {
    request("execute").key("stmt");
    write_stmt(out_, sql, parameters, named, true);
    end_request();
  }
  void sequence(std::string_view sql) {
    request("sequence").key("sql");
    out_.text(sql);
    end_request();
  }
  /// Stores `sql`, runs it for each row as long as the one before went well, and forgets it.
  void repeat(std::string_view sql, std::span<const Parameters> rows) {
    stored("store_sql");
    out_.key("sql");
    out_.text(sql);
    end_request();
    request("batch").key("batch");
    out_.begin_object();
    out_.key("steps");
    out_.begin_array();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      out_.begin_object();
      if (i > 0) condition_ok(i - 1);
      out_.key("stmt");
      out_.begin_object();
      out_.key("sql_id");
      out_.integer(kStoredId);
      write_args(out_, rows[i]);
      out_.key("want_rows");
      out_.boolean(false);
      out_.end_object();
      out_.end_object();
    }
    out_.end_array();
    out_.end_object();
    end_request();
    stored("close_sql");
    end_request();
  }
  void close() {
    request("close");
    end_request();
  }
  const std::string& finish() {
    out_.end_array();
    out_.end_object();
    return body_;
  }

 private:
  static constexpr std::int64_t kStoredId = 1;

  void stored(std::string_view type) {
    request(type).key("sql_id");
    out_.integer(kStoredId);
  }
  void condition_ok(std::size_t step) {
    out_.key("condition");
    out_.begin_object();
    out_.key("type");
    out_.text("ok");
    out_.key("step");
    out_.unsigned_integer(step);
    out_.end_object();
  }

  std::string body_;
  JsonWriter out_;
};

/// The server does not know a baton any more; nothing has run.
struct StreamGone {
  protocol::HranaError error;
};

/// Behind the last row that goes into one round trip with row `at`.
std::size_t end_of_chunk(const std::vector<Parameters>& rows, std::size_t at) {
  std::size_t bytes = 0;
  std::size_t end = at;
  for (; end < rows.size() && end - at < kStepsMax; ++end) {
    for (const Value& value : rows[end]) {
      const bool has_bytes = value.type() == Type::text || value.type() == Type::blob;
      bytes += has_bytes ? Codec::ref(value).bytes().size() : sizeof(Value);
    }
    if (end > at && bytes > kStepBytesMax) break;
  }
  return end;
}

}  // namespace

struct Connection::Impl {
  explicit Impl(Url url, const Options& options)
      : http(std::move(url), options.token, options.timeout_ms) {}
  HttpClient http;

  /// Throws what an answer other than 200 says.
  static void check(const HttpAnswer& answer) {
    if (answer.status == 200) return;
    auto error = protocol::decode_http_error(answer.body);
    if (error && error->code == protocol::codes::kStreamExpired) throw StreamGone{*error};
    if (error) raise(*error);
    throw Error(cat("the server answered with status ", answer.status), "PROTOCOL_ERROR");
  }
  protocol::PipelineResponse post(Pipeline& pipeline) {
    const HttpAnswer answer = http.post("/v3/pipeline", pipeline.finish());
    check(answer);
    auto decoded = protocol::decode_pipeline_response(answer.body);
    if (!decoded) throw Error(decoded.error().message(), "PROTOCOL_ERROR");
    return std::move(*decoded);
  }
  /// The first answer's response; an error is thrown.
  static protocol::Response& first(protocol::PipelineResponse& answer) {
    if (answer.results.empty()) throw Error("the server answered nothing", "PROTOCOL_ERROR");
    if (auto* error = std::get_if<protocol::HranaError>(&answer.results[0])) raise(*error);
    return std::get<protocol::Response>(answer.results[0]);
  }
  template <typename T>
  static T& as(protocol::Response& response) {
    T* wanted = std::get_if<T>(&response);
    if (wanted == nullptr) throw Error("the server answered something else", "PROTOCOL_ERROR");
    return *wanted;
  }
  Result execute(std::string_view sql, const Parameters& parameters, const NamedParameters& named) {
    Pipeline pipeline{""};
    pipeline.execute(sql, parameters, named);
    pipeline.close();
    protocol::PipelineResponse answer = post(pipeline);
    return Codec::result(as<protocol::StmtResult>(first(answer)));
  }
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Connection Connection::open(std::string_view url, const Options& options) {
  return Connection(std::make_unique<Impl>(parse_url(url), options));
}

Result Connection::execute(std::string_view sql, const Parameters& parameters) {
  return impl_->execute(sql, parameters, {});
}

Result Connection::execute_named(std::string_view sql, const NamedParameters& parameters) {
  return impl_->execute(sql, {}, parameters);
}

void Connection::backup(const std::function<void(std::string_view bytes)>& sink,
                        std::uint64_t bytes_per_second) {
  const std::string rate = bytes_per_second == 0 ? "" : cat("?rate=", bytes_per_second);
  Impl::check(impl_->http.get("/backup" + rate, sink));
}

void Connection::execute_script(std::string_view sql) {
  Pipeline pipeline{""};
  pipeline.sequence(sql);
  pipeline.close();
  protocol::PipelineResponse answer = impl_->post(pipeline);
  Impl::first(answer);
}

std::vector<Result> Connection::batch(const std::vector<Statement>& statements) {
  Pipeline pipeline{""};
  JsonWriter& out = pipeline.request("batch");
  out.key("batch");
  out.begin_object();
  out.key("steps");
  out.begin_array();
  const auto step = [&](std::string_view sql, const Parameters& parameters, int on_ok,
                        bool negated) {
    out.begin_object();
    if (on_ok >= 0) {
      out.key("condition");
      out.begin_object();
      out.key("type");
      if (negated) {
        out.text("not");
        out.key("cond");
        out.begin_object();
        out.key("type");
      }
      out.text("ok");
      out.key("step");
      out.integer(on_ok);
      if (negated) out.end_object();
      out.end_object();
    }
    out.key("stmt");
    write_stmt(out, sql, parameters, {}, true);
    out.end_object();
  };
  int number = 0;
  step("BEGIN IMMEDIATE", {}, -1, false);
  for (const Statement& statement : statements) {
    step(statement.sql, statement.parameters, number++, false);
  }
  step("COMMIT", {}, number, false);
  step("ROLLBACK", {}, number + 1, true);
  out.end_array();
  out.end_object();
  pipeline.end_request();
  pipeline.close();
  protocol::PipelineResponse answer = impl_->post(pipeline);
  const auto& result = Impl::as<protocol::BatchResult>(Impl::first(answer));
  if (result.step_results.size() != statements.size() + 3) {
    throw Error("the server answered for another number of steps", "PROTOCOL_ERROR");
  }
  for (std::size_t i = 0; i < statements.size() + 2; ++i) {
    if (!result.step_errors[i]) continue;
    const bool is_statement = i >= 1 && i <= statements.size();
    raise(*result.step_errors[i], is_statement ? std::optional(i - 1) : std::nullopt);
  }
  std::vector<Result> results;
  for (std::size_t i = 1; i <= statements.size(); ++i) {
    if (!result.step_results[i]) throw Error("a step has no result", "PROTOCOL_ERROR");
    results.push_back(Codec::result(*result.step_results[i]));
  }
  return results;
}

PreparedStatement Connection::prepare(std::string_view sql) {
  Pipeline pipeline{""};
  JsonWriter& out = pipeline.request("describe");
  out.key("sql");
  out.text(sql);
  pipeline.end_request();
  pipeline.close();
  protocol::PipelineResponse answer = impl_->post(pipeline);
  const auto& described = Impl::as<protocol::DescribeResult>(Impl::first(answer));
  PreparedStatement prepared;
  prepared.connection_ = impl_.get();
  prepared.sql_ = std::string(sql);
  prepared.columns_ = Codec::columns(described.cols);
  for (const auto& name : described.params) prepared.parameters_.push_back(name.value_or(""));
  prepared.read_only_ = described.is_readonly;
  return prepared;
}

Result PreparedStatement::execute(const Parameters& parameters) {
  return connection_->execute(sql_, parameters, {});
}

// --- sessions and transactions ------------------------------------------------------------------

/// One pipeline on a session's stream, with a look at its transaction at the end.
struct Session::Call {
  /// Throws the first error among the answers; `write` adds the requests, and is called again when
  /// the stream was found gone without loss.
  template <typename Write>
  static protocol::PipelineResponse run(Session& session, const Write& write) {
    if (session.connection_ == nullptr) throw Error("the session has ended", "USAGE_ERROR");
    if (session.lost_transaction_) {
      throw Error("the session was lost, and its transaction rolled back: open a new session",
                  "TRANSACTION_CLOSED");
    }
    const bool in_transaction = !session.autocommit_;
    for (;;) {
      // A baton is good for one request: if that fails, the stream is out of reach, and the server
      // rolls back what is open on it.
      const std::string baton = std::exchange(session.baton_, "");
      session.autocommit_ = true;
      session.lost_transaction_ = in_transaction;
      Pipeline pipeline(baton);
      write(pipeline);
      pipeline.request("get_autocommit");
      pipeline.end_request();
      try {
        return take(session, session.connection_->post(pipeline));
      } catch (const StreamGone& gone) {
        if (in_transaction || baton.empty()) raise(gone.error);
      }
    }
  }

 private:
  static protocol::PipelineResponse take(Session& session, protocol::PipelineResponse answer) {
    session.baton_ = answer.baton.value_or("");
    session.lost_transaction_ = session.lost_transaction_ && !answer.baton;
    const auto* last =
        answer.results.empty() ? nullptr : std::get_if<protocol::Response>(&answer.results.back());
    const auto* state = last == nullptr ? nullptr : std::get_if<protocol::Autocommit>(last);
    // Without a stream there is no transaction, whatever else is said.
    if (state != nullptr && answer.baton) session.autocommit_ = state->is_autocommit;
    for (const auto& result : answer.results) {
      if (const auto* error = std::get_if<protocol::HranaError>(&result)) raise(*error);
    }
    if (state == nullptr) throw Error("the server answered something else", "PROTOCOL_ERROR");
    return answer;
  }
};

Session Connection::session() { return Session(impl_.get()); }

Session::Session(Session&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      baton_(std::move(other.baton_)),
      autocommit_(other.autocommit_),
      lost_transaction_(other.lost_transaction_) {}

Session::~Session() {
  try {
    close();
  } catch (const Error&) {
    // The server rolls back what its client has left.
  }
}

Result Session::execute(std::string_view sql, const Parameters& parameters) {
  protocol::PipelineResponse answer =
      Call::run(*this, [&](Pipeline& pipeline) { pipeline.execute(sql, parameters, {}); });
  return Codec::result(Connection::Impl::as<protocol::StmtResult>(Connection::Impl::first(answer)));
}

Result Session::execute_named(std::string_view sql, const NamedParameters& parameters) {
  protocol::PipelineResponse answer =
      Call::run(*this, [&](Pipeline& pipeline) { pipeline.execute(sql, {}, parameters); });
  return Codec::result(Connection::Impl::as<protocol::StmtResult>(Connection::Impl::first(answer)));
}

void Session::execute_many(std::string_view sql, const std::vector<Parameters>& rows) {
  for (std::size_t at = 0; at < rows.size();) {
    const std::size_t end = end_of_chunk(rows, at);
    protocol::PipelineResponse answer = Call::run(*this, [&](Pipeline& pipeline) {
      pipeline.repeat(sql, std::span(rows).subspan(at, end - at));
    });
    // The answers are those of store_sql, the batch, close_sql and get_autocommit.
    if (answer.results.size() != 4) {
      throw Error("the server answered another number of requests", "PROTOCOL_ERROR");
    }
    const auto& result = Connection::Impl::as<protocol::BatchResult>(
        std::get<protocol::Response>(answer.results[1]));
    if (result.step_errors.size() != end - at) {
      throw Error("the server answered for another number of steps", "PROTOCOL_ERROR");
    }
    for (std::size_t i = 0; i < result.step_errors.size(); ++i) {
      if (result.step_errors[i]) raise(*result.step_errors[i], at + i);
    }
    at = end;
  }
}

void Session::execute_script(std::string_view sql) {
  Call::run(*this, [&](Pipeline& pipeline) { pipeline.sequence(sql); });
}

void Session::close() {
  Connection::Impl* const connection = std::exchange(connection_, nullptr);
  autocommit_ = true;
  if (connection == nullptr || baton_.empty()) return;
  Pipeline pipeline{baton_};
  pipeline.close();
  try {
    connection->post(pipeline);
  } catch (const StreamGone&) {
    // That was to be had.
  }
}

Transaction Connection::begin(Mode mode) {
  Session session = this->session();
  session.execute(mode == Mode::immediate   ? "BEGIN IMMEDIATE"
                  : mode == Mode::read_only ? "BEGIN TRANSACTION READONLY"
                                            : "BEGIN");
  return Transaction(std::move(session));
}

Session& Transaction::open_session() {
  if (!active()) {
    throw Error("the transaction has ended; nothing was run outside of it", "TRANSACTION_CLOSED");
  }
  return session_;
}

void Transaction::commit() {
  open_session().execute("COMMIT");
  session_.close();
}

}  // namespace saturn::client
