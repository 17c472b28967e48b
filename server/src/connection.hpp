#pragma once

#include "stream_table.hpp"

#include <boost/asio/ip/tcp.hpp>

namespace saturn::server {

/// Serves one TCP connection until it ends: HTTP requests one after the other, or after an upgrade a
/// WebSocket. On a fiber of the socket's worker. // SUSPENDS
void serve_connection(boost::asio::ip::tcp::socket socket, Shared& shared, StreamTable& streams);

/// Serves a WebSocket. `head` and `rest` are the upgrade request as it was read, and what followed
/// it already; `protocol` is the subprotocol chosen, empty for none. // SUSPENDS
void serve_websocket(boost::asio::ip::tcp::socket socket, std::string head, std::string_view protocol,
                     Shared& shared);

/// The first of the server's subprotocols that a Sec-WebSocket-Protocol header offers; empty when
/// there is no header (hrana1), nothing when none is acceptable.
std::optional<std::string_view> choose_subprotocol(std::optional<std::string_view> offered);

}  // namespace saturn::server
