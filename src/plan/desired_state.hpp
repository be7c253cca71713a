// What this node shall run: the whole of it, immutable once built, with a generation. Control builds it from
// valid definitions, the supervisor keeps it (serialised, in a sealed memfd), the speaker runs it.
//
// A VirtualIP and a virtual router are different things: a router may carry addresses of many VirtualIPs, and
// a VirtualIP with two families has two routers. Today every VirtualIP has routers of its own; nothing here
// relies on that.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"
#include "vrrp/types.hpp"

namespace vipra::plan {

// Opaque and stable over edits of the definition; today "<VirtualIP>/ipv4" or "<VirtualIP>/ipv6".
using RouterId = std::string;
using VirtualIpName = std::string;

struct InterfaceSelector {
  enum class Kind : std::uint8_t {
    kBySubnet,  // the interface whose subnet holds the (first) address
    kByName,
    kByPattern,  // ECMAScript regular expression that the whole name matches
  };
  Kind kind = Kind::kBySubnet;
  std::string text;  // name or pattern
  bool operator==(const InterfaceSelector&) const = default;
};

// What withdraws the addresses when the whole agent is killed. Only kNone is built yet.
enum class Fence : std::uint8_t { kNone, kLease, kDevice };

// The device that carries the addresses. kVirtualMac: a macvlan of its own on the announcing interface, with
// the virtual router's MAC address (RFC 9568 section 7.3).
enum class Carrier : std::uint8_t { kAnnouncingInterface, kVirtualMac };

enum class PreemptionPolicy : std::uint8_t { kNever, kImmediate, kDelayed };
struct Preemption {
  PreemptionPolicy policy = PreemptionPolicy::kNever;
  Duration delay{};
  bool operator==(const Preemption&) const = default;
};

// kAuto sends the form that was last accepted from this router's peers, RFC 9568's before any was heard.
enum class ChecksumMode : std::uint8_t { kAuto, kRfc9568, kRfc5798 };

// By which way advertisements go and come. With kBoth an election is lost only when both are silent.
enum class TransportMode : std::uint8_t { kMulticast, kUnicast, kBoth };
struct Transport {
  TransportMode mode = TransportMode::kMulticast;
  // Of the router's family, sorted, each once; none with kMulticast. A list that is the same on all nodes
  // names this one too: the speaker, who knows the node's addresses, leaves it out.
  std::vector<IpAddress> peers;

  [[nodiscard]] bool multicast() const noexcept { return mode != TransportMode::kUnicast; }
  [[nodiscard]] bool unicast() const noexcept { return mode != TransportMode::kMulticast; }
  bool operator==(const Transport&) const = default;
};

// When a master announces its addresses, beside the first time.
struct Announcements {
  std::vector<Duration> repeats;  // since it became master; in order
  Duration refresh{std::chrono::seconds{60}};
  Duration evidence_interval{std::chrono::seconds{1}};  // rounds for evidence start no closer than this
  bool reply_form = false;                              // gratuitous ARP by reply too
  bool operator==(const Announcements&) const = default;
};

// What a node must have besides its own interface; watched by the speaker. What fails counts for every router
// that shares this one's lead (the families of a VirtualIP, the members of a group): planning gives each
// track to one router of its VirtualIP only, link and route to the leading one, a gateway to that of its
// family (without address: to each family's).
struct LinkTrack {
  std::string interface;
  bool operator==(const LinkTrack&) const = default;
};
struct GatewayTrack {
  std::optional<IpAddress> address;  // none: the next hop of the default route of the router's family
  Duration interval{std::chrono::seconds{1}};
  int misses = 3;
  bool operator==(const GatewayTrack&) const = default;
};
struct RouteTrack {
  IpAddress destination;
  int prefix_length = 0;
  bool operator==(const RouteTrack&) const = default;
};
struct Track {
  std::string name;
  std::variant<LinkTrack, GatewayTrack, RouteTrack> what;
  std::optional<int> delta;  // none: a fault
  bool operator==(const Track&) const = default;
};

struct Address {
  IpAddress ip;
  VirtualIpName virtual_ip;  // whose it is
  bool operator==(const Address&) const = default;
};

// Who came first: decides between two objects that claim the same thing. An object without a creation time
// (from a file) counts as oldest; names break ties.
struct Seniority {
  std::optional<std::int64_t> created_unix_s;
  VirtualIpName name;
  bool operator==(const Seniority&) const = default;
};
// True if `a` wins against `b`.
[[nodiscard]] bool is_senior(const Seniority& a, const Seniority& b) noexcept;

struct VirtualRouter {
  RouterId id;
  Family family = Family::kIpv4;
  vrrp::Vrid vrid = *vrrp::Vrid::make(1);
  vrrp::Version version = vrrp::Version::kV3;
  InterfaceSelector interface;
  Carrier carrier = Carrier::kAnnouncingInterface;
  Fence fence = Fence::kNone;
  std::vector<Address> addresses;              // in the order of the definition; never empty
  std::optional<IpAddress> link_local;         // IPv6: advertised first and owned too; always set for IPv6
  int base_priority = vrrp::kDefaultPriority;  // 1-255, after per-node overrides
  Preemption preemption;
  Duration interval{std::chrono::milliseconds{100}};
  int misses = vrrp::kDefaultMisses;
  Duration startup_delay{};   // listen so long after the start before claiming,
  Duration link_up_delay{};   // so long after the link came up,
  Duration recovery_delay{};  // and so long after any fault ended
  ChecksumMode checksum = ChecksumMode::kAuto;
  Transport transport;
  std::optional<vrrp::SimplePassword> password;  // version 2; none: no authentication
  std::optional<RouterId> lead;                  // this router follows that one
  std::string group;                             // of VirtualIPs that move together; empty: none
  std::vector<Track> tracks;
  Seniority seniority;
  Announcements announcements;
  bool operator==(const VirtualRouter&) const = default;
};

// Another node of the cluster, as a directory of nodes tells.
struct Peer {
  std::string node;
  std::vector<IpAddress> addresses;
  std::uint32_t rank = 0;
  std::map<std::string, std::string> labels{};  // for nodeSelectors; none in a DesiredState, which has judged
  bool operator==(const Peer&) const = default;
};

struct DesiredState {
  std::uint64_t generation = 0;
  std::string node;
  std::vector<VirtualRouter> routers;  // sorted by id, ids unique, every lead exists
  std::vector<Peer> peers;
};
using DesiredStatePtr = std::shared_ptr<const DesiredState>;

// One part of a router's priority, or a fault of it. Named, so that "why" can be answered; the speaker sums
// them. `consumer` is generic: a router today, a back-end's weight later.
struct Contribution {
  std::string consumer;  // RouterId
  std::string source;    // "check/envoy"
  int delta = 0;         // added to the base priority
  bool fault = false;    // forces Fault whatever the sum
  Reason reason = Reason::kNone;
  std::string detail;  // one sentence for people
  bool stale = false;  // the verdict is older than it should be: it is kept, and marked
  bool operator==(const Contribution&) const = default;
};

// A fault that is somebody's wish: the router hands its addresses over in good health (Releasing) and stays
// out of elections, instead of dropping them as in a fault of its own.
[[nodiscard]] inline bool is_wish_to_stand_aside(const Contribution& contribution) noexcept {
  return contribution.fault &&
         (contribution.reason == Reason::kMaintenance || contribution.reason == Reason::kSwitchover);
}

}  // namespace vipra::plan
