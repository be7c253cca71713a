// A server on the loopback, on the test's own event loop, that treats every client as the test wants.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vipra::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

// Runs the loop until `condition` holds; false when `limit` passed first.
inline bool run_until(asio::io_context& io, const std::function<bool()>& condition,
                      std::chrono::milliseconds limit = 5000ms) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return false;
    io.restart();
    io.run_one_for(std::min<std::chrono::nanoseconds>(end - now, 20ms));
  }
  return true;
}

class LoopbackServer {
 public:
  explicit LoopbackServer(asio::io_context& io, const char* address = "127.0.0.1")
      : io_{io}, acceptor_{io, tcp::endpoint{asio::ip::make_address(address), 0}} {
    accept();
  }
  ~LoopbackServer() {
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& client : clients_) {
      client->socket.close(ignored);
      client->timer.cancel(ignored);
      client->server = nullptr;
    }
  }
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  std::string answer;  // sent after the end of a request's header; empty: silence
  bool close_after_answer = true;
  bool close_at_once = false;        // before anything is read
  std::chrono::milliseconds drip{};  // > 0: one byte of the answer every so often
  std::size_t accepted = 0;
  std::vector<std::string> requests;
  std::vector<std::chrono::steady_clock::time_point> accepted_at;

 private:
  struct Client {
    Client(tcp::socket s, LoopbackServer* owner) : socket{std::move(s)}, timer{owner->io_}, server{owner} {}
    tcp::socket socket;
    asio::steady_timer timer;
    LoopbackServer* server;
    std::string request;
    std::string outgoing;
    std::array<char, 4096> chunk{};
  };
  using ClientPtr = std::shared_ptr<Client>;

  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) {
        ++accepted;
        accepted_at.push_back(std::chrono::steady_clock::now());
        if (!close_at_once) {
          clients_.push_back(std::make_shared<Client>(std::move(socket), this));
          read(clients_.back());
        }
      }
      accept();
    });
  }
  static void read(const ClientPtr& client) {
    client->socket.async_read_some(asio::buffer(client->chunk),
                                   [client](const error_code& error, std::size_t size) {
                                     if (error || client->server == nullptr) return;
                                     client->request.append(client->chunk.data(), size);
                                     if (client->request.find("\r\n\r\n") == std::string::npos)
                                       return read(client);
                                     client->server->requests.push_back(client->request);
                                     client->outgoing = client->server->answer;
                                     if (!client->outgoing.empty()) write(client);
                                   });
  }
  static void write(const ClientPtr& client) {
    const bool dripping = client->server->drip.count() > 0;
    const auto part = dripping ? 1 : client->outgoing.size();
    asio::async_write(client->socket, asio::buffer(client->outgoing, part),
                      [client, part, dripping](const error_code& error, std::size_t) {
                        if (error || client->server == nullptr) return;
                        client->outgoing.erase(0, part);
                        if (!client->outgoing.empty() && dripping) {
                          client->timer.expires_after(client->server->drip);
                          client->timer.async_wait([client](const error_code& cancelled) {
                            if (!cancelled && client->server != nullptr) write(client);
                          });
                        } else if (client->server->close_after_answer) {
                          error_code ignored;
                          client->socket.close(ignored);
                        }
                      });
  }

  asio::io_context& io_;
  tcp::acceptor acceptor_;
  std::vector<ClientPtr> clients_;
};

// A port on which nobody listens (bound, so that nobody else takes it meanwhile).
class ClosedPort {
 public:
  explicit ClosedPort(asio::io_context& io)
      : socket_{io, tcp::endpoint{asio::ip::address_v4::loopback(), 0}} {}
  [[nodiscard]] std::uint16_t port() const { return socket_.local_endpoint().port(); }

 private:
  tcp::socket socket_;
};

}  // namespace vipra::test
