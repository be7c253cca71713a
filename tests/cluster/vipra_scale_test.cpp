// A hundred VirtualIPs: how soon each answers, what the processes need, and what they ask of the API server
// while nothing happens.
#include <algorithm>
#include <fstream>
#include <map>

#include "tests/cluster/vipra_cluster.hpp"

namespace vipra::lab::kube {
namespace {

using nlohmann::json;
using s = std::chrono::seconds;
using ms = std::chrono::milliseconds;

constexpr int kMeasured = 50;
constexpr int kAll = 100;

// VIPRA_IDLE_SECONDS: for how long nothing happens (600 for the figure of the documents).
s idle() {
  const char* text = std::getenv("VIPRA_IDLE_SECONDS");
  return s{text != nullptr ? std::strtol(text, nullptr, 10) : 20};
}

std::string address_of(int i) {
  return "10.99.0." + std::to_string(100 + i);
}
std::string name_of(int i) {
  return "many-" + std::to_string(i);
}

class VipraScale : public VipraCluster {
 protected:
  // What Vipra's own accounts did, as "verb resource", beginning at this place of the audit log.
  static std::map<std::string, int> asked_since(std::streamoff begin) {
    std::map<std::string, int> out;
    std::ifstream log{cluster_->api().audit_log()};
    log.seekg(begin);
    for (std::string line; std::getline(log, line);) {
      const auto entry = json::parse(line, nullptr, false);
      if (entry.is_discarded()) continue;
      const auto user = entry.value("/user/username"_json_pointer, "");
      if (!user.starts_with("system:serviceaccount:vipra-system:")) continue;
      const auto verb = entry.value("verb", "");
      const auto stage = entry.value("stage", "");
      if (verb == "watch" ? stage != "ResponseStarted" : stage != "ResponseComplete") continue;
      const auto part = entry.value("/objectRef/subresource"_json_pointer, "");
      ++out[verb + " " + entry.value("/objectRef/resource"_json_pointer, "?") + (part.empty() ? "" : "/") +
            part];
    }
    return out;
  }
  static void expect_small() {
    for (const char* program : {"vipra-control", "vipra-controller", "vipra-agent"}) {
      for (const auto& node : cluster_->lab().node_names()) {
        for (const pid_t pid : processes_on(node, program)) {
          std::printf("%s on %s with %d VIPs: %.1f MB resident\n", program, node.c_str(), kAll,
                      static_cast<double>(resident_kb(pid)) / 1000);
          EXPECT_LE(resident_kb(pid), 60'000);
        }
      }
    }
  }
};

TEST_F(VipraScale, EachAnswersInTimeTheProcessesStaySmallAndIdleTheyAskNothing) {
  std::vector<IpAddress> addresses;
  for (int i = 0; i < kMeasured; ++i) addresses.push_back(*IpAddress::parse(address_of(i)));
  // Fewer probes of each, because the machine has other things to do.
  const auto answers =
      cluster_->lab().probe(addresses, {.interval = ms{10}, .limit = std::chrono::minutes{5}});
  ASSERT_OK(answers);
  const StatusWatch watch{*cluster_};
  Duration slowest{};
  Duration latest{};
  for (int i = 0; i < kMeasured; ++i) {
    const auto began = now();
    ASSERT_OK(apply(vip(name_of(i), 20 + i, address_of(i))));
    const auto applied = now();
    const auto index = static_cast<std::size_t>(i);
    ASSERT_TRUE(wait_until([&] { return (*answers)->last_answer(index).has_value(); }, s{10})) << i;
    const auto answered = (*answers)->last_answer(index)->at;
    slowest = std::max(slowest, answered - applied);
    const auto followed = watch.wait_for(
        name_of(i), began, [](const json& status) { return status.value("state", "") == "Owned"; }, s{10});
    ASSERT_OK(followed);
    latest = std::max(latest, *followed - answered);
  }
  std::printf("apply to answering, the slowest of %d: %.0f ms; status after the wire, the latest: %.0f ms\n",
              kMeasured, to_ms(slowest), to_ms(latest));
  EXPECT_LE(slowest, kElection + ms{500});
  EXPECT_LE(latest, s{1} + kLoadMargin);

  std::string rest;
  for (int i = kMeasured; i < kAll; ++i) rest += "---\n" + vip(name_of(i), 20 + i, address_of(i));
  ASSERT_OK(apply(rest));
  const auto owned = [] {
    int count = 0;
    for (const auto& object : get({"virtualips"}).value("items", json::array()))
      if (object.value("/status/state"_json_pointer, "") == "Owned") ++count;
    return count;
  };
  ASSERT_TRUE(wait_until([&] { return owned() == kAll; }, s{30}, ms{200})) << owned();

  std::ifstream log{cluster_->api().audit_log(), std::ios::ate};
  const std::streamoff begin = log.tellg();
  const auto until = now() + idle();
  std::map<std::string, int> asked;
  const auto allowed = [](const std::string& what) {
    return what.starts_with("watch ") || what == "get leases" || what == "update leases" ||
           what == "create tokenreviews";
  };
  const auto forbidden = [&] {
    asked = asked_since(begin);
    return std::any_of(asked.begin(), asked.end(), [&](const auto& one) { return !allowed(one.first); });
  };
  EXPECT_FALSE(wait_until(forbidden, until - now(), s{1}));
  int watches = 0;
  for (const auto& [what, count] : asked) {
    std::printf("idle for %lld s: %s %d times\n", static_cast<long long>(idle().count()), what.c_str(),
                count);
    if (what.starts_with("watch ")) watches += count;
  }
  // Three agents watch four kinds each, two controllers four; each watch lasts five minutes at least.
  EXPECT_LE(watches, 20 * (1 + idle() / s{300}));
  expect_small();
}

}  // namespace
}  // namespace vipra::lab::kube
