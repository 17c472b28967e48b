#include "server.hpp"

#include "await.hpp"
#include "connection.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "io/backends.hpp"
#include "io/sync.hpp"
#include "io/worker.hpp"
#include "protocol/error.hpp"

#include <sys/socket.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>
#include <vector>

// Every worker listens on the same address (SO_REUSEPORT), so the kernel spreads connections over
// them, and a connection stays where it was accepted.

namespace saturn::server {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

constexpr auto kSweep = std::chrono::milliseconds(500);
constexpr auto kDrain = std::chrono::seconds(10);

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

Result<tcp::endpoint> resolve(const config::Listen& listen) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(listen.host, error);
  if (!error) return tcp::endpoint(address, listen.port);
  asio::io_context context;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(listen.host, std::to_string(listen.port), error);
  if (error || found.empty()) {
    return Error(Code::cantopen, cat("cannot resolve '", listen.host, "': ", error.message()));
  }
  return found.begin()->endpoint();
}

Result<tcp::acceptor> make_acceptor(asio::io_context& context, const tcp::endpoint& endpoint,
                                    bool shares_port) {
  boost::system::error_code error;
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.set_option(ReusePort(shares_port), error);
  // An IPv6 address means IPv6: whether [::] takes IPv4 too must not depend on a sysctl.
  if (!error && endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1024, error);
  if (error) {
    return Error(Code::cantopen, cat("cannot listen on ", endpoint.address().to_string(), ":",
                                     endpoint.port(), ": ", error.message()));
  }
  return acceptor;
}

/// Sockets that share a port would share it with those of another server of the same user, too: an
/// address that somebody listens on is refused.
Result<void> check_free(const tcp::endpoint& endpoint) {
  if (endpoint.port() == 0) return {};
  asio::io_context context;
  TRY(make_acceptor(context, endpoint, false));
  return {};
}

}  // namespace

struct Server::Impl {
  struct Node {
    io::Worker worker;
    std::unique_ptr<tcp::acceptor> acceptor;  ///< worker's thread, once it runs
    std::thread thread;
    std::set<Connection*> connections;  ///< worker's thread
  };

  explicit Impl(protocol::BatonCodec codec) : streams(shared, codec) {}

  Result<void> open(const config::Config& config);
  void apply(const config::Config& config);
  Result<void> listen(const config::Config& config);
  void run_node(Node& node);
  void accept_loop(Node& node);
  void serve(Node& node, tcp::socket socket);
  void sweep_loop();
  void stop_node(Node& node);

  std::unique_ptr<io::Vfs> vfs;
  Shared shared;
  StreamTable streams;
  std::vector<std::unique_ptr<Node>> nodes;
  std::uint16_t port = 0;
  std::atomic<bool> stop_asked{false};
};

Result<void> Server::Impl::open(const config::Config& config) {
  std::error_code error;
  std::filesystem::create_directories(config.data_dir(), error);
  if (error) {
    return Error(Code::cantopen,
                 cat("cannot make the directory '", config.data_dir(), "': ", error.message()));
  }
  const io::VfsChoice choice = config.vfs() == config::Vfs::posix      ? io::VfsChoice::posix
                               : config.vfs() == config::Vfs::io_uring ? io::VfsChoice::io_uring
                                                                       : io::VfsChoice::automatic;
  vfs = TRY(io::make_vfs(choice, config.vfs_fallback(), nullptr));
  sql::DatabaseOptions options;
  options.storage.cache_bytes = config.cache_size();
  options.storage.register_cache = true;
  options.storage.synchronous =
      config.synchronous() == config::Synchronous::full     ? storage::Synchronous::full
      : config.synchronous() == config::Synchronous::normal ? storage::Synchronous::normal
                                                            : storage::Synchronous::off;
  options.storage.log_sync =
      config.log_sync() == config::LogSync::automatic   ? storage::LogSync::automatic
      : config.log_sync() == config::LogSync::fdatasync ? storage::LogSync::fdatasync
                                                        : storage::LogSync::dsync;
  const std::string path = (std::filesystem::path(config.data_dir()) / "default.db").string();
  auto opened = io::run([&] { return sql::Database::open(*vfs, path, options); });
  if (!opened) {
    return Error(opened.error().code(), cat("cannot open '", path, "': ", opened.error().message()),
                 opened.error().sys_errno());
  }
  shared.database = std::move(*opened);
  shared.response_bytes_max = limits::kResponseBytesMax;
  apply(config);
  return {};
}

void Server::Impl::apply(const config::Config& config) {
  shared.busy_timeout_ms = config.busy_timeout_ms();
  shared.query_memory = config.query_memory();
  shared.transaction_timeout_ms = config.transaction_timeout_ms();
  shared.stream_idle_timeout_ms = config.stream_idle_timeout_ms();
  shared.connections_max = config.connections_max();
  shared.http_body_max = config.http_body_max();
}

Result<void> Server::Impl::listen(const config::Config& config) {
  tcp::endpoint endpoint = TRY(resolve(config.listen()));
  TRY(check_free(endpoint));
  std::uint32_t threads = config.threads();
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  for (std::uint32_t i = 0; i < threads; ++i) {
    auto node = std::make_unique<Node>();
    node->acceptor =
        std::make_unique<tcp::acceptor>(TRY(make_acceptor(node->worker.context(), endpoint, true)));
    endpoint.port(node->acceptor->local_endpoint().port());
    nodes.push_back(std::move(node));
  }
  port = endpoint.port();
  const std::string host = endpoint.address().to_string();
  const bool v6 = endpoint.address().is_v6();
  log::info(cat("listening on ", v6 ? "[" : "", host, v6 ? "]:" : ":", port));
  return {};
}

void Server::Impl::serve(Node& node, tcp::socket socket) {
  if (shared.connections.fetch_add(1) >= shared.connections_max) {
    static const std::string kBusy = [] {
      const std::string body = protocol::http_error_body(
          protocol::make_error(protocol::codes::kBlocked, "the server has too many connections"));
      return cat(
          "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
          "Retry-After: 1\r\nConnection: close\r\nContent-Length: ",
          body.size(), "\r\n\r\n", body);
    }();
    await(
        io::Clock::now() + std::chrono::seconds(1),
        [&](auto handler) { asio::async_write(socket, asio::buffer(kBusy), handler); },
        [&] { socket.cancel(); });
    boost::system::error_code ignored;
    socket.close(ignored);
  } else {
    Connection connection(std::move(socket));
    node.connections.insert(&connection);
    serve_connection(connection, shared, streams);
    node.connections.erase(&connection);
  }
  shared.connections.fetch_sub(1);
}

void Server::Impl::accept_loop(Node& node) {
  while (!stop_asked.load()) {
    tcp::socket socket(node.worker.context());
    const Completion accepted = await(
        io::Clock::time_point::max(),
        [&](auto handler) {
          node.acceptor->async_accept(
              socket, [handler](const boost::system::error_code& e) mutable { handler(e, 0); });
        },
        [] {});
    if (accepted.error) {
      if (stop_asked.load() || accepted.error == asio::error::operation_aborted) return;
      // Out of descriptors, say: others may close some.
      log::warn(cat("accepting a connection failed: ", accepted.error.message()));
      io::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    auto held = std::make_shared<tcp::socket>(std::move(socket));
    node.worker.spawn([this, &node, held] { serve(node, std::move(*held)); });
  }
}

void Server::Impl::sweep_loop() {
  while (!stop_asked.load()) {
    io::sleep_for(kSweep);
    streams.sweep();
  }
}

void Server::Impl::run_node(Node& node) {
  node.thread = std::thread([this, &node] {
    node.worker.spawn([this, &node] { accept_loop(node); });
    if (&node == nodes.front().get()) node.worker.spawn([this] { sweep_loop(); });
    node.worker.run();
    node.acceptor.reset();
  });
}

/// On the worker: no new connections; idle ones are let go at once, the others get some time.
void Server::Impl::stop_node(Node& node) {
  boost::system::error_code ignored;
  node.acceptor->close(ignored);
  // One that waits for a request ends; one that runs some ends when they are answered.
  for (Connection* connection : node.connections) connection->drain();
  const io::Clock::time_point give_up = io::Clock::now() + kDrain;
  while (!node.connections.empty() && io::Clock::now() < give_up) {
    io::sleep_for(std::chrono::milliseconds(5));
  }
  if (node.connections.empty()) return;
  log::warn(cat("stopping: ", node.connections.size(), " connections are cut off"));
  shared.all_streams.interrupt_all();
  for (Connection* connection : node.connections) connection->cut_off();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(const config::Config& config) {
  auto impl = std::make_unique<Impl>(TRY(protocol::BatonCodec::create()));
  TRY(impl->open(config));
  Result<void> listening = impl->listen(config);
  if (!listening) {
    io::run([&] { return impl->shared.database->close(); }).value();
    return std::move(listening).error();
  }
  for (auto& node : impl->nodes) impl->run_node(*node);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const noexcept { return impl_->port; }

void Server::reload(const config::Config& config) { impl_->apply(config); }

void Server::stop() {
  if (impl_->stop_asked.exchange(true)) return;
  impl_->shared.stopping.store(true);
  for (auto& node : impl_->nodes) {
    Impl::Node* const which = node.get();
    which->worker.spawn([this, which] { impl_->stop_node(*which); });
    which->worker.stop();
  }
}

Result<void> Server::wait() {
  for (auto& node : impl_->nodes) node->thread.join();
  impl_->streams.clear();
  Result<void> closed = io::run([&] { return impl_->shared.database->close(); });
  impl_->shared.database.reset();
  return closed;
}

}  // namespace saturn::server
