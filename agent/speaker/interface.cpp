#include "agent/speaker/interface.hpp"

#include <algorithm>

#include "net/forwarding.hpp"

namespace vipra::agent {
namespace {

// A burst of 300 would keep advertisements waiting for milliseconds: the loop looks around after so many.
constexpr std::size_t kFramesAtOnce = 64;

announce::Schedule schedule_of(const router::VirtualRouter& router) {
  return announce::schedule_of(router.desired().family, router.desired().announcements);
}

}  // namespace

void Interface::clear_routers() {
  for (auto& family : families_) {
    for (auto& routers : family.by_vrid) routers.clear();
  }
  owners_.clear();
}

void Interface::add_router(const router::VirtualRouter& router) {
  sockets(router.desired().family).by_vrid[router.desired().vrid.value()].push_back(router.index());
  for (const auto& entry : router.addresses().entries()) owners_[entry.ip].push_back(router.index());
  // Its figures may be others since the last time.
  if (announced_.contains(router.index())) announcer_.configure(router.index(), schedule_of(router));
}

bool Interface::has_routers(Family family) const noexcept {
  const auto& all = families_[family == Family::kIpv4 ? 0 : 1].by_vrid;
  return std::any_of(all.begin(), all.end(), [](const auto& routers) { return !routers.empty(); });
}

const std::vector<router::RouterIndex>& Interface::owners_of(const IpAddress& ip) const {
  static const std::vector<router::RouterIndex> kNobody;
  const auto found = owners_.find(ip);
  return found == owners_.end() ? kNobody : found->second;
}

void Interface::start_announcing(const router::VirtualRouter& router, TimePoint now) {
  const auto count = router.addresses().entries().size();
  const auto known = announced_.find(router.index());
  if (known == announced_.end()) {
    announcer_.add(router.index(), schedule_of(router), static_cast<std::uint32_t>(count));
  } else if (known->second != count) {
    announcer_.resize(router.index(), static_cast<std::uint32_t>(count), now);
  }
  announced_[router.index()] = count;
  // What the kernel would answer in a solicited advertisement. It changes when somebody makes the node a
  // router, which is rare, and the next promotion sees it.
  if (router.desired().family == Family::kIpv6) forwards_ipv6_ = net::forwards(Family::kIpv6, index_);
  for (auto& frames : frames_) frames.reserve(kFramesAtOnce + 1);
  announcer_.start(router.index(), now);
}

void Interface::add_evidence(router::RouterIndex router, TimePoint now) {
  if (announced_.contains(router)) announcer_.evidence(router, now);
}

void Interface::defend(router::RouterIndex router, std::uint32_t address_index, TimePoint now) {
  if (announced_.contains(router)) announcer_.defend(router, address_index, now);
}

void Interface::stop_announcing(router::RouterIndex router) {
  if (announced_.contains(router)) announcer_.stop(router);
}

void Interface::forget_announcements(router::RouterIndex router) {
  if (announced_.erase(router) > 0) announcer_.remove(router);
}

void Interface::announce_due(TimePoint now) {
  announcer_.step(now, *this, kFramesAtOnce);
  flush(Family::kIpv4);
  flush(Family::kIpv6);
}

void Interface::announce(router::RouterIndex index, std::uint32_t address_index) {
  auto* router = routers_.find(index);
  if (router == nullptr || !router->segment() || address_index >= router->addresses().entries().size())
    return;
  const auto& ip = router->addresses().entries()[address_index].ip;
  const auto& mac = router->segment()->announced_mac();
  auto& frames = frames_[ip.is_v4() ? 0 : 1];
  if (ip.is_v4()) {
    frames.push_back(vrrp::gratuitous_arp(ip, mac, vrrp::ArpForm::kRequest));
    if (router->desired().announcements.reply_form)
      frames.push_back(vrrp::gratuitous_arp(ip, mac, vrrp::ArpForm::kReply));
  } else {
    frames.push_back(vrrp::unsolicited_na(ip, mac, forwards_ipv6_));
  }
  router->count_announcement();
  if (frames.size() >= kFramesAtOnce) flush(ip.family());
}

void Interface::flush(Family family) {
  auto& frames = frames_[family == Family::kIpv4 ? 0 : 1];
  auto& socket = sockets(family).neighbours;
  // What the device has no room for is lost like any other frame; the repeats follow.
  if (!frames.empty() && socket) static_cast<void>(socket->send(frames));
  frames.clear();
}

}  // namespace vipra::agent
