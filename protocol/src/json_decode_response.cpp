#include "base/text.hpp"
#include "json_decode_shapes.hpp"
#include "protocol/json.hpp"

namespace saturn::protocol {
namespace {

Result<HranaError> decode_error(const Node& node) {
  TRY(node.expect_object());
  HranaError error;
  error.message = TRY(node.member("message").take_string());
  // Other servers leave the code away at times.
  error.code = TRY(node.member("code").take_optional_string()).value_or("UNKNOWN");
  return error;
}

Result<std::vector<Column>> decode_cols(const Node& node) {
  TRY(node.expect_array());
  std::vector<Column> cols;
  cols.reserve(node.size());
  for (std::size_t i = 0; i < node.size(); ++i) {
    const Node col = node.element(i);
    TRY(col.expect_object());
    auto name = TRY(col.member("name").take_optional_string());
    cols.push_back({std::move(name), TRY(col.member("decltype").take_optional_string())});
  }
  return cols;
}

Result<std::optional<std::int64_t>> decode_rowid(const Node& node) {
  if (!node.present()) return std::optional<std::int64_t>();
  return std::optional<std::int64_t>(TRY(node.take_decimal()));
}

Result<StmtTrailer> decode_trailer(const Node& node) {
  StmtTrailer trailer;
  trailer.affected_row_count = TRY(decode_u64(node.member("affected_row_count"))).value_or(0);
  trailer.last_insert_rowid = TRY(decode_rowid(node.member("last_insert_rowid")));
  trailer.rows_read = TRY(decode_u64(node.member("rows_read"))).value_or(0);
  trailer.rows_written = TRY(decode_u64(node.member("rows_written"))).value_or(0);
  trailer.replication_index = TRY(decode_u64(node.member("replication_index")));
  const Node duration = node.member("query_duration_ms");
  if (duration.present()) {
    if (!duration.value()->is_number()) return duration.error("expected a number");
    trailer.query_duration_ms = duration.value()->get<double>();
  }
  return trailer;
}

Result<StmtResult> decode_stmt_result(const Node& node) {
  TRY(node.expect_object());
  StmtResult result;
  result.cols = TRY(decode_cols(node.member("cols")));
  const Node rows = node.member("rows");
  TRY(rows.expect_array());
  result.rows.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Node row_node = rows.element(i);
    TRY(row_node.expect_array());
    if (row_node.size() != result.cols.size()) {
      return row_node.error(cat(row_node.size(), " values for ", result.cols.size(), " columns"));
    }
    Row row;
    row.reserve(row_node.size());
    for (std::size_t j = 0; j < row_node.size(); ++j) {
      row.push_back(TRY(decode_value(row_node.element(j))));
    }
    result.rows.push_back(std::move(row));
  }
  result.trailer = TRY(decode_trailer(node));
  return result;
}

Result<BatchResult> decode_batch_result(const Node& node) {
  TRY(node.expect_object());
  const Node results = node.member("step_results");
  const Node errors = node.member("step_errors");
  TRY(results.expect_array());
  TRY(errors.expect_array());
  if (results.size() != errors.size()) {
    return node.error(cat(results.size(), " step_results and ", errors.size(), " step_errors"));
  }
  BatchResult batch;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Node result = results.element(i);
    const Node error = errors.element(i);
    batch.step_results.emplace_back();
    batch.step_errors.emplace_back();
    if (result.present()) batch.step_results.back() = TRY(decode_stmt_result(result));
    if (error.present()) batch.step_errors.back() = TRY(decode_error(error));
  }
  return batch;
}

Result<DescribeResult> decode_describe_result(const Node& node) {
  TRY(node.expect_object());
  DescribeResult describe;
  const Node params = node.member("params");
  TRY(params.expect_array());
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Node param = params.element(i);
    TRY(param.expect_object());
    describe.params.push_back(TRY(param.member("name").take_optional_string()));
  }
  describe.cols = TRY(decode_cols(node.member("cols")));
  describe.is_explain = TRY(node.member("is_explain").take_bool(false));
  describe.is_readonly = TRY(node.member("is_readonly").take_bool(false));
  return describe;
}

Result<Response> decode_response(const Node& node) {
  TRY(node.expect_object());
  const Node type_node = node.member("type");
  const std::string type = TRY(type_node.take_string());
  const Node result = node.member("result");
  if (type == "execute") return Response(TRY(decode_stmt_result(result)));
  if (type == "batch") return Response(TRY(decode_batch_result(result)));
  if (type == "describe") return Response(TRY(decode_describe_result(result)));
  if (type == "get_autocommit") {
    const Node is_autocommit = node.member("is_autocommit");
    if (!is_autocommit.present()) return is_autocommit.error("missing, expected a boolean");
    return Response(Autocommit{TRY(is_autocommit.take_bool(true))});
  }
  if (type == "close" || type == "sequence" || type == "store_sql" || type == "close_sql") {
    return Response(Done{});
  }
  return type_node.error(cat("unknown type of response ", in_quotes(type)));
}

}  // namespace

std::optional<HranaError> decode_http_error(std::string_view body) {
  auto document = parse_json(body);
  if (!document) return std::nullopt;
  auto error = decode_error(Node(*document));
  if (!error) return std::nullopt;
  return std::move(*error);
}

Result<PipelineResponse> decode_pipeline_response(std::string_view body) {
  auto document = TRY(parse_json(body));
  const Node root(document);
  TRY(root.expect_object());
  PipelineResponse response;
  response.baton = TRY(root.member("baton").take_optional_string());
  response.base_url = TRY(root.member("base_url").take_optional_string());
  const Node results = root.member("results");
  TRY(results.expect_array());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Node node = results.element(i);
    TRY(node.expect_object());
    const Node type_node = node.member("type");
    const std::string type = TRY(type_node.take_string());
    if (type == "ok") {
      response.results.emplace_back(TRY(decode_response(node.member("response"))));
    } else if (type == "error") {
      response.results.emplace_back(TRY(decode_error(node.member("error"))));
    } else {
      return type_node.error(cat("unknown type of result ", in_quotes(type)));
    }
  }
  return response;
}

}  // namespace saturn::protocol
