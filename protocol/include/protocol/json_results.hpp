#pragma once

#include "protocol/json_writer.hpp"

#include <span>

/// Encoders of everything a server sends as JSON. They write through a `JsonWriter` and keep no
/// buffer of their own; what can fail says so and leaves the buffer as it was before the call.
namespace saturn::protocol {

/// One StmtResult, in the order in which an executor knows it: columns, rows, and the trailer.
class StmtResultWriter {
 public:
  /// Borrows `out` until `finish`.
  explicit StmtResultWriter(JsonWriter& out) noexcept : out_(out) {}

  /// Once, before the first row.
  void begin(std::span<const Column> cols);
  /// Fails with `Code::mismatch` on an infinite REAL; then that row is not written, and the result
  /// may be rewound to a mark taken before `begin`.
  Result<void> row(std::span<const ValueRef> values) { return out_.row(values); }
  void finish(const StmtTrailer& trailer);

 private:
  JsonWriter& out_;
};

/// One BatchResult: a `step` for each step in order, then `finish` with the errors of all steps.
class BatchResultWriter {
 public:
  explicit BatchResultWriter(JsonWriter& out) noexcept : out_(out) {}

  void begin();
  /// The step was skipped or failed. A step that succeeded is written by a `StmtResultWriter`
  /// instead.
  void no_result() { out_.null(); }
  /// One element a step, empty for the steps that succeeded or were skipped.
  void finish(std::span<const std::optional<HranaError>> step_errors);

 private:
  JsonWriter& out_;
};

/// The body of a pipeline's answer: results first, since the last one decides about the baton.
class PipelineResponseWriter {
 public:
  explicit PipelineResponseWriter(JsonWriter& out) noexcept : out_(out) {}

  void begin();
  /// `{"type":"ok","response":{"type":<name>`: further members of the response follow, such as
  /// the key "result" and its value, and then `end_ok`.
  void begin_ok(std::string_view request_type);
  void end_ok();
  void error(const HranaError& error);
  /// No baton says that the stream is closed.
  void finish(const std::optional<std::string>& baton, const std::optional<std::string>& base_url);

 private:
  JsonWriter& out_;
};

void write_error(JsonWriter& out, const HranaError& error);
void write_describe_result(JsonWriter& out, const DescribeResult& result);
Result<void> write_stmt_result(JsonWriter& out, const StmtResult& result);

/// The JSON body of an HTTP answer that is not 200: `{message, code, error}`, where `error` repeats
/// the message for older clients.
std::string http_error_body(const HranaError& error);

/// One element of the simple API's answer (POST /), `{"results":{…}}` with plain JSON values: the
/// columns, the rows and the trailer, as with `StmtResultWriter`.
class SimpleResultWriter {
 public:
  explicit SimpleResultWriter(JsonWriter& out) noexcept : out_(out) {}

  void begin(std::span<const Column> cols);
  /// Fails, writing nothing, on an infinite REAL: `Code::mismatch`.
  Result<void> row(std::span<const ValueRef> values);
  void finish(const StmtTrailer& trailer);

 private:
  JsonWriter& out_;
};

/// The element of the simple API's answer for the statement that failed, the last one.
void write_simple_error(JsonWriter& out, const HranaError& error);

// --- WebSocket messages --------------------------------------------------------------------------

void write_hello_ok(JsonWriter& out);
void write_hello_error(JsonWriter& out, const HranaError& error);
/// As `PipelineResponseWriter::begin_ok`; `end_response_ok` closes the message.
void begin_response_ok(JsonWriter& out, std::int32_t request_id, std::string_view request_type);
void end_response_ok(JsonWriter& out);
void write_response_error(JsonWriter& out, std::int32_t request_id, const HranaError& error);

// --- cursor entries: over HTTP one a line, on WebSockets the elements of `entries` ---------------

/// The first line of POST /v3/cursor's answer.
void write_cursor_head(JsonWriter& out, const std::optional<std::string>& baton,
                       const std::optional<std::string>& base_url);
void write_step_begin(JsonWriter& out, std::uint32_t step, std::span<const Column> cols);
/// Fails, writing nothing, on an infinite REAL: `Code::mismatch`.
Result<void> write_row_entry(JsonWriter& out, std::span<const ValueRef> values);
void write_step_end(JsonWriter& out, const StmtTrailer& trailer);
void write_step_error(JsonWriter& out, std::uint32_t step, const HranaError& error);
void write_cursor_error(JsonWriter& out, const HranaError& error);

}  // namespace saturn::protocol
