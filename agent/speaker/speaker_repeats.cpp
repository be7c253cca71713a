// Advertisements that the kernel holds back for the speaker, because they repeat what it knows.
#include <algorithm>
#include <span>

#include "agent/speaker/speaker.hpp"
#include "net/repeat_filter.hpp"

namespace vipra::agent {
namespace {

Status hold(FamilySockets& sockets, const std::vector<net::RepeatedAdvertisement>& list) {
  const auto family = sockets.vrrp->family();
  // In this order nothing falls between the two; what comes meanwhile is heard twice.
  if (auto done =
          net::attach_filter(sockets.repeats->fd(), net::repeat_filter(list, family, net::Hears::kRepeats));
      !done) {
    return done;
  }
  return net::attach_filter(sockets.vrrp->fd(), net::repeat_filter(list, family, net::Hears::kOthers));
}

Status hear_everything(FamilySockets& sockets) {
  if (auto done = net::detach_filter(sockets.vrrp->fd()); !done) return done;
  return net::attach_filter(sockets.repeats->fd(),
                            net::repeat_filter({}, sockets.vrrp->family(), net::Hears::kRepeats));
}

}  // namespace

void Speaker::note_repeat(FamilySockets& sockets, router::RouterIndex index, const vrrp::IpMeta& meta,
                          std::span<const std::uint8_t> message) {
  const auto vrid = message[1];
  const auto* router = find(index);
  const bool resigns = message[2] == 0;
  if (router == nullptr || router->state() != State::kBackup || resigns || sockets.by_vrid[vrid].size() != 1)
    return sockets.repeat_plan.forget(vrid, now_.mono);
  if (router->machine().heard_master() != meta.source) return;
  net::RepeatedAdvertisement said{.source = meta.source};
  std::copy_n(message.begin(), said.head.size(), said.head.begin());
  sockets.repeat_plan.heard(vrid, said, now_.mono);
}

void Speaker::read_repeats() {
  for (auto& [index, on] : interfaces_) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      if (on->sockets(family).repeat_plan.holding()) read_repeats(*on, family);
    }
  }
}

void Speaker::read_repeats(Interface& on, Family family) {
  auto& sockets = on.sockets(family);
  const auto before = facts_.packets_received;
  const auto status = sockets.repeats->receive(
      [&](const net::ReceivedDatagram& datagram, Duration age) { on_datagram(on, family, datagram, age); });
  if (!status) log_.debug("speaker.receive_failed", {{"error", status.error().what}});
  const auto count = facts_.packets_received - before;
  if (count > 0) snapshots_.mark_counted(now_.mono);
  if (count < net::VrrpSocket::kMostAtOnce) sockets.repeat_plan.on_read(now_.mono);
}

void Speaker::serve_repeats() {
  for (auto& [index, on] : interfaces_) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) serve_repeats(*on, family);
  }
}

void Speaker::serve_repeats(Interface& on, Family family) {
  auto& sockets = on.sockets(family);
  auto& plan = sockets.repeat_plan;
  switch (plan.step(now_.mono)) {
    case RepeatPlan::Step::kNothing:
      break;
    case RepeatPlan::Step::kRead:
      read_repeats(on, family);
      break;
    case RepeatPlan::Step::kRelease:
      release_repeats(on, family, true);
      break;
    case RepeatPlan::Step::kHold: {
      const auto list =
          sockets.vrrp && sockets.repeats ? plan.list() : std::vector<net::RepeatedAdvertisement>{};
      if (!list.empty()) {
        if (const auto held = hold(sockets, list); !held) {
          log_.warning("speaker.repeats_not_held",
                       {{"interface_index", on.index()},
                        {"family", to_string(family)},
                        {"error", held.error().what},
                        {"consequence", "every advertisement wakes the speaker, as without a filter"}});
          release_repeats(on, family, false);
          break;
        }
      }
      plan.on_held(list, now_.mono);
      break;
    }
  }
}

void Speaker::release_repeats(Interface& on, Family family, bool again) {
  auto& sockets = on.sockets(family);
  if (const auto heard = hear_everything(sockets); !heard)
    log_.error("speaker.repeats_not_released",
               {{"interface_index", on.index()}, {"error", heard.error().what}});
  // The last of them, before what the first socket hears from now on.
  read_repeats(on, family);
  sockets.repeat_plan.on_released(now_.mono, again);
}

void Speaker::take_repeats_socket(Interface& on, Family family, sys::UniqueFd fd, bool inherited) {
  auto& sockets = on.sockets(family);
  sockets.repeats.emplace(std::move(fd), family, on.index());
  if (sockets.vrrp) static_cast<void>(hear_everything(sockets));
  // What the last speaker did not read any more is older than this one's first look.
  if (inherited) static_cast<void>(sockets.repeats->receive([](const net::ReceivedDatagram&, Duration) {}));
}

}  // namespace vipra::agent
