#include "await.hpp"
#include "connection.hpp"
#include "http_routes.hpp"
#include "request_head.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "protocol/error.hpp"
#include "protocol/json_results.hpp"

#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <utility>

// One HTTP/1.1 connection. The head is checked for shapes that smuggle requests before Beast's
// parser sees it. Each answer is one write.

namespace saturn::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kIdle = std::chrono::seconds(75);   ///< between requests
constexpr auto kHead = std::chrono::seconds(15);   ///< for a head, once it has begun
constexpr auto kBody = std::chrono::seconds(30);   ///< between two parts of a body
constexpr auto kWrite = std::chrono::seconds(30);  ///< for a client to take some of an answer
constexpr std::size_t kReadBytes = 16U << 10;
/// What an idle connection has ready for its next request; most have no more.
constexpr std::size_t kFirstReadBytes = 2U << 10;

std::string_view reason(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
  }
}

/// Whether some parser could take `head`, the beginning of a request, for something else than we
/// do: a control character that is no tab and no part of a CRLF. Looking before the head is
/// complete, we need not wait for the rest of a TLS handshake, or of lines that end with LF alone.
bool is_malformed(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c >= 0x20 || c == '\t') continue;
    if (c == '\r' && (i + 1 == head.size() || head[i + 1] == '\n')) continue;
    if (c == '\n' && i > 0 && head[i - 1] == '\r') continue;
    return true;
  }
  return false;
}

class HttpConnection final : public Responder {
 public:
  HttpConnection(Connection& connection, Shared& shared, StreamTable& streams)
      : connection_(connection), socket_(connection.socket), shared_(shared), streams_(streams) {}

  void run();

  // Responder
  void reply(unsigned status, std::string_view content_type, std::string_view body) override;
  bool begin_chunked(std::string_view content_type) override;
  bool chunk(std::string_view bytes) override;
  void end_chunked() override;
  bool begin_sized(std::string_view content_type, std::uint64_t bytes) override;
  bool part(std::string_view bytes) override;

 private:
  using Parser = http::request_parser<http::string_body>;
  enum class Read : std::uint8_t { some, end, late };
  Read read_more(io::Clock::time_point deadline, std::size_t most = kReadBytes);
  bool read_head(std::size_t& head_bytes);
  bool read_body(Parser& parser);
  bool serve_one();
  bool upgrade(const Parser& parser);
  bool write(std::span<const asio::const_buffer> buffers);
  void fail(unsigned status, std::string_view code, std::string_view message);

  Connection& connection_;
  asio::ip::tcp::socket& socket_;
  Shared& shared_;
  StreamTable& streams_;
  std::string in_;  ///< read and not consumed
  std::string head_;
  bool keep_alive_ = true;
  bool is_head_ = false;  ///< the answer to this request has no body
  bool is_http_1_0_ = false;
  bool gone_ = false;            ///< the peer does not read any more
  std::uint64_t body_left_ = 0;  ///< of a sized body: bytes that are still to be sent
  bool upgraded_ = false;
  std::string_view subprotocol_;  ///< that was chosen; a literal
};

HttpConnection::Read HttpConnection::read_more(io::Clock::time_point deadline, std::size_t most) {
  const std::size_t had = in_.size();
  in_.resize(had + most);
  const Completion read = await(
      deadline,
      [&](auto handler) { socket_.async_read_some(asio::buffer(in_.data() + had, most), handler); },
      [&] { socket_.cancel(); });
  in_.resize(had + read.bytes);
  if (read.bytes > 0) return Read::some;
  return read.timed_out ? Read::late : Read::end;
}

bool HttpConnection::write(std::span<const asio::const_buffer> buffers) {
  if (gone_) return false;
  std::vector<asio::const_buffer> rest(buffers.begin(), buffers.end());
  const Completion written = await(
      io::Clock::now() + kWrite + std::chrono::milliseconds(asio::buffer_size(rest) / 64),
      [&](auto handler) { asio::async_write(socket_, rest, handler); }, [&] { socket_.cancel(); });
  gone_ = static_cast<bool>(written.error);
  return !gone_;
}

void HttpConnection::reply(unsigned status, std::string_view content_type, std::string_view body) {
  std::string head = cat("HTTP/1.1 ", status, " ", reason(status), "\r\n");
  if (!content_type.empty()) head += cat("Content-Type: ", content_type, "\r\n");
  head += cat("Content-Length: ", body.size(), "\r\n");
  if (!keep_alive_) head += "Connection: close\r\n";
  if (keep_alive_ && is_http_1_0_) head += "Connection: keep-alive\r\n";
  if (status == 429) head += "Retry-After: 1\r\n";
  head += "\r\n";
  const asio::const_buffer buffers[] = {asio::buffer(head),
                                        asio::buffer(body.data(), is_head_ ? 0 : body.size())};
  write(buffers);
}

bool HttpConnection::begin_chunked(std::string_view content_type) {
  std::string head = cat("HTTP/1.1 200 OK\r\nContent-Type: ", content_type, "\r\n");
  // HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
  if (is_http_1_0_) {
    keep_alive_ = false;
  } else {
    head += "Transfer-Encoding: chunked\r\n";
  }
  if (!keep_alive_) head += "Connection: close\r\n";
  head += "\r\n";
  const asio::const_buffer buffers[] = {asio::buffer(head)};
  return write(buffers);
}

bool HttpConnection::chunk(std::string_view bytes) {
  if (is_http_1_0_) {
    const asio::const_buffer whole[] = {asio::buffer(bytes.data(), bytes.size())};
    return write(whole);
  }
  char size[20];
  const int n = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  const asio::const_buffer buffers[] = {asio::buffer(size, static_cast<std::size_t>(n)),
                                        asio::buffer(bytes.data(), bytes.size()),
                                        asio::buffer("\r\n", 2)};
  return write(buffers);
}

void HttpConnection::end_chunked() {
  if (is_http_1_0_) return;
  const asio::const_buffer buffers[] = {asio::buffer("0\r\n\r\n", 5)};
  write(buffers);
}

bool HttpConnection::begin_sized(std::string_view content_type, std::uint64_t bytes) {
  std::string head =
      cat("HTTP/1.1 200 OK\r\nContent-Type: ", content_type, "\r\nContent-Length: ", bytes, "\r\n");
  if (!keep_alive_) head += "Connection: close\r\n";
  if (keep_alive_ && is_http_1_0_) head += "Connection: keep-alive\r\n";
  head += "\r\n";
  body_left_ = is_head_ ? 0 : bytes;
  const asio::const_buffer buffers[] = {asio::buffer(head)};
  return write(buffers) && !is_head_;
}

bool HttpConnection::part(std::string_view bytes) {
  ASSERT(bytes.size() <= body_left_);
  body_left_ -= bytes.size();
  const asio::const_buffer buffers[] = {asio::buffer(bytes.data(), bytes.size())};
  return write(buffers);
}

void HttpConnection::fail(unsigned status, std::string_view code, std::string_view message) {
  keep_alive_ = false;
  reply(status, "application/json", protocol::http_error_body(protocol::make_error(code, message)));
}

/// Reads up to the empty line. False when the connection is to end; what had to be said was said.
bool HttpConnection::read_head(std::size_t& head_bytes) {
  std::size_t searched = 0;
  io::Clock::time_point deadline =
      io::Clock::now() + (in_.empty() ? io::Clock::duration(kIdle) : io::Clock::duration(kHead));
  for (;;) {
    // Blank lines before a request are passed over.
    while (searched == 0 && in_.starts_with("\r\n")) in_.erase(0, 2);
    const std::size_t end = in_.find("\r\n\r\n", searched);
    const std::size_t size = end == std::string::npos ? in_.size() : end + 4;
    if (size > limits::kHttpHeaderBytesMax) {
      fail(431, protocol::codes::kProtocolError, "the request's head is too large");
      return false;
    }
    if (is_malformed(std::string_view(in_).substr(0, size))) {
      fail(400, protocol::codes::kProtocolError, "malformed HTTP: a stray control character");
      return false;
    }
    if (end != std::string::npos) {
      head_bytes = size;
      return true;
    }
    searched = in_.size() < 3 ? 0 : in_.size() - 3;
    const bool is_first = in_.empty();
    if (is_first && shared_.stopping.load()) return false;
    connection_.waits_for_request = is_first;
    // An idle connection keeps nothing of a large request.
    if (is_first && in_.capacity() > 2 * kFirstReadBytes) in_ = std::string();
    const Read read = read_more(deadline, is_first ? kFirstReadBytes : kReadBytes);
    connection_.waits_for_request = false;
    if (read == Read::late && !is_first) {
      fail(408, protocol::codes::kProtocolError, "the request's head did not arrive in time");
    }
    if (read != Read::some) return false;
    // The whole head has this time, however it trickles in.
    if (is_first) deadline = io::Clock::now() + kHead;
  }
}

bool HttpConnection::read_body(Parser& parser) {
  boost::system::error_code error;
  while (!parser.is_done()) {
    if (!in_.empty()) {
      const std::size_t used = parser.put(asio::buffer(in_), error);
      in_.erase(0, used);
      if (error == http::error::body_limit) {
        fail(413, protocol::codes::kProtocolError, "the request's body is too large");
        return false;
      }
      if (error && error != http::error::need_more) {
        fail(400, protocol::codes::kProtocolError, cat("malformed HTTP: ", error.message()));
        return false;
      }
      if (!error && used > 0) continue;
      if (in_.size() > limits::kHttpHeaderBytesMax) {
        fail(400, protocol::codes::kProtocolError, "malformed HTTP: a chunk's head is too large");
        return false;
      }
    }
    const Read read = read_more(io::Clock::now() + kBody);
    if (read == Read::late) {
      fail(408, protocol::codes::kProtocolError, "the request's body did not arrive in time");
    }
    if (read != Read::some) return false;
  }
  return true;
}

/// A WebSocket's handshake goes on elsewhere. False when it was refused.
bool HttpConnection::upgrade(const Parser& parser) {
  const auto& request = parser.get();
  HttpRequest call;
  call.target = std::string_view(request.target().data(), request.target().size());
  const auto space = request.find("x-namespace");
  if (space != request.end())
    call.database = std::string_view(space->value().data(), space->value().size());
  const Target target = target_of(call);
  if (!boost::beast::websocket::is_upgrade(request)) {
    fail(400, protocol::codes::kProtocolError, "a malformed request for a WebSocket");
    return false;
  }
  if (target.path != "/" || target.database != kDefaultDatabase) {
    fail(404, "NOT_FOUND", cat("there is no WebSocket at ", call.target));
    return false;
  }
  if (!in_.empty()) {
    fail(400, protocol::codes::kProtocolError, "bytes ahead of the WebSocket's handshake");
    return false;
  }
  const auto offered = request.find(http::field::sec_websocket_protocol);
  std::optional<std::string_view> header;
  if (offered != request.end()) {
    header = std::string_view(offered->value().data(), offered->value().size());
  }
  const auto chosen = choose_subprotocol(header);
  if (!chosen) {
    fail(400, protocol::codes::kProtocolError, "none of the offered subprotocols is known");
    return false;
  }
  upgraded_ = true;
  subprotocol_ = *chosen;
  return false;
}

bool HttpConnection::serve_one() {
  std::size_t head_bytes = 0;
  keep_alive_ = true;
  is_head_ = is_http_1_0_ = false;
  if (!read_head(head_bytes)) return false;
  head_ = in_.substr(0, head_bytes);
  Result<void> checked = check_request_head(head_);
  if (!checked) {
    fail(400, protocol::codes::kProtocolError, checked.message());
    return false;
  }
  Parser parser;
  parser.eager(true);
  parser.header_limit(limits::kHttpHeaderBytesMax);
  parser.body_limit(shared_.http_body_max.load());
  boost::system::error_code error;
  const std::size_t used = parser.put(asio::buffer(in_.data(), head_bytes), error);
  if (error && error != http::error::need_more) {
    const unsigned status = error == http::error::body_limit ? 413 : 400;
    fail(status, protocol::codes::kProtocolError, cat("malformed HTTP: ", error.message()));
    return false;
  }
  in_.erase(0, used);
  const auto& request = parser.get();
  const auto field = [&](auto name) -> std::optional<std::string_view> {
    const auto found = request.find(name);
    if (found == request.end()) return std::nullopt;
    return std::string_view(found->value().data(), found->value().size());
  };
  is_http_1_0_ = request.version() == 10;
  is_head_ = request.method() == http::verb::head;
  keep_alive_ = request.keep_alive() && !shared_.stopping.load();
  if (const auto up = field(http::field::upgrade); up && equals_nocase(*up, "websocket")) {
    return upgrade(parser);
  }
  if (const auto expect = field(http::field::expect);
      expect && in_.empty() && !parser.is_done() && equals_nocase(*expect, "100-continue")) {
    const asio::const_buffer buffers[] = {asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25)};
    write(buffers);
  }
  if (!read_body(parser)) return false;
  HttpRequest call;
  call.method = std::string_view(request.method_string().data(), request.method_string().size());
  call.target = std::string_view(request.target().data(), request.target().size());
  call.body = request.body();
  call.database = field("x-namespace");
  serve_request(call, shared_, streams_, *this);
  return keep_alive_ && !gone_ && std::exchange(body_left_, 0) == 0;
}

void HttpConnection::run() {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  while (serve_one()) {
  }
  if (upgraded_) {
    // Long-lived: what this one has read is given back, and so is the stack that it took.
    in_ = std::string();
    return serve_websocket(connection_, std::move(head_), subprotocol_, shared_);
  }
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  // What the peer still sends is read and dropped, so that it gets to see the answer.
  for (int i = 0; i < 16; ++i) {
    in_.clear();
    if (read_more(io::Clock::now() + std::chrono::milliseconds(200)) != Read::some) break;
  }
  socket_.close(ignored);
}

}  // namespace

void serve_connection(Connection& connection, Shared& shared, StreamTable& streams) {
  HttpConnection(connection, shared, streams).run();
}

}  // namespace saturn::server
