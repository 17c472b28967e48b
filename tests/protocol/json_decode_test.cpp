#include "base/limits.hpp"
#include "base/text.hpp"
#include "protocol/base64.hpp"
#include "protocol/json.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

using namespace saturn;
using namespace saturn::protocol;

namespace {

Value argument(const std::string& value) {
  auto stmt = decode_v1_execute(cat(R"({"stmt":{"sql":"x","args":[)", value, "]}}"));
  INFO(value);
  REQUIRE(stmt);
  REQUIRE(stmt->args.size() == 1);
  return stmt->args[0];
}

std::string argument_error(const std::string& value) {
  auto stmt = decode_v1_execute(cat(R"({"stmt":{"sql":"x","args":[)", value, "]}}"));
  INFO(value);
  REQUIRE_FALSE(stmt);
  CHECK(stmt.error().code() == Code::protocol);
  return stmt.error().message();
}

PipelineRequest pipeline(std::string_view body, Version version = Version::hrana3) {
  auto decoded = decode_pipeline(body, version);
  INFO(body);
  if (!decoded) FAIL(decoded.error().message());
  return *std::move(decoded);
}

std::string pipeline_error(std::string_view body, Version version = Version::hrana3) {
  auto decoded = decode_pipeline(body, version);
  INFO(body);
  REQUIRE_FALSE(decoded);
  return decoded.error().message();
}

std::string message_error(std::string_view payload, Version version = Version::hrana3) {
  auto decoded = decode_client_message(payload, version);
  INFO(payload);
  REQUIRE_FALSE(decoded);
  return decoded.error().message();
}

std::string nested_condition(unsigned levels) {
  std::string cond = R"({"type":"is_autocommit"})";
  for (unsigned i = 0; i < levels; ++i) cond = cat(R"({"type":"not","cond":)", cond, "}");
  return cat(R"({"batch":{"steps":[{"condition":)", cond, R"(,"stmt":{"sql":"x"}}]}})");
}

}  // namespace

TEST_CASE("integers are decimal strings in the whole range of 64 bits") {
  CHECK(argument(R"({"type":"integer","value":"0"})") == Value(0));
  CHECK(argument(R"({"type":"integer","value":"9223372036854775807"})") == Value(INT64_MAX));
  CHECK(argument(R"({"type":"integer","value":"-9223372036854775808"})") == Value(INT64_MIN));
  for (const char* bad : {R"("9223372036854775808")", R"("1e3")", R"("")", R"(" 1")", R"("1 ")",
                          R"("+1")", R"("0x10")", "1", "null"}) {
    const std::string message = argument_error(cat(R"({"type":"integer","value":)", bad, "}"));
    CHECK(message.starts_with("$.stmt.args[0].value: "));
  }
}

TEST_CASE("floats bind as REAL, also when the token is an integer") {
  CHECK(argument(R"({"type":"float","value":1})") == Value(1.0));
  CHECK(argument(R"({"type":"float","value":-3})") == Value(-3.0));
  CHECK(argument(R"({"type":"float","value":0.1})") == Value(0.1));
  CHECK(argument(R"({"type":"float","value":18446744073709551615})") == Value(0x1p64));
  CHECK(argument(R"({"type":"float","value":1e300})") == Value(1e300));
  CHECK(argument_error(R"({"type":"float","value":"1"})") ==
        "$.stmt.args[0].value: expected a number, not string");
  CHECK(argument_error(R"({"type":"float","value":1e999})").starts_with("$: not JSON: "));
  CHECK(argument_error(R"({"type":"float","value":null})").starts_with("$.stmt.args[0].value: "));
}

TEST_CASE("texts, nulls and unknown kinds of values") {
  CHECK(argument(R"({"type":"null"})") == Value());
  CHECK(argument(R"({"type":"null","value":5})") == Value());
  CHECK(argument(R"({"type":"text","value":"a\u0000b\/é"})") ==
        Value(std::string("a\0b/\xc3\xa9", 6)));
  CHECK(argument_error(R"({"type":"date"})") ==
        R"($.stmt.args[0].type: unknown type of value "date")");
  CHECK(argument_error(R"({"value":"1"})") == "$.stmt.args[0].type: missing, expected a string");
  CHECK(argument_error("5") == "$.stmt.args[0]: expected an object, not number");
  CHECK(argument_error("\"\xff\"").starts_with("$: not JSON: "));
}

TEST_CASE("base64 comes padded, unpadded and with escaped slashes") {
  CHECK(argument(R"({"type":"blob","base64":"+\/8="})") == Value(Value::Blob{"\xfb\xff"}));
  CHECK(argument(R"({"type":"blob","base64":"+/8"})") == Value(Value::Blob{"\xfb\xff"}));
  CHECK(argument(R"({"type":"blob","base64":""})") == Value(Value::Blob{""}));
  for (const char* bad :
       {"A", "A===", "AA=", "AAA==", "AA=A", "AA-_", "AB==", "AA AA", "=", "===="}) {
    CHECK_FALSE(decode_base64(bad));
  }
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    std::string text;
    append_base64(text, bytes);
    CHECK(text.find('=') == std::string::npos);
    CHECK(decode_base64(text) == bytes);
    text.append((4 - text.size() % 4) % 4, '=');
    CHECK(decode_base64(text) == bytes);
    bytes += static_cast<char>(i * 37);
  }
}

TEST_CASE("statements take explicit nulls for every optional member") {
  auto stmt = decode_v1_execute(
      R"({"stmt":{"sql":"x","sql_id":null,"args":null,"named_args":null,"want_rows":null,)"
      R"("replication_index":null,"unknown":1}})");
  REQUIRE(stmt);
  CHECK(std::get<std::string>(stmt->sql) == "x");
  CHECK(stmt->want_rows);
  CHECK(stmt->args.empty());
  CHECK_FALSE(stmt->replication_index);
  stmt = decode_v1_execute(
      R"({"stmt":{"sql":"x","want_rows":false,"replication_index":"18446744073709551615",)"
      R"("named_args":[{"name":":a","value":{"type":"integer","value":"1"}}]}})");
  REQUIRE(stmt);
  CHECK_FALSE(stmt->want_rows);
  CHECK(stmt->replication_index == UINT64_MAX);
  REQUIRE(stmt->named_args.size() == 1);
  CHECK(stmt->named_args[0].name == ":a");
  CHECK(stmt->named_args[0].value == Value(1));
  CHECK(decode_v1_execute(R"({"stmt":{"sql":"x","replication_index":7}})")->replication_index ==
        7U);
  CHECK_FALSE(decode_v1_execute(R"({"stmt":{"sql":"x","replication_index":-7}})"));
}

TEST_CASE("a statement has either sql or sql_id") {
  auto p = pipeline(R"({"baton":null,"requests":[{"type":"execute","stmt":{"sql_id":-5}}]})");
  CHECK_FALSE(p.baton);
  CHECK(std::get<std::int32_t>(std::get<Execute>(p.requests.at(0)).stmt.sql) == -5);
  CHECK(pipeline_error(R"({"requests":[{"type":"execute","stmt":{"sql":"x","sql_id":1}}]})") ==
        R"($.requests[0].stmt: both "sql" and "sql_id" are given, expected one of them)");
  CHECK(pipeline_error(R"({"requests":[{"type":"sequence"}]})") ==
        R"($.requests[0]: neither "sql" nor "sql_id" is given, expected one of them)");
}

TEST_CASE("ids have 32 bits") {
  const auto store = [](std::string_view id) {
    return cat(R"({"requests":[{"type":"store_sql","sql":"x","sql_id":)", id, "}]}");
  };
  CHECK(std::get<StoreSql>(pipeline(store("2147483647")).requests[0]).sql_id == INT32_MAX);
  CHECK(std::get<StoreSql>(pipeline(store("-2147483648")).requests[0]).sql_id == INT32_MIN);
  for (const char* bad :
       {"2147483648", "-2147483649", "18446744073709551615", "1.0", "\"1\"", "null"}) {
    CHECK(pipeline_error(store(bad)).starts_with("$.requests[0].sql_id: "));
  }
}

TEST_CASE("a pipeline takes every request of HTTP, and no other") {
  const auto p =
      pipeline(R"({"baton":"b","requests":[{"type":"execute","stmt":{"sql":"a"}},)"
               R"({"type":"batch","batch":{"steps":[]}},{"type":"sequence","sql":"b"},)"
               R"({"type":"describe","sql_id":1},{"type":"store_sql","sql_id":1,"sql":"c"},)"
               R"({"type":"close_sql","sql_id":1},{"type":"get_autocommit"},{"type":"close"}]})");
  CHECK(p.baton == "b");
  REQUIRE(p.requests.size() == 8);
  CHECK(std::holds_alternative<ExecuteBatch>(p.requests[1]));
  CHECK(std::holds_alternative<Sequence>(p.requests[2]));
  CHECK(std::holds_alternative<Describe>(p.requests[3]));
  CHECK(std::holds_alternative<CloseSql>(p.requests[5]));
  CHECK(std::holds_alternative<GetAutocommit>(p.requests[6]));
  CHECK(std::holds_alternative<CloseStream>(p.requests[7]));
  CHECK(pipeline_error(R"({"requests":[{"type":"close"},{"type":"dance"}]})") ==
        R"($.requests[1].type: unknown type of request "dance")");
  CHECK(pipeline_error(R"({"requests":[{"type":"open_stream"}]})") ==
        R"($.requests[0].type: request "open_stream" exists on WebSockets only, not over HTTP)");
  CHECK(pipeline_error(R"({"requests":[{"type":"get_autocommit"}]})", Version::hrana2) ==
        R"($.requests[0].type: request "get_autocommit" needs version 3 of the protocol)");
  CHECK(pipeline_error("{}") == "$.requests: missing, expected an array");
  CHECK(pipeline_error("[]") == "$: expected an object, not array");
  CHECK(pipeline_error("").starts_with("$: not JSON: "));
  CHECK(pipeline_error(R"({"requests":[]} x)").starts_with("$: not JSON: "));
}

TEST_CASE("pipelines and batches are limited in length") {
  const auto repeat = [](std::string_view item, std::uint32_t count) {
    std::string items;
    for (std::uint32_t i = 0; i < count; ++i) items += cat(i ? "," : "", item);
    return items;
  };
  const auto requests = [&](std::uint32_t n) {
    return cat(R"({"requests":[)", repeat(R"({"type":"close"})", n), "]}");
  };
  CHECK(pipeline(requests(limits::kPipelineRequestsMax)).requests.size() ==
        limits::kPipelineRequestsMax);
  CHECK(pipeline_error(requests(limits::kPipelineRequestsMax + 1)) ==
        "$.requests: 10001 elements, at most 10000 are allowed");
  const auto batch = [&](std::uint32_t n) {
    return cat(R"({"batch":{"steps":[)", repeat(R"({"stmt":{"sql":"x"}})", n), "]}}");
  };
  CHECK(decode_v1_batch(batch(limits::kBatchStepsMax)));
  CHECK_FALSE(decode_v1_batch(batch(limits::kBatchStepsMax + 1)));
}

TEST_CASE("nesting is limited, and deep documents are refused before they are parsed") {
  CHECK(decode_cursor_request(nested_condition(50)));
  const auto decoded = decode_cursor_request(nested_condition(100));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message() == "$: JSON nested deeper than 64 levels");
  CHECK(pipeline_error(std::string(10'000'000, '[')) == "$: JSON nested deeper than 64 levels");
  CHECK(pipeline(R"({"requests":[],"x":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[)"
                 R"([[[[[[[[[[[[[[[["})")
            .requests.empty());
}

TEST_CASE("conditions name earlier steps only") {
  const auto batch = [](std::string_view cond) {
    return cat(R"({"batch":{"steps":[{"stmt":{"sql":"a"}},{"condition":)", cond,
               R"(,"stmt":{"sql":"b"}}]}})");
  };
  auto decoded = decode_cursor_request(
      batch(R"({"type":"and","conds":[{"type":"ok","step":0},{"type":"not","cond":)"
            R"({"type":"error","step":0}},{"type":"or","conds":[]},{"type":"is_autocommit"}]})"));
  REQUIRE(decoded);
  const BatchCond& cond = *decoded->batch.steps[1].condition;
  CHECK(cond.kind == BatchCond::Kind::conjunction);
  REQUIRE(cond.conds.size() == 4);
  CHECK(cond.conds[1].conds.at(0).kind == BatchCond::Kind::error);
  CHECK(decode_cursor_request(batch("null")));
  const auto error = [&](std::string_view c) {
    auto result = decode_cursor_request(batch(c));
    REQUIRE_FALSE(result);
    return result.error().message();
  };
  CHECK(error(R"({"type":"ok","step":1})") ==
        "$.batch.steps[1].condition.step: step 1 may only refer to earlier steps, not to step 1");
  CHECK(error(R"({"type":"ok","step":-1})").starts_with("$.batch.steps[1].condition.step: "));
  CHECK(error(R"({"type":"maybe"})").starts_with("$.batch.steps[1].condition.type: "));
  CHECK(error(R"({"type":"not"})").starts_with("$.batch.steps[1].condition.cond: missing"));
  CHECK_FALSE(decode_v1_batch(batch(R"({"type":"is_autocommit"})")));
}

TEST_CASE("messages of a WebSocket client") {
  auto hello = decode_client_message(R"({"type":"hello","jwt":null})", Version::hrana1);
  REQUIRE(hello);
  CHECK_FALSE(std::get<Hello>(*hello).jwt);
  hello = decode_client_message(R"({"type":"hello","jwt":"t"})", Version::hrana1);
  CHECK(std::get<Hello>(*hello).jwt == "t");
  auto request = decode_client_message(
      R"({"type":"request","request_id":7,"request":{"type":"fetch_cursor","cursor_id":3,)"
      R"("max_count":4294967295}})",
      Version::hrana3);
  REQUIRE(request);
  CHECK(std::get<WsRequest>(*request).request_id == 7);
  CHECK(std::get<FetchCursor>(std::get<WsRequest>(*request).request).max_count == UINT32_MAX);
  request = decode_client_message(
      R"({"type":"request","request_id":-7,"request":{"type":"open_stream","stream_id":9}})",
      Version::hrana1);
  REQUIRE(request);
  CHECK(std::get<WsRequest>(*request).stream_id == 9);
  CHECK(message_error(R"({"type":"request","request_id":1,"request":{"type":"open_stream"}})") ==
        "$.request.stream_id: missing, expected an integer");
  CHECK(message_error(R"({"type":"request","request_id":1,"request":{"type":"close"}})") ==
        R"($.request.type: request "close" exists over HTTP only, not on WebSockets)");
  CHECK(message_error(R"({"type":"bye"})") == R"($.type: unknown type of message "bye")");
  CHECK(message_error(R"({"type":"request","request":{}})").starts_with("$.request_id: missing"));
  CHECK(message_error(R"({"type":"request","request_id":1,"request":{"type":"sequence"}})",
                      Version::hrana1) ==
        R"($.request.type: request "sequence" needs version 2 of the protocol)");
}

TEST_CASE("the simple API takes plain values") {
  auto stmts = decode_simple(
      R"({"statements":["a",{"q":"b"},{"q":"c","params":[null,1,1.5,"t",true,{"base64":"AA=="}]},)"
      R"({"q":"d","params":{":x":-2}}]})");
  REQUIRE(stmts);
  REQUIRE(stmts->size() == 4);
  CHECK(std::get<std::string>((*stmts)[1].sql) == "b");
  CHECK((*stmts)[2].args ==
        std::vector<Value>{Value(), 1, 1.5, "t", 1, Value::Blob{std::string(1, '\0')}});
  CHECK((*stmts)[3].named_args.at(0).name == ":x");
  CHECK((*stmts)[3].named_args.at(0).value == Value(-2));
  CHECK_FALSE(decode_simple(R"({"statements":[5]})"));
  CHECK_FALSE(decode_simple(R"({"statements":[{"q":"x","params":[[1]]}]})"));
  CHECK_FALSE(decode_simple(R"({"statements":[{"q":"x","params":[18446744073709551615]}]})"));
}

TEST_CASE("mutated and random bodies are decoded or refused, never more") {
  const char* given = std::getenv("SATURN_TEST_SEED");
  const unsigned seed =
      given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device()();
  WARN("SATURN_TEST_SEED=" << seed);
  std::mt19937 random(seed);
  const std::string model =
      R"({"baton":"b","requests":[{"type":"execute","stmt":{"sql":"a","args":[{"type":"float",)"
      R"("value":1},{"type":"integer","value":"-1"},{"type":"blob","base64":"AA=="}]}},)"
      R"({"type":"batch","batch":{"steps":[{"stmt":{"sql_id":1}},{"condition":{"type":"not",)"
      R"("cond":{"type":"ok","step":0}},"stmt":{"sql":"b","named_args":[{"name":"n","value":)"
      R"({"type":"null"}}]}}]}},{"type":"close"}]})";
  constexpr std::string_view kBytes = "{}[]\",:\\0123456789-+.eE ntf\x00\x80\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string body = round % 10 == 0 ? std::string(random() % 200, ' ') : model;
    const unsigned changes = round % 10 == 0 ? 200 : 1 + random() % 4;
    for (unsigned i = 0; i < changes && !body.empty(); ++i) {
      const std::size_t at = random() % body.size();
      switch (random() % 4) {
        case 0: body[at] = kBytes[random() % kBytes.size()]; break;
        case 1: body[at] = static_cast<char>(random()); break;
        case 2: body.erase(at, random() % 8); break;
        default: body.insert(at, body.substr(random() % body.size(), random() % 16)); break;
      }
    }
    auto decoded = decode_pipeline(body, Version::hrana3);
    if (!decoded) {
      REQUIRE(decoded.error().code() == Code::protocol);
      REQUIRE(decoded.error().message().starts_with("$"));
    }
    auto message = decode_client_message(body, Version::hrana3);
    REQUIRE_FALSE((message && std::holds_alternative<Hello>(*message)));
  }
}
