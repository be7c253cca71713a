#include "tests/sim/speaker.hpp"

#include <algorithm>
#include <utility>

#include "ownership/interface_choice.hpp"
#include "plan/contributions.hpp"
#include "tests/sim/host.hpp"
#include "vrrp/neighbour_frame.hpp"
#include "vrrp/packet.hpp"

namespace vipra::sim {
void Speaker::tell_followers(std::size_t index) {
  auto& slot = slots_[index];
  const auto state = slot.router->lead_state();
  if (state == slot.lead_told) return;
  slot.lead_told = state;
  for (const auto follower : slot.followers)
    drive(follower, [&](router::VirtualRouter& r) { r.on_lead(now_, state); });
}

void Speaker::tell_lead(std::size_t index) {
  auto& slot = slots_[index];
  if (!slot.lead || slot.router->desired().group.empty()) return;
  const auto state = slot.router->member_state();
  if (state == slot.member_told) return;
  slot.member_told = state;
  const auto member = static_cast<router::RouterIndex>(index);
  drive(*slot.lead, [&](router::VirtualRouter& r) { r.on_member(now_, member, state); });
}

Speaker::Speaker(Host& host, const std::vector<plan::VirtualRouter>& desired, const Page& left_behind)
    : host_{host}, mirror_{*this} {
  now_ = host_.instant();
  for (std::size_t i = 0; i < desired.size(); ++i) {
    auto& slot = slots_.emplace_back();
    slot.router = std::make_unique<router::VirtualRouter>(static_cast<router::RouterIndex>(i), desired[i],
                                                          router::Ports{*this, *this, *this, *this, signer_});
    if (left_behind[i].in_use) {
      slot.left_behind =
          election::Adoption{left_behind[i].state == State::kMaster, left_behind[i].last_advert};
    }
  }
  connect();
  mirror_.request_dump();
}

Speaker::~Speaker() {
  for (const auto& slot : slots_) host_.count_drops(slot.router->counters());
}

void Speaker::connect() {
  // The first one leads all the others.
  std::vector<router::RouterIndex> members;
  for (std::size_t i = 1; i < slots_.size(); ++i) {
    slots_[i].lead = 0;
    slots_[0].followers.push_back(i);
    members.push_back(static_cast<router::RouterIndex>(i));
  }
  drive(0, [&](router::VirtualRouter& r) { r.set_members(now_, members); });
  for (const auto i : slots_[0].followers)
    drive(i, [&](router::VirtualRouter& r) { r.on_lead(now_, slots_[0].router->lead_state()); });
}

// ---- the loop
// ----------------------------------------------------------------------------------------------------

void Speaker::turn() {
  now_ = host_.instant();
  // epoll names the sockets in no order that anybody promised; and what arrives after it has returned waits
  // for the next turn, unless a Backup is about to judge its deadline.
  const auto order = host_.random().below(4);
  if (order == 0) read_kernel();
  if (order != 3 || !deadline() || *deadline() > now_.mono) read_advertisements();
  if (order == 1) read_kernel();
  read_claims();
  if (order >= 2) read_kernel();
  if (dirty_ && mirror_.synchronised() && !dead_) place_routers();
  serve_deadlines();
  if (const auto at = announcer_.deadline(); at && *at <= now_.mono && !dead_)
    announcer_.step(now_.mono, *this);
}

std::optional<TimePoint> Speaker::deadline() const {
  auto at = announcer_.deadline();
  for (const auto& slot : slots_) {
    if (const auto other = slot.router->deadline()) at = at ? std::min(*at, *other) : *other;
  }
  return at;
}

void Speaker::serve_deadlines() {
  for (std::size_t served = 0; served <= slots_.size() * 2 && !dead_; ++served) {
    std::optional<std::size_t> due;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      const auto at = slots_[i].router->deadline();
      if (at && *at <= now_.mono && (!due || *at < *slots_[*due].router->deadline())) due = i;
    }
    if (!due) return;
    if (slots_[*due].router->state() == State::kBackup) read_advertisements();
    drive(*due, [&](router::VirtualRouter& r) { r.on_deadline(now_); });
  }
}

void Speaker::place_routers() {
  dirty_ = false;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto& slot = slots_[i];
    const auto segment = ownership::choose_segment(mirror_.view(), slot.router->desired());
    if (!segment) {
      drive(i, [&](router::VirtualRouter& r) { r.set_segment(now_, segment); });
      continue;
    }
    const bool placed = slot.router->segment() && *slot.router->segment() == *segment;
    if (slot.left_behind) slot.router->set_adoption(*slot.left_behind, std::nullopt);
    slot.left_behind.reset();
    drive(i, [&](router::VirtualRouter& r) {
      r.set_segment(now_, segment);
      if (!placed) r.sync_kernel(now_, mirror_.view());
    });
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!slots_[i].router->fault() && !slots_[i].router->segment()) continue;
    drive(i, [&](router::VirtualRouter& r) { r.start(now_); });
  }
  remove_orphans();
}

// Addresses with our mark that no placed router knows.
void Speaker::remove_orphans() {
  for (const int index : {kInterfaceIndex, kMembersInterfaceIndex}) {
    for (const auto& ip : mirror_.view().ours(index)) {
      const bool known = std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
        return slot.router->segment() && slot.router->addresses().contains(ip);
      });
      if (!known) static_cast<void>(remove(index, ip));
    }
  }
}

// ---- from the supervisor
// ------------------------------------------------------------------------------------------

void Speaker::release() {
  now_ = host_.instant();
  if (std::exchange(releasing_, true)) return;
  // Followers first, as the real one does: a follower that sees its lead go would fall with it instead.
  for (const bool follower : {true, false}) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].router->desired().lead.has_value() != follower) continue;
      drive(i, [&](router::VirtualRouter& r) { r.release(now_, Reason::kShutdown); });
    }
  }
}

void Speaker::set_contributions(const std::vector<plan::Contribution>& contributions) {
  now_ = host_.instant();
  std::vector<plan::SharedContributions> shared;
  for (const auto& slot : slots_) {
    auto& said =
        shared.emplace_back(plan::SharedContributions{slot.router->desired().seniority.name}).by_source;
    for (const auto& part : contributions) {
      if (part.consumer == slot.router->desired().seniority.name) said.emplace(part.source, part);
    }
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    auto parts = plan::contributions_to(slots_[i].router->desired(), shared);
    drive(i, [&](router::VirtualRouter& r) { r.set_contributions(now_, std::move(parts)); });
  }
}

void Speaker::set_socket_fault(Role role, bool fault) {
  now_ = host_.instant();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (role_of(slots_[i].router->desired()) != role) continue;
    drive(i, [&](router::VirtualRouter& r) {
      r.set_fault(
          now_, router::FaultSource::kSocket,
          fault ? std::optional{router::FaultInfo{Reason::kSocketFailed, "no socket"}} : std::nullopt);
    });
  }
}

void Speaker::reconfigure(const std::vector<plan::VirtualRouter>& desired) {
  now_ = host_.instant();
  for (std::size_t i = 0; i < slots_.size(); ++i)
    drive(i, [&](router::VirtualRouter& r) { r.reconfigure(now_, desired[i]); });
  dirty_ = true;
}

bool Speaker::released() const {
  return releasing_ &&
         std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.router->finished(); });
}

const router::VirtualRouter* Speaker::router(Role role) const {
  for (const auto& slot : slots_) {
    if (role_of(slot.router->desired()) == role) return slot.router.get();
  }
  return nullptr;
}

bool Speaker::acts(Boundary boundary) {
  if (dead_) return false;
  if (dies_in_ > 0 && --dies_in_ == 0) {
    dead_ = true;
    host_.died_at(boundary);
    return false;
  }
  return true;
}

// ---- ports
// -------------------------------------------------------------------------------------------------------

bool Speaker::send(const ownership::Segment&, std::span<const std::uint8_t> message,
                   const vrrp::Endpoints& endpoints) {
  if (!acts(Boundary::kSend)) return true;
  const auto* sender = router(role_of(endpoints.source));
  return host_.send(endpoints, message, endpoints == sender->destinations().front());
}

bool Speaker::add(int, const IpAddress& ip) {
  if (!acts(Boundary::kAdd)) return true;
  return host_.post({KernelCommand::Kind::kAdd, ip});
}

bool Speaker::remove(int, const IpAddress& ip) {
  if (!acts(Boundary::kRemove)) return true;
  if (!host_.post({KernelCommand::Kind::kRemove, ip})) return false;
  mirror_.removing(ip);
  return true;
}

bool Speaker::post(const KernelCommand& command) {
  return dead_ || host_.post(command);
}

void Speaker::start(router::RouterIndex index, const Instant& now) {
  auto& slot = slots_[index];
  const auto count = slot.router->addresses().entries().size();
  if (!slot.announced) {
    announcer_.add(index, announce::for_family(slot.router->desired().family),
                   static_cast<std::uint32_t>(count));
  } else if (slot.announced_addresses != count) {
    announcer_.resize(index, static_cast<std::uint32_t>(count), now.mono);
  }
  slot.announced = true;
  slot.announced_addresses = count;
  announcer_.start(index, now.mono);
  announcer_.step(now.mono, *this);
}

void Speaker::evidence(router::RouterIndex index, const Instant& now) {
  if (slots_[index].announced) announcer_.evidence(index, now.mono);
}

void Speaker::defend(router::RouterIndex index, std::size_t address, const Instant& now) {
  if (slots_[index].announced) announcer_.defend(index, static_cast<std::uint32_t>(address), now.mono);
}

void Speaker::stop(router::RouterIndex index) {
  if (index < slots_.size() && slots_[index].announced) announcer_.stop(index);
}

void Speaker::announce(std::uint32_t index, std::uint32_t address) {
  const auto& router = *slots_[index].router;
  if (!router.segment() || address >= router.addresses().entries().size()) return;
  if (!acts(Boundary::kAnnounce)) return;
  const auto& ip = router.addresses().entries()[address].ip;
  const auto& mac = router.segment()->mac;
  host_.announce(ip, ip.is_v4() ? vrrp::gratuitous_arp(ip, mac, vrrp::ArpForm::kRequest)
                                : vrrp::unsolicited_na(ip, mac, false));
}

void Speaker::on_transition(const router::VirtualRouter& router, const election::Transition& transition) {
  if (!dead_) host_.transition(role_of(router.desired()), transition);
}

void Speaker::on_warning(const router::VirtualRouter& router) {
  if (const auto* warning = router.warning()) host_.warned(warning->reason);
}

void Speaker::on_owned(const router::VirtualRouter& router) {
  if (!router.segment() || !acts(Boundary::kPage)) return;
  auto& slot = host_.page()[router.index()];
  slot.in_use = true;
  slot.state = router.state();
  slot.role = role_of(router.desired());
  slot.last_advert = router.last_advert().boot;
  slot.destinations = router.destinations();
  slot.form = router.message_form();
  const auto message = router.message();
  slot.size = std::min(message.size(), slot.message.size());
  std::copy_n(message.begin(), slot.size, slot.message.begin());
}

}  // namespace vipra::sim
