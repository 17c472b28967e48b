#include "await.hpp"
#include "connection.hpp"
#include "cursor.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "io/sync.hpp"
#include "io/worker.hpp"
#include "protocol/error.hpp"
#include "protocol/json.hpp"
#include "protocol/json_results.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <deque>
#include <map>

// A WebSocket. One fiber reads messages; the requests of each stream run in order on a fiber of
// that stream, which exists while the stream has requests; whoever has an answer writes it, one at
// a time.
//
//   reader ──► Stream::queue ──► stream fiber ──► answers ──► whoever finds no writer writes
//
// The reader stops reading while too many requests wait. The connection's state outlives the reader
// until the last stream fiber has ended, and all of it lives on one worker's thread.

namespace saturn::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using protocol::JsonWriter;
using protocol::Version;

constexpr std::size_t kQueuedMax = 512;  ///< requests of a connection that wait
constexpr std::size_t kCursorEntriesBytes = 256U << 10;
constexpr auto kHandshake = std::chrono::seconds(15);
constexpr auto kHello = std::chrono::seconds(15);
constexpr auto kWrite = std::chrono::seconds(60);
constexpr auto kClose = std::chrono::seconds(3);
constexpr auto kWatch = std::chrono::milliseconds(250);
constexpr std::size_t kCloseReasonBytesMax = 123;  // RFC 6455, section 5.5.1
constexpr std::size_t kOutBytesMax = 16U << 20;    ///< answers that the client has not taken

class WebSocketConnection {
 public:
  WebSocketConnection(Connection& connection, Version version, Shared& shared)
      : connection_(connection), ws_(connection.socket), version_(version), shared_(shared) {}

  void run(const std::string& head, std::string_view protocol);

 private:
  struct Stream {
    std::unique_ptr<SqlStream> sql;  ///< null when opening it failed
    std::deque<protocol::WsRequest> queue;
    bool running = false;
    std::unique_ptr<Cursor> cursor;  ///< gone before `sql` is
    io::Clock::time_point cursor_used{};

    void end() noexcept {
      cursor.reset();
      sql.reset();
    }
  };
  using StreamPtr = std::shared_ptr<Stream>;

  bool accept(const std::string& head, std::string_view protocol);
  enum class Read : std::uint8_t { message, end, late };
  Read read(std::string& message, bool& is_text);
  void close(websocket::close_code code, std::string_view reason);
  bool handle(const std::string& message);
  bool dispatch(protocol::WsRequest request);
  bool store_sql(const protocol::WsRequest& request, const protocol::StoreSql& store);
  void close_sql(const protocol::WsRequest& request, const protocol::CloseSql& gone);
  bool open_stream(const protocol::WsRequest& request);
  bool fill_in_texts(protocol::Request& request) const;
  bool find_cursor(protocol::WsRequest& request);
  void enqueue(const StreamPtr& stream, protocol::WsRequest request);
  void spawn(std::function<void()> body);
  void run_stream(const StreamPtr& stream);
  void watch_transactions();
  bool expire_transactions();
  void end_when_idle();
  void answer(Stream& stream, protocol::WsRequest& request);
  SqlStream::Failure run_request(Stream& stream, protocol::Request& request, JsonWriter& out);
  SqlStream::Failure fetch(Stream& stream, const protocol::FetchCursor& fetch, JsonWriter& out);
  void send(std::string message);
  void send_ok(std::int32_t request_id, std::string_view type);
  void send_error(std::int32_t request_id, const protocol::HranaError& error);

  Connection& connection_;
  websocket::stream<asio::ip::tcp::socket&> ws_;
  const Version version_;
  Shared& shared_;
  std::map<std::int32_t, StreamPtr> streams_;
  std::map<std::int32_t, std::int32_t> cursors_;  ///< cursor id -> stream id
  std::map<std::int32_t, std::string> stored_;
  std::uint64_t stored_bytes_ = 0;
  std::deque<std::string> out_;
  bool writing_ = false;
  bool broken_ = false;  ///< nothing can be written any more
  bool hello_seen_ = false;
  std::size_t queued_ = 0;     ///< requests that wait or run
  std::size_t out_bytes_ = 0;  ///< in `out_`, and being written
  std::size_t fibers_ = 0;     ///< besides the reader
  io::Event changed_;          ///< set when one of the counts above went down
  io::Event over_;             ///< the reader has ended
  bool watching_ = false;      ///< a fiber watches over open transactions
  std::optional<protocol::HranaError> violation_;
};

bool WebSocketConnection::accept(const std::string& head, std::string_view protocol) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code error;
  parser.put(asio::buffer(head), error);
  if (error && error != http::error::need_more) return false;
  ws_.set_option(websocket::stream_base::decorator([protocol](websocket::response_type& response) {
    if (!protocol.empty()) {
      response.set(http::field::sec_websocket_protocol,
                   boost::beast::string_view(protocol.data(), protocol.size()));
    }
  }));
  ws_.read_message_max(shared_.http_body_max.load());
  ws_.text(true);
  websocket::stream_base::timeout timeouts{};
  timeouts.handshake_timeout = kHandshake;
  timeouts.idle_timeout = std::chrono::minutes(5);
  timeouts.keep_alive_pings = true;
  ws_.set_option(timeouts);
  const auto& request = parser.get();
  const Completion accepted = await(
      io::Clock::now() + kHandshake,
      [&](auto handler) {
        ws_.async_accept(request,
                         [handler](const boost::system::error_code& e) mutable { handler(e, 0); });
      },
      [&] { ws_.next_layer().cancel(); });
  return !accepted.error;
}

WebSocketConnection::Read WebSocketConnection::read(std::string& message, bool& is_text) {
  boost::beast::flat_buffer buffer;
  const auto deadline = hello_seen_ ? io::Clock::time_point::max() : io::Clock::now() + kHello;
  const Completion got = await(
      deadline, [&](auto handler) { ws_.async_read(buffer, handler); },
      [&] { connection_.cut_off(); });
  // Beast has answered a broken frame, or the client's close, with a close frame of its own.
  if (got.error) return got.timed_out ? Read::late : Read::end;
  is_text = ws_.got_text();
  message.assign(static_cast<const char*>(buffer.data().data()), buffer.size());
  return Read::message;
}

void WebSocketConnection::close(websocket::close_code code, std::string_view reason) {
  while (writing_ && !broken_) {
    changed_.reset();
    changed_.wait();
  }
  if (broken_) return;
  broken_ = true;
  const std::size_t size = std::min(reason.size(), kCloseReasonBytesMax);
  const websocket::close_reason why(code, boost::beast::string_view(reason.data(), size));
  await(
      io::Clock::now() + kClose,
      [&](auto handler) {
        ws_.async_close(why,
                        [handler](const boost::system::error_code& e) mutable { handler(e, 0); });
      },
      [&] { connection_.cut_off(); });
}

/// Writes the message, and those that others add meanwhile; or leaves it to whoever is writing.
void WebSocketConnection::send(std::string message) {
  if (broken_) return;
  out_bytes_ += message.size();
  out_.push_back(std::move(message));
  if (writing_) return;
  writing_ = true;
  while (!out_.empty() && !broken_) {
    const std::string next = std::move(out_.front());
    out_.pop_front();
    const Completion written = await(
        io::Clock::now() + kWrite,
        [&](auto handler) { ws_.async_write(asio::buffer(next), handler); },
        [&] { connection_.cut_off(); });
    if (written.error) broken_ = true;
    out_bytes_ -= next.size();
    changed_.set();
  }
  writing_ = false;
  changed_.set();
}

void WebSocketConnection::send_ok(std::int32_t request_id, std::string_view type) {
  std::string message;
  JsonWriter out(message);
  protocol::begin_response_ok(out, request_id, type);
  protocol::end_response_ok(out);
  send(std::move(message));
}

void WebSocketConnection::send_error(std::int32_t request_id, const protocol::HranaError& error) {
  std::string message;
  JsonWriter out(message);
  protocol::write_response_error(out, request_id, error);
  send(std::move(message));
}

void WebSocketConnection::spawn(std::function<void()> body) {
  ++fibers_;
  io::Worker::current()->spawn([this, body = std::move(body)] {
    body();
    --fibers_;
    changed_.set();
  });
}

// --- requests ------------------------------------------------------------------------------------

/// Entries are made as they are asked for, and no more of them than `kCursorEntriesBytes` at once:
/// a client asks again until it hears `done`.
SqlStream::Failure WebSocketConnection::fetch(Stream& stream, const protocol::FetchCursor& fetch,
                                              JsonWriter& out) {
  if (stream.cursor == nullptr || stream.cursor->id() != fetch.cursor_id) {
    return protocol::make_error(protocol::codes::kCursorNotOpen, "the cursor is not open");
  }
  stream.cursor_used = io::Clock::now();
  out.key("entries");
  out.begin_array();
  const std::size_t start = out.mark().size;
  bool done = false;
  for (std::uint32_t i = 0; i < fetch.max_count && !done; ++i) {
    if (out.mark().size - start > kCursorEntriesBytes) break;
    done = !stream.cursor->next(out);
  }
  out.end_array();
  out.key("done");
  out.boolean(done);
  return {};
}

SqlStream::Failure WebSocketConnection::run_request(Stream& stream, protocol::Request& request,
                                                    JsonWriter& out) {
  SqlStream& sql = *stream.sql;
  if (const auto* next = std::get_if<protocol::FetchCursor>(&request)) {
    return fetch(stream, *next, out);
  }
  if (const auto* done = std::get_if<protocol::CloseCursor>(&request)) {
    if (stream.cursor && stream.cursor->id() == done->cursor_id) stream.cursor.reset();
    return {};
  }
  if (stream.cursor != nullptr) {
    return protocol::make_error(protocol::codes::kProtocolError,
                                "a cursor is open on this stream: close it first");
  }
  const auto result = [&] { out.key("result"); };
  if (const auto* execute = std::get_if<protocol::Execute>(&request)) {
    result();
    return sql.execute(execute->stmt, out);
  }
  if (const auto* batch = std::get_if<protocol::ExecuteBatch>(&request)) {
    result();
    return sql.batch(batch->batch, out);
  }
  if (const auto* describe = std::get_if<protocol::Describe>(&request)) {
    result();
    return sql.describe(describe->sql, out);
  }
  if (const auto* sequence = std::get_if<protocol::Sequence>(&request)) {
    return sql.sequence(sequence->sql);
  }
  if (std::get_if<protocol::GetAutocommit>(&request) != nullptr) {
    out.key("is_autocommit");
    out.boolean(sql.autocommit());
    return {};
  }
  if (auto* open = std::get_if<protocol::OpenCursor>(&request)) {
    stream.cursor = std::make_unique<Cursor>(sql, open->cursor_id, std::move(open->batch));
    stream.cursor_used = io::Clock::now();
    return {};
  }
  return protocol::make_error(protocol::codes::kProtocolError, "unexpected request");
}

std::string_view name_of(const protocol::Request& request) {
  static constexpr std::string_view kNames[] = {"open_stream", "close_stream", "execute",
                                                "batch",       "sequence",     "describe",
                                                "store_sql",   "close_sql",    "get_autocommit",
                                                "open_cursor", "fetch_cursor", "close_cursor"};
  return kNames[request.index()];
}

void WebSocketConnection::answer(Stream& stream, protocol::WsRequest& request) {
  if (stream.sql == nullptr) {
    return send_error(request.request_id, protocol::make_error(protocol::codes::kStreamNotOpen,
                                                               "the stream is not open"));
  }
  std::string message;
  JsonWriter out(message);
  protocol::begin_response_ok(out, request.request_id, name_of(request.request));
  SqlStream::Failure failure = run_request(stream, request.request, out);
  if (!failure && stream.sql != nullptr) failure = stream.sql->settle();
  if (failure) return send_error(request.request_id, *failure);
  protocol::end_response_ok(out);
  send(std::move(message));
}

/// The fiber of a stream: until nothing waits.
void WebSocketConnection::run_stream(const StreamPtr& stream) {
  while (!stream->queue.empty()) {
    protocol::WsRequest request = std::move(stream->queue.front());
    stream->queue.pop_front();
    if (std::get_if<protocol::CloseStream>(&request.request) != nullptr) {
      stream->end();
      send_ok(request.request_id, "close_stream");
    } else if (!broken_) {
      answer(*stream, request);
    }
    --queued_;
    changed_.set();
  }
  stream->running = false;
  const bool holds = stream->cursor || (stream->sql && !stream->sql->autocommit());
  if (!holds || watching_) return;
  watching_ = true;
  spawn([this] { watch_transactions(); });
}

/// A fiber for as long as a stream holds a transaction or a cursor open: what is idle for too long
/// must not keep the log from being copied.
void WebSocketConnection::watch_transactions() {
  while (!over_.wait_until(io::Clock::now() + kWatch) && expire_transactions()) {
  }
  watching_ = false;
}

/// Whether there is anything left to watch.
bool WebSocketConnection::expire_transactions() {
  const io::Clock::time_point now = io::Clock::now();
  const std::chrono::milliseconds limit(shared_.transaction_timeout_ms.load());
  bool any = false;
  for (auto& [id, stream] : streams_) {
    if (stream->sql == nullptr) continue;
    any = any || stream->running || stream->cursor || !stream->sql->autocommit();
    if (stream->running) continue;
    const bool overdue = stream->sql->is_overdue(now);
    const bool stale = limit.count() != 0 && now - stream->cursor_used > limit;
    if (overdue || stale) stream->cursor.reset();
    if (overdue) stream->sql->expire_transaction();
  }
  return any;
}

/// The server stops: what has been asked for is answered, then the connection is closed.
void WebSocketConnection::end_when_idle() {
  while (queued_ > 0 && !broken_) {
    changed_.reset();
    changed_.wait();
  }
  close(websocket::close_code::going_away, "the server is stopping");
}

bool WebSocketConnection::store_sql(const protocol::WsRequest& request,
                                    const protocol::StoreSql& store) {
  if (stored_.contains(store.sql_id)) {
    violation_ = protocol::make_error(protocol::codes::kProtocolError, "SQL id is in use");
    return false;
  }
  if (stored_.size() >= limits::kStoredSqlMax) {
    send_error(request.request_id, protocol::make_error(protocol::codes::kSqlStoreTooMany,
                                                        "too many stored SQL texts"));
  } else if (stored_bytes_ + store.sql.size() > limits::kStoredSqlBytesMax) {
    send_error(request.request_id,
               protocol::make_error(protocol::codes::kSqlStoreTooLarge, "stored SQL is too large"));
  } else {
    stored_bytes_ += store.sql.size();
    stored_.emplace(store.sql_id, store.sql);
    send_ok(request.request_id, "store_sql");
  }
  return true;
}

void WebSocketConnection::close_sql(const protocol::WsRequest& request,
                                    const protocol::CloseSql& gone) {
  const auto found = stored_.find(gone.sql_id);
  if (found != stored_.end()) {
    stored_bytes_ -= found->second.size();
    stored_.erase(found);
  }
  send_ok(request.request_id, "close_sql");
}

bool WebSocketConnection::open_stream(const protocol::WsRequest& request) {
  // The second limit is on ids that a client keeps although it was told that they did not open.
  if (streams_.contains(request.stream_id) ||
      streams_.size() >= 2 * limits::kStreamsPerConnectionMax) {
    violation_ = protocol::make_error(protocol::codes::kProtocolError,
                                      "stream id is in use, or there are too many");
    return false;
  }
  auto stream = std::make_shared<Stream>();
  const bool too_many = streams_.size() >= limits::kStreamsPerConnectionMax;
  if (!too_many) stream->sql = shared_.new_stream();
  streams_.emplace(request.stream_id, std::move(stream));
  if (too_many) {
    send_error(request.request_id,
               protocol::make_error(protocol::codes::kBlocked, "too many open streams"));
  } else {
    send_ok(request.request_id, "open_stream");
  }
  return true;
}

/// Replaces the ids of stored texts by the texts; they belong to the connection.
bool WebSocketConnection::fill_in_texts(protocol::Request& request) const {
  const auto fill_in = [&](protocol::SqlSource& source) {
    const auto* id = std::get_if<std::int32_t>(&source);
    if (id == nullptr) return true;
    const auto text = stored_.find(*id);
    if (text == stored_.end()) return false;
    source = text->second;
    return true;
  };
  bool known = true;
  const auto fill_in_batch = [&](protocol::Batch& batch) {
    for (auto& step : batch.steps) known = fill_in(step.stmt.sql) && known;
  };
  if (auto* execute = std::get_if<protocol::Execute>(&request)) {
    known = fill_in(execute->stmt.sql);
  } else if (auto* batch = std::get_if<protocol::ExecuteBatch>(&request)) {
    fill_in_batch(batch->batch);
  } else if (auto* open = std::get_if<protocol::OpenCursor>(&request)) {
    fill_in_batch(open->batch);
  } else if (auto* describe = std::get_if<protocol::Describe>(&request)) {
    known = fill_in(describe->sql);
  } else if (auto* sequence = std::get_if<protocol::Sequence>(&request)) {
    known = fill_in(sequence->sql);
  }
  return known;
}

/// `fetch_cursor` and `close_cursor` name their cursor alone: puts in the stream it belongs to.
/// False when the request has been answered.
bool WebSocketConnection::find_cursor(protocol::WsRequest& request) {
  const auto* fetch = std::get_if<protocol::FetchCursor>(&request.request);
  const auto* done = std::get_if<protocol::CloseCursor>(&request.request);
  if (fetch == nullptr && done == nullptr) return true;
  const auto found = cursors_.find(fetch != nullptr ? fetch->cursor_id : done->cursor_id);
  if (found != cursors_.end()) {
    request.stream_id = found->second;
    if (done != nullptr) cursors_.erase(found);
    return true;
  }
  if (done != nullptr) {
    send_ok(request.request_id, "close_cursor");
  } else {
    send_error(request.request_id,
               protocol::make_error(protocol::codes::kCursorNotOpen, "the cursor is not open"));
  }
  return false;
}

void WebSocketConnection::enqueue(const StreamPtr& stream, protocol::WsRequest request) {
  stream->queue.push_back(std::move(request));
  ++queued_;
  if (stream->running) return;
  stream->running = true;
  spawn([this, stream] { run_stream(stream); });
}

/// False when the request breaks the protocol: `violation_` says how.
bool WebSocketConnection::dispatch(protocol::WsRequest request) {
  if (const auto* store = std::get_if<protocol::StoreSql>(&request.request)) {
    return store_sql(request, *store);
  }
  if (const auto* gone = std::get_if<protocol::CloseSql>(&request.request)) {
    close_sql(request, *gone);
    return true;
  }
  if (std::get_if<protocol::OpenStream>(&request.request) != nullptr) return open_stream(request);
  if (!find_cursor(request)) return true;
  const auto found = streams_.find(request.stream_id);
  if (found == streams_.end()) {
    send_error(request.request_id,
               protocol::make_error(protocol::codes::kStreamNotOpen, "the stream is not open"));
    return true;
  }
  if (!fill_in_texts(request.request)) {
    violation_ = protocol::make_error(protocol::codes::kProtocolError, "SQL text is not stored");
    return false;
  }
  const StreamPtr stream = found->second;
  if (const auto* open = std::get_if<protocol::OpenCursor>(&request.request)) {
    if (!cursors_.emplace(open->cursor_id, request.stream_id).second) {
      violation_ = protocol::make_error(protocol::codes::kProtocolError, "cursor id is in use");
      return false;
    }
  } else if (std::get_if<protocol::CloseStream>(&request.request) != nullptr) {
    // The id is free from here on; the stream itself ends when its turn comes.
    std::erase_if(cursors_, [&](const auto& c) { return c.second == request.stream_id; });
    streams_.erase(found);
  }
  enqueue(stream, std::move(request));
  return true;
}

/// False when the connection was closed.
bool WebSocketConnection::handle(const std::string& message) {
  auto decoded = protocol::decode_client_message(message, version_);
  if (!decoded) {
    close(websocket::close_code::bad_payload, decoded.error().message());
    return false;
  }
  if (std::get_if<protocol::Hello>(&*decoded) != nullptr) {
    if (hello_seen_ && version_ == Version::hrana1) {
      close(websocket::close_code::policy_error, "hello has been sent already");
      return false;
    }
    if (!hello_seen_) {
      std::string text;
      JsonWriter out(text);
      protocol::write_hello_ok(out);
      send(std::move(text));
    }
    hello_seen_ = true;
    return true;
  }
  if (!hello_seen_) {
    close(websocket::close_code::policy_error, "the first message must be hello");
    return false;
  }
  if (!dispatch(std::get<protocol::WsRequest>(std::move(*decoded)))) {
    close(websocket::close_code::policy_error, violation_->message);
    return false;
  }
  return true;
}

void WebSocketConnection::run(const std::string& head, std::string_view protocol) {
  if (!accept(head, protocol)) return;
  connection_.on_drain = [this] { spawn([this] { end_when_idle(); }); };
  if (shared_.stopping.load()) connection_.drain();
  std::string message;
  bool is_text = true;
  while (!broken_ && read(message, is_text) == Read::message) {
    if (!is_text) {
      close(websocket::close_code::unknown_data, "binary messages are not part of this protocol");
      break;
    }
    if (!handle(message)) break;
    while ((queued_ > kQueuedMax || out_bytes_ > kOutBytesMax) && !broken_) {
      changed_.reset();
      changed_.wait();
    }
  }
  connection_.on_drain = nullptr;
  broken_ = true;
  over_.set();
  // What still runs for a client that is gone is of no use to anybody.
  for (auto& [id, stream] : streams_) {
    if (stream->running && stream->sql) stream->sql->interrupt();
  }
  while (fibers_ > 0) {
    changed_.reset();
    changed_.wait();
  }
  for (auto& [id, stream] : streams_) stream->end();
  streams_.clear();
  boost::system::error_code ignored;
  ws_.next_layer().close(ignored);
}

}  // namespace

std::optional<std::string_view> choose_subprotocol(std::optional<std::string_view> offered) {
  if (!offered) return std::string_view();
  for (const std::string_view ours : {"hrana3", "hrana2", "hrana1"}) {
    std::string_view rest = *offered;
    while (!rest.empty()) {
      const std::size_t comma = rest.find(',');
      std::string_view one = rest.substr(0, comma);
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
      while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
      while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
      if (one == ours) return ours;
    }
  }
  return std::nullopt;
}

void serve_websocket(Connection& connection, std::string head, std::string_view protocol,
                     Shared& shared) {
  const Version version = protocol == "hrana3"   ? Version::hrana3
                          : protocol == "hrana2" ? Version::hrana2
                                                 : Version::hrana1;
  WebSocketConnection(connection, version, shared).run(head, protocol);
}

}  // namespace saturn::server
