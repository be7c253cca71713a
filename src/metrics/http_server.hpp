// A small HTTP server for what is only read: /metrics, /livez, /readyz. Own, because the exposer of
// prometheus-cpp has no IPv6 on Debian. On the loop of control: no thread of its own, and nothing a client
// does can hold the loop up.
//
// Bounded: connections (the one too many is closed at once), size of a request's header, time to send one,
// time to read an answer. GET and HEAD only; a body is not accepted.
//
// Threading: everything on the thread of the io_context. The server must not outlive the io_context.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::metrics {

struct HttpAnswer {
  unsigned status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
};

// "[::]:9112" (takes IPv4 too), "127.0.0.1:9112", "[::1]:0" (a free port). No names.
struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
};
[[nodiscard]] Result<ListenAddress> parse_listen_address(std::string_view text);

class HttpServer {
 public:
  struct Options {
    ListenAddress listen;
    std::size_t max_connections = 64;
    std::size_t max_header_bytes = std::size_t{8} * 1024;
    std::chrono::milliseconds read_timeout{
        5000};  // for a whole request; an idle connection counts as reading
    std::chrono::milliseconds write_timeout{5000};  // for a whole answer
    std::chrono::milliseconds retry_initial{500};   // when the address cannot be bound
    std::chrono::milliseconds retry_maximum{10'000};
  };
  // Called for each GET of a known path. Must return quickly; it runs on the loop.
  using Page = std::function<HttpAnswer()>;

  HttpServer(boost::asio::io_context& io, Options options, const log::Logger& log);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void add_page(std::string path, Page page);  // before start()
  // Binds; where that fails, says why and what to do (event "http.bind_failed") and goes on trying.
  void start();
  void stop();

  [[nodiscard]] std::uint16_t port() const noexcept;     // 0 until bound
  [[nodiscard]] std::uint64_t refused() const noexcept;  // connections beyond the limit

 private:
  class Listener;
  std::shared_ptr<Listener> listener_;
};

}  // namespace vipra::metrics
