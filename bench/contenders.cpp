#include "bench/contenders.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "lab/processes.hpp"

namespace vipra::bench {
namespace {

using namespace vipra::lab;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Vipra final : public Contender {
 public:
  Vipra(Load load, std::filesystem::path agent, std::vector<std::string> extra)
      : Contender{load}, agent_{std::move(agent)}, extra_{std::move(extra)} {}
  const char* name() const override { return "vipra"; }
  std::vector<pid_t> processes(const char* node) override {
    std::vector<pid_t> out;
    for (const auto role : {Role::kSupervisor, Role::kSpeaker}) {
      if (const auto pid = lab().node(node).process(role)) out.push_back(*pid);
    }
    return out;
  }

 private:
  Status start() override {
    std::string all;
    for (std::size_t i = 0; i < load().routers; ++i) {
      VipDefinition one;
      one.name = "vip-" + std::to_string(i + 1);
      one.addresses = {address(i)};
      one.virtual_router_id = static_cast<int>(i + 1);
      one.interval = load().interval;
      one.priorities = {{"node-a", 200}, {"node-b", 100}};
      one.preemption = "Immediate";
      one.extra_spec = "  interface: {name: eth0}\n";
      all += "---\n" + one.yaml();
    }
    if (auto done = lab().write_definition("all.yaml", all); !done) return done;
    for (const auto* node : {"node-a", "node-b"}) {
      if (auto done = lab().node(node).start_agent({.binary = agent_, .extra = extra_}); !done) return done;
    }
    return {};
  }

  std::filesystem::path agent_;
  std::vector<std::string> extra_;
};

class Keepalived final : public Contender {
 public:
  explicit Keepalived(Load load) : Contender{load} {}
  const char* name() const override { return "keepalived"; }
  std::vector<pid_t> processes(const char* node) override {
    std::vector<pid_t> out;
    const auto found = peers_.find(node);
    if (found == peers_.end()) return out;
    for (const auto& process : process_tree(found->second.pid())) {
      if (process.name.starts_with("keepalived")) out.push_back(process.pid);
    }
    return out;
  }

 private:
  Status start() override {
    for (const auto& [node, priority] : {std::pair{"node-a", 200}, std::pair{"node-b", 100}}) {
      auto peer = Peer::start_keepalived(lab(), lab().node(node), configuration(node, priority));
      if (!peer) return tl::unexpected{peer.error()};
      peers_.emplace(node, std::move(*peer));
    }
    return {};
  }
  std::string configuration(const char* node, int priority) const {
    std::ostringstream out;
    out << "global_defs {\n  router_id " << node << "\n  vrrp_version 3\n";
    if (load().keepalived_realtime) out << "  vrrp_rt_priority 10\n  vrrp_no_swap\n";
    out << "}\n";
    for (std::size_t i = 0; i < load().routers; ++i) {
      out << "vrrp_instance vip-" << i + 1 << " {\n  state BACKUP\n  interface eth0\n  virtual_router_id "
          << i + 1 << "\n  priority " << priority << "\n  advert_int "
          << static_cast<double>(load().interval.count()) / 1000 << "\n  virtual_ipaddress {\n    "
          << address(i) << "/32\n  }\n}\n";
    }
    return out.str();
  }

  std::map<std::string, Peer> peers_;
};

}  // namespace

std::string Contender::address(std::size_t router) {
  return "10.98.0." + std::to_string(router + 1);
}

std::vector<bool> Contender::owned_list(const char* node) {
  std::vector<bool> out(load_.routers);
  const auto list = lab().node(node).addresses();
  if (!list) return out;
  std::set<IpAddress> present;
  for (const auto& item : *list) present.insert(item.address);
  for (std::size_t i = 0; i < load_.routers; ++i) out[i] = present.contains(*IpAddress::parse(address(i)));
  return out;
}

std::size_t Contender::owned(const char* node) {
  const auto list = owned_list(node);
  return static_cast<std::size_t>(std::count(list.begin(), list.end(), true));
}

Status Contender::open() {
  auto made = Lab::make({.nodes = 2});
  if (!made) return tl::unexpected{made.error()};
  lab_ = std::move(*made);
  if (auto started = start(); !started) return started;
  const auto settled = [this] { return owned("node-a") == load_.routers && owned("node-b") == 0; };
  if (wait_until(settled, seconds{60}, milliseconds{50})) return {};
  return fail(Errc::kTimeout, std::string{name()} + ": node-a has " + std::to_string(owned("node-a")) +
                                  " of " + std::to_string(load_.routers) + " addresses, node-b " +
                                  std::to_string(owned("node-b")));
}

std::unique_ptr<Contender> make_vipra(Load load, std::filesystem::path agent,
                                      std::vector<std::string> extra) {
  return std::make_unique<Vipra>(load, std::move(agent), std::move(extra));
}
std::unique_ptr<Contender> make_keepalived(Load load) {
  return std::make_unique<Keepalived>(load);
}

Duration cpu_time(const std::vector<pid_t>& processes) {
  Duration sum{};
  for (const auto pid : processes) {
    std::error_code error;
    for (const auto& thread :
         std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/task", error}) {
      std::ifstream file{thread.path() / "schedstat"};
      std::int64_t ns = 0;
      if (file >> ns) sum += Duration{ns};
    }
  }
  return sum;
}

long resident_kib(const std::vector<pid_t>& processes) {
  long sum = 0;
  for (const auto pid : processes) {
    std::ifstream status{"/proc/" + std::to_string(pid) + "/status"};
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) sum += std::stol(line.substr(6));
    }
  }
  return sum;
}

Packets multicast_packets(Node& node) {
  Packets out;
  const auto text = node.run({"cat", "/proc/net/netstat"});
  if (!text) return out;
  std::istringstream lines{text->out};
  std::string names;
  for (std::string line; std::getline(lines, line); names = line) {
    if (!line.starts_with("IpExt:") || !names.starts_with("IpExt:")) continue;
    std::istringstream keys{names};
    std::istringstream values{line};
    std::string key;
    std::string value;
    while (keys >> key && values >> value) {
      if (key == "InMcastPkts") out.in = std::stoul(value);
      if (key == "OutMcastPkts") out.out = std::stoul(value);
    }
  }
  return out;
}

}  // namespace vipra::bench
