#include "cli/commands.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "cli/console.hpp"
#include "cli/explain.hpp"
#include "cli/interrupt.hpp"
#include "cli/query.hpp"
#include "cli/report_json.hpp"
#include "cli/segment_table.hpp"
#include "cli/text.hpp"
#include "cli/vip_table.hpp"
#include "cli/watch_log.hpp"
#include "report/local_client.hpp"

namespace vipra::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto kAnswerTimeout = 5s;
constexpr auto kReconnectPause = 300ms;

bool print_json(const v1::NodeReport& report) {
  return print(to_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

int not_found(const v1::NodeReport& report, const std::string& virtual_ip) {
  std::string text = explain(report, virtual_ip, unix_now_ns()).text;
  if (!text.empty()) text.pop_back();
  complain(text);
  return kExitNegative;
}

int unreachable(const Error& error) {
  complain(unreachable_text(error));
  return kExitUnreachable;
}

WatchEvent connection_event(WatchEvent::Kind kind, std::string detail) {
  WatchEvent event;
  event.kind = kind;
  event.unix_ns = unix_now_ns();
  event.detail = std::move(detail);
  return event;
}

void pause(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock{mutex};
  (void)wake.wait_for(lock, stop, kReconnectPause, [] { return false; });
}

// One run of `watch`, over any number of connections.
class Watch {
 public:
  Watch(const CommandLine& line, std::stop_token stop) : line_{line}, stop_{std::move(stop)} {}

  int run() {
    report::LocalClient client{line_.socket};
    while (true) {
      const auto ended =
          client.watch(stop_, [this](const v1::NodeReport& report) { return on_report(report); });
      if (ended || stop_.stop_requested()) return kExitOk;
      if (!ever_connected_) return unreachable(ended.error());
      if (connected_) {
        connected_ = false;
        tell(connection_event(WatchEvent::Kind::kDisconnected,
                              "the agent does not answer any more; trying again"));
      }
      pause(stop_);
      if (stop_.stop_requested()) return kExitOk;
    }
  }

 private:
  bool on_report(const v1::NodeReport& report) {
    if (ever_connected_ && !connected_) {
      tell(connection_event(WatchEvent::Kind::kConnected, "the agent answers again"));
    }
    ever_connected_ = connected_ = true;
    for (const auto& event : log_.take(report, unix_now_ns())) {
      if (!tell(event)) return false;
    }
    return true;
  }

  bool tell(const WatchEvent& event) const {
    return print(line_.output == Output::kJson ? watch_json_line(event) : watch_line(event));
  }

  const CommandLine& line_;
  std::stop_token stop_;
  WatchLog log_;
  bool ever_connected_ = false;
  bool connected_ = false;
};

}  // namespace

int run_get(const CommandLine& line) {
  auto report = report::LocalClient{line.socket}.get(kAnswerTimeout);
  if (!report) return unreachable(report.error());
  if (!line.virtual_ip.empty()) {
    const auto* vip = find_virtual_ip(*report, line.virtual_ip);
    if (vip == nullptr) return not_found(*report, line.virtual_ip);
    report = only(*report, *vip);
  }
  if (line.output == Output::kJson) {
    print_json(*report);
  } else {
    print(virtual_ip_table(*report, unix_now_ns(), line.headers ? Headers::kYes : Headers::kNo));
  }
  return kExitOk;
}

int run_explain(const CommandLine& line) {
  const auto report = report::LocalClient{line.socket}.get(kAnswerTimeout);
  if (!report) return unreachable(report.error());
  const auto* vip = find_virtual_ip(*report, line.virtual_ip);
  if (vip == nullptr) return not_found(*report, line.virtual_ip);
  if (line.output == Output::kJson) {
    print_json(only(*report, *vip));
  } else {
    print(explain(*report, line.virtual_ip, unix_now_ns()).text);
  }
  return kExitOk;
}

int run_segments(const CommandLine& line) {
  const auto report = report::LocalClient{line.socket}.get(kAnswerTimeout);
  if (!report) return unreachable(report.error());
  if (line.output == Output::kJson) {
    print(segments_json(*report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  } else {
    print(segment_table(*report, unix_now_ns(), line.headers ? Headers::kYes : Headers::kNo));
  }
  return kExitOk;
}

int run_watch(const CommandLine& line) {
  const Interrupt interrupt;
  return Watch{line, interrupt.token()}.run();
}

}  // namespace vipra::cli
