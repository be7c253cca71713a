// cpprestsdk behind a plain interface; the only file that sees it is transport.cpp. Everything of cpprest,
// its clients' making and ending included, happens on cpprest's one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kube/client.hpp"

namespace vipra::kube {

// cpprest's pool with one thread; see start_transport().
[[nodiscard]] Status start_pool();

struct Exchange {
  std::string method;
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  // not encoded yet
  std::string token;                                       // without "Bearer "; may be empty
  std::string body;
  std::string content_type;  // empty: no body
};

struct TransportEnd {
  ErrorKind error = ErrorKind::kNone;  // kNone, kUnreachable, kTls, kTimeout, kBroken
  std::string message;
};

// Called on the transport's thread, in this order; on_end exactly once, also after cancel().
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void on_status(int status, std::optional<Duration> retry_after) = 0;
  // False: nothing more is read until Running::resume(), which may have come already.
  [[nodiscard]] virtual bool on_bytes(std::string_view bytes) = 0;
  virtual void on_end(TransportEnd end) = 0;
};

// One request under way. Any thread.
class Running {
 public:
  virtual ~Running() = default;
  virtual void cancel() = 0;
  virtual void resume() = 0;
};

// Connections to one server.
class Transport {
 public:
  // `idle`: cpprest's own time limit, which starts anew with whatever is read or written.
  Transport(std::shared_ptr<const Access> access, Server server, Duration idle);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  [[nodiscard]] std::shared_ptr<Running> send(Exchange exchange, std::shared_ptr<Receiver> receiver);

 private:
  struct Connections;
  std::shared_ptr<Connections> connections_;
};

}  // namespace vipra::kube
