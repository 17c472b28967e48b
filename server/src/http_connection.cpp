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
#include <chrono>

// One HTTP/1.1 connection. The head is checked for shapes that smuggle requests before Beast's parser
// sees it. Each answer is one write.

namespace saturn::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr auto kIdle = std::chrono::seconds(75);   ///< between requests
constexpr auto kHead = std::chrono::seconds(15);   ///< for a head, once it has begun
constexpr auto kBody = std::chrono::seconds(30);   ///< between two parts of a body
constexpr auto kWrite = std::chrono::seconds(30);  ///< for a client to take some of an answer
constexpr std::size_t kReadBytes = 16U << 10;

std::string_view reason(unsigned status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
  }
}

class HttpConnection final : public Responder {
 public:
  HttpConnection(asio::ip::tcp::socket socket, Shared& shared, StreamTable& streams)
      : socket_(std::move(socket)), shared_(shared), streams_(streams) {}

  void run();

  // Responder
  void reply(unsigned status, std::string_view content_type, std::string_view body) override;
  bool begin_chunked(std::string_view content_type) override;
  bool chunk(std::string_view bytes) override;
  void end_chunked() override;

 private:
  using Parser = http::request_parser<http::string_body>;
  bool read_more(io::Clock::duration patience);
  bool read_head(std::size_t& head_bytes);
  bool read_body(Parser& parser);
  bool serve_one();
  bool upgrade(const Parser& parser, std::size_t head_bytes);
  bool write(std::span<const asio::const_buffer> buffers);
  void fail(unsigned status, std::string_view code, std::string_view message);

  asio::ip::tcp::socket socket_;
  Shared& shared_;
  StreamTable& streams_;
  std::string in_;  ///< read and not consumed
  std::string head_;
  bool keep_alive_ = true;
  bool gone_ = false;  ///< the peer does not read any more
  bool upgraded_ = false;
};

bool HttpConnection::read_more(io::Clock::duration patience) {
  const std::size_t had = in_.size();
  in_.resize(had + kReadBytes);
  const Completion read = await(
      io::Clock::now() + patience,
      [&](auto handler) {
        socket_.async_read_some(asio::buffer(in_.data() + had, kReadBytes), handler);
      },
      [&] { socket_.cancel(); });
  in_.resize(had + read.bytes);
  return !read.error && read.bytes > 0;
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
  head += "\r\n";
  const asio::const_buffer buffers[] = {asio::buffer(head), asio::buffer(body.data(), body.size())};
  write(buffers);
}

bool HttpConnection::begin_chunked(std::string_view content_type) {
  std::string head = cat("HTTP/1.1 200 OK\r\nContent-Type: ", content_type,
                         "\r\nTransfer-Encoding: chunked\r\n");
  if (!keep_alive_) head += "Connection: close\r\n";
  head += "\r\n";
  const asio::const_buffer buffers[] = {asio::buffer(head)};
  return write(buffers);
}

bool HttpConnection::chunk(std::string_view bytes) {
  char size[20];
  const int n = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  const asio::const_buffer buffers[] = {asio::buffer(size, static_cast<std::size_t>(n)),
                                        asio::buffer(bytes.data(), bytes.size()),
                                        asio::buffer("\r\n", 2)};
  return write(buffers);
}

void HttpConnection::end_chunked() {
  const asio::const_buffer buffers[] = {asio::buffer("0\r\n\r\n", 5)};
  write(buffers);
}

void HttpConnection::fail(unsigned status, std::string_view code, std::string_view message) {
  keep_alive_ = false;
  reply(status, "application/json", protocol::http_error_body(protocol::make_error(code, message)));
}

/// Reads up to the empty line. False when the connection is to end; what had to be said was said.
bool HttpConnection::read_head(std::size_t& head_bytes) {
  std::size_t searched = 0;
  for (;;) {
    // Blank lines before a request are passed over.
    while (searched == 0 && in_.substr(0, 2) == "\r\n") in_.erase(0, 2);
    const std::size_t end = in_.find("\r\n\r\n", searched);
    if (end != std::string::npos && end + 4 <= limits::kHttpHeaderBytesMax) {
      head_bytes = end + 4;
      return true;
    }
    if (in_.size() > limits::kHttpHeaderBytesMax) {
      fail(431, protocol::codes::kProtocolError, "the request's head is too large");
      return false;
    }
    searched = in_.size() < 3 ? 0 : in_.size() - 3;
    if (!read_more(in_.empty() ? io::Clock::duration(kIdle) : io::Clock::duration(kHead))) {
      return false;
    }
    if (shared_.stopping.load() && in_.empty()) return false;
  }
}

bool HttpConnection::read_body(Parser& parser) {
  boost::system::error_code error;
  while (!parser.is_done()) {
    if (in_.empty() && !read_more(kBody)) return false;
    const std::size_t used = parser.put(asio::buffer(in_), error);
    in_.erase(0, used);
    if (error == http::error::need_more) {
      if (!read_more(kBody)) return false;
      continue;
    }
    if (error == http::error::body_limit) {
      fail(413, protocol::codes::kProtocolError, "the request's body is too large");
      return false;
    }
    if (error) {
      fail(400, protocol::codes::kProtocolError, cat("malformed HTTP: ", error.message()));
      return false;
    }
  }
  return true;
}

/// A WebSocket's handshake goes on elsewhere. False when it was refused.
bool HttpConnection::upgrade(const Parser& parser, std::size_t) {
  const auto& request = parser.get();
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
  serve_websocket(std::move(socket_), std::move(head_), *chosen, shared_);
  return false;
}

bool HttpConnection::serve_one() {
  std::size_t head_bytes = 0;
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
  parser.body_limit(shared_.http_body_max);
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
  keep_alive_ = request.keep_alive() && !shared_.stopping.load();
  if (const auto up = field(http::field::upgrade); up && equals_nocase(*up, "websocket")) {
    return upgrade(parser, head_bytes);
  }
  if (const auto expect = field(http::field::expect); expect && equals_nocase(*expect, "100-continue")) {
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
  return keep_alive_ && !gone_;
}

void HttpConnection::run() {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  while (serve_one()) {
  }
  if (upgraded_) return;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  // What the peer still sends is read and dropped, so that it gets to see the answer.
  for (int i = 0; i < 16; ++i) {
    in_.clear();
    if (!read_more(std::chrono::milliseconds(200))) break;
  }
  socket_.close(ignored);
}

}  // namespace

void serve_connection(asio::ip::tcp::socket socket, Shared& shared, StreamTable& streams) {
  HttpConnection(std::move(socket), shared, streams).run();
}

}  // namespace saturn::server
