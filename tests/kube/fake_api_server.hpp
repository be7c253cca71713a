// Speaks HTTP over TLS as a test tells it, also badly: what the real API server cannot be made to do. One
// thread for each connection, blocking, so that a test's handler reads like a script.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/kube/certificates.hpp"

namespace vipra::test {

struct FakeRequest {
  std::string method;
  std::string path;                            // without the query
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int connection = 0;  // counted from 1
  int number = 0;      // on this connection, from 1
};

class FakeApiServer {
 public:
  // What a handler may do with its connection. write() is false once the other side, or the server, is gone.
  class Connection {
   public:
    virtual ~Connection() = default;
    virtual bool write(std::string_view bytes) = 0;
    virtual void close() = 0;        // orderly TLS end
    virtual void reset() = 0;        // RST
    virtual bool wait_closed() = 0;  // until the other side, or the server, ends it

    bool answer(int status, std::string_view body, std::string_view more_headers = {});
    bool begin_chunks(int status = 200);
    bool chunk(std::string_view bytes);
    bool end_chunks();
  };
  using Handler = std::function<void(Connection&, const FakeRequest&)>;

  FakeApiServer(const Pem& certificate, Handler handler, const std::string& address = "127.0.0.1",
                std::uint16_t port = 0, const std::string& client_authority = {});
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::vector<FakeRequest> requests() const;
  [[nodiscard]] int connections() const;  // TLS accepted

 private:
  class Session;
  void accept_loop();

  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::uint16_t port_ = 0;
  std::thread acceptor_;
};

}  // namespace vipra::test
