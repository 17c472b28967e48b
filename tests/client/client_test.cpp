#include "saturn/client.hpp"
#include "canned_server.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <limits>
#include <string>

namespace client = saturn::client;
using Answer = CannedServer::Answer;

namespace {

const std::string kResult =
    R"({"type":"ok","response":{"type":"execute","result":{"cols":[{"name":"i","decltype":"INT"},)"
    R"({"name":"r"},{"name":"t"},{"name":"b"},{"name":"n"}],"rows":[[{"type":"integer",)"
    R"("value":"9007199254740993"},{"type":"float","value":1},{"type":"text","value":"x"},)"
    R"({"type":"blob","base64":"AP8"},{"type":"null"}]],"affected_row_count":3,)"
    R"("last_insert_rowid":"7"}}})";
const std::string kClosed = R"({"type":"ok","response":{"type":"close"}})";

std::string autocommit(bool on) {
  return std::string(R"({"type":"ok","response":{"type":"get_autocommit","is_autocommit":)") +
         (on ? "true" : "false") + "}}";
}
std::string pipeline(const std::string& baton, const std::string& results) {
  return R"({"baton":)" + baton + R"(,"base_url":null,"results":[)" + results + "]}";
}
Answer stateless() { return CannedServer::json(pipeline("null", kResult + "," + kClosed)); }
Answer in_session(const std::string& baton, bool is_autocommit) {
  return CannedServer::json(
      pipeline("\"" + baton + "\"", kResult + "," + autocommit(is_autocommit)));
}
Answer expired() {
  return CannedServer::json(R"({"message":"too late","code":"STREAM_EXPIRED"})", 400);
}

/// The code with which `call` fails, and empty when it does not.
template <typename Call>
std::string code_of(Call&& call) {
  try {
    call();
  } catch (const client::Error& error) {
    return error.code();
  }
  return "";
}

/// The code with which a statement fails that is answered so.
std::string code_after(Answer answer) {
  answer.close = true;
  CannedServer server({answer});
  client::Options options;
  options.timeout_ms = 3000;
  auto db = client::Connection::open(server.url(), options);
  return code_of([&] { db.execute("SELECT 1"); });
}

}  // namespace

TEST_CASE("a result has rows with typed values, columns and counts") {
  CannedServer server({stateless()});
  auto db = client::Connection::open(server.url(), {.token = "secret"});
  const client::Result result =
      db.execute("SELECT ?, ?", {1, "two", nullptr, 2.5, client::Blob{"z"}});
  REQUIRE(result.rows.size() == 1);
  const client::Row& row = result.rows[0];
  CHECK(row.get<std::int64_t>("i") == 9007199254740993);
  CHECK(row.get<double>(std::size_t{1}) == 1.0);
  CHECK(row.get<std::string>("t") == "x");
  CHECK(row.get<client::Blob>("b").bytes == std::string("\0\xff", 2));
  CHECK(row["n"].is_null());
  CHECK(row["r"].type() == client::Type::real);
  CHECK(result.columns[0].type == "INT");
  CHECK(result.affected_rows == 3);
  CHECK(result.last_insert_rowid == 7);
  CHECK(code_of([&] { row.get<std::int64_t>("t"); }) == "USAGE_ERROR");
  CHECK(code_of([&] { row["nope"]; }) == "USAGE_ERROR");

  const std::string request = server.requests().at(0);
  CHECK(request.starts_with("POST /v3/pipeline HTTP/1.1\r\n"));
  CHECK(request.find("Authorization: Bearer secret\r\n") != std::string::npos);
  CHECK(request.find(
            R"("args":[{"type":"integer","value":"1"},{"type":"text","value":"two"},)"
            R"({"type":"null"},{"type":"float","value":2.5},{"type":"blob","base64":"eg"}])") !=
        std::string::npos);
}

TEST_CASE("an infinite parameter is refused before anything is sent") {
  CannedServer server({stateless()});
  auto db = client::Connection::open(server.url());
  CHECK(code_of([&] { db.execute("SELECT ?", {std::numeric_limits<double>::infinity()}); }) ==
        "USAGE_ERROR");
  CHECK(server.requests().empty());
}

TEST_CASE("requests share a connection, and one closed while idle is replaced") {
  Answer last = stateless();
  last.close = true;
  CannedServer server({stateless(), last, stateless()});
  auto db = client::Connection::open(server.url());
  db.execute("SELECT 1");
  db.execute("SELECT 2");
  CHECK(server.connections() == 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  db.execute("SELECT 3");
  CHECK(server.connections() == 2);
}

TEST_CASE("a statement whose answer is lost is not sent again") {
  Answer nothing;
  nothing.close = true;
  CannedServer server({stateless(), nothing, stateless()});
  auto db = client::Connection::open(server.url());
  db.execute("SELECT 1");
  CHECK(code_of([&] { db.execute("INSERT"); }) == "NETWORK_ERROR");
  CHECK(server.requests().size() == 2);
  db.execute("SELECT 3");
}

TEST_CASE("answers that make no sense are errors with a code") {
  const Answer good = stateless();
  CHECK(code_after({good.bytes.substr(0, 20)}) == "NETWORK_ERROR");
  CHECK(code_after({good.bytes.substr(0, good.bytes.size() - 5)}) == "NETWORK_ERROR");
  CHECK(code_after({"SSH-2.0-OpenSSH\r\n\r\n"}) == "PROTOCOL_ERROR");
  CHECK(code_after({"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) == "PROTOCOL_ERROR");
  CHECK(code_after({"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"}) == "PROTOCOL_ERROR");
  CHECK(code_after({"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n"}) ==
        "PROTOCOL_ERROR");
  for (const char* body :
       {"", "{", "[]", "null", R"({"results":1})", R"({"results":[{"type":"x"}]})",
        R"({"baton":null,"results":[]})", R"({"baton":7,"results":[]})"}) {
    INFO(body);
    CHECK(code_after(CannedServer::json(body)) == "PROTOCOL_ERROR");
  }
  CHECK(code_after(CannedServer::json(pipeline("null", kClosed + "," + kClosed))) ==
        "PROTOCOL_ERROR");
  CHECK(code_after(CannedServer::json("<html>bad gateway</html>", 502)) == "PROTOCOL_ERROR");
  CHECK(code_after(CannedServer::json(R"({"message":"no","code":"AUTH_JWT_INVALID"})", 401)) ==
        "AUTH_JWT_INVALID");
  const std::string refused =
      R"({"type":"error","error":{"message":"SQLite error: x","code":"SQLITE_CONSTRAINT"}})";
  CHECK(code_after(CannedServer::json(pipeline("null", refused + "," + kClosed))) ==
        "SQLITE_CONSTRAINT");
}

TEST_CASE("a server that does not answer is given up on after the timeout") {
  Answer late = stateless();
  late.delay_ms = 1500;
  CannedServer server({late});
  auto db = client::Connection::open(server.url(), {.timeout_ms = 100});
  const auto start = std::chrono::steady_clock::now();
  CHECK(code_of([&] { db.execute("SELECT 1"); }) == "NETWORK_ERROR");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(1000));
}

TEST_CASE("nobody at the address is a network error") {
  std::string url;
  { url = CannedServer({}).url(); }
  auto db = client::Connection::open(url);
  CHECK(code_of([&] { db.execute("SELECT 1"); }) == "NETWORK_ERROR");
}

TEST_CASE("a session hands each baton back once") {
  CannedServer server({in_session("one", true), in_session("two", true),
                       CannedServer::json(pipeline("null", kClosed))});
  auto db = client::Connection::open(server.url());
  {
    auto session = db.session();
    session.execute("SELECT 1");
    session.execute("SELECT 2");
  }
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].find("baton") == std::string::npos);
  CHECK(requests[1].find(R"("baton":"one")") != std::string::npos);
  CHECK(requests[2].find(R"("baton":"two")") != std::string::npos);
  CHECK(requests[2].find(R"("close")") != std::string::npos);
}

TEST_CASE("a session that the server gave up while idle is opened anew") {
  CannedServer server({in_session("one", true), expired(), in_session("two", true)});
  auto db = client::Connection::open(server.url());
  auto session = db.session();
  session.execute("SELECT 1");
  session.execute("SELECT 2");
  REQUIRE(server.requests().size() == 3);
  CHECK(server.requests()[2].find("baton") == std::string::npos);
}

TEST_CASE("no statement runs outside of a transaction that was lost") {
  SECTION("to an idle timeout") {
    CannedServer server({in_session("one", false), expired(), in_session("two", true)});
    auto db = client::Connection::open(server.url());
    auto transaction = db.begin();
    CHECK(transaction.active());
    CHECK(code_of([&] { transaction.execute("INSERT 1"); }) == "STREAM_EXPIRED");
    CHECK_FALSE(transaction.active());
    CHECK(code_of([&] { transaction.execute("INSERT 2"); }) == "TRANSACTION_CLOSED");
    CHECK(code_of([&] { transaction.commit(); }) == "TRANSACTION_CLOSED");
    CHECK(server.requests().size() == 2);
  }
  SECTION("to a broken connection, in a session") {
    Answer nothing;
    nothing.close = true;
    CannedServer server({in_session("one", false), nothing, in_session("two", true)});
    auto db = client::Connection::open(server.url());
    auto session = db.session();
    session.execute("BEGIN");
    CHECK_FALSE(session.autocommit());
    CHECK(code_of([&] { session.execute("INSERT 1"); }) == "NETWORK_ERROR");
    CHECK(code_of([&] { session.execute("INSERT 2"); }) == "TRANSACTION_CLOSED");
    CHECK(server.requests().size() == 2);
  }
  SECTION("to the statement itself") {
    CannedServer server({in_session("one", false), in_session("two", true),
                         CannedServer::json(pipeline("null", kClosed))});
    auto db = client::Connection::open(server.url());
    auto transaction = db.begin();
    transaction.execute("INSERT OR ROLLBACK");
    CHECK(code_of([&] { transaction.execute("INSERT 2"); }) == "TRANSACTION_CLOSED");
  }
}

TEST_CASE("a transaction that is not committed is closed with its stream") {
  CannedServer server({in_session("one", false), CannedServer::json(pipeline("null", kClosed))});
  auto db = client::Connection::open(server.url());
  { auto transaction = db.begin(client::Connection::Mode::read_only); }
  REQUIRE(server.requests().size() == 2);
  CHECK(server.requests()[0].find("BEGIN TRANSACTION READONLY") != std::string::npos);
  CHECK(server.requests()[1].find(R"("close")") != std::string::npos);
}

TEST_CASE("a failure within many names the row or statement") {
  const std::string step =
      R"({"cols":[],"rows":[],"affected_row_count":1,"last_insert_rowid":"1"})";
  const std::string error = R"({"message":"SQLite error: no","code":"SQLITE_CONSTRAINT"})";
  const auto batch = [](const std::string& results, const std::string& errors) {
    return R"({"type":"ok","response":{"type":"batch","result":{"step_results":[)" + results +
           R"(],"step_errors":[)" + errors + "]}}}";
  };
  const std::string stored = R"({"type":"ok","response":{"type":"store_sql"}})";
  const std::string forgotten = R"({"type":"ok","response":{"type":"close_sql"}})";
  CannedServer server(
      {CannedServer::json(
           pipeline("\"b\"", stored + "," + batch(step + ",null,null", "null," + error + ",null") +
                                 "," + forgotten + "," + autocommit(true))),
       CannedServer::json(pipeline("null", kClosed)),
       CannedServer::json(pipeline("null", batch(step + "," + step + ",null,null," + step,
                                                 "null,null," + error + ",null,null") +
                                               "," + kClosed))});
  auto db = client::Connection::open(server.url());
  std::optional<std::size_t> row;
  {
    auto session = db.session();
    try {
      session.execute_many("INSERT INTO t VALUES(?)", {{1}, {1}, {2}});
    } catch (const client::Error& e) {
      row = e.index();
      CHECK(e.code() == "SQLITE_CONSTRAINT");
    }
    CHECK(row == std::optional<std::size_t>(1));
  }
  std::optional<std::size_t> statement;
  try {
    db.batch({{"INSERT 1"}, {"INSERT 1"}});
  } catch (const client::Error& e) {
    statement = e.index();
  }
  CHECK(statement == std::optional<std::size_t>(1));
}
