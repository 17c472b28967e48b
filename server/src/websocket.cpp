#include "await.hpp"
#include "connection.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
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

// A WebSocket. One fiber reads messages; the requests of each stream run in order on a fiber of that
// stream, which exists while the stream has requests; whoever has an answer writes it, one at a time.
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

constexpr std::size_t kQueuedMax = 512;       ///< requests of a connection that wait
constexpr std::size_t kCursorEntriesBytes = 256U << 10;
constexpr auto kHandshake = std::chrono::seconds(15);
constexpr auto kWrite = std::chrono::seconds(60);

class WebSocketConnection {
 public:
  WebSocketConnection(asio::ip::tcp::socket socket, Version version, Shared& shared)
      : ws_(std::move(socket)), version_(version), shared_(shared) {}

  void run(const std::string& head, std::string_view protocol);

 private:
  /// A cursor's entries, produced when it is opened.
  struct Cursor {
    std::vector<std::string> entries;
    std::size_t next = 0;
  };
  struct Stream {
    std::unique_ptr<SqlStream> sql;  ///< null when opening it failed
    std::deque<protocol::WsRequest> queue;
    bool running = false;
    std::map<std::int32_t, Cursor> cursors;
  };

  bool accept(const std::string& head, std::string_view protocol);
  bool read(std::string& message, bool& is_text);
  void close(websocket::close_code code, std::string_view reason);
  bool handle(const std::string& message);
  bool dispatch(protocol::WsRequest request);
  void drain(std::int32_t id);
  void answer(Stream& stream, const protocol::WsRequest& request);
  SqlStream::Failure run_request(Stream& stream, const protocol::Request& request, JsonWriter& out);
  SqlStream::Failure open_cursor(Stream& stream, const protocol::OpenCursor& open);
  SqlStream::Failure fetch(Stream& stream, const protocol::FetchCursor& fetch, JsonWriter& out);
  void send(std::string message);
  void send_error(std::int32_t request_id, const protocol::HranaError& error);
  void wake_reader();

  websocket::stream<asio::ip::tcp::socket> ws_;
  const Version version_;
  Shared& shared_;
  std::map<std::int32_t, std::shared_ptr<Stream>> streams_;
  std::map<std::int32_t, std::string> stored_;
  std::uint64_t stored_bytes_ = 0;
  std::deque<std::string> out_;
  bool writing_ = false;
  bool broken_ = false;       ///< nothing can be written any more
  bool hello_seen_ = false;
  std::size_t queued_ = 0;    ///< requests that wait or run
  std::size_t fibers_ = 0;    ///< of streams
  io::Fiber* reader_ = nullptr;  ///< waiting for the above to shrink
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
  ws_.read_message_max(shared_.http_body_max);
  ws_.text(true);
  websocket::stream_base::timeout timeouts{};
  timeouts.handshake_timeout = kHandshake;
  timeouts.idle_timeout = std::chrono::minutes(5);
  timeouts.keep_alive_pings = true;
  ws_.set_option(timeouts);
  const auto request = parser.get();
  const Completion accepted = await(
      io::Clock::now() + kHandshake,
      [&](auto handler) {
        ws_.async_accept(request, [handler](const boost::system::error_code& e) mutable {
          handler(e, 0);
        });
      },
      [&] { ws_.next_layer().cancel(); });
  return !accepted.error;
}

bool WebSocketConnection::read(std::string& message, bool& is_text) {
  boost::beast::flat_buffer buffer;
  const Completion got = await(
      io::Clock::time_point::max(),
      [&](auto handler) { ws_.async_read(buffer, handler); }, [] {});
  if (got.error) return false;
  is_text = ws_.got_text();
  message.assign(static_cast<const char*>(buffer.data().data()), buffer.size());
  return true;
}

void WebSocketConnection::close(websocket::close_code code, std::string_view reason) {
  if (broken_) return;
  while (writing_ && !broken_) io::sleep_for(std::chrono::milliseconds(1));
  broken_ = true;
  const websocket::close_reason why(code, boost::beast::string_view(reason.data(),
                                                                    std::min<std::size_t>(reason.size(), 120)));
  await(
      io::Clock::now() + std::chrono::seconds(5),
      [&](auto handler) {
        ws_.async_close(why, [handler](const boost::system::error_code& e) mutable { handler(e, 0); });
      },
      [&] { ws_.next_layer().cancel(); });
}

/// Writes the message, and those that others add meanwhile; or leaves it to whoever is writing.
void WebSocketConnection::send(std::string message) {
  out_.push_back(std::move(message));
  if (writing_) return;
  writing_ = true;
  while (!out_.empty() && !broken_) {
    const std::string next = std::move(out_.front());
    out_.pop_front();
    const Completion written = await(
        io::Clock::now() + kWrite,
        [&](auto handler) { ws_.async_write(asio::buffer(next), handler); },
        [&] { ws_.next_layer().cancel(); });
    if (written.error) broken_ = true;
  }
  out_.clear();
  writing_ = false;
}

void WebSocketConnection::send_error(std::int32_t request_id, const protocol::HranaError& error) {
  std::string message;
  JsonWriter out(message);
  protocol::write_response_error(out, request_id, error);
  send(std::move(message));
}

void WebSocketConnection::wake_reader() {
  if (reader_ == nullptr) return;
  io::Fiber* const reader = reader_;
  reader_ = nullptr;
  io::wake(reader);
}

// --- requests ------------------------------------------------------------------------------------

SqlStream::Failure WebSocketConnection::open_cursor(Stream& stream,
                                                    const protocol::OpenCursor& open) {
  if (stream.cursors.contains(open.cursor_id)) {
    return protocol::make_error(protocol::codes::kProtocolError, "the cursor id is in use");
  }
  Cursor cursor;
  std::string buffer;
  JsonWriter out(buffer);
  std::uint64_t bytes = 0;
  bool too_large = false;
  stream.sql->run_cursor(open.batch, out, [&] {
    bytes += buffer.size();
    cursor.entries.push_back(std::move(buffer));
    buffer.clear();
    out.newline();
    buffer.clear();
    too_large = bytes > shared_.stream_limits.response_bytes;
    return !too_large;
  });
  if (too_large) {
    return protocol::make_error(protocol::codes::kResponseTooLarge, "the cursor's rows are too large");
  }
  stream.cursors.emplace(open.cursor_id, std::move(cursor));
  return {};
}

SqlStream::Failure WebSocketConnection::fetch(Stream& stream, const protocol::FetchCursor& fetch,
                                              JsonWriter& out) {
  const auto found = stream.cursors.find(fetch.cursor_id);
  if (found == stream.cursors.end()) {
    return protocol::make_error(protocol::codes::kCursorNotOpen, "the cursor is not open");
  }
  Cursor& cursor = found->second;
  out.key("entries");
  out.begin_array();
  std::uint32_t count = 0;
  std::size_t bytes = 0;
  while (cursor.next < cursor.entries.size() && count < fetch.max_count &&
         bytes < kCursorEntriesBytes) {
    std::string& entry = cursor.entries[cursor.next++];
    bytes += entry.size();
    out.raw(entry);
    entry = std::string();
    ++count;
  }
  out.end_array();
  out.key("done");
  out.boolean(cursor.next == cursor.entries.size());
  return {};
}

SqlStream::Failure WebSocketConnection::run_request(Stream& stream, const protocol::Request& request,
                                                    JsonWriter& out) {
  SqlStream& sql = *stream.sql;
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
  if (const auto* open = std::get_if<protocol::OpenCursor>(&request)) {
    return open_cursor(stream, *open);
  }
  if (const auto* next = std::get_if<protocol::FetchCursor>(&request)) {
    return fetch(stream, *next, out);
  }
  if (const auto* done = std::get_if<protocol::CloseCursor>(&request)) {
    stream.cursors.erase(done->cursor_id);
    return {};
  }
  return protocol::make_error(protocol::codes::kProtocolError, "unexpected request");
}

std::string_view name_of(const protocol::Request& request) {
  static constexpr std::string_view kNames[] = {
      "open_stream", "close_stream", "execute",        "batch",       "sequence",     "describe",
      "store_sql",   "close_sql",    "get_autocommit", "open_cursor", "fetch_cursor", "close_cursor"};
  return kNames[request.index()];
}

void WebSocketConnection::answer(Stream& stream, const protocol::WsRequest& request) {
  if (stream.sql == nullptr) {
    return send_error(request.request_id, protocol::make_error(protocol::codes::kStreamNotOpen,
                                                               "the stream is not open"));
  }
  std::string message;
  JsonWriter out(message);
  protocol::begin_response_ok(out, request.request_id, name_of(request.request));
  const SqlStream::Failure failure = run_request(stream, request.request, out);
  if (failure) return send_error(request.request_id, *failure);
  protocol::end_response_ok(out);
  send(std::move(message));
}

/// The fiber of a stream: until nothing waits.
void WebSocketConnection::drain(std::int32_t id) {
  const std::shared_ptr<Stream> stream = streams_[id];
  while (!stream->queue.empty() && !broken_) {
    const protocol::WsRequest request = std::move(stream->queue.front());
    stream->queue.pop_front();
    if (std::get_if<protocol::CloseStream>(&request.request) != nullptr) {
      stream->sql.reset();
      stream->cursors.clear();
      const auto found = streams_.find(id);
      if (found != streams_.end() && found->second == stream) streams_.erase(found);
      std::string message;
      JsonWriter out(message);
      protocol::begin_response_ok(out, request.request_id, "close_stream");
      protocol::end_response_ok(out);
      send(std::move(message));
    } else {
      answer(*stream, request);
    }
    --queued_;
    wake_reader();
  }
  queued_ -= stream->queue.size();
  stream->queue.clear();
  stream->running = false;
  --fibers_;
  wake_reader();
}

/// Replaces the ids of stored texts by the texts; they belong to the connection.
bool WebSocketConnection::dispatch(protocol::WsRequest request) {
  if (const auto* store = std::get_if<protocol::StoreSql>(&request.request)) {
    if (stored_.contains(store->sql_id)) {
      violation_ = protocol::make_error(protocol::codes::kProtocolError, "SQL id is in use");
      return false;
    }
    std::string message;
    JsonWriter out(message);
    if (stored_.size() >= limits::kStoredSqlMax) {
      protocol::write_response_error(
          out, request.request_id,
          protocol::make_error(protocol::codes::kSqlStoreTooMany, "too many stored SQL texts"));
    } else if (stored_bytes_ + store->sql.size() > limits::kStoredSqlBytesMax) {
      protocol::write_response_error(
          out, request.request_id,
          protocol::make_error(protocol::codes::kSqlStoreTooLarge, "stored SQL is too large"));
    } else {
      stored_bytes_ += store->sql.size();
      stored_.emplace(store->sql_id, store->sql);
      protocol::begin_response_ok(out, request.request_id, "store_sql");
      protocol::end_response_ok(out);
    }
    send(std::move(message));
    return true;
  }
  if (const auto* gone = std::get_if<protocol::CloseSql>(&request.request)) {
    const auto found = stored_.find(gone->sql_id);
    if (found != stored_.end()) {
      stored_bytes_ -= found->second.size();
      stored_.erase(found);
    }
    std::string message;
    JsonWriter out(message);
    protocol::begin_response_ok(out, request.request_id, "close_sql");
    protocol::end_response_ok(out);
    send(std::move(message));
    return true;
  }
  if (std::get_if<protocol::OpenStream>(&request.request) != nullptr) {
    if (streams_.contains(request.stream_id)) {
      violation_ = protocol::make_error(protocol::codes::kProtocolError, "stream id is in use");
      return false;
    }
    auto stream = std::make_shared<Stream>();
    const bool too_many = streams_.size() >= limits::kStreamsPerConnectionMax;
    if (!too_many) stream->sql = shared_.new_stream();
    streams_.emplace(request.stream_id, std::move(stream));
    if (too_many) {
      send_error(request.request_id,
                 protocol::make_error(protocol::codes::kBlocked, "too many open streams"));
      return true;
    }
    std::string message;
    JsonWriter out(message);
    protocol::begin_response_ok(out, request.request_id, "open_stream");
    protocol::end_response_ok(out);
    send(std::move(message));
    return true;
  }
  const auto found = streams_.find(request.stream_id);
  if (found == streams_.end()) {
    send_error(request.request_id, protocol::make_error(protocol::codes::kStreamNotOpen,
                                                        "the stream is not open"));
    return true;
  }
  const auto fill_in = [&](protocol::SqlSource& source) {
    const auto* id = std::get_if<std::int32_t>(&source);
    if (id == nullptr) return true;
    const auto text = stored_.find(*id);
    if (text == stored_.end()) return false;
    source = text->second;
    return true;
  };
  bool known = true;
  if (auto* execute = std::get_if<protocol::Execute>(&request.request)) {
    known = fill_in(execute->stmt.sql);
  } else if (auto* batch = std::get_if<protocol::ExecuteBatch>(&request.request)) {
    for (auto& step : batch->batch.steps) known = fill_in(step.stmt.sql) && known;
  } else if (auto* open = std::get_if<protocol::OpenCursor>(&request.request)) {
    for (auto& step : open->batch.steps) known = fill_in(step.stmt.sql) && known;
  } else if (auto* describe = std::get_if<protocol::Describe>(&request.request)) {
    known = fill_in(describe->sql);
  } else if (auto* sequence = std::get_if<protocol::Sequence>(&request.request)) {
    known = fill_in(sequence->sql);
  }
  if (!known) {
    violation_ = protocol::make_error(protocol::codes::kProtocolError, "SQL text is not stored");
    return false;
  }
  Stream& stream = *found->second;
  const std::int32_t id = request.stream_id;
  stream.queue.push_back(std::move(request));
  ++queued_;
  if (!stream.running) {
    stream.running = true;
    ++fibers_;
    io::Worker::current()->spawn([this, id] { drain(id); });
  }
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
  std::string message;
  bool is_text = true;
  while (!broken_ && read(message, is_text)) {
    if (!is_text) {
      close(websocket::close_code::unknown_data, "binary messages are not part of this protocol");
      break;
    }
    if (!handle(message)) break;
    while (queued_ > kQueuedMax && !broken_) {
      reader_ = io::current_fiber();
      io::suspend();
    }
    if (shared_.stopping.load() && queued_ == 0) {
      close(websocket::close_code::going_away, "the server stops");
      break;
    }
  }
  broken_ = true;
  for (auto& [id, stream] : streams_) {
    if (stream->sql) stream->sql->interrupt();
  }
  while (fibers_ > 0) {
    reader_ = io::current_fiber();
    io::suspend();
  }
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

void serve_websocket(asio::ip::tcp::socket socket, std::string head, std::string_view protocol,
                     Shared& shared) {
  const Version version = protocol == "hrana3"   ? Version::hrana3
                          : protocol == "hrana2" ? Version::hrana2
                                                 : Version::hrana1;
  WebSocketConnection(std::move(socket), version, shared).run(head, protocol);
}

}  // namespace saturn::server
