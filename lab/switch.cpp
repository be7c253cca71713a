#include "lab/switch.hpp"

#include "lab/literal.hpp"

namespace vipra::lab {
namespace {

// Sets, so that a cut is one element added: rules are never rewritten while packets pass.
constexpr const char* kFilter = R"(
table bridge lab {
  set cut { type ifname . ifname; }
  set lone { type ifname; }
  set deaf { type ifname; }
  set deaf_to { type ifname . ifname; }
  chain adverts {
    oifname @deaf drop
    iifname . oifname @deaf_to drop
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname . oifname @cut drop
    iifname @lone drop
    oifname @lone drop
    ip daddr 224.0.0.18 jump adverts
    ip6 daddr ff02::12 jump adverts
  }
}
)";

std::string pair(const Station& from, const Station& to) {
  return "\"" + from.facts().port + "\" . \"" + to.facts().port + "\"";
}
std::string one(const Station& station) {
  return "\"" + station.facts().port + "\"";
}

std::string add(const std::string& set, const std::string& element) {
  return "add element bridge lab " + set + " { " + element + " }\n";
}
// Deleting what is not there is an error for nft, not for us.
std::string remove(const std::string& set, const std::string& element) {
  return add(set, element) + "delete element bridge lab " + set + " { " + element + " }\n";
}

}  // namespace

Result<std::unique_ptr<Switch>> Switch::make(bool multicast_snooping) {
  auto net = NetNamespace::make();
  if (!net) return tl::unexpected{net.error()};
  std::unique_ptr<Switch> made{new Switch{std::move(*net)}};
  for (const char* scope : {"all", "default"}) {
    const std::string prefix = std::string{"ipv6/conf/"} + scope;
    if (const auto set = set_sysctl(made->net_, prefix + "/accept_dad", "0"); !set)
      return tl::unexpected{set.error()};
  }
  const std::string bridge = kBridge;
  const std::string commands = "link add " + bridge +
                               " address 02:99:00:00:00:fe type bridge stp_state 0 mcast_snooping " +
                               (multicast_snooping ? "1" : "0") + "\nlink set " + bridge + " up\naddr add " +
                               made->control_v4().to_string() + "/24 dev " + bridge + "\naddr add " +
                               made->control_v6().to_string() + "/64 dev " + bridge + " nodad\n";
  if (const auto done = must_run(made->net_, {"ip", "-batch", "-"}, commands); !done)
    return tl::unexpected{done.error()};
  if (const auto done = made->filter(kFilter); !done) return tl::unexpected{done.error()};
  return made;
}

IpAddress Switch::control_v4() const {
  return IpAddress::v4(10, 99, 0, 254);
}
IpAddress Switch::control_v6() const {
  return literal_address("2001:db8:99::fe");
}

Status Switch::filter(const std::string& nft_command) const {
  return must_run(net_, {"nft", "-f", "-"}, nft_command);
}

Status Switch::attach(const StationFacts& facts, const NetNamespace& station_net) const {
  return must_run(net_, {"ip", "-batch", "-"},
                  "link add " + facts.port + " type veth peer name " + Station::kInterface + " address " +
                      facts.mac.to_string() + " netns " + station_net.path() + "\nlink set " + facts.port +
                      " master " + kBridge + " up\n");
}

Status Switch::port_down(const Station& station) const {
  return set_link(net_, station.facts().port, false);
}
Status Switch::port_up(const Station& station) const {
  return set_link(net_, station.facts().port, true);
}

Status Switch::cut(const Station& from, const Station& to) const {
  return filter(add("cut", pair(from, to)));
}
Status Switch::heal(const Station& from, const Station& to) const {
  return filter(remove("cut", pair(from, to)));
}
Status Switch::cut_both(const Station& a, const Station& b) const {
  return filter(add("cut", pair(a, b)) + add("cut", pair(b, a)));
}
Status Switch::heal_both(const Station& a, const Station& b) const {
  return filter(remove("cut", pair(a, b)) + remove("cut", pair(b, a)));
}
Status Switch::isolate(const Station& station) const {
  return filter(add("lone", one(station)));
}
Status Switch::rejoin(const Station& station) const {
  return filter(remove("lone", one(station)));
}
Status Switch::block_adverts_to(const Station& station) const {
  return filter(add("deaf", one(station)));
}
Status Switch::allow_adverts_to(const Station& station) const {
  return filter(remove("deaf", one(station)));
}
Status Switch::block_adverts(const Station& from, const Station& to) const {
  return filter(add("deaf_to", pair(from, to)));
}
Status Switch::allow_adverts(const Station& from, const Station& to) const {
  return filter(remove("deaf_to", pair(from, to)));
}

Status Switch::heal_all() const {
  std::string commands;
  for (const char* set : {"cut", "lone", "deaf", "deaf_to"})
    commands += std::string{"flush set bridge lab "} + set + "\n";
  return filter(commands);
}

}  // namespace vipra::lab
