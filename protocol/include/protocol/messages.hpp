#pragma once

#include "base/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The messages of Hrana 1 to 3, free of any encoding: codecs fill and read these, and nothing here
/// knows a socket or a statement. All types own their bytes and belong to one thread at a time.
namespace saturn::protocol {

/// The protocol generation that the peer speaks: it decides which requests exist.
enum class Version : std::uint8_t { hrana1 = 1, hrana2 = 2, hrana3 = 3 };

/// What a client is told when something fails; `code` is never empty.
struct HranaError {
  std::string message;
  std::string code;
  bool operator==(const HranaError&) const = default;
};

/// A SQL text, or the id under which `store_sql` keeps one.
using SqlSource = std::variant<std::string, std::int32_t>;

struct NamedArg {
  std::string name;  ///< with or without its prefix, as the client sent it
  Value value;
};

struct Stmt {
  SqlSource sql;
  std::vector<Value> args;
  std::vector<NamedArg> named_args;
  bool want_rows = true;
  std::optional<std::uint64_t> replication_index;
};

/// When a step of a batch runs. `conds` holds the one operand of `negation` and all those of
/// `conjunction` and `disjunction`; `step` is that of `ok` and `error`.
struct BatchCond {
  enum class Kind : std::uint8_t { ok, error, negation, conjunction, disjunction, is_autocommit };
  Kind kind = Kind::ok;
  std::uint32_t step = 0;
  std::vector<BatchCond> conds;
};

struct BatchStep {
  std::optional<BatchCond> condition;
  Stmt stmt;
};

struct Batch {
  std::vector<BatchStep> steps;
  std::optional<std::uint64_t> replication_index;
};

// --- requests ------------------------------------------------------------------------------------

struct OpenStream {};
struct CloseStream {};
struct Execute {
  Stmt stmt;
};
struct ExecuteBatch {
  Batch batch;
};
struct Sequence {
  SqlSource sql;
};
struct Describe {
  SqlSource sql;
};
struct StoreSql {
  std::int32_t sql_id = 0;
  std::string sql;
};
struct CloseSql {
  std::int32_t sql_id = 0;
};
struct GetAutocommit {};
struct OpenCursor {
  std::int32_t cursor_id = 0;
  Batch batch;
};
struct FetchCursor {
  std::int32_t cursor_id = 0;
  std::uint32_t max_count = 0;
};
struct CloseCursor {
  std::int32_t cursor_id = 0;
};

/// One request on a stream. HTTP pipelines know no `OpenStream` and no cursors.
using Request =
    std::variant<OpenStream, CloseStream, Execute, ExecuteBatch, Sequence, Describe, StoreSql,
                 CloseSql, GetAutocommit, OpenCursor, FetchCursor, CloseCursor>;

struct PipelineRequest {
  std::optional<std::string> baton;
  std::vector<Request> requests;
};

struct CursorRequest {
  std::optional<std::string> baton;
  Batch batch;
};

/// WebSocket: the first message, and again when a client renews its token.
struct Hello {
  std::optional<std::string> jwt;
};

struct WsRequest {
  std::int32_t request_id = 0;
  std::int32_t stream_id = 0;  ///< 0 in the requests that name no stream
  Request request;
};

using ClientMessage = std::variant<Hello, WsRequest>;

// --- results -------------------------------------------------------------------------------------

struct Column {
  std::optional<std::string> name;
  std::optional<std::string> decltype_name;  ///< the declared type; absent for expressions
  bool operator==(const Column&) const = default;
};

/// What follows the rows of a result.
struct StmtTrailer {
  std::uint64_t affected_row_count = 0;
  std::optional<std::int64_t> last_insert_rowid;
  std::uint64_t rows_read = 0;
  std::uint64_t rows_written = 0;
  double query_duration_ms = 0;
  std::optional<std::uint64_t> replication_index;
  bool operator==(const StmtTrailer&) const = default;
};

struct StmtResult {
  std::vector<Column> cols;
  std::vector<Row> rows;
  StmtTrailer trailer;
  bool operator==(const StmtResult&) const = default;
};

/// Both members have one element a step; a skipped step is empty in both.
struct BatchResult {
  std::vector<std::optional<StmtResult>> step_results;
  std::vector<std::optional<HranaError>> step_errors;
  bool operator==(const BatchResult&) const = default;
};

struct DescribeResult {
  std::vector<std::optional<std::string>> params;  ///< names with their prefix; none for `?`
  std::vector<Column> cols;
  bool is_explain = false;
  bool is_readonly = false;
  bool operator==(const DescribeResult&) const = default;
};

/// What a successful `get_autocommit` says.
struct Autocommit {
  bool is_autocommit = true;
  bool operator==(const Autocommit&) const = default;
};
/// A successful request that answers nothing but that.
struct Done {
  bool operator==(const Done&) const = default;
};
using Response = std::variant<Done, StmtResult, BatchResult, DescribeResult, Autocommit>;

/// The answer to a pipeline, as a client reads it.
struct PipelineResponse {
  std::optional<std::string> baton;  ///< none: the stream is closed
  std::optional<std::string> base_url;
  std::vector<std::variant<Response, HranaError>> results;  ///< one a request
};

}  // namespace saturn::protocol
