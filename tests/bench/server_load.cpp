// Load on a running saturnd: CONNECTIONS connections, each with one request under way, for SECONDS.
//
//   server-load PORT insert|select http|ws CONNECTIONS SECONDS
//
// `insert` adds one row a request to `bench_insert`, each its own durable commit; `select` reads
// one of the 100,000 rows of `bench_select` by its key. Both tables are made when they are not
// there. Over HTTP a request is a stateless pipeline [execute, close], as @libsql/client sends it;
// over a WebSocket an execute of a stored text on a stream that stays open. One thread; prints
// requests a second, and the median and 99th percentile of the time to answer.

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kRows = 100'000;
constexpr const char* kInsert = "INSERT INTO bench_insert(a, b) VALUES (?, ?)";
constexpr const char* kSelect = "SELECT b FROM bench_select WHERE a = ?";

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "server-load: %s\n", what.c_str());
  std::exit(1);
}

struct Run {
  bool inserts = true;
  Clock::time_point end;
  std::vector<double> times_us;
  std::mt19937 random{42};

  std::string args() {
    if (inserts) {
      return R"([{"type":"integer","value":")" + std::to_string(random()) +
             R"("},{"type":"text","value":"a text of some forty bytes, as rows have"}])";
    }
    return R"([{"type":"integer","value":")" + std::to_string(random() % kRows + 1) + R"("}])";
  }
  void answered(Clock::time_point since, std::string_view body) {
    if (body.find("\"error\"") != std::string_view::npos) fail(std::string(body.substr(0, 500)));
    times_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - since).count());
  }
  bool over() const { return Clock::now() >= end; }
};

/// A connection that sends its next request when the last is answered.
class HttpLoad {
 public:
  HttpLoad(asio::io_context& context, Run& run) : socket_(context), run_(run) {}
  void start(const tcp::endpoint& server) {
    socket_.connect(server);
    socket_.set_option(tcp::no_delay(true));
    send();
  }

 private:
  void send() {
    if (run_.over()) return;
    const std::string body = std::string(R"({"requests":[{"type":"execute","stmt":{"sql":")") +
                             (run_.inserts ? kInsert : kSelect) + R"(","args":)" + run_.args() +
                             R"(}},{"type":"close"}]})";
    request_ =
        "POST /v3/pipeline HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    since_ = Clock::now();
    asio::async_write(socket_, asio::buffer(request_), [this](auto error, std::size_t) {
      if (error) fail(error.message());
      read();
    });
  }
  void read() {
    socket_.async_read_some(asio::buffer(chunk_), [this](auto error, std::size_t n) {
      if (error) fail(error.message());
      answer_.append(chunk_, n);
      const std::size_t head = answer_.find("\r\n\r\n");
      if (head == std::string::npos) return read();
      const std::size_t length = answer_.find("Content-Length: ");
      if (length == std::string::npos || length > head) fail(answer_);
      const std::size_t body = std::strtoul(answer_.c_str() + length + 16, nullptr, 10);
      if (answer_.size() < head + 4 + body) return read();
      run_.answered(since_, std::string_view(answer_).substr(head + 4));
      answer_.clear();
      send();
    });
  }

  tcp::socket socket_;
  Run& run_;
  std::string request_;
  std::string answer_;
  char chunk_[8192];
  Clock::time_point since_;
};

class WsLoad {
 public:
  WsLoad(asio::io_context& context, Run& run) : ws_(context), run_(run) {}
  void start(const tcp::endpoint& server) {
    ws_.next_layer().connect(server);
    ws_.next_layer().set_option(tcp::no_delay(true));
    ws_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(boost::beast::http::field::sec_websocket_protocol, "hrana3");
    }));
    ws_.handshake("localhost", "/");
    ask(R"({"type":"hello","jwt":null})");
    ask(R"({"type":"request","request_id":1,"request":{"type":"open_stream","stream_id":1}})");
    ask(std::string(
            R"({"type":"request","request_id":2,"request":{"type":"store_sql","sql_id":1,"sql":")") +
        (run_.inserts ? kInsert : kSelect) + R"("}})");
    send();
  }

 private:
  void ask(const std::string& message) {
    ws_.write(asio::buffer(message));
    boost::beast::flat_buffer answer;
    ws_.read(answer);
  }
  void send() {
    if (run_.over()) return;
    request_ =
        R"({"type":"request","request_id":3,"request":{"type":"execute","stream_id":1,"stmt":{"sql_id":1,"args":)" +
        run_.args() + "}}}";
    since_ = Clock::now();
    ws_.async_write(asio::buffer(request_), [this](auto error, std::size_t) {
      if (error) fail(error.message());
      ws_.async_read(answer_, [this](auto failed, std::size_t) {
        if (failed) fail(failed.message());
        run_.answered(since_, {static_cast<const char*>(answer_.data().data()), answer_.size()});
        answer_.clear();
        send();
      });
    });
  }

  websocket::stream<tcp::socket> ws_;
  Run& run_;
  std::string request_;
  boost::beast::flat_buffer answer_;
  Clock::time_point since_;
};

/// Runs statements without parameters, one request each.
void prepare(const tcp::endpoint& server, const std::string& sql) {
  asio::io_context context;
  tcp::socket socket(context);
  socket.connect(server);
  const std::string body =
      R"({"requests":[{"type":"sequence","sql":")" + sql + R"("},{"type":"close"}]})";
  const std::string request =
      "POST /v3/pipeline HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  asio::write(socket, asio::buffer(request));
  std::string answer;
  boost::system::error_code error;
  asio::read_until(socket, asio::dynamic_buffer(answer), "\"base_url\"", error);
  if (answer.find("\"error\"") != std::string::npos) fail(answer);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) fail("usage: server-load PORT insert|select http|ws CONNECTIONS SECONDS");
  const tcp::endpoint server(asio::ip::make_address("127.0.0.1"),
                             static_cast<unsigned short>(std::atoi(argv[1])));
  Run run;
  run.inserts = std::strcmp(argv[2], "insert") == 0;
  if (run.inserts) {
    prepare(server, "CREATE TABLE IF NOT EXISTS bench_insert(a INTEGER, b TEXT)");
  } else {
    std::string digits = "SELECT 0 AS d";
    for (int d = 1; d < 10; ++d) digits += " UNION ALL SELECT " + std::to_string(d);
    prepare(server,
            "CREATE TABLE IF NOT EXISTS bench_select(a INTEGER PRIMARY KEY, b TEXT);"
            "INSERT OR IGNORE INTO bench_select SELECT 1 + a.d + 10*b.d + 100*c.d + 1000*e.d + "
            "10000*f.d, 'a text of some forty bytes, as rows have' FROM (" +
                digits + ") a, (" + digits + ") b, (" + digits + ") c, (" + digits + ") e, (" +
                digits + ") f");
  }
  asio::io_context context{1};
  const int connections = std::atoi(argv[4]);
  const double seconds = std::atof(argv[5]);
  run.end = Clock::now() +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::vector<std::unique_ptr<HttpLoad>> http;
  std::vector<std::unique_ptr<WsLoad>> ws;
  for (int i = 0; i < connections; ++i) {
    if (std::strcmp(argv[3], "ws") == 0) {
      ws.push_back(std::make_unique<WsLoad>(context, run));
      ws.back()->start(server);
    } else {
      http.push_back(std::make_unique<HttpLoad>(context, run));
      http.back()->start(server);
    }
  }
  context.run();
  std::sort(run.times_us.begin(), run.times_us.end());
  const std::size_t n = run.times_us.size();
  if (n == 0) fail("nothing was answered");
  std::printf("%s over %s, %d connections: %.0f/s, median %.0f us, 99%% %.0f us\n", argv[2],
              argv[3], connections, static_cast<double>(n) / seconds, run.times_us[n / 2],
              run.times_us[n * 99 / 100]);
}
