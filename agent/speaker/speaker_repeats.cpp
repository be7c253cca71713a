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

// Until it is empty, but for a flood that does not end.
template <class Take>
std::size_t read_all(net::VrrpSocket& socket, Take&& take) {
  constexpr int kMost = 32;
  std::size_t all = 0;
  for (int i = 0; i < kMost; ++i) {
    std::size_t count = 0;
    const auto status = socket.receive([&](const net::ReceivedDatagram& datagram, Duration age) {
      ++count;
      take(datagram, age);
    });
    all += count;
    if (!status || count < net::VrrpSocket::kMostAtOnce) break;
  }
  return all;
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

void Speaker::forget_absent_repeats() {
  for (auto& [index, on] : interfaces_) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      auto& sockets = on->sockets(family);
      for (std::size_t vrid = 0; vrid < sockets.by_vrid.size(); ++vrid) {
        if (sockets.by_vrid[vrid].empty())
          sockets.repeat_plan.forget(static_cast<std::uint8_t>(vrid), now_.mono);
      }
    }
  }
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
  const auto count = read_all(*sockets.repeats, [&](const net::ReceivedDatagram& datagram, Duration age) {
    on_datagram(on, family, datagram, age);
  });
  if (count > 0) snapshots_.mark_counted(now_.mono);
  if (!sockets.repeat_plan.on_read(now_.mono, count)) return;
  log_.warning("speaker.repeats_flood",
               {{"interface_index", on.index()},
                {"family", to_string(family)},
                {"packets", count},
                {"consequence", "for a minute every advertisement wakes the speaker"},
                {"advice", "look for a loop in the network: somebody repeats a master's advertisements"}});
  const auto lost = net::lost_for_want_of_room(sockets.repeats->fd());
  if (std::exchange(sockets.repeats_lost, lost) == lost) return;
  // The master of any backup may have been among what was lost.
  for (const auto& routers : sockets.by_vrid) {
    for (const auto index : routers) {
      if (slots_[index].router->state() != State::kBackup) continue;
      drive(index, [&](router::VirtualRouter& r) {
        r.on_stall(now_, r.desired().interval * RepeatPlan::kIntervals);
      });
    }
  }
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
        // Left over from another time, older than anything that was heard since. It hears nothing yet.
        static_cast<void>(read_all(*sockets.repeats, [](const net::ReceivedDatagram&, Duration) {}));
        sockets.repeats_lost = net::lost_for_want_of_room(sockets.repeats->fd());
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

void Speaker::take_repeats_socket(Interface& on, Family family, sys::UniqueFd fd) {
  auto& sockets = on.sockets(family);
  sockets.repeats.emplace(std::move(fd), family, on.index());
  if (sockets.vrrp) static_cast<void>(hear_everything(sockets));
  sockets.repeat_plan.try_again(now_.mono);
}

}  // namespace vipra::agent
