// Replicas and nodes with real TLS on loopback, for tests of the report streams.
#pragma once

#include <stdlib.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "certs/serving_certificate.hpp"
#include "collect/report_server.hpp"
#include "report/report_client.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::collect {

using namespace std::chrono_literals;

inline constexpr const char* kServiceName = "vipra-controller.vipra-system.svc";
inline constexpr const char* kAudience = "vipra-controller";
inline constexpr const char* kUser = "system:serviceaccount:vipra-system:vipra-agent";

inline bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds limit = 15s) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

inline certs::ServingCertificate new_certificate(const std::string& name = kServiceName) {
  auto made = certs::make_serving_certificate({{name}, static_cast<std::int64_t>(std::time(nullptr)), 1h});
  return made ? *made : certs::ServingCertificate{};
}

inline std::shared_ptr<report::v1::NodeReport> report_of(const std::string& node, std::uint64_t sequence,
                                                         std::size_t padding = 0) {
  auto report = std::make_shared<report::v1::NodeReport>();
  report->set_node(node);
  report->set_sequence(sequence);
  report->set_source_detail(std::string(padding, 'x'));
  return report;
}

class TokenFile {
 public:
  TokenFile() {
    std::string name = (std::filesystem::temp_directory_path() / "vipra-token-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
  }
  ~TokenFile() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  // By rename, as the kubelet does.
  void write(const std::string& token) const {
    const auto temporary = folder_ / "new";
    std::ofstream{temporary} << token << '\n';
    std::filesystem::rename(temporary, folder_ / "token");
  }
  [[nodiscard]] std::string path() const { return (folder_ / "token").string(); }

 private:
  std::filesystem::path folder_;
};

// The API server's part: which token is whose.
class Reviewer {
 public:
  void accept(const std::string& token, const std::string& node) {
    TokenReview review;
    review.verdict = TokenReview::Verdict::kAccepted;
    review.username = kUser;
    review.audiences = {kAudience};
    review.node = node;
    set(token, review);
  }
  void set(const std::string& token, const TokenReview& review) {
    const std::lock_guard lock{mutex_};
    reviews_[token] = review;
  }
  void refuse(const std::string& token) {
    TokenReview review;
    review.verdict = TokenReview::Verdict::kRefused;
    review.detail = "token has expired";
    set(token, review);
  }
  TokenReview get(const std::string& token) {
    const std::lock_guard lock{mutex_};
    ++asked_;
    const auto found = reviews_.find(token);
    TokenReview none;
    none.verdict = TokenReview::Verdict::kRefused;
    none.detail = "no such token";
    return found == reviews_.end() ? none : found->second;
  }
  int asked() {
    const std::lock_guard lock{mutex_};
    return asked_;
  }
  [[nodiscard]] TokenReviewer port() {
    return
        [this](const std::string& token, const std::function<void(TokenReview)>& done) { done(get(token)); };
  }

 private:
  std::mutex mutex_;
  std::map<std::string, TokenReview> reviews_;
  int asked_ = 0;
};

// A replica of the controller that keeps what it hears.
class Replica {
 public:
  explicit Replica(Reviewer& reviewer, const std::function<void(ReportServer::Options&)>& change = {}) {
    auto options = quick_options(reviewer);
    if (change) change(options);
    server = std::make_unique<ReportServer>(std::move(options));
  }

  ReportServer::Options quick_options(Reviewer& reviewer) {
    ReportServer::Options options;
    options.address = "127.0.0.1:0";
    options.audience = kAudience;
    options.username = kUser;
    options.min_interval = 1ms;
    options.review_timeout = 5s;
    options.review_retry = 50ms;
    options.shutdown_timeout = 500ms;
    options.reviewer = reviewer.port();
    options.on_news = [this] {
      const std::lock_guard lock{mutex_};
      ++told_;
    };
    return options;
  }

  bool start(const certs::ServingCertificate& certificate) {
    return server->set_certificate(certificate.chain_pem, certificate.key_pem) && server->start();
  }
  [[nodiscard]] std::string endpoint() const { return "127.0.0.1:" + std::to_string(server->port()); }

  // The newest sequence of a node, 0 before there is one.
  std::uint64_t heard(const std::string& node) {
    collect();
    return sequence_[node];
  }
  bool connected(const std::string& node) {
    collect();
    return connected_[node];
  }
  int disconnections(const std::string& node) {
    collect();
    return disconnections_[node];
  }
  std::uint64_t refused(Reason reason) const {
    const auto counters = server->counters();
    const auto found = counters.refused.find(reason);
    return found == counters.refused.end() ? 0 : found->second;
  }

  std::unique_ptr<ReportServer> server;

 private:
  void collect() {
    for (const auto& item : server->take_news()) {
      if (connected_[item.node] && !item.connected) ++disconnections_[item.node];
      connected_[item.node] = item.connected;
      if (item.report != nullptr) sequence_[item.node] = item.report->sequence();
    }
  }

  std::mutex mutex_;
  int told_ = 0;
  std::map<std::string, std::uint64_t> sequence_;
  std::map<std::string, bool> connected_;
  std::map<std::string, int> disconnections_;
};

// A node with its token file.
class Node {
 public:
  Node(std::string node_name, const std::string& token,
       const std::function<void(report::ReportClient::Options&)>& change = {})
      : name{std::move(node_name)} {
    if (!token.empty()) file.write(token);
    report::ReportClient::Options options;
    options.server_name = kServiceName;
    options.token_file = file.path();
    options.first_retry = 20ms;
    options.last_retry = 200ms;
    options.token_check = 20ms;
    if (change) change(options);
    client = std::make_unique<report::ReportClient>(std::move(options));
  }

  void connect(const std::string& ca, const std::vector<std::string>& endpoints) {
    client->set_ca(ca);
    (void)client->set_endpoints(endpoints);
  }
  void publish(std::uint64_t sequence) { client->publish(report_of(name, sequence)); }
  [[nodiscard]] std::string error() const {
    const auto all = client->endpoints();
    return all.empty() ? "" : all.front().error;
  }
  [[nodiscard]] bool accepted() const {
    const auto all = client->endpoints();
    return !all.empty() && all.front().accepted;
  }

  std::string name;
  TokenFile file;
  std::unique_ptr<report::ReportClient> client;
};

}  // namespace vipra::collect
