#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace saturn::client {

struct Url {
  std::string host;
  std::string port;
  std::string base;  ///< what stands before each path; no slash at its end
  /// As a Host header has it.
  std::string authority() const;
};

/// Takes `http://HOST[:PORT][/BASE]` and `libsql://HOST:PORT[/BASE]?tls=0`. Throws `Error`.
Url parse_url(std::string_view url);

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
};

/// Where a body goes as it arrives. What it throws ends the transfer.
using BodySink = std::function<void(std::string_view bytes)>;

/// Requests over one connection that is kept, and made anew when the server has let go of it while
/// it was idle or a request failed. Throws `Error` with the code NETWORK_ERROR, or PROTOCOL_ERROR
/// for what is no HTTP or too large. One thread at a time.
class HttpClient {
 public:
  HttpClient(Url url, std::string token, std::uint32_t timeout_ms);
  ~HttpClient();
  HttpAnswer post(std::string_view path, std::string_view body);
  /// The body of an answer with status 200 goes to `sink`; of any other it is returned.
  HttpAnswer get(std::string_view path, const BodySink& sink);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace saturn::client
