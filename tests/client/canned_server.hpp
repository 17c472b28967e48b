#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

/// A server on a free port of 127.0.0.1 that answers the n-th request with the n-th of its canned
/// answers, byte for byte, one connection at a time.
class CannedServer {
 public:
  struct Answer {
    std::string bytes;
    bool close = false;  ///< the connection, after the bytes
    int delay_ms = 0;    ///< before the bytes
  };

  static Answer json(const std::string& body, int status = 200) {
    return {"HTTP/1.1 " + std::to_string(status) +
            " X\r\nContent-Type: application/json\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body};
  }

  explicit CannedServer(std::vector<Answer> answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no port for the test's server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~CannedServer() {
    stop_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// Head and body of each request so far.
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  int connections() const { return connections_; }

 private:
  bool wait_for(int socket) const {
    while (!stop_) {
      pollfd entry{socket, POLLIN, 0};
      if (::poll(&entry, 1, 20) > 0) return true;
    }
    return false;
  }

  bool read_request(int socket, std::string& request) const {
    request.clear();
    for (;;) {
      const std::size_t head = request.find("\r\n\r\n");
      if (head != std::string::npos) {
        const std::size_t at = request.find("Content-Length: ");
        const std::size_t size = at == std::string::npos ? 0 : std::stoul(request.substr(at + 16));
        if (request.size() >= head + 4 + size) return true;
      }
      if (!wait_for(socket)) return false;
      char buffer[65536];
      const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
      if (got <= 0) return false;
      request.append(buffer, static_cast<std::size_t>(got));
    }
  }

  void send_all(int socket, std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void serve() {
    std::size_t next = 0;
    while (wait_for(listener_)) {
      const int socket = ::accept(listener_, nullptr, nullptr);
      ++connections_;
      std::string request;
      while (read_request(socket, request)) {
        {
          const std::lock_guard lock(mutex_);
          requests_.push_back(request);
        }
        if (next == answers_.size()) break;
        const Answer& answer = answers_[next++];
        std::this_thread::sleep_for(std::chrono::milliseconds(answer.delay_ms));
        send_all(socket, answer.bytes);
        if (answer.close) break;
      }
      ::close(socket);
    }
  }

  std::vector<Answer> answers_;
  int listener_ = -1;
  unsigned port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<int> connections_{0};
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};
