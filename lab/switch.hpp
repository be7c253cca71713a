// The lab's switch: a bridge in a namespace of its own. Every way to hurt a network is here. Cuts are by port
// pair (nftables in the bridge's forward path), so they hold whatever MAC addresses are used, are directed,
// and leave the carrier up; only port_down() takes the carrier away. The switch itself answers probes on
// control_v4() and control_v6(): no cut and no crash ever touches these.
#pragma once

#include <memory>
#include <string>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "lab/net_namespace.hpp"
#include "lab/station.hpp"

namespace vipra::lab {

class Switch {
 public:
  static constexpr const char* kBridge = "br0";

  [[nodiscard]] static Result<std::unique_ptr<Switch>> make(bool multicast_snooping);

  [[nodiscard]] const NetNamespace& net() const noexcept { return net_; }
  [[nodiscard]] IpAddress control_v4() const;
  [[nodiscard]] IpAddress control_v6() const;

  // The cable is pulled: the station sees its carrier go, the switch forgets its MAC addresses.
  [[nodiscard]] Status port_down(const Station& station) const;
  [[nodiscard]] Status port_up(const Station& station) const;

  // Frames of `from` reach `to` no more. One direction only.
  [[nodiscard]] Status cut(const Station& from, const Station& to) const;
  [[nodiscard]] Status heal(const Station& from, const Station& to) const;
  [[nodiscard]] Status cut_both(const Station& a, const Station& b) const;
  [[nodiscard]] Status heal_both(const Station& a, const Station& b) const;

  // Nothing passes between the station and any other station (the control address excepted); carrier stays
  // up.
  [[nodiscard]] Status isolate(const Station& station) const;
  [[nodiscard]] Status rejoin(const Station& station) const;

  // Packets to 224.0.0.18 and ff02::12 are dropped on their way to this station; unicast, ARP and ND pass.
  [[nodiscard]] Status block_adverts_to(const Station& station) const;
  [[nodiscard]] Status allow_adverts_to(const Station& station) const;
  // The same on one directed pair.
  [[nodiscard]] Status block_adverts(const Station& from, const Station& to) const;
  [[nodiscard]] Status allow_adverts(const Station& from, const Station& to) const;

  // Removes every cut and filter above (not port_down).
  [[nodiscard]] Status heal_all() const;

  // Called by Lab while it builds: a veth pair, one end a port of this bridge, the other eth0 of the station.
  [[nodiscard]] Status attach(const StationFacts& facts, const NetNamespace& station_net) const;

 private:
  explicit Switch(NetNamespace net) : net_{std::move(net)} {}
  [[nodiscard]] Status filter(const std::string& nft_command) const;

  NetNamespace net_;
};

}  // namespace vipra::lab
