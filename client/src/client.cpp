#include "saturn/client.hpp"

#include "base/text.hpp"
#include "base/value.hpp"
#include "http_client.hpp"
#include "protocol/json.hpp"
#include "protocol/json_results.hpp"
#include "protocol/json_writer.hpp"

#include <optional>

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
      case Type::null: return {};
      case Type::integer: return v.as_integer();
      case Type::real: return v.as_real();
      case Type::text: return std::string(v.bytes());
      case Type::blob: return Blob{std::string(v.bytes())};
    }
    return {};
  }
  static std::vector<Column> columns(const std::vector<protocol::Column>& from) {
    std::vector<Column> columns;
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

[[noreturn]] void raise(const protocol::HranaError& error) {
  throw Error(error.message, error.code);
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
  std::string body_;
  JsonWriter out_;
};

}  // namespace

struct Connection::Impl {
  explicit Impl(Url url, const Options& options)
      : http(std::move(url), options.token, options.timeout_ms) {}
  HttpClient http;

  protocol::PipelineResponse post(Pipeline& pipeline) {
    const HttpAnswer answer = http.post("/v3/pipeline", pipeline.finish());
    if (answer.status != 200) {
      auto error = protocol::decode_http_error(answer.body);
      if (error) raise(*error);
      throw Error(cat("the server answered with status ", answer.status), "PROTOCOL_ERROR");
    }
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
    if (result.step_errors[i]) raise(*result.step_errors[i]);
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
  explicit Call(Session& s) : session(s), pipeline(s.baton_) {
    if (session.connection_ == nullptr) throw Error("the session has ended", "USAGE_ERROR");
  }
  /// Sends it, and throws the first error among the answers.
  protocol::PipelineResponse run() {
    pipeline.request("get_autocommit");
    pipeline.end_request();
    // If this fails for good, the stream and its baton are lost.
    session.baton_.clear();
    protocol::PipelineResponse answer = session.connection_->post(pipeline);
    session.baton_ = answer.baton.value_or("");
    if (!answer.results.empty()) {
      auto* last = std::get_if<protocol::Response>(&answer.results.back());
      if (last != nullptr) {
        session.autocommit_ = Connection::Impl::as<protocol::Autocommit>(*last).is_autocommit;
      }
    }
    for (const auto& result : answer.results) {
      if (const auto* error = std::get_if<protocol::HranaError>(&result)) raise(*error);
    }
    return answer;
  }
  Session& session;
  Pipeline pipeline;
};

Session Connection::session() { return Session(impl_.get()); }

Session::Session(Session&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      baton_(std::move(other.baton_)),
      autocommit_(other.autocommit_) {}

Session::~Session() {
  try {
    close();
  } catch (const Error&) {
    // The server rolls back what its client has left.
  }
}

Result Session::execute(std::string_view sql, const Parameters& parameters) {
  Call call(*this);
  call.pipeline.execute(sql, parameters, {});
  protocol::PipelineResponse answer = call.run();
  return Codec::result(Connection::Impl::as<protocol::StmtResult>(Connection::Impl::first(answer)));
}

Result Session::execute_named(std::string_view sql, const NamedParameters& parameters) {
  Call call(*this);
  call.pipeline.execute(sql, {}, parameters);
  protocol::PipelineResponse answer = call.run();
  return Codec::result(Connection::Impl::as<protocol::StmtResult>(Connection::Impl::first(answer)));
}

void Session::execute_many(std::string_view sql, const std::vector<Parameters>& rows) {
  Call call(*this);
  JsonWriter& out = call.pipeline.request("store_sql");
  out.key("sql_id");
  out.integer(1);
  out.key("sql");
  out.text(sql);
  call.pipeline.end_request();
  for (const Parameters& parameters : rows) {
    call.pipeline.request("execute").key("stmt");
    out.begin_object();
    out.key("sql_id");
    out.integer(1);
    write_args(out, parameters);
    out.key("want_rows");
    out.boolean(false);
    out.end_object();
    call.pipeline.end_request();
  }
  call.pipeline.request("close_sql").key("sql_id");
  out.integer(1);
  call.pipeline.end_request();
  call.run();
}

void Session::execute_script(std::string_view sql) {
  Call call(*this);
  call.pipeline.sequence(sql);
  call.run();
}

void Session::close() {
  Connection::Impl* const connection = std::exchange(connection_, nullptr);
  if (connection == nullptr || baton_.empty()) return;
  Pipeline pipeline{baton_};
  pipeline.close();
  connection->post(pipeline);
}

Transaction Connection::begin(Mode mode) {
  Session session = this->session();
  session.execute(mode == Mode::immediate   ? "BEGIN IMMEDIATE"
                  : mode == Mode::read_only ? "BEGIN TRANSACTION READONLY"
                                            : "BEGIN");
  return Transaction(std::move(session));
}

void Transaction::commit() {
  session_.execute("COMMIT");
  session_.close();
}

}  // namespace saturn::client
