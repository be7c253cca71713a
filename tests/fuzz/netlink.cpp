// Any bytes as netlink messages: nothing is read beyond them, and what is told holds together.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.hpp"
#include "net/netlink_events.hpp"
#include "net/route_parse.hpp"

namespace {

class Judge final : public vipra::net::NetlinkVisitor {
 public:
  void on_link(const vipra::net::Link& link) override {
    VIPRA_CHECK(link.index > 0);
    VIPRA_CHECK(!link.name.empty() && link.name.size() < 16);
    VIPRA_CHECK(link.name.find('\0') == std::string::npos);
  }
  void on_link_removed(int index) override { VIPRA_CHECK(index > 0); }
  void on_address(const vipra::net::InterfaceAddress& address) override {
    VIPRA_CHECK(address.index > 0);
    VIPRA_CHECK(address.prefix_length <= (address.ip.is_v4() ? 32 : 128));
    VIPRA_CHECK(!(address.secondary && address.temporary));
  }
  void on_address_removed(const vipra::net::InterfaceAddress& address) override { on_address(address); }
  void on_overrun() override { VIPRA_CHECK(false); }
};

class RouteJudge final : public vipra::net::RouteVisitor {
 public:
  void on_route(vipra::ownership::Route route, bool) override {
    VIPRA_CHECK(std::binary_search(kWanted.begin(), kWanted.end(), route.destination));
    VIPRA_CHECK(!route.next_hops.empty());
    for (const auto& hop : route.next_hops) {
      VIPRA_CHECK(hop.index >= 0);
      VIPRA_CHECK(!hop.gateway || hop.gateway->family() == route.destination.address.family());
    }
  }
  inline static const std::vector<vipra::IpPrefix> kWanted = [] {
    std::vector<vipra::IpPrefix> all;
    for (const auto* text : {"0.0.0.0/0", "10.0.0.0/8", "192.0.2.0/24", "::/0", "2001:db8::/32"})
      all.push_back(*vipra::IpPrefix::parse(text));
    std::sort(all.begin(), all.end());
    return all;
  }();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Judge judge;
  vipra::net::parse_netlink({data, size}, judge);
  RouteJudge routes;
  vipra::net::parse_routes({data, size}, RouteJudge::kWanted, routes);
  return 0;
}
