#include "http_client.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "saturn/client.hpp"

#include <poll.h>
#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <optional>
#include <vector>

namespace saturn::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {
const boost::system::error_category& http_category() {
  return make_error_code(http::error::end_of_stream).category();
}
}  // namespace

Url parse_url(std::string_view text) {
  const std::string_view original = text;
  const auto bad = [&](std::string_view why) -> Error {
    return Error(cat("bad URL '", original, "': ", why), "USAGE_ERROR");
  };
  bool is_libsql = false;
  if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else if (text.starts_with("libsql://")) {
    text.remove_prefix(9);
    is_libsql = true;
  } else if (text.starts_with("ws://") || text.starts_with("wss://")) {
    throw bad("this client speaks HTTP, not WebSocket: use http:// with the same address");
  } else {
    throw bad(
        "it must begin with http:// (TLS is not supported yet), or with libsql:// and end "
        "with ?tls=0");
  }
  const std::size_t query = text.find('?');
  const std::string_view parameters =
      query == std::string_view::npos ? std::string_view() : text.substr(query + 1);
  text = text.substr(0, query);
  if (is_libsql && parameters != "tls=0") throw bad("TLS is not supported yet: add ?tls=0");
  if (!is_libsql && !parameters.empty()) throw bad("unexpected query");
  Url url;
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    url.base = std::string(text.substr(slash));
    while (!url.base.empty() && url.base.back() == '/') url.base.pop_back();
    text = text.substr(0, slash);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) throw bad("no ']'");
    url.host = std::string(text.substr(1, end - 1));
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') throw bad("something else than a port after ']'");
      port = text.substr(end + 2);
      if (port.empty()) throw bad("no port after the ':'");
    }
  } else {
    const std::size_t colon = text.rfind(':');
    url.host = std::string(text.substr(0, colon));
    if (colon != std::string_view::npos) {
      port = text.substr(colon + 1);
      if (port.empty()) throw bad("no port after the ':'");
    }
  }
  if (url.host.empty()) throw bad("no host");
  if (url.host.find('@') != std::string::npos)
    throw bad("user names are not supported; use a token");
  for (const char c : url.host + url.base) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f)
      throw bad("a blank or control character");
  }
  const bool digits =
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || port.size() > 5 ||
      (!port.empty() &&
       (std::stoul(std::string(port)) == 0 || std::stoul(std::string(port)) > 65535))) {
    throw bad("the port is not a number of 1 to 65535");
  }
  if (is_libsql && port.empty()) throw bad("libsql:// without TLS needs a port");
  url.port = port.empty() ? "80" : std::string(port);
  return url;
}

std::string Url::authority() const {
  return host.find(':') != std::string::npos ? cat("[", host, "]:", port) : cat(host, ":", port);
}

struct HttpClient::Impl {
  Url url;
  std::string token;
  std::uint32_t timeout_ms;
  asio::io_context context;
  std::optional<beast::tcp_stream> stream;
  beast::flat_buffer buffer;

  /// Runs what was started to its end.
  void run() {
    context.restart();
    context.run();
  }
  [[noreturn]] void fail(std::string_view what, const boost::system::error_code& error) {
    stream.reset();
    throw Error(cat(what, " ", url.authority(), ": ",
                    error == beast::error::timeout ? "timed out" : error.message()),
                "NETWORK_ERROR");
  }
  void arm() {
    if (timeout_ms == 0)
      stream->expires_never();
    else
      stream->expires_after(std::chrono::milliseconds(timeout_ms));
  }

  void connect() {
    if (stream) return;
    buffer.clear();
    boost::system::error_code error;
    asio::ip::tcp::resolver resolver(context);
    const auto found = resolver.resolve(url.host, url.port, error);
    if (error) fail("cannot resolve", error);
    stream.emplace(context);
    arm();
    stream->async_connect(found,
                          [&](const boost::system::error_code& e, const auto&) { error = e; });
    run();
    if (error) fail("cannot connect to", error);
    stream->socket().set_option(asio::ip::tcp::no_delay(true), error);
  }

  /// Whether a kept connection, which is silent between two requests, has ended (or babbles).
  bool stale() {
    pollfd entry{stream->socket().native_handle(), POLLIN, 0};
    return buffer.size() > 0 || ::poll(&entry, 1, 0) != 0;
  }

  http::request<http::string_body> request_for(http::verb method, std::string_view path) const {
    http::request<http::string_body> request{method, cat(url.base, path), 11};
    request.set(http::field::host, url.authority());
    if (!token.empty()) request.set(http::field::authorization, cat("Bearer ", token));
    return request;
  }

  boost::system::error_code send(const http::request<http::string_body>& request) {
    boost::system::error_code error;
    arm();
    http::async_write(*stream, request,
                      [&](const boost::system::error_code& e, std::size_t) { error = e; });
    run();
    return error;
  }

  /// The whole answer.
  boost::system::error_code receive(HttpAnswer& answer) {
    http::response_parser<http::string_body> parser;
    parser.body_limit(limits::kResponseBytesMax + (1U << 20));
    boost::system::error_code error;
    arm();
    http::async_read(*stream, buffer, parser,
                     [&](const boost::system::error_code& e, std::size_t) { error = e; });
    run();
    if (error) return error;
    finish(parser.get(), answer);
    answer.body = std::move(parser.get().body());
    return {};
  }

  /// The answer, its body in parts of which each has to arrive in time.
  boost::system::error_code receive(HttpAnswer& answer, const BodySink& sink) {
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    std::vector<char> part(std::size_t{64} << 10);
    boost::system::error_code error;
    while (!parser.is_done()) {
      parser.get().body() = {part.data(), part.size(), true};
      const auto handler = [&](const boost::system::error_code& e, std::size_t) { error = e; };
      arm();
      if (parser.is_header_done()) {
        http::async_read_some(*stream, buffer, parser, handler);
      } else {
        http::async_read_header(*stream, buffer, parser, handler);
      }
      run();
      if (error == http::error::need_buffer) error = {};
      if (error) return error;
      const std::string_view bytes(part.data(), part.size() - parser.get().body().size);
      if (bytes.empty()) continue;
      if (parser.get().result_int() == 200) {
        sink(bytes);
      } else if (answer.body.size() < limits::kHttpHeaderBytesMax) {
        answer.body += bytes;
      }
    }
    finish(parser.get(), answer);
    return {};
  }

  template <typename Response>
  void finish(const Response& response, HttpAnswer& answer) {
    stream->expires_never();
    answer.status = response.result_int();
    if (!response.keep_alive()) stream.reset();
  }

  /// Nothing is ever sent twice: a connection that breaks later may have delivered its statement.
  void reconnect() {
    if (stream && stale()) stream.reset();
    connect();
  }

  [[noreturn]] void fail_exchange(const boost::system::error_code& error, std::string_view what) {
    if (error.category() == http_category() && error != http::error::end_of_stream &&
        error != http::error::partial_message) {
      stream.reset();
      throw Error(
          cat("not an HTTP answer that can be used, from ", url.authority(), ": ", error.message()),
          "PROTOCOL_ERROR");
    }
    fail(what, error);
  }
};

HttpClient::HttpClient(Url url, std::string token, std::uint32_t timeout_ms)
    : impl_(std::make_unique<Impl>()) {
  impl_->url = std::move(url);
  impl_->token = std::move(token);
  impl_->timeout_ms = timeout_ms;
}
HttpClient::~HttpClient() = default;

HttpAnswer HttpClient::post(std::string_view path, std::string_view body) {
  auto request = impl_->request_for(http::verb::post, path);
  request.set(http::field::content_type, "application/json");
  request.body() = std::string(body);
  request.prepare_payload();
  impl_->reconnect();
  HttpAnswer answer;
  boost::system::error_code error = impl_->send(request);
  if (!error) error = impl_->receive(answer);
  if (error) impl_->fail_exchange(error, "no answer (the statement may have run) from");
  return answer;
}

HttpAnswer HttpClient::get(std::string_view path, const BodySink& sink) {
  impl_->reconnect();
  HttpAnswer answer;
  boost::system::error_code error = impl_->send(impl_->request_for(http::verb::get, path));
  try {
    if (!error) error = impl_->receive(answer, sink);
  } catch (...) {
    impl_->stream.reset();  // the rest of the body is still to come
    throw;
  }
  if (error) impl_->fail_exchange(error, "the answer broke off from");
  return answer;
}

}  // namespace saturn::client
