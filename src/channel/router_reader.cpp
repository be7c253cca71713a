#include "channel/router_reader.hpp"

#include <chrono>
#include <set>
#include <utility>

#include "channel/protocol.hpp"

namespace vipra::channel {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kMaxDelay = hours{24};
constexpr int kMaxMisses = 255;
constexpr int kMaxTracks = 32;  // of one router: those of its VirtualIP
constexpr int kMaxTrackDelta = 254;
constexpr int kMaxRepeats = 8;

Family family_of(const v1::VirtualRouter& wire) {
  return wire.family() == 4 ? Family::kIpv4 : Family::kIpv6;
}

// Fails with "router X: field: why".
tl::unexpected<Error> bad(const v1::VirtualRouter& wire, std::string_view field, std::string_view why) {
  std::string what = "router ";
  what += wire.id().substr(0, kMaxRouterIdBytes);
  what += ": ";
  what += field;
  what += ": ";
  what += why;
  return fail(Errc::kInvalid, std::move(what));
}

Status read_identity(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  if (!is_text(wire.id(), kMaxRouterIdBytes)) return bad(wire, "id", "empty or too long");
  // The shared page keeps it as a C string.
  if (wire.id().find('\0') != std::string::npos) return bad(wire, "id", "contains a NUL byte");
  out.id = wire.id();
  if (wire.family() != 4 && wire.family() != 6) return bad(wire, "family", "neither 4 nor 6");
  out.family = family_of(wire);
  const auto vrid = vrrp::Vrid::make(wire.vrid() <= 255 ? static_cast<int>(wire.vrid()) : 0);
  if (!vrid) return bad(wire, "vrid", "not within 1 to 255");
  out.vrid = *vrid;
  if (wire.version() != 3 && (wire.version() != 2 || out.family != Family::kIpv4)) {
    return bad(wire, "version", "neither 3 nor, for IPv4, 2");
  }
  out.version = wire.version() == 2 ? vrrp::Version::kV2 : vrrp::Version::kV3;
  if (wire.carrier() > static_cast<unsigned>(plan::Carrier::kVirtualMac))
    return bad(wire, "carrier", "unknown");
  out.carrier = static_cast<plan::Carrier>(wire.carrier());
  if (wire.fence() > static_cast<unsigned>(plan::Fence::kDevice)) return bad(wire, "fence", "unknown");
  out.fence = static_cast<plan::Fence>(wire.fence());
  return {};
}

Status read_interface(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  using Kind = plan::InterfaceSelector::Kind;
  const auto& text = wire.interface().text();
  const auto kind = wire.interface().kind();
  if (kind == v1::InterfaceSelector::KIND_BY_SUBNET) {
    if (!text.empty()) return bad(wire, "interface.text", "not empty, though the subnet selects");
    out.interface.kind = Kind::kBySubnet;
  } else if (kind == v1::InterfaceSelector::KIND_BY_NAME) {
    if (!is_text(text, kMaxInterfaceNameBytes)) return bad(wire, "interface.text", "no interface name");
    out.interface.kind = Kind::kByName;
  } else if (kind == v1::InterfaceSelector::KIND_BY_PATTERN) {
    if (!is_text(text, kMaxPatternBytes)) return bad(wire, "interface.text", "no pattern, or too long");
    out.interface.kind = Kind::kByPattern;
  } else {
    return bad(wire, "interface.kind", "unknown");
  }
  out.interface.text = text;
  return {};
}

Status read_addresses(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  const auto count = static_cast<std::size_t>(wire.addresses_size());
  if (count == 0 || count > kMaxRouterAddresses) return bad(wire, "addresses", "none, or too many");
  out.addresses.reserve(count);
  std::set<IpAddress> seen;
  for (const auto& item : wire.addresses()) {
    const auto ip = address_of(item.ip());
    if (!ip || ip->family() != out.family || !can_be_carried(*ip)) {
      return bad(wire, "addresses", "not a unicast address of the router's family");
    }
    if (!seen.insert(*ip).second) return bad(wire, "addresses", ip->to_string() + " occurs twice");
    if (!is_text(item.virtual_ip(), kMaxNameBytes)) return bad(wire, "addresses.virtual_ip", "no name");
    out.addresses.push_back({*ip, item.virtual_ip()});
  }
  if (out.family == Family::kIpv4) {
    if (!wire.link_local().empty()) return bad(wire, "link_local", "set, though the family is IPv4");
    return {};
  }
  const auto link_local = address_of(wire.link_local());
  if (!link_local || link_local->is_v4() || !link_local->is_link_local()) {
    return bad(wire, "link_local", "not an IPv6 link-local address");
  }
  if (seen.contains(*link_local)) return bad(wire, "link_local", "occurs among the addresses too");
  out.link_local = *link_local;
  return {};
}

Status read_election(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  if (wire.base_priority() < 1 || wire.base_priority() > 255) {
    return bad(wire, "base_priority", "not within 1 to 255");
  }
  out.base_priority = static_cast<int>(wire.base_priority());
  if (wire.preemption() > static_cast<unsigned>(plan::PreemptionPolicy::kDelayed)) {
    return bad(wire, "preemption", "unknown");
  }
  const Duration delay{wire.preemption_delay_ns()};
  if (delay < Duration::zero() || delay > kMaxDelay) {
    return bad(wire, "preemption_delay_ns", "not within 0 to 24 hours");
  }
  out.preemption = {static_cast<plan::PreemptionPolicy>(wire.preemption()), delay};
  if (wire.misses() < 1 || wire.misses() > kMaxMisses) return bad(wire, "misses", "not within 1 to 255");
  out.misses = static_cast<int>(wire.misses());
  if (wire.checksum() > static_cast<unsigned>(plan::ChecksumMode::kRfc5798)) {
    return bad(wire, "checksum", "unknown");
  }
  out.checksum = static_cast<plan::ChecksumMode>(wire.checksum());
  return {};
}

Status read_password(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  if (wire.simple_password().empty()) return {};
  if (out.version != vrrp::Version::kV2) return bad(wire, "simple_password", "set, though the version is 3");
  out.password = vrrp::SimplePassword::make(wire.simple_password());
  if (!out.password) return bad(wire, "simple_password", "longer than 8 bytes, or with a NUL byte");
  return {};
}

Status read_delays(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  out.startup_delay = Duration{wire.startup_delay_ns()};
  out.link_up_delay = Duration{wire.link_up_delay_ns()};
  out.recovery_delay = Duration{wire.recovery_delay_ns()};
  if (out.startup_delay < Duration::zero() || out.startup_delay > kMaxDelay) {
    return bad(wire, "startup_delay_ns", "not within 0 to 24 hours");
  }
  if (out.link_up_delay < Duration::zero() || out.link_up_delay > kMaxDelay) {
    return bad(wire, "link_up_delay_ns", "not within 0 to 24 hours");
  }
  if (out.recovery_delay < Duration::zero() || out.recovery_delay > kMaxDelay) {
    return bad(wire, "recovery_delay_ns", "not within 0 to 24 hours");
  }
  return {};
}

// RFC 9568 section 5.2.7 (12 bits of centiseconds), RFC 3768 section 5.3.7 (8 bits of seconds).
Status read_interval(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  const Duration interval{wire.interval_ns()};
  const bool v2 = out.version == vrrp::Version::kV2;
  const Duration step = v2 ? Duration{seconds{1}} : Duration{milliseconds{10}};
  const Duration most = v2 ? Duration{seconds{255}} : Duration{milliseconds{40950}};
  if (interval < step || interval > most || interval % step != Duration::zero()) {
    return bad(wire, "interval_ns", "not in the range or the unit of the version");
  }
  out.interval = interval;
  return {};
}

Status read_relations(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  if (wire.lead().size() > kMaxRouterIdBytes) return bad(wire, "lead", "too long");
  if (wire.lead() == wire.id()) return bad(wire, "lead", "is the router itself");
  if (!wire.lead().empty()) out.lead = wire.lead();
  if (!is_text(wire.senior_name(), kMaxNameBytes)) return bad(wire, "senior_name", "empty or too long");
  out.seniority.name = wire.senior_name();
  if (wire.created_known()) out.seniority.created_unix_s = wire.created_unix_s();
  if (wire.group().size() > kMaxNameBytes) return bad(wire, "group", "too long");
  out.group = wire.group();
  return {};
}

Status read_transport(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  const auto& transport = wire.transport();
  if (transport.mode() > static_cast<unsigned>(plan::TransportMode::kBoth)) {
    return bad(wire, "transport.mode", "unknown");
  }
  out.transport.mode = static_cast<plan::TransportMode>(transport.mode());
  const auto count = static_cast<std::size_t>(transport.peers_size());
  if (count > (out.transport.unicast() ? kMaxRouterPeers : 0)) {
    return bad(wire, "transport.peers", "too many, or set with multicast alone");
  }
  out.transport.peers.reserve(count);
  for (const auto& item : transport.peers()) {
    const auto ip = address_of(item);
    if (!ip || ip->family() != out.family || !can_be_carried(*ip)) {
      return bad(wire, "transport.peers", "not a unicast address of the router's family");
    }
    if (!out.transport.peers.empty() && !(out.transport.peers.back() < *ip)) {
      return bad(wire, "transport.peers", "not sorted and unique");
    }
    out.transport.peers.push_back(*ip);
  }
  return {};
}

Status read_track(const v1::VirtualRouter& wire, const v1::Track& item, plan::Track& out) {
  if (!is_text(item.name(), kMaxNameBytes)) return bad(wire, "tracks.name", "empty or too long");
  out.name = item.name();
  if (item.delta() < -kMaxTrackDelta || item.delta() > kMaxTrackDelta)
    return bad(wire, "tracks.delta", "not within -254 to 254");
  if (item.delta() != 0) out.delta = item.delta();
  switch (item.what_case()) {
    case v1::Track::kLink:
      if (!is_text(item.link(), kMaxInterfaceNameBytes)) return bad(wire, "tracks.link", "no interface name");
      out.what = plan::LinkTrack{item.link()};
      return {};
    case v1::Track::kGateway: {
      plan::GatewayTrack gateway{{}, Duration{item.gateway().interval_ns()}, 0};
      if (!item.gateway().address().empty()) {
        gateway.address = address_of(item.gateway().address());
        if (!gateway.address || gateway.address->family() != family_of(wire) ||
            !can_be_carried(*gateway.address))
          return bad(wire, "tracks.gateway.address", "not a unicast address of the router's family");
      }
      if (gateway.interval < milliseconds{10} || gateway.interval > kMaxDelay)
        return bad(wire, "tracks.gateway.interval_ns", "not within 10 ms to 24 hours");
      if (item.gateway().misses() < 1 || item.gateway().misses() > kMaxMisses)
        return bad(wire, "tracks.gateway.misses", "not within 1 to 255");
      gateway.misses = static_cast<int>(item.gateway().misses());
      out.what = gateway;
      return {};
    }
    case v1::Track::kRoute: {
      const auto ip = address_of(item.route().destination());
      if (!ip || item.route().prefix_length() > address_size(ip->family()) * 8)
        return bad(wire, "tracks.route", "no prefix");
      out.what = plan::RouteTrack{*ip, static_cast<int>(item.route().prefix_length())};
      return {};
    }
    case v1::Track::WHAT_NOT_SET:
      break;
  }
  return bad(wire, "tracks", "of no known kind");
}

Status read_tracks(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  if (wire.tracks_size() > kMaxTracks) return bad(wire, "tracks", "too many");
  out.tracks.reserve(static_cast<std::size_t>(wire.tracks_size()));
  for (const auto& item : wire.tracks()) {
    if (auto status = read_track(wire, item, out.tracks.emplace_back()); !status) return status;
  }
  return {};
}

Status read_announcements(const v1::VirtualRouter& wire, plan::VirtualRouter& out) {
  const auto& item = wire.announcements();
  if (item.repeats_ns_size() > kMaxRepeats) return bad(wire, "announcements.repeats_ns", "too many");
  Duration before{};
  for (const auto ns : item.repeats_ns()) {
    const Duration repeat{ns};
    if (repeat < before || repeat < milliseconds{1} || repeat > kMaxDelay)
      return bad(wire, "announcements.repeats_ns", "not in order, or not within 1 ms to 24 hours");
    out.announcements.repeats.push_back(before = repeat);
  }
  out.announcements.refresh = Duration{item.refresh_ns()};
  out.announcements.evidence_interval = Duration{item.evidence_interval_ns()};
  out.announcements.reply_form = item.reply_form();
  for (const auto figure : {out.announcements.refresh, out.announcements.evidence_interval}) {
    if (figure < seconds{1} || figure > kMaxDelay)
      return bad(wire, "announcements", "a figure is not within 1 s to 24 hours");
  }
  return {};
}

}  // namespace

bool is_text(std::string_view text, std::size_t limit) {
  return !text.empty() && text.size() <= limit;
}

std::optional<IpAddress> address_of(const std::string& wire) {
  return IpAddress::from_bytes({reinterpret_cast<const std::uint8_t*>(wire.data()), wire.size()});
}

bool can_be_carried(const IpAddress& ip) {
  return !ip.is_unspecified() && !ip.is_loopback() && !ip.is_multicast() && !ip.is_v4_broadcast() &&
         !ip.is_v4_mapped();
}

Result<plan::VirtualRouter> read_router(const v1::VirtualRouter& wire) {
  plan::VirtualRouter out;
  for (const auto step :
       {read_identity, read_interface, read_addresses, read_election, read_interval, read_password,
        read_delays, read_relations, read_transport, read_tracks, read_announcements}) {
    if (auto status = step(wire, out); !status) return tl::unexpected{std::move(status).error()};
  }
  return out;
}

}  // namespace vipra::channel
