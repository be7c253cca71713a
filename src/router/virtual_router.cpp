#include "router/virtual_router.hpp"

#include <algorithm>

namespace vipra::router {
namespace {

using AddressState = ownership::AddressSet::Kernel;

// What a taker needs to add so many addresses before it announces the first: beyond these few, which the
// bounds of the election allow for.
Duration install_time(std::size_t addresses) {
  constexpr std::size_t kFew = 50;
  return std::chrono::microseconds{500} * static_cast<int>(addresses - std::min(addresses, kFew));
}

election::Config machine_config(const plan::VirtualRouter& desired) {
  election::Config config;
  config.version = desired.version;
  config.interval = desired.interval;
  config.misses = desired.misses;
  config.preemption = desired.preemption;
  config.follows_lead = desired.lead.has_value();
  config.startup_delay = desired.startup_delay;
  config.link_up_delay = desired.link_up_delay;
  config.recovery_delay = desired.recovery_delay;
  config.install_time = install_time(desired.addresses.size());
  return config;
}

// Sum of the parts, clamped to what a backup may have; the address owner's priority is not for checks to
// change.
int effective(const plan::VirtualRouter& desired, const std::vector<plan::Contribution>& contributions) {
  if (desired.base_priority == vrrp::kOwnerPriority) return desired.base_priority;
  int sum = desired.base_priority;
  for (const auto& contribution : contributions) sum += contribution.delta;
  return std::clamp(sum, 1, 254);
}

// What it owns, in the order in which an advertisement names them.
std::vector<IpAddress> addresses_of(const plan::VirtualRouter& router) {
  std::vector<IpAddress> all;
  if (router.link_local) all.push_back(*router.link_local);
  for (const auto& address : router.addresses) all.push_back(address.ip);
  return all;
}

std::string carrier_name(const ownership::Segment& segment) {
  return segment.device ? "device " + segment.device->name + " of interface " + segment.name
                        : "interface " + segment.name;
}

}  // namespace

VirtualRouter::VirtualRouter(RouterIndex index, const plan::VirtualRouter& desired, const Ports& ports)
    : index_{index},
      desired_{desired},
      group_{vrrp_group(desired.family)},
      ports_{ports},
      machine_{machine_config(desired), desired.base_priority, {}} {
  conflicts_.set_interval(desired.interval);
}

// ---- configuration
// ------------------------------------------------------------------------------------------

void VirtualRouter::reconfigure(const Instant& now, const plan::VirtualRouter& desired) {
  const bool list_changed =
      desired.addresses != desired_.addresses || desired.link_local != desired_.link_local;
  if (list_changed && segment_) {
    // What is no longer wanted leaves the kernel before it is forgotten.
    auto next = addresses_of(desired);
    std::sort(next.begin(), next.end());
    for (const auto& entry : addresses_.entries()) {
      if (entry.kernel != AddressState::kOurs || std::binary_search(next.begin(), next.end(), entry.ip))
        continue;
      static_cast<void>(ports_.addresses.remove(addresses_.index(), entry.ip));
    }
  }
  const bool another = desired.vrid != desired_.vrid || desired.version != desired_.version;
  if (another) {
    // To the segment this is another router: resign as the old one before standing as the new one.
    set_fault(now, FaultSource::kSegment, FaultInfo{Reason::kReconfigured, "gets another virtual router id"});
    keep_farewell(now);
  }
  if (list_changed || another) conflicts_.forget();
  desired_ = desired;
  conflicts_.set_interval(desired_.interval);
  step(now, election::ConfigChanged{machine_config(desired_)});
  apply_priority(now);
  if (list_changed && segment_) {
    addresses_.configure(segment_->carrier_index(), addresses_of(desired_),
                         desired_.base_priority == vrrp::kOwnerPriority);
    ports_.announcements.stop(index_);
    if (state() == State::kMaster) announce_when_complete_ = true;
    ports_.addresses.request_dump();  // addresses new to us may be in the kernel already
    apply_addresses(now);
  }
  build_message();
  if (another && segment_) set_fault(now, FaultSource::kSegment, std::nullopt);
  judge_warnings(now);
  ports_.journal.on_change(*this);
}

void VirtualRouter::set_contributions(const Instant& now, std::vector<plan::Contribution> contributions) {
  if (contributions == contributions_) return;
  contributions_ = std::move(contributions);
  apply_priority(now);
  const auto faulty = std::find_if(contributions_.begin(), contributions_.end(),
                                   [](const auto& c) { return c.fault && !plan::is_wish_to_stand_aside(c); });
  const auto wish = std::find_if(contributions_.begin(), contributions_.end(), plan::is_wish_to_stand_aside);
  stand_aside(now, wish == contributions_.end() ? std::nullopt
                                                : std::optional{FaultInfo{wish->reason, wish->detail}});
  set_fault(now, FaultSource::kContribution,
            faulty == contributions_.end()
                ? std::nullopt
                : std::optional{FaultInfo{faulty->reason, faulty->source + ": " + faulty->detail}});
  ports_.journal.on_change(*this);
}

void VirtualRouter::stand_aside(const Instant& now, std::optional<FaultInfo> why) {
  const bool changed = why.has_value() != aside_.has_value();
  aside_ = std::move(why);
  if (!changed || !started_ || releasing_for_good_) return;
  if (!aside_ && state() == State::kReleasing) return step(now, election::CancelRelease{});
  if (aside_ && fault() == nullptr) return step(now, election::Release{aside_->reason, true});
  apply_fault(now);
}

void VirtualRouter::apply_priority(const Instant& now) {
  const int priority = effective(desired_, contributions_);
  if (priority == machine_.priority()) return;
  step(now, election::PriorityChanged{priority});
  ports_.journal.on_change(*this);
}

void VirtualRouter::set_segment(const Instant& now,
                                const tl::expected<ownership::Segment, ownership::NoSegment>& segment) {
  if (!segment) {
    set_fault(now, FaultSource::kSegment, FaultInfo{segment.error().reason, segment.error().detail});
    return;
  }
  if (segment_ != *segment) {
    // A device that was made anew has none of the addresses, and another MAC address is another neighbour.
    const bool moved = !segment_ || segment_->index != segment->index ||
                       segment_->carrier_index() != segment->carrier_index();
    if (moved && machine_.holds_addresses()) {
      // Another interface is another election: give up here first.
      set_fault(now, FaultSource::kSegment,
                FaultInfo{Reason::kReconfigured, "moves to " + carrier_name(*segment)});
    }
    if (segment_ && segment_->index != segment->index) {
      // All of it here, and now: the socket of this interface may be closed before the next one is due.
      keep_farewell(now);
      send_farewell(TimePoint::max());
    }
    segment_ = *segment;
    if (moved) {
      heard_form_.reset();
      // Auto sends this form only to those who were heard to send it; the other one it sends to nobody, too.
      const auto adopted = std::exchange(adopted_form_, std::nullopt);
      if (adopted == vrrp::ChecksumForm::kRfc5798 && desired_.checksum == plan::ChecksumMode::kAuto)
        heard_form_ = adopted;
      addresses_.configure(segment_->carrier_index(), addresses_of(desired_),
                           desired_.base_priority == vrrp::kOwnerPriority);
    }
    step(now, election::PrimaryAddressChanged{segment_->primary});
    build_message();
    ports_.journal.on_change(*this);
  }
  if (desired_.transport.multicast()) {
    had_peers_ = false;
  } else if (!segment->unicast.peers.empty()) {
    had_peers_ = true;
  }
  set_fault(now, FaultSource::kSegment, missing_peers());
  judge_warnings(now);
}

void VirtualRouter::set_fault(const Instant& now, FaultSource source, std::optional<FaultInfo> fault) {
  auto& slot = faults_[static_cast<std::size_t>(source)];
  if (slot == fault) return;
  slot = std::move(fault);
  apply_fault(now);
  ports_.journal.on_change(*this);
}

const FaultInfo* VirtualRouter::fault() const noexcept {
  for (const auto& fault : faults_) {
    if (fault) return &*fault;
  }
  return nullptr;
}

void VirtualRouter::apply_fault(const Instant& now) {
  if (!started_ || releasing_for_good_) return;
  const auto* current = fault();
  if (current != nullptr) {
    if (state() != State::kFault || machine_.reason() != current->reason)
      step(now, election::Faulted{current->reason});
  } else if (state() == State::kFault && aside_) {
    step(now, election::Release{aside_->reason, true});
  } else if (state() == State::kFault) {
    step(now, election::Recovered{});
  } else if (state() == State::kInit && !aside_) {
    step(now, election::Startup{std::exchange(adoption_, std::nullopt)});
  }
}

void VirtualRouter::start(const Instant& now) {
  if (started_) return;
  started_ = true;
  if (fault() != nullptr || aside_) adoption_.reset();
  apply_fault(now);
  apply_addresses(now);
}

// ---- events
// -------------------------------------------------------------------------------------------------

bool VirtualRouter::on_advertisement(const Instant& now, const vrrp::IpMeta& meta,
                                     const vrrp::Arrival& arrival, const vrrp::Advertisement& advertisement,
                                     TimePoint received_at) {
  if (!segment_) return false;
  vrrp::ReceivePolicy policy;
  policy.version = desired_.version;
  policy.vrid = desired_.vrid;
  policy.interval = desired_.interval;
  if (desired_.password) {
    policy.auth_type = vrrp::kSimpleTextPassword;
    policy.auth_data = desired_.password->data();
  }
  if (const auto drop = vrrp::check_policy(advertisement, policy)) {
    count_drop(*drop);
    return false;
  }
  ++counters_.advertisements_received;
  note_checksum_form(advertisement.checksum_form);
  note_mismatches(advertisement);
  watch_paths(meta, arrival, advertisement, received_at);
  const bool was_master = state() == State::kMaster;
  const auto heard_before = machine_.heard_master();
  const auto priority_before = machine_.heard_priority();
  election::AdvertReceived event{meta.source, advertisement.priority, advertisement.interval, received_at,
                                 arrival.path};
  if (arrival.path == vrrp::Path::kUnicast && arrival.peer != nullptr)
    event.own_source = arrival.peer->source;
  note_contest(advertisement, meta.source, received_at);
  step(now, event);
  if (was_master) conflicts_.met_master(received_at);
  judge_warnings(now);
  if (heard_before != machine_.heard_master() || priority_before != machine_.heard_priority()) {
    ports_.journal.on_change(*this);
  }
  return true;
}

void VirtualRouter::note_checksum_form(vrrp::ChecksumForm form) {
  if (desired_.family != Family::kIpv4 || desired_.version != vrrp::Version::kV3 || heard_form_ == form)
    return;
  const bool first = !heard_form_.has_value();
  heard_form_ = form;
  if (!first) ++counters_.checksum_form_mixed;
  if (desired_.checksum == plan::ChecksumMode::kAuto) build_message();
}

void VirtualRouter::note_mismatches(const vrrp::Advertisement& advertisement) {
  if (advertisement.interval != desired_.interval) ++counters_.interval_mismatches;
  if (message().empty()) return;
  const auto ours = message().subspan(vrrp::kHeaderSize, message().size() - overhead());
  const auto& theirs = advertisement.addresses;
  // Of a list that no advertisement holds, whoever sends names as much as fits his: it is compared as far as
  // both go.
  const bool part = ours.size() / address_size(desired_.family) < addresses_.entries().size();
  const auto common = static_cast<std::ptrdiff_t>(std::min(ours.size(), theirs.size()));
  if ((ours.size() != theirs.size() && !part) ||
      !std::equal(ours.begin(), ours.begin() + common, theirs.begin())) {
    ++counters_.address_list_mismatches;
  }
}

void VirtualRouter::on_claim(const Instant& now, const vrrp::NeighbourClaim& claim, TimePoint received_at) {
  if (!segment_ || claim.mac == segment_->mac || !addresses_.contains(claim.ip)) return;
  if (state() != State::kMaster) return step(now, election::TakerAnnounced{received_at});
  // Whoever has the virtual router's own MAC address is one of its nodes. A second master's advertisements
  // decide; where this node has that address too, neighbours know the right one already.
  const bool peers = claim.mac == vrrp::virtual_mac(desired_.family, desired_.vrid);
  if (peers && segment_->device) return;
  if (peers || conflicts_.claimed(claim.ip, claim.mac, received_at) == ConflictWatch::Verdict::kOrdinary) {
    ports_.announcements.evidence(index_, now);
    return;
  }
  ++counters_.conflicting_claims;
  const auto& entries = addresses_.entries();
  const auto claimed =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.ip == claim.ip; });
  ports_.announcements.defend(index_, static_cast<std::size_t>(claimed - entries.begin()), now);
  judge_warnings(now);
}

void VirtualRouter::on_foreign_advertisement(const Instant& now, const ConflictWatch::OtherRouter& other,
                                             Duration patience) {
  if (!segment_ || !addresses_.contains(other.ip)) return;
  conflicts_.advertised(other, now.mono, std::max(patience, kAdvertisedMemory));
  judge_warnings(now);
}

void VirtualRouter::on_kernel_address(const Instant& now, const IpAddress& ip, AddressState state) {
  if (!addresses_.contains(ip)) return;
  addresses_.on_kernel(ip, state);
  apply_addresses(now);
}

void VirtualRouter::sync_kernel(const Instant& now, const ownership::KernelView& kernel) {
  for (const auto& entry : addresses_.entries()) {
    addresses_.on_kernel(entry.ip, ownership::judge(kernel.address(addresses_.index(), entry.ip)));
  }
  // Before the start nothing is wanted yet: what a crashed speaker left must not be removed from under its
  // heir.
  if (started_) apply_addresses(now);
}

void VirtualRouter::on_address_added(const Instant& now, const IpAddress& ip, bool already_there) {
  addresses_.on_added(ip, already_there);
  apply_addresses(now);
}

void VirtualRouter::on_address_failed(const Instant& now, const IpAddress& ip, bool adding,
                                      std::string error) {
  if (!adding) {
    addresses_.on_remove_failed(ip, std::move(error));
  } else {
    addresses_.on_add_failed(ip, error);
    if (addresses_.wanted()) {
      // Better no master than one that cannot serve; another node may be able to.
      install_retry_at_ = now.mono + kInstallRetry;
      set_fault(now, FaultSource::kInstall,
                FaultInfo{Reason::kAddressInstallFailed, "cannot add " + ip.to_string() + ": " + error});
    }
  }
  apply_addresses(now);
}

void VirtualRouter::on_address_removed(const Instant& now, const IpAddress& ip) {
  addresses_.on_removed(ip);
  apply_addresses(now);
}

void VirtualRouter::on_lead(const Instant& now, election::LeadState lead) {
  step(now, election::LeadChanged{lead});
}

void VirtualRouter::on_stall(const Instant& now, Duration duration) {
  step(now, election::Stalled{duration});
}

void VirtualRouter::release(const Instant& now, Reason reason) {
  releasing_for_good_ = true;
  step(now, election::Release{reason, true});
}

void VirtualRouter::on_deadline(const Instant& now) {
  if (install_retry_at_ && now.mono >= *install_retry_at_) {
    install_retry_at_.reset();
    addresses_.want(addresses_.wanted());  // forgets the error
    set_fault(now, FaultSource::kInstall, std::nullopt);
  }
  if (command_retry_at_ && now.mono >= *command_retry_at_) apply_addresses(now);
  send_farewell(now.mono);
  if (const auto at = machine_.deadline(); at && now.mono >= *at) step(now, election::DeadlineReached{});
  if (contest_ && now.mono >= contest_->until) contest_.reset();
  if (const auto at = members_.deadline(); at && now.mono >= *at) judge_group(now);
  if (paths_.silent()) paths_.expire(now.mono);
  judge_warnings(now);
}

std::optional<TimePoint> VirtualRouter::deadline() const {
  auto at = machine_.deadline();
  const auto contested_until = contest_ ? std::optional{contest_->until} : std::nullopt;
  const auto farewell_at = farewell_ ? std::optional{farewell_->next_at} : std::nullopt;
  for (const auto& other : {install_retry_at_, command_retry_at_, contested_until, farewell_at,
                            paths_.deadline(), members_.deadline(), conflicts_.deadline()}) {
    if (other) at = at ? std::min(*at, *other) : *other;
  }
  return at;
}

}  // namespace vipra::router
