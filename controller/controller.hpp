// vipra-controller, put together: reports of the nodes and objects of the API server -> reduce -> statuses
// and events, written by the replica that holds the Lease; metrics. The only place that builds the real
// objects of this process.
//
// Every replica receives all reports and reduces them, so that a new leader knows everything at once. It has
// no authority over who owns a VIP.
//
// Threading: everything on the thread of the io_context, but for gRPC's own threads, whose news is posted.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/backoff.hpp"
#include "base/log.hpp"
#include "collect/report_server.hpp"
#include "controller/certificate_keeper.hpp"
#include "controller/objects.hpp"
#include "controller/options.hpp"
#include "controller/status_writer.hpp"
#include "kube/client.hpp"
#include "kube/lease.hpp"
#include "kube/reflector.hpp"
#include "metrics/http_server.hpp"
#include "operator/reduce.hpp"

namespace vipra::controller {

struct Settings {
  Options options;
  kube::Access access;
  metrics::ListenAddress metrics;
};
// Fails with one sentence for people that names the flag.
[[nodiscard]] Result<Settings> understand(const Options& options);

class Controller {
 public:
  Controller(boost::asio::io_context& io, Settings settings, const log::Logger& log);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  void start();
  // Gives the Lease up and ends everything on the loop, which then runs out of work.
  void stop();

 private:
  void on_objects(const kube::Delta& delta);
  void on_nodes();
  void on_certificate(const std::string& chain, const std::string& key);
  void start_reports();
  void on_news();
  void on_refused(const collect::RefusedReport& refused);
  void on_leading();
  void on_lost();
  void reduce_within(Duration delay);
  void reduce();
  void add_pages();
  [[nodiscard]] std::string why_not_ready() const;
  [[nodiscard]] std::string metrics_page() const;
  void note_health(const char* resource, const source::Health& health);

  boost::asio::io_context& io_;
  const Settings settings_;
  const log::Logger& log_;
  const std::string build_;
  kube::Client client_;
  kube::Reflector virtual_ips_;
  kube::Reflector nodes_;
  kube::LeaseElection lease_;
  CertificateKeeper certificate_;
  collect::ReportServer reports_;
  StatusWriter writer_;
  metrics::HttpServer http_;
  boost::asio::steady_timer reduce_timer_;
  boost::asio::steady_timer reports_timer_;
  boost::asio::steady_timer stop_timer_;
  Backoff reports_backoff_{std::chrono::milliseconds{500}, std::chrono::seconds{10}};

  Objects objects_;
  std::map<std::string, cluster::NodeInput> heard_;
  std::optional<std::set<std::string>> known_nodes_;
  cluster::Memory memory_;
  cluster::Metrics last_;
  std::map<std::string, bool> readable_;  // by resource
  TimePoint started_{};
  std::optional<TimePoint> reduce_due_;
  std::atomic<bool> news_posted_{false};
  bool serving_ = false;
  bool stopped_ = false;
};

}  // namespace vipra::controller
