#pragma once

#include "stream_table.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <optional>
#include <string>

namespace saturn::server {

/// A client's TCP connection. It lives on its worker's thread, as do all calls.
class Connection {
 public:
  explicit Connection(boost::asio::ip::tcp::socket s) : socket(std::move(s)) {}

  boost::asio::ip::tcp::socket socket;
  bool waits_for_request = false;  ///< a read is on that `drain` may cancel
  std::function<void()> on_drain;  ///< set by a WebSocket, which ends in its own way

  /// The server stops: no further request is taken.
  void drain() {
    boost::system::error_code ignored;
    if (on_drain) {
      on_drain();
    } else if (waits_for_request) {
      socket.cancel(ignored);
    }
  }
  /// Ends the connection and wakes whoever reads or writes.
  void cut_off() {
    boost::system::error_code ignored;
    socket.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
    socket.cancel(ignored);
  }
};

/// Serves a connection until it ends: HTTP requests one after the other, or after an upgrade a
/// WebSocket. On a fiber of the socket's worker. // SUSPENDS
void serve_connection(Connection& connection, Shared& shared, StreamTable& streams);

/// Serves a WebSocket. `head` is the upgrade request as it was read; `protocol` is the subprotocol
/// chosen, empty for none. // SUSPENDS
void serve_websocket(Connection& connection, std::string head, std::string_view protocol,
                     Shared& shared);

/// The first of the server's subprotocols that a Sec-WebSocket-Protocol header offers; empty when
/// there is no header (hrana1), nothing when none is acceptable.
std::optional<std::string_view> choose_subprotocol(std::optional<std::string_view> offered);

}  // namespace saturn::server
