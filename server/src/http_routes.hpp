#pragma once

#include "stream_table.hpp"

#include <optional>
#include <string_view>

namespace saturn::server {

struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::string_view body;
  std::optional<std::string_view> database;  ///< of the header x-namespace
};

/// The path without the query, and the database: named by `/dev/NAME` in front of the path, else by
/// the header.
struct Target {
  std::string_view path;
  std::string_view database;
};
Target target_of(const HttpRequest& request);

/// How an answer is sent: whole by `reply`, or in parts.
class Responder {
 public:
  virtual void reply(unsigned status, std::string_view content_type, std::string_view body) = 0;
  // False when the client has gone; then nothing more need be sent.
  virtual bool begin_chunked(std::string_view content_type) = 0;
  virtual bool chunk(std::string_view bytes) = 0;
  virtual void end_chunked() = 0;
  /// Parts of a body of so many bytes follow. Whoever fails in between leaves it too short: the
  /// client sees the connection end within it. Of an answer to HEAD there are none.
  virtual bool begin_sized(std::string_view content_type, std::uint64_t bytes) = 0;
  virtual bool part(std::string_view bytes) = 0;

 protected:
  ~Responder() = default;
};

/// Answers one request: the routes of Hrana over HTTP, the simple API, and the probes. // SUSPENDS
void serve_request(const HttpRequest& request, Shared& shared, StreamTable& streams,
                   Responder& responder);

}  // namespace saturn::server
