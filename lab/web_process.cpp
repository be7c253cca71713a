#include "lab/web_process.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace vipra::lab {
namespace {

constexpr std::size_t kMaxConnections = 32;

struct Connection {
  int fd = -1;
  std::size_t size = 0;
  std::array<char, kMaxRequest> text{};
};

class WebServer {
 public:
  WebServer(WebPage& page, int wake, const char* node, std::uint16_t port)
      : page_{page}, wake_{wake}, node_{node}, port_{port} {}

  int run() {
    for (;;) {
      obey();
      std::array<pollfd, kMaxConnections + 2> ready{};
      ready[0] = {wake_, POLLIN, 0};
      ready[1] = {listener_, POLLIN, 0};
      for (std::size_t i = 0; i < kMaxConnections; ++i) ready[i + 2] = {connections_[i].fd, POLLIN, 0};
      if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return 1;
      if (ready[0].revents != 0) {
        eventfd_t count = 0;
        ::eventfd_read(wake_, &count);
      }
      if (ready[1].revents != 0) accept_one();
      for (std::size_t i = 0; i < kMaxConnections; ++i)
        if (ready[i + 2].revents != 0) read_some(connections_[i]);
    }
  }

 private:
  void obey() {
    const auto order = page_.ordered.load(std::memory_order_acquire);
    if (order == page_.obeyed.load(std::memory_order_relaxed)) return;
    mode_ = page_.mode.load(std::memory_order_relaxed);
    for (auto& connection : connections_) close_fd(connection.fd);
    close_fd(listener_);
    if (mode_ != WebMode::kRefuse) listen_now();
    page_.obeyed.store(order, std::memory_order_release);
  }

  void listen_now() {
    listener_ = ::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener_ < 0) ::_exit(1);
    const int on = 1;
    const int off = 0;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(listener_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&any), sizeof any) < 0 ||
        ::listen(listener_, 64) < 0)
      ::_exit(1);  // the next command reports that the process is dead
  }

  void accept_one() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const auto free =
        std::find_if(connections_.begin(), connections_.end(), [](auto& c) { return c.fd < 0; });
    if (free == connections_.end()) {
      ::close(fd);
      return;
    }
    free->fd = fd;
    free->size = 0;
  }

  void read_some(Connection& connection) {
    const ssize_t n =
        ::recv(connection.fd, connection.text.data() + connection.size, kMaxRequest - connection.size, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return close_fd(connection.fd);
    connection.size += static_cast<std::size_t>(n);
    const std::string_view text{connection.text.data(), connection.size};
    const bool whole = text.find("\r\n\r\n") != std::string_view::npos;
    if (!whole && connection.size < kMaxRequest) return;
    if (mode_ == WebMode::kHang) {
      connection.size = 0;  // so that the buffer never fills
      return;
    }
    answer(connection);
    close_fd(connection.fd);
  }

  void answer(Connection& connection) {
    page_.last_size.store(0, std::memory_order_release);
    std::memcpy(page_.last_request.data(), connection.text.data(), connection.size);
    page_.last_size.store(connection.size, std::memory_order_release);
    page_.requests.fetch_add(1, std::memory_order_release);
    std::array<char, 512> text{};
    const int status = page_.http_status.load(std::memory_order_relaxed);
    const int size = std::snprintf(text.data(), text.size(),
                                   "HTTP/1.1 %d Lab\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                                   "Connection: close\r\n\r\n%s\n",
                                   status, std::strlen(node_) + 1, node_);
    ::send(connection.fd, text.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL);
  }

  static void close_fd(int& fd) {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }

  WebPage& page_;
  int wake_;
  const char* node_;
  std::uint16_t port_;
  WebMode mode_ = WebMode::kRefuse;
  int listener_ = -1;
  std::array<Connection, kMaxConnections> connections_{};
};

}  // namespace

int serve_web(WebPage& page, int wake, const char* node, std::uint16_t port) {
  return WebServer{page, wake, node, port}.run();
}

}  // namespace vipra::lab
