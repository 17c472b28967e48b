#include "base/text.hpp"
#include "protocol/json.hpp"
#include "protocol/json_results.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

using namespace saturn;
using namespace saturn::protocol;

namespace {

std::string encoded(ValueRef value) {
  std::string out;
  JsonWriter writer(out);
  REQUIRE(writer.value(value));
  return out;
}

std::string encoded_text(std::string_view text) {
  std::string out;
  JsonWriter(out).text(text);
  return out;
}

/// What a decoder reads from an encoded value.
Value round_trip(ValueRef value) {
  auto stmt = decode_v1_execute(cat(R"({"stmt":{"sql":"x","args":[)", encoded(value), "]}}"));
  REQUIRE(stmt);
  return stmt->args.at(0);
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("values are written as Hrana spells them") {
  CHECK(encoded(ValueRef::null()) == R"({"type":"null"})");
  CHECK(encoded(ValueRef::integer(INT64_MIN)) ==
        R"({"type":"integer","value":"-9223372036854775808"})");
  CHECK(encoded(ValueRef::real(1)) == R"({"type":"float","value":1.0})");
  CHECK(encoded(ValueRef::real(0.1)) == R"({"type":"float","value":0.1})");
  CHECK(encoded(ValueRef::real(-1e300)) == R"({"type":"float","value":-1e+300})");
  CHECK(encoded(ValueRef::text("a")) == R"({"type":"text","value":"a"})");
  CHECK(encoded(ValueRef::blob("a")) == R"({"type":"blob","base64":"YQ"})");
}

TEST_CASE("texts are escaped, and what is not UTF-8 becomes U+FFFD") {
  CHECK(encoded_text("a\"\\/\n\r\t\x01\x1f\x7f") == "\"a\\\"\\\\/\\n\\r\\t\\u0001\\u001f\x7f\"");
  CHECK(encoded_text(std::string_view("\0", 1)) == R"("\u0000")");
  CHECK(encoded_text("é€😀") == "\"é€😀\"");
  const auto replaced = [](std::string_view text, std::string_view expected) {
    CHECK(encoded_text(text) == cat('"', expected, '"'));
  };
  replaced("\xff", "�");
  replaced("a\x80z", "a�z");
  replaced("\xc0\xaf", "��");            // overlong
  replaced("\xed\xa0\x80", "���");       // a surrogate
  replaced("\xf4\x90\x80\x80", "����");  // above U+10FFFF
  replaced("\xe2\x82", "�");             // cut short at the end
  replaced("\xe2\x82\"", "�\\\"");
  replaced("\xf0\x9f\x98", "�");
}

TEST_CASE("an infinite REAL is an error and leaves no trace") {
  std::string out = "before";
  JsonWriter writer(out);
  CHECK_FALSE(writer.value(ValueRef::real(-kInfinity)));
  const std::array row{ValueRef::integer(1), ValueRef::real(kInfinity)};
  auto written = writer.row(row);
  REQUIRE_FALSE(written);
  CHECK(written.message() ==
        "column 1: the value Infinity cannot be sent as JSON; cast it to TEXT");
  CHECK_FALSE(write_row_entry(writer, row));
  CHECK_FALSE(write_stmt_result(writer, {{}, {{1}, {kInfinity}}, {}}));
  CHECK(out == "before");
  writer.begin_array();
  writer.end_array();
  CHECK(out == "before[]");
}

TEST_CASE("a statement's result streams columns, rows and the trailer") {
  std::string out;
  JsonWriter writer(out);
  StmtResultWriter result(writer);
  const std::array cols{Column{"a", "INTEGER"}, Column{}};
  result.begin(cols);
  const std::array row{ValueRef::integer(1), ValueRef::null()};
  CHECK(result.row(row));
  CHECK(result.row(row));
  StmtTrailer trailer;
  trailer.affected_row_count = 2;
  trailer.last_insert_rowid = 9007199254740993;
  trailer.query_duration_ms = 0.5;
  result.finish(trailer);
  CHECK(out ==
        R"({"cols":[{"name":"a","decltype":"INTEGER"},{"name":null,"decltype":null}],"rows":[)"
        R"([{"type":"integer","value":"1"},{"type":"null"}],)"
        R"([{"type":"integer","value":"1"},{"type":"null"}]],"affected_row_count":2,)"
        R"("last_insert_rowid":"9007199254740993","replication_index":null,"rows_read":0,)"
        R"("rows_written":0,"query_duration_ms":0.5})");
}

TEST_CASE("a pipeline's answer") {
  std::string out;
  JsonWriter writer(out);
  PipelineResponseWriter response(writer);
  response.begin();
  response.begin_ok("batch");
  writer.key("result");
  BatchResultWriter batch(writer);
  batch.begin();
  REQUIRE(write_stmt_result(writer, {}));
  batch.no_result();
  batch.no_result();
  const std::array<std::optional<HranaError>, 3> errors{std::nullopt, HranaError{"m\"", "C"}};
  batch.finish(errors);
  response.end_ok();
  response.error({"no", "CODE"});
  response.begin_ok("close");
  response.end_ok();
  response.finish(std::nullopt, std::nullopt);
  CHECK(out ==
        R"({"results":[{"type":"ok","response":{"type":"batch","result":{"step_results":[)"
        R"({"cols":[],"rows":[],"affected_row_count":0,"last_insert_rowid":null,)"
        R"("replication_index":null,"rows_read":0,"rows_written":0,"query_duration_ms":0.0},)"
        R"(null,null],"step_errors":[null,{"message":"m\"","code":"C"},null]}}},)"
        R"({"type":"error","error":{"message":"no","code":"CODE"}},)"
        R"({"type":"ok","response":{"type":"close"}}],"baton":null,"base_url":null})");
}

TEST_CASE("messages of a WebSocket server") {
  std::string out;
  JsonWriter writer(out);
  const auto take = [&] {
    writer.newline();
    return std::exchange(out, std::string());
  };
  write_hello_ok(writer);
  CHECK(take() == "{\"type\":\"hello_ok\"}\n");
  write_hello_error(writer, {"m", "C"});
  CHECK(take() == "{\"type\":\"hello_error\",\"error\":{\"message\":\"m\",\"code\":\"C\"}}\n");
  begin_response_ok(writer, -3, "get_autocommit");
  writer.key("is_autocommit");
  writer.boolean(true);
  end_response_ok(writer);
  CHECK(take() ==
        "{\"type\":\"response_ok\",\"request_id\":-3,\"response\":{\"type\":\"get_autocommit\","
        "\"is_autocommit\":true}}\n");
  write_response_error(writer, 3, {"m", "C"});
  CHECK(take() ==
        "{\"type\":\"response_error\",\"request_id\":3,\"error\":{\"message\":\"m\",\"code\":"
        "\"C\"}}\n");
}

TEST_CASE("cursor entries are the specified ones, one a line") {
  std::string out;
  JsonWriter writer(out);
  write_cursor_head(writer, "b", std::nullopt);
  writer.newline();
  write_step_begin(writer, 0, std::array{Column{"a", std::nullopt}});
  writer.newline();
  CHECK(write_row_entry(writer, std::array{ValueRef::text("x")}));
  writer.newline();
  write_step_end(writer, {.affected_row_count = 0, .last_insert_rowid = 5});
  writer.newline();
  write_step_error(writer, 1, {"m", "C"});
  writer.newline();
  write_cursor_error(writer, {"m", "C"});
  writer.newline();
  CHECK(out == R"({"baton":"b","base_url":null}
{"type":"step_begin","step":0,"cols":[{"name":"a","decltype":null}]}
{"type":"row","row":[{"type":"text","value":"x"}]}
{"type":"step_end","affected_row_count":0,"last_insert_rowid":"5"}
{"type":"step_error","step":1,"error":{"message":"m","code":"C"}}
{"type":"error","error":{"message":"m","code":"C"}}
)");
}

TEST_CASE("a describe result and an HTTP error") {
  std::string out;
  JsonWriter writer(out);
  write_describe_result(writer, {{":a", std::nullopt}, {{"c", "TEXT"}}, false, true});
  CHECK(out == R"({"params":[{"name":":a"},{"name":null}],"cols":[{"name":"c","decltype":"TEXT"}],)"
               R"("is_explain":false,"is_readonly":true})");
  CHECK(http_error_body({"m", "C"}) == R"({"message":"m","code":"C","error":"m"})");
}

TEST_CASE("the simple API's answer has plain values") {
  std::string out;
  JsonWriter writer(out);
  SimpleResultWriter result(writer);
  result.begin(std::array{Column{"a", "INT"}, Column{}});
  CHECK(result.row(std::array{ValueRef::null(), ValueRef::integer(INT64_MAX), ValueRef::real(2),
                              ValueRef::text("t\""), ValueRef::blob("a")}));
  CHECK_FALSE(result.row(std::array{ValueRef::integer(1), ValueRef::real(kInfinity)}));
  CHECK(result.row(std::array{ValueRef::blob(""), ValueRef::null()}));
  result.finish({.rows_read = 3});
  CHECK(out == R"({"results":{"columns":["a",""],"rows":[[null,9223372036854775807,2.0,"t\"",)"
               R"({"base64":"YQ"}],[{"base64":""},null]],"rows_read":3,"rows_written":0,)"
               R"("query_duration_ms":0.0}})");
  out.clear();
  writer.newline();
  write_simple_error(writer, {"m", "C"});
  CHECK(out == "\n{\"error\":{\"message\":\"m\",\"code\":\"C\"}}");
}

TEST_CASE("a client reads the answer that the server wrote") {
  const StmtResult result{{{"a", "INT"}, {}},
                          {{1, "x"}, {Value(), Value::Blob{"b"}}, {1.0, "\n"}},
                          {2, INT64_MIN, 3, 4, 0.25, UINT64_MAX}};
  const BatchResult batch{{result, std::nullopt, std::nullopt},
                          {std::nullopt, HranaError{"m", "C"}, std::nullopt}};
  const DescribeResult describe{{":a", std::nullopt}, {{"c", std::nullopt}}, true, false};
  std::string out;
  JsonWriter writer(out);
  PipelineResponseWriter response(writer);
  response.begin();
  response.begin_ok("execute");
  writer.key("result");
  REQUIRE(write_stmt_result(writer, result));
  response.end_ok();
  response.begin_ok("batch");
  writer.key("result");
  BatchResultWriter batch_writer(writer);
  batch_writer.begin();
  REQUIRE(write_stmt_result(writer, result));
  batch_writer.no_result();
  batch_writer.no_result();
  batch_writer.finish(batch.step_errors);
  response.end_ok();
  response.begin_ok("describe");
  writer.key("result");
  write_describe_result(writer, describe);
  response.end_ok();
  response.begin_ok("get_autocommit");
  writer.key("is_autocommit");
  writer.boolean(false);
  response.end_ok();
  response.error({"no", "CODE"});
  response.begin_ok("close");
  response.end_ok();
  response.finish("baton", "http://other");

  auto read = decode_pipeline_response(out);
  if (!read) FAIL(read.error().message());
  CHECK(read->baton == "baton");
  CHECK(read->base_url == "http://other");
  REQUIRE(read->results.size() == 6);
  CHECK(std::get<Response>(read->results[0]) == Response(result));
  CHECK(std::get<Response>(read->results[1]) == Response(batch));
  CHECK(std::get<Response>(read->results[2]) == Response(describe));
  CHECK(std::get<Response>(read->results[3]) == Response(Autocommit{false}));
  CHECK(std::get<HranaError>(read->results[4]) == HranaError{"no", "CODE"});
  CHECK(std::get<Response>(read->results[5]) == Response(Done{}));
}

TEST_CASE("a client refuses what is no answer, and says where") {
  const auto refusal = [](std::string_view result) {
    auto read = decode_pipeline_response(cat(R"({"results":[)", result, "]}"));
    REQUIRE_FALSE(read);
    return read.error().message();
  };
  CHECK(refusal(R"({"type":"maybe"})") == R"($.results[0].type: unknown type of result "maybe")");
  CHECK(refusal(R"({"type":"ok","response":{"type":"execute"}})") ==
        "$.results[0].response.result: missing, expected an object");
  CHECK(refusal(R"({"type":"ok","response":{"type":"execute","result":{"cols":[],"rows":)"
                R"([[{"type":"null"}]]}}})") ==
        "$.results[0].response.result.rows[0]: 1 values for 0 columns");
  CHECK(refusal(R"({"type":"ok","response":{"type":"batch","result":{"step_results":[],)"
                R"("step_errors":[null]}}})")
            .starts_with("$.results[0].response.result: "));
}

TEST_CASE("random values survive the round trip") {
  const char* given = std::getenv("SATURN_TEST_SEED");
  const unsigned seed =
      given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  WARN("SATURN_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    const std::uint64_t bits = random();
    double real = 0;
    std::memcpy(&real, &bits, sizeof real);
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const auto integer = static_cast<std::int64_t>(bits >> (random() % 64));
    CHECK(round_trip(ValueRef::integer(integer)) == Value(integer));
    if (real - real == 0) CHECK(round_trip(ValueRef::real(real)) == Value(real));
    CHECK(round_trip(ValueRef::blob(bytes)) == Value(Value::Blob{bytes}));
    // Random bytes are rarely UTF-8, but what is written always is.
    const Value once = round_trip(ValueRef::text(bytes));
    CHECK(round_trip(once.ref()) == once);
    for (char& c : bytes) c = static_cast<char>(c & 0x7f);
    CHECK(round_trip(ValueRef::text(bytes)) == Value(bytes));
  }
}
