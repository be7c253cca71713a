#include "lab/station_setup.hpp"

#include <net/if.h>

#include <array>
#include <utility>
#include <vector>

#include "lab/literal.hpp"

namespace vipra::lab {
namespace {

std::string address_commands(const StationFacts& facts) {
  const std::string device = Station::kInterface;
  return "link set " + device + " up\naddr add " + facts.v4.to_string() + "/24 dev " + device +
         "\naddr add " + facts.v6.to_string() + "/64 dev " + device + " nodad\n";
}

std::vector<std::string> other_links(const NetNamespace& net) {
  const Entered inside{net};
  std::vector<std::string> names;
  struct if_nameindex* all = ::if_nameindex();
  if (all == nullptr) return names;
  for (auto* link = all; link->if_index != 0; ++link) {
    const std::string name = link->if_name;
    if (name != "lo" && name != Station::kInterface) names.push_back(name);
  }
  ::if_freenameindex(all);
  return names;
}

}  // namespace

StationFacts station_facts(const std::string& name, std::size_t number) {
  const auto n = static_cast<std::uint8_t>(number);
  StationFacts facts;
  facts.name = name;
  facts.port = "p-" + name;
  facts.mac = MacAddress{{0x02, 0x99, 0, 0, 0, n}};
  facts.v4 = IpAddress::v4(10, 99, 0, n);
  const std::array<std::uint8_t, 16> v6{0x20, 0x01, 0x0d, 0xb8, 0, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, n};
  facts.v6 = address_from(v6);
  const std::array<std::uint8_t, 16> eui64{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0x00, 0x99, 0, 0xff, 0xfe, 0, 0, n};
  facts.link_local = address_from(eui64);
  return facts;
}

Status prepare_station(const NetNamespace& net) {
  constexpr std::array<std::pair<const char*, const char*>, 6> kDefaults{{{"disable_ipv6", "0"},
                                                                          {"accept_dad", "0"},
                                                                          {"accept_ra", "0"},
                                                                          {"autoconf", "0"},
                                                                          {"addr_gen_mode", "0"},
                                                                          {"router_solicitations", "0"}}};
  for (const char* scope : {"all", "default"}) {
    for (const auto& [key, value] : kDefaults) {
      const auto set = set_sysctl(net, std::string{"ipv6/conf/"} + scope + "/" + key, value);
      if (!set) return set;
    }
    // These a namespace copies from the host, which may have any.
    for (const char* key : {"rp_filter", "arp_ignore", "arp_announce", "arp_filter"}) {
      const auto set = set_sysctl(net, std::string{"ipv4/conf/"} + scope + "/" + key, "0");
      if (!set) return set;
    }
  }
  return {};
}

Status bring_up_station(const StationFacts& facts, const NetNamespace& net) {
  return must_run(net, {"ip", "-batch", "-"}, address_commands(facts));
}

Status reset_station(const Station& station) {
  std::string commands;
  for (const auto& name : other_links(station.net())) commands += "link del " + name + "\n";
  // The kernel's own fall-back devices refuse to go.
  if (!commands.empty()) {
    const auto tried = run_command(station.net(), {"ip", "-force", "-batch", "-"}, commands);
    if (!tried) return tl::unexpected{tried.error()};
  }
  const std::string device = Station::kInterface;
  return must_run(
      station.net(), {"ip", "-batch", "-"},
      "link set " + device + " down\naddr flush dev " + device + "\n" + address_commands(station.facts()));
}

}  // namespace vipra::lab
