// Vipra and other people's VRRP on one segment: who advertises, and whom a client reaches.
#pragma once

#include <list>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "lab/peer.hpp"
#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {

// One way in which all of a test's routers are configured.
struct Wire {
  const char* name;
  int version = 3;
  bool ipv6 = false;
  const char* password = "";
  std::chrono::milliseconds interval{
      300};  // long enough to tell a resignation from silence on a busy machine
};
inline void PrintTo(const Wire& wire, std::ostream* out) {
  *out << wire.name;
}

class Interop : public AgentLab {
 protected:
  void TearDown() override {
    if (HasFailure()) {
      for (const auto& peer : peers_) std::printf("---- a peer's log ----\n%s\n", peer.log_text().c_str());
    }
    AgentLab::TearDown();
  }

  void build_watched(std::size_t nodes, const Wire& wire) {
    ASSERT_TRUE(have_keepalived() && have_frr()) << "scripts/setup test installs what is missing";
    ASSERT_NO_FATAL_FAILURE(build(nodes));
    wire_ = wire;
    auto capture = lab_->capture();
    ASSERT_OK(capture);
    capture_ = std::move(*capture);
    ProbeOptions options;
    options.interval = ms{5};
    options.limit = s{300};
    auto probe = lab_->probe({wire.ipv6 ? vip6_ : vip_}, options);
    ASSERT_OK(probe);
    probe_ = std::move(*probe);
  }

  [[nodiscard]] VipDefinition definition(int priority, const std::string& preemption) const {
    VipDefinition out;
    if (wire_.ipv6) out.addresses = {"2001:db8:99::100"};
    out.interval = wire_.interval;
    out.preemption = preemption;
    out.extra_vrrp = "    priority: " + std::to_string(priority) +
                     "\n    version: " + std::to_string(wire_.version) + "\n";
    if (*wire_.password != '\0')
      out.extra_vrrp += "    authentication: {simplePassword: \"" + std::string{wire_.password} + "\"}\n";
    return out;
  }
  void start_vipra(const char* name, int priority, const std::string& preemption = "Immediate",
                   const std::string& more_vrrp = {}) {
    auto wanted = definition(priority, preemption);
    wanted.extra_vrrp += more_vrrp;
    ASSERT_OK(node(name).write_definition("web.yaml", wanted.yaml()));
    ASSERT_OK(node(name).start_agent(agent()));
  }

  [[nodiscard]] PeerDefinition peer(int priority) const {
    PeerDefinition out;
    out.version = wire_.version;
    out.priority = priority;
    out.interval = wire_.interval;
    out.password = wire_.password;
    if (wire_.ipv6) out.addresses = {"fe80::200:5eff:fe00:233", "2001:db8:99::100"};
    return out;
  }
  // Null after a failure.
  Peer* start_keepalived(const char* name, const PeerDefinition& wanted) {
    return keep(Peer::start_keepalived(*lab_, node(name), wanted));
  }
  Peer* start_frr(const char* name, const PeerDefinition& wanted) {
    return keep(Peer::start_frr(*lab_, node(name), wanted));
  }

  // A client's datagrams are answered from that node, and nobody else advertises any more.
  testing::AssertionResult serves(const char* name, Duration within = std::chrono::seconds{15}) {
    const auto from = now();
    if (!wait_until([&] { return probe_->answered_by(name, from); }, within)) {
      const auto last = probe_->last_answer();
      return testing::AssertionFailure()
             << name << " does not answer; last: " << (last ? last->node : "nobody");
    }
    const auto alone = [&] {
      const auto since = now() - wire_.interval * 5 / 2;
      const auto masters = advertisers(since);
      return masters == std::vector<std::string>{"p-" + std::string{name}} &&
             probe_->answered_by(name, since);
    };
    if (!wait_until(alone, within, ms{10})) {
      return testing::AssertionFailure()
             << name << " is not the only one that advertises: "
             << testing::PrintToString(advertisers(now() - wire_.interval * 5 / 2));
    }
    return testing::AssertionSuccess();
  }

  struct Seen {
    TimePoint at;
    std::string port;
    VrrpSeen advert;
  };
  [[nodiscard]] std::vector<Seen> adverts(TimePoint from) const {
    std::vector<Seen> out;
    for (const auto& packet : capture_->packets(from, TimePoint::max())) {
      if (auto advert = as_vrrp(packet.frame)) out.push_back({packet.at, packet.port, std::move(*advert)});
    }
    return out;
  }
  // Ports of the switch from which advertisements other than resignations came, sorted.
  [[nodiscard]] std::vector<std::string> advertisers(TimePoint from) const {
    std::set<std::string> out;
    for (const auto& seen : adverts(from))
      if (seen.advert.priority != 0) out.insert(seen.port);
    return {out.begin(), out.end()};
  }
  // From the last advertisement (with `resigning`, the first resignation) of one node after `from` to the
  // first of another node after that.
  [[nodiscard]] Duration gap(const char* before, const char* after, TimePoint from, bool resigning) const {
    std::optional<TimePoint> last;
    for (const auto& seen : adverts(from)) {
      const bool resignation = seen.advert.priority == 0;
      if (seen.port == "p-" + std::string{before} && resignation == resigning && !(resigning && last))
        last = seen.at;
      if (last && seen.port == "p-" + std::string{after} && !resignation) return seen.at - *last;
    }
    return Duration::max();
  }
  // Skew_Time and Active_Down_Interval of a priority, worked out here and not by the code under test.
  [[nodiscard]] Duration skew(int priority) const {
    return (wire_.version == 2 ? Duration{s{1}} : Duration{wire_.interval}) * (256 - priority) / 256;
  }
  [[nodiscard]] Duration down(int priority) const { return wire_.interval * 3 + skew(priority); }
  // What a client noticed of a planned move, for people: the machine may be too busy to assert it here.
  void note_outage(const std::string& what, TimePoint from) {
    const auto report = probe_->settled_report(from, now());
    std::printf("  %s, %s: %zu of %zu probes lost, longest outage %.1f ms%s\n", what.c_str(), wire_.name,
                report.lost, report.sent, to_ms(report.longest_outage()),
                report.host_stalled() ? " (the host stalled)" : "");
  }
  // `after`, of priority 100, advertised long before a silent `before` would have been given up.
  testing::AssertionResult took_a_resignation(const char* before, const char* after, TimePoint from) const {
    const auto waited = gap(before, after, from, true);
    if (waited < (skew(100) + down(100)) / 2) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << after << " waited " << to_ms(waited) << " ms after the resignation of " << before;
  }
  // On node-b somebody else's router of priority 100, which `start_other` starts, on node-a a better Vipra
  // that then leaves: at `stopped`.
  template <class Start>
  void better_vipra_takes_over_and_resigns(const Wire& wire, const std::string& other, Start start_other,
                                           TimePoint& stopped) {
    ASSERT_NO_FATAL_FAILURE(build_watched(2, wire));
    ASSERT_TRUE(start_other("node-b", peer(100)));
    ASSERT_TRUE(serves("node-b"));
    ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 200));
    ASSERT_TRUE(serves("node-a"));

    stopped = now();
    ASSERT_OK(node("node-a").stop_agent());
    ASSERT_TRUE(serves("node-b"));
    EXPECT_TRUE(took_a_resignation("node-a", "node-b", stopped));
    note_outage("Vipra gives to " + other, stopped);
  }
  // The other way: the better one is somebody else's.
  template <class Start>
  void better_other_takes_over_and_resigns(const Wire& wire, const std::string& other, Start start_other) {
    ASSERT_NO_FATAL_FAILURE(build_watched(2, wire));
    ASSERT_NO_FATAL_FAILURE(start_vipra("node-a", 100, "Never"));
    ASSERT_TRUE(serves("node-a"));
    auto* better = start_other("node-b", peer(200));
    ASSERT_TRUE(better);
    ASSERT_TRUE(serves("node-b"));

    const auto stopped = now();
    ASSERT_OK(better->stop());
    ASSERT_TRUE(serves("node-a"));
    EXPECT_TRUE(took_a_resignation("node-b", "node-a", stopped));
    note_outage(other + " gives to Vipra", stopped);
  }

  // What /metrics of a node says was dropped for a reason.
  double dropped(const char* name, const std::string& reason) {
    const auto answer = node(name).run({"curl", "-sS", "-m", "5", "http://127.0.0.1:9112/metrics"});
    if (!answer) return -1;
    double sum = 0;
    std::istringstream lines{answer->out};
    for (std::string line; std::getline(lines, line);) {
      if (line.find("dropped_total{") == std::string::npos ||
          line.find("reason=\"" + reason + '"') == std::string::npos)
        continue;
      sum += std::stod(line.substr(line.rfind(' ') + 1));
    }
    return sum;
  }

  Wire wire_{};
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<Probe> probe_;
  std::list<Peer> peers_;

 private:
  Peer* keep(Result<Peer> made) {
    EXPECT_TRUE(made.has_value()) << made.error().what;
    if (!made) return nullptr;
    return &peers_.emplace_back(std::move(*made));
  }
};

}  // namespace vipra::lab
