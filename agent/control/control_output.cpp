// What others see of control: pages, reports, metrics.
#include <set>
#include <utility>

#include "agent/control/after.hpp"
#include "agent/control/build_report.hpp"
#include "agent/control/control.hpp"
#include "agent/control/metrics_snapshot.hpp"
#include "agent/control/process.hpp"
#include "channel/convert.hpp"
#include "metrics/families.hpp"
#include "runtime/clock.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::control {
namespace {

constexpr Duration kHeartbeat = std::chrono::seconds{5};  // a report at least this often: ages in it move on

}  // namespace

void Control::add_pages() {
  http_.add_page("/livez", [] { return metrics::HttpAnswer{200, "ok\n"}; });
  http_.add_page("/readyz", [this] {
    const auto states = checks_.states();
    const auto now = readiness(facts(states));
    return metrics::HttpAnswer{now.ready ? 200U : 503U, now.detail + "\n"};
  });
  http_.add_page("/metrics",
                 [this] { return metrics::HttpAnswer{200, metrics_page(), metrics::kTextFormat}; });
}

Facts Control::facts(const std::vector<checks::CheckState>& states) const {
  std::optional<Duration> age;
  if (source_health_.readable) {
    age = Duration::zero();
  } else if (last_read_) {
    age = runtime::now().mono - *last_read_;
  }
  return {node_.name, build_, view_,          agent_.connected(),    definitions_,
          plan_,      states, source_health_, wishes_.maintenance(), age};
}

void Control::notify() {
  for (const auto& news : view_.take_news()) {
    if (!notifier_.wanted()) continue;
    notify::Transition told{.unix_ns = news.unix_ns(),
                            .sequence = news.sequence(),
                            .node = node_.name,
                            .router = news.router(),
                            .virtual_ips = {},
                            .family = {},
                            .virtual_router_id = 0,
                            .interface = {},
                            .from = channel::from_proto(news.from()),
                            .to = channel::from_proto(news.to()),
                            .reason = channel::from_proto(news.reason()),
                            .detail = news.detail()};
    if (const auto found = view_.routers().find(news.router()); found != view_.routers().end()) {
      const auto& router = found->second;
      std::set<std::string> names;
      for (const auto& address : router.addresses())
        if (!address.virtual_ip().empty()) names.insert(address.virtual_ip());
      told.virtual_ips.assign(names.begin(), names.end());
      told.family = router.family() == 6 ? "IPv6" : "IPv4";
      told.virtual_router_id = router.vrid();
      told.interface = router.interface();
    }
    notifier_.tell(told);
  }
}

void Control::start_reports() {
  if (stopped_) return;
  const auto started = reports_.start();
  const auto trouble = started ? std::string{} : started.error().what;
  if (started) {
    log_.info("report.listening", {{"socket", settings_.options.vipctl_socket}});
  } else {
    if (trouble != report_trouble_) {
      log_.error("report.bind_failed", {{"socket", settings_.options.vipctl_socket},
                                        {"error", trouble},
                                        {"consequence", "vipctl cannot ask this node; trying again"}});
    }
    after(reports_timer_, report_backoff_.next(0.5), [this] { start_reports(); });
  }
  report_trouble_ = trouble;
}

void Control::publish_within(Duration delay) {
  const auto due = runtime::now().mono + delay;
  if (stopped_ || (publish_due_ && *publish_due_ <= due)) return;
  publish_due_ = due;
  after(publish_timer_, delay, [this] {
    publish_due_.reset();
    if (stopped_) return;
    publish();
    publish_within(kHeartbeat);
  });
}

void Control::publish() {
  const auto states = checks_.states();
  last_report_ = std::make_shared<const report::v1::NodeReport>(
      build_report(facts(states), last_report_.get(), runtime::unix_now_ns()));
  reports_.publish(last_report_);
  if (cluster_) cluster_->publish(last_report_);
}

std::string Control::metrics_page() const {
  const auto states = checks_.states();
  auto snapshot = metrics_snapshot(facts(states));
  auto& control = snapshot.control;
  control.agent_connects = agent_.connects();
  if (cluster_) {
    control.api_readable = cluster_->readable();
    control.api_relists = cluster_->relists();
  }
  for (const auto& sink : notifier_.counters())
    control.notifications.push_back({std::string{sink.sink}, sink.told, sink.dropped});
  control.log_lines_dropped = log_lines_dropped_();
  control.http_connections_refused = http_.refused();
  control.report_watchers_refused = reports_.counters().watchers_refused;
  control.resident_bytes = resident_bytes();
  control.start_time_unix_seconds = static_cast<double>(started_unix_ns_) / 1e9;
  return metrics::render(snapshot);
}

}  // namespace vipra::control
