// The one way to a Kubernetes API server: cpprestsdk, tamed (docs/adr says how), behind a plain header.
//
// Threading: all functions are called on the thread of the given io_context, and all callbacks come there,
// posted, never from inside a call. cpprest's own single thread does the transport and never runs code of
// others. Ownership: destroying the Client cancels everything; no callback comes after that, nor after
// cancel(). While a call is under way it keeps the io_context's run() from returning. Errors: every call ends
// in exactly one Answer; nothing throws. Servers: the one that worked last is used first. One that cannot be
// connected to is left for the next one at once, within the same call; one that times out or breaks is left
// for the calls after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/access.hpp"
#include "kube_core/object.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::kube {

// Sets cpprest's pool to one thread instead of 40, and SSL_CERT_FILE to nothing unless it is set (cpprest
// would read the system's authorities for each connection, only to forget them; who needs them in the same
// process names their file). Call it once, early: after any fork and before there are threads. Later calls do
// nothing. Fails if something else has made the pool before.
[[nodiscard]] Status start_transport();

enum class ErrorKind : std::uint8_t {
  kNone,
  kStatus,       // the server answered, and not with 2xx (redirects are not followed, so 3xx is here too)
  kUnreachable,  // no connection came about: nothing was sent
  kTls,          // none either: certificates
  kTimeout,      // the outcome is unknown
  kBroken,       // the connection broke: the outcome is unknown
  kTooLarge,     // the answer is beyond the limit
  kAccess,       // the token, or another file of Access, cannot be read: nothing was sent
};
[[nodiscard]] std::string_view to_string(ErrorKind kind) noexcept;

struct Answer {
  ErrorKind error = ErrorKind::kNone;
  int status = 0;    // HTTP; 0 if there was no answer
  std::string body;  // bounded (CallOptions::max_body)
  std::optional<Duration> retry_after;
  std::string message;  // what failed, for people; empty if nothing did
  std::string server;   // who answered, or was asked last
  [[nodiscard]] bool ok() const noexcept { return error == ErrorKind::kNone; }
  // Whether a write has surely had no effect.
  [[nodiscard]] bool surely_not_done() const noexcept {
    return error == ErrorKind::kUnreachable || error == ErrorKind::kTls || error == ErrorKind::kAccess ||
           (error == ErrorKind::kStatus && status >= 300 && status < 500);
  }
};

struct CallOptions {
  Duration deadline = std::chrono::seconds{8};  // over everything, all servers included; at most 8 s
  std::size_t max_body = 16u << 20;
};

struct ListOptions {
  int limit = 500;
  std::string continue_token;
  std::string label_selector;
  std::string field_selector;
};

struct ApplyOptions {
  std::string field_manager;
  bool force = true;
  std::string subresource;  // "status"
};

struct WatchOptions {
  std::string resource_version;
  bool initial_events = false;
  std::string label_selector;
  std::string field_selector;
  Duration timeout = std::chrono::minutes{5};      // timeoutSeconds
  Duration idle_limit = std::chrono::seconds{80};  // with not a byte: bookmarks come every minute
  Duration open_limit = std::chrono::seconds{10};  // until the server's status
  std::size_t max_line = 1u << 20;
  std::size_t max_queue = 4u << 20;  // bytes that wait for on_line; beyond that nothing is read
};

struct WatchHandlers {
  std::function<void()> on_open;                       // the server said 200
  std::function<void(std::string_view line)> on_line;  // may cancel the watch
  std::function<void(Answer)> on_end;                  // exactly once, if not cancelled; ok() at a clean end
};

using CallId = std::uint64_t;  // never 0
using OnAnswer = std::function<void(Answer)>;

class Client {
 public:
  Client(boost::asio::io_context& loop, Access access);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  CallId get(std::string path, OnAnswer done, CallOptions options = {});
  CallId list(const Resource& resource, const ListOptions& list, OnAnswer done, CallOptions options = {});
  // Writes may be sent twice (a reused connection that the server has just closed), so only those are here
  // that do the same when done twice.
  // POST: only for objects that are called by name (Lease, Secret, Event with a name): the second one is a
  // 409.
  CallId create(const Resource& resource, std::string json, OnAnswer done, CallOptions options = {});
  // POST of a review (TokenReview): it makes nothing.
  CallId review(const Resource& resource, std::string json, OnAnswer done, CallOptions options = {});
  // PUT; `json` holds metadata.resourceVersion.
  CallId replace(const Resource& resource, std::string_view name, std::string json, OnAnswer done,
                 CallOptions options = {});
  // Server-side apply; `json` is JSON, which is YAML.
  CallId apply(const Resource& resource, std::string_view name, const ApplyOptions& apply, std::string json,
               OnAnswer done, CallOptions options = {});
  CallId remove(const Resource& resource, std::string_view name, OnAnswer done, CallOptions options = {});
  CallId watch(const Resource& resource, const WatchOptions& watch, WatchHandlers handlers);

  void cancel(CallId id);
  // The server that is asked first, for logs.
  [[nodiscard]] std::string server() const;
  [[nodiscard]] const Access& access() const noexcept;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace vipra::kube
