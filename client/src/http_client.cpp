#include "http_client.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"
#include "saturn/client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <algorithm>
#include <chrono>
#include <optional>

namespace saturn::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

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
  } else {
    throw bad("it must begin with http:// (TLS is not supported yet), or with libsql:// and end "
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
    if (end + 1 < text.size() && text[end + 1] == ':') port = text.substr(end + 2);
  } else {
    const std::size_t colon = text.rfind(':');
    url.host = std::string(text.substr(0, colon));
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  if (url.host.empty()) throw bad("no host");
  const bool digits = std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || port.size() > 5) throw bad("the port is no number");
  if (is_libsql && port.empty()) throw bad("libsql:// without TLS needs a port");
  url.port = port.empty() ? "80" : std::string(port);
  return url;
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
    throw Error(cat(what, " ", url.host, ":", url.port, ": ", error.message()), "NETWORK_ERROR");
  }
  void arm() {
    if (timeout_ms == 0) stream->expires_never();
    else stream->expires_after(std::chrono::milliseconds(timeout_ms));
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
    stream->async_connect(found, [&](const boost::system::error_code& e, const auto&) { error = e; });
    run();
    if (error) fail("cannot connect to", error);
    stream->socket().set_option(asio::ip::tcp::no_delay(true), error);
  }

  boost::system::error_code exchange(const http::request<http::string_body>& request,
                                     HttpAnswer& answer, bool& sent) {
    boost::system::error_code error;
    sent = false;
    arm();
    http::async_write(*stream, request,
                      [&](const boost::system::error_code& e, std::size_t) { error = e; });
    run();
    if (error) return error;
    http::response_parser<http::string_body> parser;
    parser.body_limit(limits::kResponseBytesMax + (1U << 20));
    std::size_t got = 0;
    arm();
    http::async_read(*stream, buffer, parser, [&](const boost::system::error_code& e, std::size_t n) {
      error = e;
      got = n;
    });
    run();
    sent = got > 0;
    if (error) return error;
    answer.status = parser.get().result_int();
    const bool keeps = parser.keep_alive();
    answer.body = std::move(parser.get().body());
    if (!keeps) stream.reset();
    return {};
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
  http::request<http::string_body> request{http::verb::post,
                                           cat(impl_->url.base, path), 11};
  request.set(http::field::host, cat(impl_->url.host, ":", impl_->url.port));
  request.set(http::field::content_type, "application/json");
  if (!impl_->token.empty()) {
    request.set(http::field::authorization, cat("Bearer ", impl_->token));
  }
  request.body() = std::string(body);
  request.prepare_payload();
  for (int attempt = 0;; ++attempt) {
    const bool reused = impl_->stream.has_value();
    impl_->connect();
    HttpAnswer answer;
    bool answered = false;
    const boost::system::error_code error = impl_->exchange(request, answer, answered);
    if (!error) return answer;
    impl_->stream.reset();
    // A kept connection that the server had closed meanwhile took nothing in.
    const bool stale = reused && !answered && attempt == 0 &&
                       (error == http::error::end_of_stream || error == asio::error::eof ||
                        error == asio::error::connection_reset || error == asio::error::broken_pipe);
    if (!stale) impl_->fail("no answer from", error);
  }
}

}  // namespace saturn::client
