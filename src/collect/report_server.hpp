// The controller's end of the report streams: who may report what, and the newest report of each node. gRPC
// stays behind the pimpl.
//
// A node is who its token says: it is handed to the reviewer once a stream, and again when it expires; a
// stream whose token cannot be reviewed again because the API server is away goes on for `review_grace`.
// Nothing is read from a stream before its token was accepted, and reports are taken at most once in
// `min_interval`, so that a flood fills the sender's buffers, not ours. A newer stream of the same node
// replaces the older one.
//
// Threading: every method is thread-safe. `on_news` and the reviewer are called on gRPC's threads, with no
// lock of ours held; they must not block. News is kept until it is taken, one entry for each node.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/reason.hpp"
#include "base/result.hpp"

namespace vipra::report::v1 {
class NodeReport;
}  // namespace vipra::report::v1

namespace vipra::collect {

struct TokenReview {
  enum class Verdict : std::uint8_t { kAccepted, kRefused, kUnavailable };  // unavailable: could not be asked
  Verdict verdict = Verdict::kUnavailable;
  std::string username;
  std::vector<std::string> audiences;
  std::string node;  // authentication.kubernetes.io/node-name; empty if absent
  // When the token expires (its claim `exp`), in wall-clock time; the epoch if unknown.
  std::chrono::system_clock::time_point expires{};
  std::string detail;  // for logs: why not
};

// Calls `done` exactly once, on any thread, also inside of the call; a late call does no harm.
using TokenReviewer = std::function<void(const std::string& token, std::function<void(TokenReview)> done)>;

struct NodeNews {
  std::string node;
  bool connected = false;
  std::shared_ptr<const report::v1::NodeReport> report;  // null if there is no newer one
};

struct RefusedReport {
  Reason reason = Reason::kNone;
  std::string node;    // as far as it is known
  std::string detail;  // one line
  std::string peer;    // address
};

class ReportServer {
 public:
  struct Options {
    std::string address = "[::]:9443";  // "192.0.2.1:0" takes a free port
    std::string audience;               // that the review must contain; empty: any
    std::string username;               // that the review must give; empty: any
    std::size_t max_streams = 1200;     // of all nodes, those waiting for their review included
    int max_report_bytes = 16 << 20;
    std::chrono::milliseconds min_interval{50};
    std::chrono::milliseconds review_timeout{10'000};
    std::chrono::milliseconds review_retry{5'000};
    std::chrono::milliseconds review_grace{900'000};
    std::chrono::milliseconds review_period{600'000};  // of tokens whose expiry is unknown
    std::chrono::milliseconds keepalive_time{5'000};
    std::chrono::milliseconds keepalive_timeout{3'000};
    std::chrono::milliseconds shutdown_timeout{1'000};
    TokenReviewer reviewer;                                     // required
    std::function<void()> on_news;                              // required: something can be taken
    std::function<void(const RefusedReport&)> on_refused = {};  // for the log
  };
  struct Counters {
    std::size_t streams = 0;  // open now
    std::size_t nodes = 0;    // with an accepted stream now
    std::uint64_t reports = 0;
    std::map<Reason, std::uint64_t> refused;  // streams, by reason
  };

  explicit ReportServer(Options options);
  ~ReportServer();  // stops
  ReportServer(const ReportServer&) = delete;
  ReportServer& operator=(const ReportServer&) = delete;

  // What new connections are served with from now on; open ones stay. Needed before start(). Errors: kInvalid
  // (the pair is not usable; the one before stays in use).
  [[nodiscard]] Status set_certificate(const std::string& chain_pem, const std::string& key_pem);

  // Errors: kInvalid (no certificate yet), kIo (cannot listen). May be called again after stop().
  [[nodiscard]] Status start();
  void stop();
  [[nodiscard]] int port() const;  // 0 when it does not run

  // What is new since the last call: at most one entry for each node, in the order of their names.
  [[nodiscard]] std::vector<NodeNews> take_news();
  [[nodiscard]] Counters counters() const;

 private:
  struct Serving;
  std::unique_ptr<Serving> serving_;
};

}  // namespace vipra::collect
