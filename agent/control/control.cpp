#include "agent/control/control.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <iterator>
#include <tuple>
#include <utility>
#include <variant>

#include "agent/control/after.hpp"
#include "runtime/clock.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::control {
namespace {

using namespace std::chrono_literals;

// How long the checks wait for the agent to tell what it knows of their last verdicts.
constexpr Duration kResyncPatience = 200ms;
// How long a check that has not decided yet may hold back the full set of contributions.
constexpr Duration kVerdictPatience = 10s;
constexpr Duration kCoalesceContent = 20ms;
constexpr Duration kCoalesceCounters = 1s;
constexpr Duration kFirstReports = 20ms;

std::uint64_t own_epoch() {
  return static_cast<std::uint64_t>(runtime::unix_now_ns()) ^ static_cast<std::uint64_t>(::getpid());
}

source::FolderOptions folder_options(const Options& options) {
  source::FolderOptions out;
  out.folder = options.definitions;
  return out;
}

metrics::HttpServer::Options http_options(const Settings& settings) {
  metrics::HttpServer::Options out;
  out.listen = settings.listen;
  return out;
}

notify::Options notify_options(const Options& options) {
  return {options.notify_fifo, options.notify_socket, options.notify_hook};
}

report::LocalServer::Options report_options(const Options& options) {
  report::LocalServer::Options out;
  out.socket_path = options.vipctl_socket;
  out.shutdown_timeout = 200ms;
  return out;
}

AgentClient::Options agent_options(const Options& options, const std::string& build) {
  AgentClient::Options out;
  out.socket_path = options.agent_socket;
  out.build = build;
  out.epoch = own_epoch();
  return out;
}

}  // namespace

Control::Control(boost::asio::io_context& io, Settings settings, const log::Logger& log,
                 std::function<std::uint64_t()> log_lines_dropped)
    : io_{io},
      settings_{std::move(settings)},
      log_{log},
      build_{VIPRA_VERSION},
      started_unix_ns_{runtime::unix_now_ns()},
      log_lines_dropped_{std::move(log_lines_dropped)},
      files_{!settings_.options.definitions.empty(), settings_.cluster.has_value()},
      last_good_file_{settings_.options.state_dir},
      saver_{source::LastGoodFile{settings_.options.state_dir}, log_},
      agent_{io_, agent_options(settings_.options, build_), log_, agent_events()},
      checks_{io_, [this](const auto& state, bool verdict,
                          bool changed) { on_check_run(state, verdict, changed); }},
      notifier_{io_, notify_options(settings_.options), log_},
      http_{io_, http_options(settings_), log_},
      reports_{report_options(settings_.options),
               // On gRPC's threads.
               [this](const report::v1::StandAsideRequest& request, report::CommandAnswerPtr answer) {
                 boost::asio::post(io_, [this, request, answer = std::move(answer)] {
                   if (!stopped_) on_command(request, answer);
                 });
               }},
      publish_timer_{io_},
      checks_timer_{io_},
      contributions_timer_{io_},
      reports_timer_{io_},
      sources_timer_{io_},
      wishes_timer_{io_} {
  node_.name = settings_.options.node;
  if (!settings_.options.definitions.empty()) folder_.emplace(io_, folder_options(settings_.options));
  if (!settings_.options.labels_file.empty()) labels_file_.emplace(io_, settings_.options.labels_file);
  if (settings_.cluster) {
    cluster_ = std::make_unique<Cluster>(io_, *settings_.cluster, log_, cluster_events());
  }
  labels_known_ = !labels_file_ && !cluster_;
}

Control::~Control() = default;

void Control::start() {
  log_.info("control.started", {{"version", build_},
                                {"pid", ::getpid()},
                                {"node", node_.name},
                                {"definitions", settings_.options.definitions},
                                {"agent_socket", settings_.options.agent_socket}});
  load_last_good();
  agent_.start();
  start_sources();
  add_pages();
  http_.start();
  after(checks_timer_, kResyncPatience, [this] { open_checks(); });
  // Making a gRPC server takes some milliseconds; the agent comes first.
  after(reports_timer_, kFirstReports, [this] { start_reports(); });
  publish_within(Duration::zero());
}

void Control::stop() {
  if (std::exchange(stopped_, true)) return;
  log_.info("control.stopping", {});
  if (folder_) folder_->stop();
  if (labels_file_) labels_file_->stop();
  if (cluster_) cluster_->stop();
  agent_.stop();
  checks_.stop();
  notifier_.stop();
  http_.stop();
  reports_.stop();
  for (auto* timer : {&publish_timer_, &checks_timer_, &contributions_timer_, &reports_timer_,
                      &sources_timer_, &wishes_timer_})
    timer->cancel();
}

AgentClient::Events Control::agent_events() {
  return {[this] { publish_within(Duration::zero()); },
          [this] {
            view_.on_disconnected();
            publish_within(Duration::zero());
          },
          [this](const channel::v1::AgentMessage& message) {
            switch (view_.apply(message)) {
              case AgentView::Change::kNothing:
                break;
              case AgentView::Change::kCounters:
                publish_within(kCoalesceCounters);
                break;
              case AgentView::Change::kContent:
                publish_within(kCoalesceContent);
                break;
              case AgentView::Change::kState:
                publish_within(Duration::zero());
                break;
            }
            notify();
            if (view_.resynced()) open_checks();
          }};
}

// ---- checks
// -------------------------------------------------------------------------------------------------

void Control::open_checks() {
  if (stopped_ || std::exchange(checks_open_, true)) return;
  apply_checks();
}

void Control::apply_checks() {
  if (!checks_open_ || plan_.state.generation == 0) return;
  std::vector<checks::Watched> watched;
  std::set<checks::ServiceBoard::Service> services;
  for (const auto& spec : definitions_.specs()) {
    if (spec.checks.empty()) continue;
    auto routers = plan::routers_of(plan_.state, spec.name);
    if (routers.empty()) continue;
    for (const auto& check : spec.checks) {
      if (const auto* service = std::get_if<definitions::ServiceProbe>(&check.probe)) {
        services.emplace(service->name_space, service->name);
      }
    }
    watched.push_back({spec.name, spec.checks, std::move(routers)});
  }
  if (cluster_) cluster_->watch_services(std::move(services));
  if (std::exchange(checks_applied_, true)) {
    checks_.apply(watched);
  } else {
    checks_.apply(watched,
                  [this](auto virtual_ip, auto check) { return verdict_of_last_life(virtual_ip, check); });
    contributions_open_ = view_.resynced();
    after(contributions_timer_, kVerdictPatience, [this] {
      contributions_open_ = !stopped_;
      offer_contributions();
    });
  }
  offer_contributions();
}

// A router that was running before this process started tells what its checks said then.
std::optional<bool> Control::verdict_of_last_life(std::string_view virtual_ip, std::string_view check) const {
  const auto source = checks::contribution_source(check);
  for (const auto& router : plan::routers_of(plan_.state, plan::VirtualIpName{virtual_ip})) {
    const auto found = view_.routers().find(router);
    if (found == view_.routers().end()) continue;
    const auto& snapshot = found->second;
    const auto& parts = snapshot.contributions();
    if (std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return part.source() == source; }))
      return false;
    if (snapshot.since_unix_ns() > 0 && snapshot.since_unix_ns() < started_unix_ns_) return true;
  }
  return std::nullopt;
}

void Control::on_check_run(const checks::CheckState& state, bool verdict_changed, bool changed) {
  if (verdict_changed) {
    log_.write(state.passing ? log::Level::kInfo : log::Level::kWarning,
               state.passing ? "check.passing" : "check.failing",
               {{"virtual_ip", state.virtual_ip},
                {"check", state.name},
                {"kind", state.kind},
                {"reason", to_string(state.reason)},
                {"detail", state.detail}});
  }
  if (!changed) return;
  offer_contributions();
  publish_within(verdict_changed ? Duration::zero() : kCoalesceContent);
}

void Control::offer_contributions() {
  if (!contributions_open_) {
    const auto states = checks_.states();
    contributions_open_ =
        checks_applied_ && std::all_of(states.begin(), states.end(), [](const auto& s) { return s.decided; });
  }
  if (!contributions_open_) return;
  auto contributions = checks_.contributions();
  auto wishes = wishes_.contributions(plan_.state);
  if (wishes.empty()) return agent_.set_contributions(std::move(contributions));
  std::move(wishes.begin(), wishes.end(), std::back_inserter(contributions));
  std::sort(contributions.begin(), contributions.end(), [](const auto& a, const auto& b) {
    return std::tie(a.consumer, a.source) < std::tie(b.consumer, b.source);
  });
  agent_.set_contributions(std::move(contributions));
}

}  // namespace vipra::control
