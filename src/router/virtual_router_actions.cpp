// What a virtual router does: the actions of its machine, carried out through the ports; its advertisement.
#include <algorithm>
#include <cstring>

#include "router/virtual_router.hpp"

namespace vipra::router {

void VirtualRouter::step(const Instant& now, const election::Event& event) {
  for (const auto& action : machine_.step(now, event)) act(now, action);
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
  if (!segment_ || message_size_ == 0) return;
  vrrp::set_priority({message_.data(), message_size_}, priority);
  std::memcpy(wire_.data(), message_.data(), message_size_);
  const auto size = ports_.signer.sign(wire_, message_size_);
  if (!ports_.advertisements.send(*segment_, {wire_.data(), size}, group_)) {
    ++counters_.send_errors;
  } else if (priority == vrrp::kResign) {
    ++counters_.resignations_sent;
  } else {
    ++counters_.advertisements_sent;
  }
  if (priority == vrrp::kResign) return;
  last_advert_ = now;
  ports_.journal.on_owned(*this);
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

void VirtualRouter::build_message() {
  if (!segment_) return;
  // As many addresses as one frame and the count field take; the rest are owned all the same.
  const std::size_t ip_header = desired_.family == Family::kIpv4 ? 20 : 40;
  const auto room = (std::min<std::size_t>(segment_->mtu, 1500) - ip_header - vrrp::kHeaderSize) /
                    address_size(desired_.family);
  auto listed = owned_addresses();
  listed.resize(
      std::min({listed.size(), room, vrrp::kMaxAddresses,
                desired_.family == Family::kIpv6 ? vrrp::kMaxIpv6AddressesInFrame : vrrp::kMaxAddresses}));
  vrrp::AdvertisementFields fields;
  fields.version = desired_.version;
  fields.family = desired_.family;
  fields.vrid = desired_.vrid;
  fields.priority = static_cast<vrrp::Priority>(machine_.priority());
  fields.interval = desired_.interval;
  fields.checksum_form = form_to_send();
  fields.addresses = listed;
  message_size_ = vrrp::build_advertisement(fields, segment_->primary, group_, message_);
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
         !machine_.deadline() && addresses_.clear();
}

}  // namespace vipra::router
