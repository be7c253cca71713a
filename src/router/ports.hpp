// What a virtual router needs from the world. Implemented at the edge (agent/speaker), faked in tests.
// Nothing here blocks, and nothing allocates in steady state.
#pragma once

#include <cstdint>
#include <span>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"
#include "election/machine.hpp"
#include "ownership/address_set.hpp"
#include "ownership/interface_choice.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/signer.hpp"

namespace vipra::router {

// Dense, chosen by the owner of the routers, stable while the router exists.
using RouterIndex = std::uint32_t;

class VirtualRouter;

class AdvertisementPort {
 public:
  virtual ~AdvertisementPort() = default;
  // False: the kernel refused (counted by the router).
  [[nodiscard]] virtual bool send(const ownership::Segment& segment, std::span<const std::uint8_t> message,
                                  const vrrp::Endpoints& endpoints) = 0;
  // To the group, with the MAC address of the segment's device as Ethernet source (RFC 9568 section 7.3):
  // switches send there what is for the virtual MAC address. Only who has that to offer overrides it.
  [[nodiscard]] virtual bool send_from_device(const ownership::Segment& segment,
                                              std::span<const std::uint8_t> message,
                                              const vrrp::Endpoints& endpoints) {
    return send(segment, message, endpoints);
  }
};

// Announcements of the router's addresses, by their position in VirtualRouter::addresses().
class AnnouncementPort {
 public:
  virtual ~AnnouncementPort() = default;
  virtual void start(RouterIndex router, const Instant& now) = 0;
  virtual void evidence(RouterIndex router, const Instant& now) = 0;
  // A stranger claims this one.
  virtual void defend(RouterIndex router, std::size_t address, const Instant& now) = 0;
  virtual void stop(RouterIndex router) = 0;
};

// Told of everything that somebody outside may want to know.
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void on_transition(const VirtualRouter& router, const election::Transition& transition) = 0;
  // Something in its snapshot other than counters changed.
  virtual void on_change(const VirtualRouter& router) = 0;
  // Its warning() is another, or none any more.
  virtual void on_warning(const VirtualRouter& router) = 0;
  // An advertisement went out as master, or what is owned changed: the shared page must say so.
  virtual void on_owned(const VirtualRouter& router) = 0;
};

struct Ports {
  AdvertisementPort& advertisements;
  ownership::AddressCommands& addresses;
  AnnouncementPort& announcements;
  Journal& journal;
  vrrp::PacketSigner& signer;
};

}  // namespace vipra::router
