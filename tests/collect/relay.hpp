// A TCP relay on loopback between a node and a replica, to cut their connection or to let it go silent.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace vipra::collect {

class Relay {
 public:
  explicit Relay(int target_port) : target_{target_port} {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto address = loopback(0);
    (void)!::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    (void)!::listen(listener_, 16);
    socklen_t size = sizeof address;
    (void)!::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread{[this] { run(); }};
  }
  ~Relay() {
    stop_ = true;
    thread_.join();
    close_all();
    ::close(listener_);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }
  void cut() { cut_ = true; }             // closes what is open
  void freeze(bool on) { frozen_ = on; }  // forwards nothing, says nothing

 private:
  struct Pair {
    int a, b;
  };

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }

  void run() {
    while (!stop_) {
      if (cut_.exchange(false)) close_all();
      std::vector<pollfd> waiting{{listener_, POLLIN, 0}};
      if (!frozen_) {
        for (const auto& pair : pairs_) {
          waiting.push_back({pair.a, POLLIN, 0});
          waiting.push_back({pair.b, POLLIN, 0});
        }
      }
      ::poll(waiting.data(), waiting.size(), 5);
      if (frozen_) continue;
      if ((waiting[0].revents & POLLIN) != 0) accept_one();
      std::vector<Pair> left;
      for (std::size_t i = 0; i < pairs_.size(); ++i) {
        const auto pair = pairs_[i];
        const bool known =
            2 * i + 2 < waiting.size();  // the one that was accepted just now is not polled yet
        bool alive = true;
        if (known && waiting[2 * i + 1].revents != 0) alive = forward(pair.a, pair.b);
        if (alive && known && waiting[2 * i + 2].revents != 0) alive = forward(pair.b, pair.a);
        if (alive) {
          left.push_back(pair);
        } else {
          ::close(pair.a);
          ::close(pair.b);
        }
      }
      pairs_ = std::move(left);
    }
  }

  void accept_one() {
    const int a = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (a < 0) return;
    const int b = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = loopback(target_);
    if (::connect(b, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(a);
      ::close(b);
      return;
    }
    pairs_.push_back({a, b});
  }

  static bool forward(int from, int to) {
    std::array<char, 16384> buffer{};
    const auto size = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0) return false;
    return ::send(to, buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) == size;
  }

  void close_all() {
    for (const auto& pair : pairs_) {
      ::close(pair.a);
      ::close(pair.b);
    }
    pairs_.clear();
  }

  int target_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false}, cut_{false}, frozen_{false};
  std::vector<Pair> pairs_;  // of the thread
  std::thread thread_;
};

}  // namespace vipra::collect
