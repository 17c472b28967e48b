#include "protocol/json_results.hpp"

namespace saturn::protocol {
namespace {

void write_cols(JsonWriter& out, std::span<const Column> cols) {
  out.begin_array();
  for (const Column& col : cols) {
    out.begin_object();
    out.key("name");
    out.optional_text(col.name);
    out.key("decltype");
    out.optional_text(col.decltype_name);
    out.end_object();
  }
  out.end_array();
}

/// The members that StmtResult and the cursor entry `step_end` have in common.
void write_counts(JsonWriter& out, const StmtTrailer& trailer) {
  out.key("affected_row_count");
  out.unsigned_integer(trailer.affected_row_count);
  out.key("last_insert_rowid");
  if (trailer.last_insert_rowid) {
    out.integer_text(*trailer.last_insert_rowid);
  } else {
    out.null();
  }
}

/// What the statement cost: libsql-server's additions to StmtResult.
void write_costs(JsonWriter& out, const StmtTrailer& trailer) {
  out.key("rows_read");
  out.unsigned_integer(trailer.rows_read);
  out.key("rows_written");
  out.unsigned_integer(trailer.rows_written);
  out.key("query_duration_ms");
  out.number(trailer.query_duration_ms);
}

/// Opens `{"type":<type>`.
void begin_typed(JsonWriter& out, std::string_view type) {
  out.begin_object();
  out.key("type");
  out.text(type);
}

void write_error_member(JsonWriter& out, const HranaError& error) {
  out.key("error");
  write_error(out, error);
}

void write_baton(JsonWriter& out, const std::optional<std::string>& baton,
                 const std::optional<std::string>& base_url) {
  out.key("baton");
  out.optional_text(baton);
  out.key("base_url");
  out.optional_text(base_url);
}

}  // namespace

void StmtResultWriter::begin(std::span<const Column> cols) {
  out_.begin_object();
  out_.key("cols");
  write_cols(out_, cols);
  out_.key("rows");
  out_.begin_array();
}

void StmtResultWriter::finish(const StmtTrailer& trailer) {
  out_.end_array();
  write_counts(out_, trailer);
  out_.key("replication_index");
  // A string: JavaScript's numbers end at 2^53.
  out_.optional_text(trailer.replication_index
                         ? std::optional(std::to_string(*trailer.replication_index))
                         : std::nullopt);
  write_costs(out_, trailer);
  out_.end_object();
}

void BatchResultWriter::begin() {
  out_.begin_object();
  out_.key("step_results");
  out_.begin_array();
}

void BatchResultWriter::finish(std::span<const std::optional<HranaError>> step_errors) {
  out_.end_array();
  out_.key("step_errors");
  out_.begin_array();
  for (const auto& error : step_errors) {
    if (error) {
      write_error(out_, *error);
    } else {
      out_.null();
    }
  }
  out_.end_array();
  out_.end_object();
}

void PipelineResponseWriter::begin() {
  out_.begin_object();
  out_.key("results");
  out_.begin_array();
}

void PipelineResponseWriter::begin_ok(std::string_view request_type) {
  begin_typed(out_, "ok");
  out_.key("response");
  begin_typed(out_, request_type);
}

void PipelineResponseWriter::end_ok() {
  out_.end_object();
  out_.end_object();
}

void PipelineResponseWriter::error(const HranaError& error) {
  begin_typed(out_, "error");
  write_error_member(out_, error);
  out_.end_object();
}

void PipelineResponseWriter::finish(const std::optional<std::string>& baton,
                                    const std::optional<std::string>& base_url) {
  out_.end_array();
  write_baton(out_, baton, base_url);
  out_.end_object();
}

void write_error(JsonWriter& out, const HranaError& error) {
  out.begin_object();
  out.key("message");
  out.text(error.message);
  out.key("code");
  out.text(error.code);
  out.end_object();
}

void write_describe_result(JsonWriter& out, const DescribeResult& result) {
  out.begin_object();
  out.key("params");
  out.begin_array();
  for (const auto& param : result.params) {
    out.begin_object();
    out.key("name");
    out.optional_text(param);
    out.end_object();
  }
  out.end_array();
  out.key("cols");
  write_cols(out, result.cols);
  out.key("is_explain");
  out.boolean(result.is_explain);
  out.key("is_readonly");
  out.boolean(result.is_readonly);
  out.end_object();
}

Result<void> write_stmt_result(JsonWriter& out, const StmtResult& result) {
  const JsonWriter::Mark start = out.mark();
  StmtResultWriter writer(out);
  writer.begin(result.cols);
  std::vector<ValueRef> refs;
  for (const Row& row : result.rows) {
    refs.clear();
    for (const Value& value : row) refs.push_back(value.ref());
    auto written = writer.row(refs);
    if (!written) {
      out.rewind(start);
      return written;
    }
  }
  writer.finish(result.trailer);
  return {};
}

std::string http_error_body(const HranaError& error) {
  std::string body;
  JsonWriter out(body);
  out.begin_object();
  out.key("message");
  out.text(error.message);
  out.key("code");
  out.text(error.code);
  out.key("error");
  out.text(error.message);
  out.end_object();
  return body;
}

void SimpleResultWriter::begin(std::span<const Column> cols) {
  out_.begin_object();
  out_.key("results");
  out_.begin_object();
  out_.key("columns");
  out_.begin_array();
  for (const Column& col : cols) out_.text(col.name ? std::string_view(*col.name) : "");
  out_.end_array();
  out_.key("rows");
  out_.begin_array();
}

Result<void> SimpleResultWriter::row(std::span<const ValueRef> values) {
  return out_.plain_row(values);
}

void SimpleResultWriter::finish(const StmtTrailer& trailer) {
  out_.end_array();
  write_costs(out_, trailer);
  out_.end_object();
  out_.end_object();
}

void write_simple_error(JsonWriter& out, const HranaError& error) {
  out.begin_object();
  write_error_member(out, error);
  out.end_object();
}

void write_hello_ok(JsonWriter& out) {
  begin_typed(out, "hello_ok");
  out.end_object();
}

void write_hello_error(JsonWriter& out, const HranaError& error) {
  begin_typed(out, "hello_error");
  write_error_member(out, error);
  out.end_object();
}

void begin_response_ok(JsonWriter& out, std::int32_t request_id, std::string_view request_type) {
  begin_typed(out, "response_ok");
  out.key("request_id");
  out.integer(request_id);
  out.key("response");
  begin_typed(out, request_type);
}

void end_response_ok(JsonWriter& out) {
  out.end_object();
  out.end_object();
}

void write_response_error(JsonWriter& out, std::int32_t request_id, const HranaError& error) {
  begin_typed(out, "response_error");
  out.key("request_id");
  out.integer(request_id);
  write_error_member(out, error);
  out.end_object();
}

void write_cursor_head(JsonWriter& out, const std::optional<std::string>& baton,
                       const std::optional<std::string>& base_url) {
  out.begin_object();
  write_baton(out, baton, base_url);
  out.end_object();
}

void write_step_begin(JsonWriter& out, std::uint32_t step, std::span<const Column> cols) {
  begin_typed(out, "step_begin");
  out.key("step");
  out.unsigned_integer(step);
  out.key("cols");
  write_cols(out, cols);
  out.end_object();
}

Result<void> write_row_entry(JsonWriter& out, std::span<const ValueRef> values) {
  const JsonWriter::Mark start = out.mark();
  begin_typed(out, "row");
  out.key("row");
  auto written = out.row(values);
  if (!written) {
    out.rewind(start);
    return written;
  }
  out.end_object();
  return {};
}

void write_step_end(JsonWriter& out, const StmtTrailer& trailer) {
  begin_typed(out, "step_end");
  write_counts(out, trailer);
  out.end_object();
}

void write_step_error(JsonWriter& out, std::uint32_t step, const HranaError& error) {
  begin_typed(out, "step_error");
  out.key("step");
  out.unsigned_integer(step);
  write_error_member(out, error);
  out.end_object();
}

void write_cursor_error(JsonWriter& out, const HranaError& error) {
  begin_typed(out, "error");
  write_error_member(out, error);
  out.end_object();
}

}  // namespace saturn::protocol
