#include "channel/convert.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "channel/desired_state_reader.hpp"
#include "channel/framing.hpp"
#include "channel/part_reader.hpp"
#include "channel/protocol.hpp"
#include "sys/memfd.hpp"

namespace vipra::channel {
namespace {

constexpr int kMaxDelta = 255;

v1::InterfaceSelector::Kind to_proto(plan::InterfaceSelector::Kind kind) {
  switch (kind) {
    case plan::InterfaceSelector::Kind::kBySubnet:
      return v1::InterfaceSelector::KIND_BY_SUBNET;
    case plan::InterfaceSelector::Kind::kByName:
      return v1::InterfaceSelector::KIND_BY_NAME;
    case plan::InterfaceSelector::Kind::kByPattern:
      return v1::InterfaceSelector::KIND_BY_PATTERN;
  }
  return v1::InterfaceSelector::KIND_BY_SUBNET;
}

void write_track(const plan::Track& track, v1::Track& out) {
  out.set_name(track.name);
  if (const auto* link = std::get_if<plan::LinkTrack>(&track.what)) {
    out.set_link(link->interface);
  } else if (const auto* gateway = std::get_if<plan::GatewayTrack>(&track.what)) {
    if (gateway->address) out.mutable_gateway()->set_address(to_wire(*gateway->address));
    out.mutable_gateway()->set_interval_ns(gateway->interval.count());
    out.mutable_gateway()->set_misses(static_cast<std::uint32_t>(gateway->misses));
  } else if (const auto* route = std::get_if<plan::RouteTrack>(&track.what)) {
    out.mutable_route()->set_destination(to_wire(route->destination));
    out.mutable_route()->set_prefix_length(static_cast<std::uint32_t>(route->prefix_length));
  }
  out.set_delta(track.delta.value_or(0));
}

void write_announcements(const plan::Announcements& announcements, v1::Announcements& out) {
  for (const auto& repeat : announcements.repeats) out.add_repeats_ns(repeat.count());
  out.set_refresh_ns(announcements.refresh.count());
  out.set_evidence_interval_ns(announcements.evidence_interval.count());
  out.set_reply_form(announcements.reply_form);
}

void write_router(const plan::VirtualRouter& router, v1::VirtualRouter& out) {
  out.set_id(router.id);
  out.set_family(router.family == Family::kIpv4 ? 4 : 6);
  out.set_vrid(router.vrid.value());
  out.set_version(static_cast<std::uint32_t>(router.version));
  out.mutable_interface()->set_kind(to_proto(router.interface.kind));
  out.mutable_interface()->set_text(router.interface.text);
  out.set_carrier(static_cast<std::uint32_t>(router.carrier));
  out.set_fence(static_cast<std::uint32_t>(router.fence));
  for (const auto& address : router.addresses) {
    auto* item = out.add_addresses();
    item->set_ip(to_wire(address.ip));
    item->set_virtual_ip(address.virtual_ip);
  }
  if (router.link_local) out.set_link_local(to_wire(*router.link_local));
  out.set_base_priority(static_cast<std::uint32_t>(router.base_priority));
  out.set_preemption(static_cast<std::uint32_t>(router.preemption.policy));
  out.set_preemption_delay_ns(router.preemption.delay.count());
  out.set_interval_ns(router.interval.count());
  out.set_misses(static_cast<std::uint32_t>(router.misses));
  out.set_checksum(static_cast<std::uint32_t>(router.checksum));
  out.set_startup_delay_ns(router.startup_delay.count());
  out.set_link_up_delay_ns(router.link_up_delay.count());
  out.set_recovery_delay_ns(router.recovery_delay.count());
  if (router.password) out.set_simple_password(router.password->data().data(), router.password->size());
  if (router.lead) out.set_lead(*router.lead);
  out.set_created_known(router.seniority.created_unix_s.has_value());
  out.set_created_unix_s(router.seniority.created_unix_s.value_or(0));
  out.set_senior_name(router.seniority.name);
  out.set_group(router.group);
  for (const auto& track : router.tracks) write_track(track, *out.add_tracks());
  write_announcements(router.announcements, *out.mutable_announcements());
  out.mutable_transport()->set_mode(static_cast<std::uint32_t>(router.transport.mode));
  for (const auto& peer : router.transport.peers) out.mutable_transport()->add_peers(to_wire(peer));
}

bool is_key(const std::string& consumer, const std::string& source) {
  return !consumer.empty() && consumer.size() <= kMaxRouterIdBytes && !source.empty() &&
         source.size() <= kMaxSourceBytes;
}

auto key_of(const plan::Contribution& item) {
  return std::tie(item.consumer, item.source);
}

template <class Wire, class Values>
auto from_number(int number, const Values& values, Wire fallback) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](auto value) { return static_cast<int>(value) == number; });
  return found == values.end() ? fallback : *found;
}

}  // namespace

std::string to_wire(const IpAddress& ip) {
  const auto bytes = ip.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

v1::DesiredState to_proto(const plan::DesiredState& state) {
  v1::DesiredState out;
  out.set_generation(state.generation);
  out.set_node(state.node);
  out.mutable_routers()->Reserve(static_cast<int>(state.routers.size()));
  for (const auto& router : state.routers) write_router(router, *out.add_routers());
  for (const auto& peer : state.peers) {
    auto* item = out.add_peers();
    item->set_node(peer.node);
    for (const auto& ip : peer.addresses) item->add_addresses(to_wire(ip));
    item->set_rank(peer.rank);
  }
  return out;
}

Result<plan::DesiredState> read_desired_state(std::span<const std::uint8_t> bytes) {
  plan::DesiredState out;
  const DesiredStateSinks sinks{
      [&out](plan::VirtualRouter&& router) { out.routers.push_back(std::move(router)); },
      [&out](plan::Peer&& peer) { out.peers.push_back(std::move(peer)); },
  };
  auto summary = walk_desired_state(bytes, sinks);
  if (!summary) return tl::unexpected{std::move(summary).error()};
  out.generation = summary->generation;
  out.node = std::move(summary->node);
  return out;
}

Result<DesiredStateSummary> check_desired_state(std::span<const std::uint8_t> bytes) {
  return walk_desired_state(bytes, {});
}

Result<DesiredStateFile> make_desired_state_file(const plan::DesiredState& state) {
  const auto message = to_proto(state);
  auto fd = to_memfd("vipra-desired-state", message, kMaxDesiredStateBytes);
  if (!fd) return tl::unexpected{std::move(fd).error()};
  DesiredStateFile out{std::move(*fd), {}};
  out.ref.set_generation(state.generation);
  out.ref.set_size(message.ByteSizeLong());
  return out;
}

Result<plan::DesiredState> read_desired_state_file(int fd, const v1::DesiredStateRef& ref) {
  const auto view = sys::SealedView::map(fd, ref.size(), kMaxDesiredStateBytes);
  if (!view) return tl::unexpected{view.error()};
  auto state = read_desired_state(view->bytes());
  if (state && state->generation != ref.generation()) {
    return fail(Errc::kInvalid, "the desired state has another generation than announced");
  }
  return state;
}

v1::Contribution to_proto(const plan::Contribution& contribution) {
  v1::Contribution out;
  out.set_consumer(contribution.consumer);
  out.set_source(contribution.source);
  out.set_delta(contribution.delta);
  out.set_fault(contribution.fault);
  out.set_reason(to_proto(contribution.reason));
  out.set_detail(contribution.detail);
  out.set_stale(contribution.stale);
  return out;
}

Result<plan::Contribution> from_proto(const v1::Contribution& contribution) {
  if (!is_key(contribution.consumer(), contribution.source())) {
    return fail(Errc::kInvalid, "a contribution names no consumer or source, or one too long");
  }
  const auto name = [&] {
    return "contribution " + contribution.source() + " to " + contribution.consumer();
  };
  if (contribution.delta() < -kMaxDelta || contribution.delta() > kMaxDelta) {
    return fail(Errc::kInvalid, name() + ": delta is not within -255 to 255");
  }
  if (contribution.detail().size() > kMaxDetailBytes)
    return fail(Errc::kInvalid, name() + ": detail is too long");
  return plan::Contribution{
      contribution.consumer(),           contribution.source(), contribution.delta(), contribution.fault(),
      from_proto(contribution.reason()), contribution.detail(), contribution.stale()};
}

Result<std::vector<plan::Contribution>> read_contribution_set(std::span<const std::uint8_t> bytes) {
  const auto malformed = [] {
    return fail(Errc::kInvalid, "the set of contributions is malformed or too large");
  };
  if (bytes.size() > kMaxContributionSetBytes) return malformed();
  std::vector<plan::Contribution> out;
  v1::Contribution item;
  PartReader input{bytes};
  while (!input.at_end()) {
    const auto tag = input.tag();
    if (tag != PartReader::part_tag(v1::ContributionSet::kContributionsFieldNumber)) {
      if (!input.skip(tag)) return malformed();
      continue;
    }
    const auto part = input.part(sys::kMaxDatagram);
    if (!part || out.size() == kMaxContributions || !decode(*part, item)) return malformed();
    auto contribution = from_proto(item);
    if (!contribution) return tl::unexpected{std::move(contribution).error()};
    out.push_back(std::move(*contribution));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return key_of(a) < key_of(b); });
  const auto twice = std::adjacent_find(out.begin(), out.end(),
                                        [](const auto& a, const auto& b) { return key_of(a) == key_of(b); });
  if (twice != out.end()) {
    return fail(Errc::kInvalid, "contribution " + twice->source + " to " + twice->consumer + " occurs twice");
  }
  return out;
}

Result<ContributionSetFile> make_contribution_set_file(const std::vector<plan::Contribution>& contributions) {
  v1::ContributionSet message;
  message.mutable_contributions()->Reserve(static_cast<int>(contributions.size()));
  for (const auto& item : contributions) *message.add_contributions() = to_proto(item);
  auto fd = to_memfd("vipra-contributions", message, kMaxContributionSetBytes);
  if (!fd) return tl::unexpected{std::move(fd).error()};
  ContributionSetFile out{std::move(*fd), {}};
  out.ref.set_size(message.ByteSizeLong());
  return out;
}

Result<std::vector<plan::Contribution>> read_contribution_set_file(int fd,
                                                                   const v1::ContributionSetRef& ref) {
  const auto view = sys::SealedView::map(fd, ref.size(), kMaxContributionSetBytes);
  if (!view) return tl::unexpected{view.error()};
  return read_contribution_set(view->bytes());
}

Result<ContributionChanges> from_proto(const v1::ContributionDelta& delta) {
  ContributionChanges out;
  out.upserts.reserve(static_cast<std::size_t>(delta.upserts_size()));
  for (const auto& item : delta.upserts()) {
    auto contribution = from_proto(item);
    if (!contribution) return tl::unexpected{std::move(contribution).error()};
    out.upserts.push_back(std::move(*contribution));
  }
  out.removals.reserve(static_cast<std::size_t>(delta.removals_size()));
  for (const auto& item : delta.removals()) {
    if (!is_key(item.consumer(), item.source())) {
      return fail(Errc::kInvalid, "a removed contribution names no consumer or source, or one too long");
    }
    out.removals.push_back({item.consumer(), item.source()});
  }
  return out;
}

reason::v1::State to_proto(State state) noexcept {
  return static_cast<reason::v1::State>(state);
}
reason::v1::Reason to_proto(Reason reason) noexcept {
  return static_cast<reason::v1::Reason>(reason);
}
reason::v1::DropReason to_proto(DropReason reason) noexcept {
  return static_cast<reason::v1::DropReason>(reason);
}

State from_proto(reason::v1::State state) noexcept {
  return from_number(static_cast<int>(state), kAllStateValues, State::kUnknown);
}
Reason from_proto(reason::v1::Reason reason) noexcept {
  return from_number(static_cast<int>(reason), kAllReasonValues, Reason::kNone);
}
DropReason from_proto(reason::v1::DropReason reason) noexcept {
  return from_number(static_cast<int>(reason), kAllDropReasonValues, DropReason::kNone);
}

}  // namespace vipra::channel
