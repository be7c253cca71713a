// vipra-control, put together: sources -> definitions -> plan -> agent; checks -> contributions -> agent;
// snapshots of the agent -> report and metrics. The only place that builds the real objects of this process.
//
// In a cluster the API server is a source too, and the report goes to vipra-controller as well.
//
// What it never does: take a VIP away because something cannot be read, or because it starts or ends itself.
// Before the definitions are known (from the folder, or from the last good copy where the folder cannot be
// read) it says nothing to the agent; before it knows what its checks said in its last life it says nothing
// about checks.
//
// Threading: everything on the thread of the io_context, but for the disk (StateSaver) and gRPC's own
// threads.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/control/agent_client.hpp"
#include "agent/control/agent_view.hpp"
#include "agent/control/cluster.hpp"
#include "agent/control/definition_files.hpp"
#include "agent/control/facts.hpp"
#include "agent/control/settings.hpp"
#include "agent/control/state_saver.hpp"
#include "agent/control/wishes.hpp"
#include "base/backoff.hpp"
#include "base/log.hpp"
#include "checks/scheduler.hpp"
#include "definitions/store.hpp"
#include "metrics/http_server.hpp"
#include "notify/notifier.hpp"
#include "planning/build.hpp"
#include "report/local_server.hpp"
#include "source/folder_source.hpp"
#include "source/labels.hpp"
#include "source/last_good.hpp"

namespace vipra::report::v1 {
class NodeReport;
}

namespace vipra::control {

class Control {
 public:
  Control(boost::asio::io_context& io, Settings settings, const log::Logger& log,
          std::function<std::uint64_t()> log_lines_dropped);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  void start();
  // Ends everything on the loop, which then runs out of work.
  void stop();
  // After the loop has ended: false if the process should end without destroying anything (see StateSaver).
  [[nodiscard]] bool finish(std::chrono::milliseconds limit) { return saver_.finish(limit); }

  [[nodiscard]] std::uint16_t http_port() const noexcept { return http_.port(); }

 private:
  [[nodiscard]] Facts facts(const std::vector<checks::CheckState>& states) const;
  [[nodiscard]] AgentClient::Events agent_events();
  void notify();
  void on_command(const report::v1::StandAsideRequest& request, const report::CommandAnswerPtr& answer);
  void on_wishes();
  void watch_wishes();
  void add_pages();
  void load_last_good();
  void start_sources();
  void on_definitions(bool known);
  void on_folder_health(const source::Health& health);
  void on_source_health(const source::Health& health);
  void on_nodes(NodesView nodes);
  void on_nodes_health(const source::Health& health);
  [[nodiscard]] bool has_another_source() const;
  [[nodiscard]] Cluster::Events cluster_events();
  void on_labels(source::Change<source::Labels> change);
  void on_labels_health(const source::Health& health);
  void log_problems();
  void save_last_good();
  void replan();
  void open_checks();
  void apply_checks();
  void on_check_run(const checks::CheckState& state, bool verdict_changed, bool changed);
  void offer_contributions();
  [[nodiscard]] std::optional<bool> verdict_of_last_life(std::string_view virtual_ip,
                                                         std::string_view check) const;
  void start_reports();
  void publish_within(Duration delay);
  void publish();
  [[nodiscard]] std::string metrics_page() const;

  boost::asio::io_context& io_;
  const Settings settings_;
  const log::Logger& log_;
  const std::string build_;
  const std::int64_t started_unix_ns_;
  std::function<std::uint64_t()> log_lines_dropped_;

  definitions::DefinitionStore definitions_;
  plan::Plan plan_;
  plan::NodeFacts node_;
  Wishes wishes_;
  DefinitionFiles files_;
  source::Labels node_labels_;  // of the file, or of the Node
  source::Health source_health_{false, Reason::kNone, "not read yet"};
  std::optional<TimePoint> last_read_;  // engaged while the source cannot be read, if it once could
  std::vector<definitions::Problem> logged_problems_;
  bool last_good_loaded_ = false;
  bool definitions_known_ = false;
  bool labels_known_ = false;
  bool checks_open_ = false;
  bool checks_applied_ = false;
  bool contributions_open_ = false;
  bool stopped_ = false;

  AgentView view_;
  std::shared_ptr<const report::v1::NodeReport> last_report_;
  std::string report_trouble_;
  Backoff report_backoff_{std::chrono::milliseconds{500}, std::chrono::seconds{10}};
  std::optional<TimePoint> publish_due_;

  source::LastGoodFile last_good_file_;
  StateSaver saver_;
  std::optional<source::FolderSource> folder_;
  std::optional<source::LabelsFile> labels_file_;
  std::unique_ptr<Cluster> cluster_;
  AgentClient agent_;
  checks::Scheduler checks_;
  notify::Notifier notifier_;
  metrics::HttpServer http_;
  report::LocalServer reports_;
  boost::asio::steady_timer publish_timer_;
  boost::asio::steady_timer checks_timer_;
  boost::asio::steady_timer contributions_timer_;
  boost::asio::steady_timer reports_timer_;
  boost::asio::steady_timer sources_timer_;
  boost::asio::steady_timer wishes_timer_;
};

}  // namespace vipra::control
