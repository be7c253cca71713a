// Serves this node's report and its commands on a Unix socket: what vipctl uses. gRPC stays behind the pimpl,
// so that the users of this header compile without it (and link it only through this library).
//
// Threading: every method is thread-safe. publish() only swaps a pointer and wakes the watchers; it never
// waits for a client, and a client that stops reading costs one report kept for it, never a queue. Calls are
// served on gRPC's own threads; no callback of ours runs there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "report/commands.hpp"

namespace vipra::report::v1 {
class NodeReport;
}  // namespace vipra::report::v1

namespace vipra::report {

class LocalServer {
 public:
  struct Options {
    std::string socket_path;                          // at most 100 bytes; its folder exists
    std::size_t max_watchers = 64;                    // one more is refused with RESOURCE_EXHAUSTED
    std::chrono::milliseconds shutdown_timeout{500};  // stop() takes no longer, whatever the clients do
  };
  struct Counters {
    std::size_t watchers = 0;            // open now
    std::uint64_t watchers_refused = 0;  // since start()
  };

  // Without `on_command` every command is answered with "the agent stops".
  explicit LocalServer(Options options, OnCommand on_command = {});
  ~LocalServer();  // stops
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  // Binds the socket with mode 0660 and serves. The socket appears under its name complete, with its mode, so
  // no client ever meets it half made. A stale socket (nobody listens) is replaced. Errors, each leaving the
  // path as it was: kConflict (a live server, or something that is not a socket, is there), kInvalid (path
  // too long), kPermission, kIo. May be called again after stop().
  [[nodiscard]] Status start();

  // Ends every call and removes the socket if it is still ours. Nothing happens when it is not running.
  void stop();

  // The newest report; not null, and not changed by anyone afterwards. Also accepted before start(): a client
  // gets UNAVAILABLE until there is a first report.
  void publish(std::shared_ptr<const v1::NodeReport> report);

  [[nodiscard]] Counters counters() const;

 private:
  struct Serving;
  std::unique_ptr<Serving> serving_;
};

}  // namespace vipra::report
