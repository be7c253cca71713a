// What a virtual router does: the actions of its machine, carried out through the ports; its advertisement.
#include <algorithm>
#include <array>

#include "router/virtual_router.hpp"

namespace vipra::router {
namespace {

constexpr std::size_t kLargestMessage = 1480;  // what fits one Ethernet frame

}  // namespace

void VirtualRouter::step(const Instant& now, const election::Event& event) {
  for (const auto& action : machine_.step(now, event)) act(now, action);
  if (!members_.empty()) judge_group(now);
}

void VirtualRouter::act(const Instant& now, const election::Action& action) {
  if (const auto* advert = std::get_if<election::SendAdvert>(&action)) {
    send(now, advert->priority);
  } else if (std::holds_alternative<election::InstallAddresses>(action)) {
    addresses_.want(true);
    apply_addresses(now);
  } else if (std::holds_alternative<election::RemoveAddresses>(action)) {
    addresses_.want(false);
    apply_addresses(now);
    ports_.journal.on_owned(*this);
  } else if (const auto* announce = std::get_if<election::Announce>(&action)) {
    if (announce->cause == election::AnnounceCause::kEvidence) {
      ports_.announcements.evidence(index_, now);
    } else {
      announce_when_complete_ = true;
      apply_addresses(now);
    }
  } else if (std::holds_alternative<election::StopAnnouncing>(action)) {
    announce_when_complete_ = false;
    ports_.announcements.stop(index_);
  } else if (const auto* transition = std::get_if<election::Transition>(&action)) {
    ports_.journal.on_owned(*this);
    ports_.journal.on_transition(*this, *transition);
    paths_.reset();
    if (transition->to == State::kMaster) conflicts_.promoted(now.mono);
    if (transition->from == State::kMaster) conflicts_.stood_down();
    judge_warnings(now);
  }
}

void VirtualRouter::apply_addresses(const Instant& now) {
  const auto restored = addresses_.reconcile(ports_.addresses);
  command_retry_at_.reset();
  if (addresses_.refused()) command_retry_at_ = now.mono + kCommandRetry;
  if (restored > 0) {
    counters_.address_restores += static_cast<std::uint64_t>(restored);
    // Whoever holds addresses for a taker puts them back too, but the segment shall learn the taker's MAC
    // address.
    announce_when_complete_ |= state() == State::kMaster;
  }
  if (announce_when_complete_ && addresses_.wanted() && addresses_.complete()) {
    announce_when_complete_ = false;
    ports_.announcements.start(index_, now);
  }
  const auto* stranger = addresses_.first_stranger();
  if (stranger == nullptr) {
    set_fault(now, FaultSource::kAddressInUse, std::nullopt);
  } else if (!faults_[static_cast<std::size_t>(FaultSource::kAddressInUse)]) {
    set_fault(now, FaultSource::kAddressInUse,
              FaultInfo{Reason::kAddressInUse,
                        stranger->ip.to_string() +
                            " is on the interface already, and not by Vipra: remove it there, "
                            "or give the node priority 255 if it is its own"});
  }
  ports_.journal.on_change(*this);
}

void VirtualRouter::send(const Instant& now, vrrp::Priority priority) {
  if (!segment_) return;
  const bool sent = transmit(outgoing_, priority);
  if (sent) ++(priority == vrrp::kResign ? counters_.resignations_sent : counters_.advertisements_sent);
  if (priority == vrrp::kResign) return;
  last_advert_ = now;
  ports_.journal.on_owned(*this);
}

bool VirtualRouter::transmit(Outgoing& out, vrrp::Priority priority) {
  if (!out.message.empty()) vrrp::set_priority(out.message, priority);
  bool sent = false;
  for (const auto& to : out.destinations) {
    if (send_copy(out, to, priority != vrrp::kResign && from_device(to))) {
      sent = true;
    } else {
      ++counters_.send_errors;
    }
  }
  return sent;
}

// The peers of what it was must hear all of its resignation, however soon it is master as something else.
void VirtualRouter::keep_farewell(const Instant& now) {
  send_farewell(TimePoint::max());
  if (const int left = machine_.take_resignations(); left > 0)
    farewell_ = Farewell{outgoing_, left, now.mono + election::kResignationSpacing};
}

void VirtualRouter::send_farewell(TimePoint until) {
  if (!farewell_) return;
  for (; farewell_->left > 0 && farewell_->next_at <= until; --farewell_->left) {
    if (transmit(farewell_->as, vrrp::kResign)) ++counters_.resignations_sent;
    farewell_->next_at += election::kResignationSpacing;
  }
  if (farewell_->left == 0) farewell_.reset();
}

bool VirtualRouter::send_copy(const Outgoing& out, const vrrp::Endpoints& to, bool as_device) {
  std::array<std::uint8_t, kLargestMessage + 64> wire;  // with its signature
  const std::span message{wire.data(), out.message.size()};
  std::copy(out.message.begin(), out.message.end(), message.begin());
  vrrp::set_endpoints(message, out.form, out.destinations.front(), to);
  const auto size = ports_.signer.sign(wire, message.size());
  return as_device ? ports_.advertisements.send_from_device(*segment_, {wire.data(), size}, to)
                   : ports_.advertisements.send(*segment_, {wire.data(), size}, to);
}

// A switch sends what is for the virtual MAC address to whom it heard it from last. So nobody speaks from it
// before it can answer, nor when it has given up: a resignation, or the last word of a master that yields,
// may come after the taker's first advertisement.
bool VirtualRouter::from_device(const vrrp::Endpoints& to) const noexcept {
  return segment_->device && to.destination.is_multicast() && state() == State::kMaster &&
         addresses_.complete();
}

vrrp::ChecksumForm VirtualRouter::form_to_send() const noexcept {
  switch (desired_.checksum) {
    case plan::ChecksumMode::kRfc9568:
      return vrrp::ChecksumForm::kRfc9568;
    case plan::ChecksumMode::kRfc5798:
      return vrrp::ChecksumForm::kRfc5798;
    case plan::ChecksumMode::kAuto:
      break;
  }
  return heard_form_.value_or(vrrp::ChecksumForm::kRfc9568);
}

// What a message has beside its addresses.
std::size_t VirtualRouter::overhead() const noexcept {
  return vrrp::kHeaderSize + (desired_.version == vrrp::Version::kV2 ? vrrp::kV2AuthSize : 0);
}

void VirtualRouter::build_message() {
  if (!segment_) return;
  build_destinations();
  if (outgoing_.destinations.empty()) {
    outgoing_.message.clear();
    return;
  }
  // As many addresses as one frame and the count field take; the rest are owned all the same.
  const std::size_t ip_header = desired_.family == Family::kIpv4 ? 20 : 40;
  const auto room =
      (std::min<std::size_t>(segment_->mtu, 1500) - ip_header - overhead()) / address_size(desired_.family);
  const auto& owned = addresses_.entries();
  const auto most = desired_.family == Family::kIpv6 ? vrrp::kMaxIpv6AddressesInFrame : vrrp::kMaxAddresses;
  std::vector<IpAddress> listed;
  for (std::size_t i = 0; i < std::min({owned.size(), room, most}); ++i) listed.push_back(owned[i].ip);
  vrrp::AdvertisementFields fields;
  fields.version = desired_.version;
  fields.family = desired_.family;
  fields.vrid = desired_.vrid;
  fields.priority = static_cast<vrrp::Priority>(machine_.priority());
  fields.interval = desired_.interval;
  fields.checksum_form = outgoing_.form = form_to_send();
  fields.addresses = listed;
  if (desired_.password) {
    fields.auth_type = vrrp::kSimpleTextPassword;
    fields.auth_data = desired_.password->data();
  }
  const auto& first = outgoing_.destinations.front();
  outgoing_.message.resize(kLargestMessage);
  outgoing_.message.resize(
      vrrp::build_advertisement(fields, first.source, first.destination, outgoing_.message));
  outgoing_.message.shrink_to_fit();
}

void VirtualRouter::build_destinations() {
  outgoing_.destinations.clear();
  if (desired_.transport.multicast()) outgoing_.destinations.push_back({segment_->primary, group_});
  if (!desired_.transport.unicast()) return;
  for (const auto& peer : segment_->unicast.peers)
    outgoing_.destinations.push_back({peer.source, peer.address});
}

election::LeadState VirtualRouter::lead_state() const noexcept {
  switch (state()) {
    case State::kMaster:
      return election::LeadState::kMaster;
    case State::kBackup:
      return election::LeadState::kBackup;
    case State::kUnknown:
    case State::kInit:
    case State::kReleasing:
    case State::kFault:
      break;
  }
  return election::LeadState::kAway;
}

bool VirtualRouter::finished() const noexcept {
  return releasing_for_good_ && (state() == State::kInit || state() == State::kFault) &&
         !machine_.deadline() && !farewell_ && addresses_.clear();
}

}  // namespace vipra::router
