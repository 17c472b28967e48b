// Load on a running saturnd: CONNECTIONS connections, each with one request under way, for SECONDS.
//
//   server-load PORT WORK http|ws CONNECTIONS SECONDS [--in-flight N] [--rate N] [--rows N] [--sql
//   TEXT]
//
//   insert      one row a request into `bench_insert`, each its own durable commit
//   select      one of the 100,000 rows of `bench_select` by its key
//   cold        the length of one of the --rows rows of `bench_cold` by its key; whoever calls has
//   made it tpcb        TPC-B's transaction on the tables of pgbench, --rows accounts: a request
//   for each statement tpcb-batch  the same as one batch that commits when all of it went well
//   query       the statement of --sql, again and again
//
// Tables are made when they are not there, but for `bench_cold`. Over HTTP, for `insert` and
// `select`, a request is a stateless pipeline [execute, close], as @libsql/client sends it; over a
// WebSocket an execute of a stored text, or a batch, on a stream that stays open. --in-flight N has
// so many requests under way on each WebSocket. --rate N starts N a second in all, evenly, whether
// or not the last is answered, and counts the time to answer from when a request was due. One
// thread; prints how many a second, and the median and 99th percentile of the time to answer.

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace asio = boost::asio;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint32_t kSelectRows = 100'000;
constexpr std::uint32_t kAccountsABranch = 100'000;  // as pgbench has them
constexpr std::uint32_t kTellersABranch = 10;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "server-load: %s\n", what.c_str());
  std::exit(1);
}

std::string integer(std::uint32_t value, bool negative = false) {
  return std::string(R"({"type":"integer","value":")") + (negative ? "-" : "") +
         std::to_string(value) + "\"}";
}

/// What is asked for: an operation is one request or several, one after the other.
class Work {
 public:
  virtual ~Work() = default;
  /// The texts that requests refer to, from id 1 on.
  std::vector<std::string> texts;
  /// Run once before the load.
  std::string setup;
  virtual std::size_t requests() const { return 1; }
  /// The arguments of text 1, as JSON's elements, of a work that is one statement.
  virtual std::string args() = 0;
  /// The body of request `i` of an operation, for a WebSocket.
  virtual std::string request(std::size_t) { return execute(1, args()); }

 protected:
  static std::string stmt(std::size_t text, const std::string& args) {
    return R"({"sql_id":)" + std::to_string(text) + R"(,"args":[)" + args + "]}";
  }
  static std::string execute(std::size_t text, const std::string& args) {
    return R"({"type":"execute","stream_id":1,"stmt":)" + stmt(text, args) + "}";
  }
  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

 private:
  std::mt19937 random_{std::random_device()()};
};

class Insert final : public Work {
 public:
  Insert() {
    texts = {"INSERT INTO bench_insert(a, b) VALUES (?, ?)"};
    setup = "CREATE TABLE IF NOT EXISTS bench_insert(a INTEGER, b TEXT)";
  }
  std::string args() override {
    return integer(draw(1'000'000'000)) +
           R"(,{"type":"text","value":"a text of some forty bytes, as rows have"})";
  }
};

std::string series(std::uint32_t rows) {
  return "WITH RECURSIVE s(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM s WHERE i < " +
         std::to_string(rows) + ") ";
}

class Select final : public Work {
 public:
  Select() {
    texts = {"SELECT b FROM bench_select WHERE a = ?"};
    setup = "CREATE TABLE IF NOT EXISTS bench_select(a INTEGER PRIMARY KEY, b TEXT);" +
            series(kSelectRows) +
            "INSERT INTO bench_select SELECT i, 'a text of some forty bytes, as rows have' FROM s "
            "WHERE NOT EXISTS (SELECT 1 FROM bench_select)";
  }
  std::string args() override { return integer(draw(kSelectRows) + 1); }
};

class Cold final : public Work {
 public:
  explicit Cold(std::uint32_t rows) : rows_(rows) {
    texts = {"SELECT length(b) FROM bench_cold WHERE a = ?"};
  }
  std::string args() override { return integer(draw(rows_) + 1); }

 private:
  std::uint32_t rows_;
};

class Query final : public Work {
 public:
  explicit Query(std::string sql) { texts = {std::move(sql)}; }
  std::string args() override { return ""; }
};

class TpcB final : public Work {
 public:
  TpcB(std::uint32_t accounts, bool batch)
      : branches_(std::max<std::uint32_t>(1, accounts / kAccountsABranch)), batch_(batch) {
    texts = {"BEGIN IMMEDIATE",
             "UPDATE pgbench_accounts SET abalance = abalance + ? WHERE aid = ?",
             "SELECT abalance FROM pgbench_accounts WHERE aid = ?",
             "UPDATE pgbench_tellers SET tbalance = tbalance + ? WHERE tid = ?",
             "UPDATE pgbench_branches SET bbalance = bbalance + ? WHERE bid = ?",
             "INSERT INTO pgbench_history(tid, bid, aid, delta, mtime) VALUES (?, ?, ?, ?, "
             "CURRENT_TIMESTAMP)",
             "COMMIT",
             "ROLLBACK"};
    const auto fill = [](const std::string& table, std::uint32_t rows, const std::string& columns) {
      return series(rows) + "INSERT INTO " + table + " SELECT " + columns +
             " FROM s WHERE NOT EXISTS (SELECT 1 FROM " + table + ");";
    };
    setup =
        "CREATE TABLE IF NOT EXISTS pgbench_branches(bid INTEGER PRIMARY KEY, bbalance INT, filler "
        "CHAR(88));"
        "CREATE TABLE IF NOT EXISTS pgbench_tellers(tid INTEGER PRIMARY KEY, bid INT, tbalance "
        "INT, filler CHAR(84));"
        "CREATE TABLE IF NOT EXISTS pgbench_accounts(aid INTEGER PRIMARY KEY, bid INT, abalance "
        "INT, filler CHAR(84));"
        "CREATE TABLE IF NOT EXISTS pgbench_history(tid INT, bid INT, aid INT, delta INT, mtime "
        "TIMESTAMP, "
        "filler CHAR(22));" +
        fill("pgbench_branches", branches_, "i, 0, NULL") +
        fill("pgbench_tellers", branches_ * kTellersABranch, "i, (i - 1) / 10 + 1, 0, NULL") +
        fill("pgbench_accounts", branches_ * kAccountsABranch,
             "i, (i - 1) / 100000 + 1, 0, printf('%84s', '')") +
        "PRAGMA wal_checkpoint(TRUNCATE)";
  }
  std::size_t requests() const override { return batch_ ? 1 : kStatements; }
  std::string args() override { fail("TPC-B goes over WebSockets"); }
  std::string request(std::size_t i) override {
    if (i == 0) next();
    if (!batch_) return execute(i + 1, args_[i]);
    std::string body = R"({"type":"batch","stream_id":1,"batch":{"steps":[)";
    for (std::size_t step = 0; step < kStatements; ++step) {
      body += step == 0 ? R"({"stmt":)"
                        : R"(,{"condition":{"type":"ok","step":)" + std::to_string(step - 1) +
                              R"(},"stmt":)";
      body += stmt(step + 1, args_[step]) + "}";
    }
    const std::string last = std::to_string(kStatements - 1);
    return body + R"(,{"condition":{"type":"not","cond":{"type":"ok","step":)" + last +
           R"(}},"stmt":)" + stmt(kStatements + 1, "") + "}]}}";
  }

 private:
  static constexpr std::size_t kStatements = 7;  // ROLLBACK is not among them

  void next() {
    const std::uint32_t delta = draw(5000);
    const std::string change = integer(delta, delta != 0 && draw(2) == 0);
    const std::string account = integer(draw(branches_ * kAccountsABranch) + 1);
    const std::string teller = integer(draw(branches_ * kTellersABranch) + 1);
    const std::string branch = integer(draw(branches_) + 1);
    args_ = {"",
             change + "," + account,
             account,
             change + "," + teller,
             change + "," + branch,
             teller + "," + branch + "," + account + "," + change,
             ""};
  }

  std::uint32_t branches_;
  bool batch_;
  std::array<std::string, kStatements> args_;
};

struct Options {
  int connections = 1;
  double seconds = 1;
  std::size_t in_flight = 1;
  double rate = 0;  ///< operations a second of all connections; 0: as many as can be
  std::uint32_t rows = kAccountsABranch;
  std::string sql;
};

std::unique_ptr<Work> make_work(std::string_view name, const Options& options) {
  if (name == "insert") return std::make_unique<Insert>();
  if (name == "select") return std::make_unique<Select>();
  if (name == "cold") return std::make_unique<Cold>(options.rows);
  if (name == "query") return std::make_unique<Query>(options.sql);
  if (name == "tpcb" || name == "tpcb-batch")
    return std::make_unique<TpcB>(options.rows, name != "tpcb");
  fail("no such work");
}

struct Run {
  Clock::time_point end;
  std::vector<double> times_us;

  void check(std::string_view body) const {
    if (body.find("\"message\"") != std::string_view::npos) fail(std::string(body.substr(0, 500)));
  }
  void done(Clock::time_point since) {
    times_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - since).count());
  }
  bool over() const { return Clock::now() >= end; }
};

/// A connection that sends its next request when the last is answered.
class HttpLoad {
 public:
  HttpLoad(asio::io_context& context, Run& run, std::unique_ptr<Work> work)
      : socket_(context), run_(run), work_(std::move(work)) {}
  void connect(const tcp::endpoint& server) {
    socket_.connect(server);
    socket_.set_option(tcp::no_delay(true));
  }
  void start() { send(); }

 private:
  void send() {
    if (run_.over()) return;
    const std::string body = R"({"requests":[{"type":"execute","stmt":{"sql":")" + work_->texts[0] +
                             R"(","args":[)" + work_->args() + R"(]}},{"type":"close"}]})";
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
      run_.check(std::string_view(answer_).substr(head + 4));
      run_.done(since_);
      answer_.clear();
      send();
    });
  }

  tcp::socket socket_;
  Run& run_;
  std::unique_ptr<Work> work_;
  std::string request_;
  std::string answer_;
  char chunk_[8192];
  Clock::time_point since_;
};

/// A WebSocket with some requests under way. Beast opens it; the frames of the load are made and
/// taken apart here, so that many go out and come in with one system call.
class WsLoad {
 public:
  WsLoad(asio::io_context& context, Run& run, std::unique_ptr<Work> work, const Options& options,
         int number)
      : ws_(context),
        timer_(context),
        run_(run),
        work_(std::move(work)),
        in_flight_max_(options.in_flight) {
    if (options.rate <= 0) return;
    const auto seconds = [](double s) {
      return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
    };
    interval_ = seconds(options.connections / options.rate);
    first_ = seconds(number / options.rate);
  }
  void connect(const tcp::endpoint& server) {
    ws_.next_layer().connect(server);
    ws_.next_layer().set_option(tcp::no_delay(true));
    ws_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(boost::beast::http::field::sec_websocket_protocol, "hrana3");
    }));
    ws_.handshake("localhost", "/");
    ask(R"({"type":"hello","jwt":null})");
    ask(R"({"type":"request","request_id":1,"request":{"type":"open_stream","stream_id":1}})");
    for (std::size_t i = 0; i < work_->texts.size(); ++i) {
      ask(R"({"type":"request","request_id":2,"request":{"type":"store_sql","sql_id":)" +
          std::to_string(i + 1) + R"(,"sql":")" + work_->texts[i] + R"("}})");
    }
  }
  void start() {
    due_ = Clock::now() + first_;
    fill();
    read();
  }

 private:
  struct Operation {
    Clock::time_point since;
    std::size_t requests_left;
  };

  void ask(const std::string& message) {
    ws_.write(asio::buffer(message));
    boost::beast::flat_buffer answer;
    ws_.read(answer);
    run_.check({static_cast<const char*>(answer.data().data()), answer.size()});
  }

  /// Starts operations until so many are under way as may be.
  void fill() {
    while (operations_.size() < in_flight_max_ && !run_.over()) {
      if (interval_.count() != 0 && Clock::now() < due_) return wait();
      operations_.push_back({interval_.count() != 0 ? due_ : Clock::now(), work_->requests()});
      due_ += interval_;
      append(work_->request(0));
    }
    if (operations_.empty()) {
      timer_.cancel();
      ws_.next_layer().cancel();  // the read that waits for nothing
      return;
    }
    flush();
  }
  void wait() {
    flush();
    timer_.expires_at(due_);
    timer_.async_wait([this](auto error) {
      if (!error) fill();
    });
  }

  /// A text frame whose mask is zero (RFC 6455, 5.2).
  void append(const std::string& request) {
    const std::string body = R"({"type":"request","request_id":3,"request":)" + request + "}";
    pending_ += '\x81';
    if (body.size() < 126) {
      pending_ += static_cast<char>(0x80 | body.size());
    } else {
      pending_ += static_cast<char>(0x80 | 126);
      pending_ += static_cast<char>(body.size() >> 8);
      pending_ += static_cast<char>(body.size());
    }
    pending_.append(4, '\0');
    pending_ += body;
  }
  void flush() {
    if (writing_ || pending_.empty()) return;
    writing_ = true;
    sent_.swap(pending_);
    pending_.clear();
    asio::async_write(ws_.next_layer(), asio::buffer(sent_), [this](auto error, std::size_t) {
      if (error) fail(error.message());
      writing_ = false;
      flush();
    });
  }

  void read() {
    ws_.next_layer().async_read_some(asio::buffer(chunk_), [this](auto error, std::size_t n) {
      if (error == asio::error::operation_aborted) return;
      if (error) fail(error.message());
      received_.append(chunk_.data(), n);
      std::size_t at = 0;
      while (const std::size_t taken = take(std::string_view(received_).substr(at))) at += taken;
      received_.erase(0, at);
      read();
      fill();
    });
  }
  /// The bytes of the whole frame at the start of `bytes`; 0 when there is none yet.
  std::size_t take(std::string_view bytes) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    if (bytes.size() < 2) return 0;
    std::size_t head = 2;
    std::uint64_t length = byte(1) & 0x7f;
    if (length >= 126) {
      const std::size_t digits = length == 126 ? 2 : 8;
      if (bytes.size() < head + digits) return 0;
      length = 0;
      for (; head < 2 + digits; ++head) length = length << 8 | byte(head);
    }
    if (bytes.size() < head + length) return 0;
    if ((byte(0) & 0x0f) == 1) answered(bytes.substr(head, length));  // not a ping
    return head + length;
  }
  void answered(std::string_view body) {
    run_.check(body);
    Operation& first = operations_.front();
    if (--first.requests_left != 0) {
      append(work_->request(work_->requests() - first.requests_left));
      return;
    }
    run_.done(first.since);
    operations_.pop_front();
  }

  websocket::stream<tcp::socket> ws_;
  asio::steady_timer timer_;
  Run& run_;
  std::unique_ptr<Work> work_;
  const std::size_t in_flight_max_;
  Clock::duration interval_{};  ///< between two operations; zero: none
  Clock::duration first_{};     ///< of this connection, after all have started
  Clock::time_point due_{};     ///< the next operation's
  std::deque<Operation> operations_;
  std::string pending_;
  std::string sent_;
  bool writing_ = false;
  std::string received_;
  std::array<char, 65536> chunk_;
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
  if (answer.find("\"message\"") != std::string::npos) fail(answer);
}

Options options_of(int argc, char** argv) {
  Options options;
  options.connections = std::atoi(argv[4]);
  options.seconds = std::atof(argv[5]);
  for (int i = 6; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--in-flight")
      options.in_flight = static_cast<std::size_t>(std::atoi(argv[i + 1]));
    else if (name == "--rate")
      options.rate = std::atof(argv[i + 1]);
    else if (name == "--rows")
      options.rows = static_cast<std::uint32_t>(std::atoll(argv[i + 1]));
    else if (name == "--sql")
      options.sql = argv[i + 1];
    else
      fail("no such option");
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    fail(
        "usage: server-load PORT WORK http|ws CONNECTIONS SECONDS [--in-flight N] [--rate N] "
        "[--rows N] [--sql TEXT]");
  }
  const tcp::endpoint server(asio::ip::make_address("127.0.0.1"),
                             static_cast<unsigned short>(std::atoi(argv[1])));
  const Options options = options_of(argc, argv);
  const bool over_http = std::string_view(argv[3]) == "http";
  prepare(server, make_work(argv[2], options)->setup);
  asio::io_context context{1};
  Run run;
  std::vector<std::unique_ptr<HttpLoad>> http;
  std::vector<std::unique_ptr<WsLoad>> ws;
  for (int i = 0; i < options.connections; ++i) {
    auto work = make_work(argv[2], options);
    if (over_http) {
      http.push_back(std::make_unique<HttpLoad>(context, run, std::move(work)));
      http.back()->connect(server);
    } else {
      ws.push_back(std::make_unique<WsLoad>(context, run, std::move(work), options, i));
      ws.back()->connect(server);
    }
  }
  const Clock::time_point begin = Clock::now();
  run.end = begin + std::chrono::duration_cast<Clock::duration>(
                        std::chrono::duration<double>(options.seconds));
  for (auto& connection : http) connection->start();
  for (auto& connection : ws) connection->start();
  context.run();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::sort(run.times_us.begin(), run.times_us.end());
  const std::size_t n = run.times_us.size();
  if (n == 0) fail("nothing was answered");
  std::printf("%s over %s, %d connections: %.0f/s, median %.0f us, 99%% %.0f us\n", argv[2],
              argv[3], options.connections, static_cast<double>(n) / seconds, run.times_us[n / 2],
              run.times_us[n * 99 / 100]);
}
