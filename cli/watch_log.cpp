#include "cli/watch_log.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "cli/names.hpp"
#include "cli/query.hpp"
#include "cli/text.hpp"

namespace vipra::cli {
namespace {

using Kind = WatchEvent::Kind;

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kCurrent:
      return "current";
    case Kind::kTransition:
      return "transition";
    case Kind::kState:
      return "state";
    case Kind::kRemoved:
      return "removed";
    case Kind::kMissed:
      return "missed";
    case Kind::kAgentLost:
      return "agentLost";
    case Kind::kAgentBack:
      return "agentBack";
    case Kind::kDisconnected:
      return "disconnected";
    case Kind::kConnected:
      return "connected";
  }
  return "";
}

std::string virtual_ips_of(const v1::RouterReport& router) {
  const std::vector<std::string> names{router.virtual_ips().begin(), router.virtual_ips().end()};
  return names.empty() ? router.id() : joined(names, ",");
}

WatchEvent of_router(Kind kind, const v1::RouterReport& router, std::int64_t unix_ns) {
  WatchEvent event;
  event.kind = kind;
  event.unix_ns = unix_ns;
  event.virtual_ip = virtual_ips_of(router);
  event.family = router.family();
  event.to = name(router.state());
  event.reason = name(router.reason());
  event.detail = router.detail();
  return event;
}

// A restarted speaker counts from 1 again, so the number alone does not tell two transitions apart.
auto key(const v1::TransitionReport& transition) {
  return std::tuple{transition.sequence(), transition.unix_ns(), transition.router()};
}

WatchEvent of_transition(const v1::NodeReport& report, const v1::NodeReport& before,
                         const v1::TransitionReport& transition) {
  WatchEvent event;
  event.kind = Kind::kTransition;
  event.unix_ns = transition.unix_ns();
  const auto* router = find_router(report, transition.router());
  if (router == nullptr) router = find_router(before, transition.router());
  event.virtual_ip = router != nullptr ? virtual_ips_of(*router) : transition.router();
  event.family = router != nullptr ? router->family() : "";
  event.from = name(transition.from());
  event.to = name(transition.to());
  event.reason = name(transition.reason());
  event.detail = transition.detail();
  return event;
}

// The list is bounded: when it shares nothing with the one before, some may have fallen out between.
void append_transitions(std::vector<WatchEvent>& out, const v1::NodeReport& report,
                        const v1::NodeReport& before, std::int64_t now,
                        std::map<std::string, std::string>& told) {
  std::set<std::tuple<std::uint64_t, std::int64_t, std::string>> known;
  for (const auto& transition : before.transitions()) known.insert(key(transition));
  std::vector<WatchEvent> fresh;
  bool overlaps = known.empty();
  for (const auto& transition : report.transitions()) {
    if (known.count(key(transition)) > 0) {
      overlaps = true;
      continue;
    }
    fresh.push_back(of_transition(report, before, transition));
    told[transition.router()] = fresh.back().to;
  }
  if (!overlaps && !fresh.empty()) {
    WatchEvent missed;
    missed.kind = Kind::kMissed;
    missed.unix_ns = now;
    missed.detail = "changes between the last line and the next may be missing";
    out.push_back(missed);
  }
  out.insert(out.end(), fresh.begin(), fresh.end());
}

}  // namespace

std::vector<WatchEvent> WatchLog::first(std::int64_t now) const {
  std::vector<WatchEvent> out;
  for (const auto* vip : sorted_virtual_ips(last_)) {
    for (const auto* router : routers_of(last_, *vip)) {
      // A shared router is told once, with the first VirtualIP that it carries.
      if (router->virtual_ips_size() > 1 && router->virtual_ips(0) != vip->name()) continue;
      out.push_back(
          of_router(Kind::kCurrent, *router, router->since_unix_ns() != 0 ? router->since_unix_ns() : now));
    }
  }
  return out;
}

std::vector<WatchEvent> WatchLog::take(const v1::NodeReport& report, std::int64_t now) {
  if (!begun_) {
    begun_ = true;
    last_ = report;
    return first(now);
  }
  std::vector<WatchEvent> out;
  if (report.agent_connected() != last_.agent_connected()) {
    WatchEvent event;
    event.kind = report.agent_connected() ? Kind::kAgentBack : Kind::kAgentLost;
    event.unix_ns = now;
    event.detail = report.agent_connected() ? "vipra-control has the agent again"
                                            : "vipra-control has lost the agent; its last states are shown";
    out.push_back(event);
  }
  if (!report.agent_connected()) {
    // What control says without the agent is old, or (after its own restart) nothing at all: no change of
    // state.
    last_.set_agent_connected(false);
    return out;
  }
  std::map<std::string, std::string> told;
  append_transitions(out, report, last_, now, told);
  for (const auto& router : report.routers()) {
    const auto* before = find_router(last_, router.id());
    const std::string from = before != nullptr ? name(before->state()) : "";
    const std::string to = name(router.state());
    // A control that has just come back does not know yet; that is no change of the router.
    const bool forgotten = router.state() == wire::STATE_UNKNOWN && before != nullptr;
    if (forgotten || from == to || told[router.id()] == to) continue;
    WatchEvent event =
        of_router(Kind::kState, router, router.since_unix_ns() != 0 ? router.since_unix_ns() : now);
    event.from = from;
    out.push_back(event);
  }
  for (const auto& router : last_.routers()) {
    if (find_router(report, router.id()) != nullptr) continue;
    WatchEvent event = of_router(Kind::kRemoved, router, now);
    event.from = event.to;
    event.to.clear();
    event.reason = name(wire::REASON_DELETED);
    event.detail.clear();
    out.push_back(event);
  }
  keep(report);
  return out;
}

void WatchLog::keep(const v1::NodeReport& report) {
  const v1::NodeReport before = std::exchange(last_, report);
  for (auto& router : *last_.mutable_routers()) {
    const auto* known = find_router(before, router.id());
    if (router.state() == wire::STATE_UNKNOWN && known != nullptr) router = *known;
  }
}

std::string watch_line(const WatchEvent& event) {
  std::string out = utc_millis(event.unix_ns);
  if (event.virtual_ip.empty()) return out + "  -- " + printable(event.detail) + "\n";
  out += "  " + printable(event.virtual_ip);
  if (!event.family.empty()) out += "  " + printable(event.family);
  out += "  ";
  if (event.kind == Kind::kCurrent) {
    out += "is " + event.to + " since then";
  } else if (event.kind == Kind::kRemoved) {
    out += event.from + " -> gone";
  } else {
    out += (event.from.empty() ? "new" : event.from) + " -> " + event.to;
  }
  out += "  " + event.reason;
  if (!event.detail.empty()) out += ": " + printable(event.detail);
  return out + "\n";
}

std::string watch_json_line(const WatchEvent& event) {
  const nlohmann::ordered_json line{{"event", kind_name(event.kind)},
                                    {"unixNs", std::to_string(event.unix_ns)},
                                    {"virtualIp", event.virtual_ip},
                                    {"family", event.family},
                                    {"from", event.from},
                                    {"to", event.to},
                                    {"reason", event.reason},
                                    {"detail", event.detail}};
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace vipra::cli
