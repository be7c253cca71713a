#include "agent/speaker/speaker.hpp"

#include <algorithm>

#include "channel/convert.hpp"
#include "net/repeat_filter.hpp"
#include "runtime/clock.hpp"
#include "vrrp/packet.hpp"

namespace vipra::agent {
namespace {

// So often its loop turns at least: else one that stands still while it has nothing to do would be missed
// when there is something to do.
constexpr Duration kLongestSleep = std::chrono::seconds{20};

}  // namespace

Speaker::Speaker(SpeakerSetup setup, runtime::EventLoop loop, runtime::LogSink& sink, const log::Logger& log)
    : setup_{std::move(setup)},
      loop_{std::move(loop)},
      sink_{sink},
      log_{log},
      link_{std::move(setup_.link), log},
      snapshots_{link_, *this, *this, tracker_},
      routes_{loop_, log, [this] { tracks_dirty_ = true; }} {
  facts_.realtime = setup_.realtime;
  facts_.realtime_detail = setup_.realtime_detail;
  facts_.memory_locked = setup_.memory_locked;
}

// ---- the loop
// -----------------------------------------------------------------------------------------------

Result<int> Speaker::run() {
  auto kernel = KernelState::make(*this, log_);
  if (!kernel) return tl::unexpected{kernel.error()};
  kernel_ = std::move(*kernel);
  now_ = runtime::now();
  if (auto status = watch_all(); !status) return tl::unexpected{status.error()};
  if (auto status = kernel_->start(); !status) return tl::unexpected{status.error()};
  channel::v1::FromSpeaker hello;
  *hello.mutable_hello() = channel::make_hello(channel::v1::ROLE_SPEAKER, VIPRA_VERSION,
                                               static_cast<std::uint64_t>(runtime::unix_now_ns()));
  link_.request(hello);
  while (!released_ && !supervisor_gone_) {
    const auto deadline = std::min(next_deadline().value_or(TimePoint::max()), now_.mono + kLongestSleep);
    page_.beat(now_.mono, deadline);
    alarm_.push(now_.mono, deadline);
    if (const auto until = pace_.pause(now_.mono)) {
      runtime::sleep_until(std::min(*until, deadline));
    }
    if (auto status = loop_.run_once(deadline); !status) return tl::unexpected{status.error()};
    turn();
  }
  kernel_->stop();
  return released_ ? 0 : 1;
}

Status Speaker::watch_all() {
  // What is decided at this wake-up is decided with all that had come before it.
  loop_.on_wake([this] {
    now_ = runtime::now();
    // A handler that hangs is missed from now on, not from when the next deadline would have come.
    page_.beat(now_.mono, now_.mono);
    alarm_.shorten(now_.mono);
    read_repeats();
  });
  if (auto status = loop_.watch(link_.fd(), EPOLLIN,
                                [this](std::uint32_t events) {
                                  now_ = runtime::now();
                                  if ((events & EPOLLOUT) != 0) link_.flush();
                                  if (!link_.receive([this](const auto& message, auto fds) {
                                        on_message(message, std::move(fds));
                                      })) {
                                    supervisor_gone_ = true;
                                  }
                                });
      !status) {
    return status;
  }
  if (auto status = loop_.watch(kernel_->events_fd(), EPOLLIN,
                                [this](std::uint32_t) {
                                  now_ = runtime::now();
                                  kernel_->read_events();
                                });
      !status) {
    return status;
  }
  return loop_.watch(kernel_->results_fd(), EPOLLIN, [this](std::uint32_t) {
    now_ = runtime::now();
    kernel_->read_results();
  });
}

std::optional<TimePoint> Speaker::next_deadline() const {
  std::optional<TimePoint> at = deadlines_.next();
  const auto consider = [&at](std::optional<TimePoint> other) {
    if (other) at = at ? std::min(*at, *other) : other;
  };
  consider(flush_at_);
  consider(devices_.deadline());
  consider(tracker_.deadline(now_.mono));
  consider(routes_.deadline());
  for (const auto& [index, interface] : interfaces_) {
    consider(interface->announce_deadline());
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      consider(interface->foreign(family).deadline());
      consider(interface->sockets(family).repeat_plan.deadline());
    }
  }
  return at;
}

// Everything that came is served; now what is due.
void Speaker::turn() {
  now_ = runtime::now();
  if (const auto at = devices_.deadline(); at && *at <= now_.mono) interfaces_dirty_ = true;
  if (interfaces_dirty_ && kernel_->synchronised() && handles_complete_) evaluate_interfaces();
  serve_deadlines();
  serve_repeats();
  routes_.on_deadline(now_.mono);
  if (tracks_dirty_) judge_tracks();
  probe_gateways();
  for (auto& [index, interface] : interfaces_) {
    if (const auto at = interface->announce_deadline(); at && *at <= now_.mono)
      interface->announce_due(now_.mono);
  }
  expire_foreign();
  if (releasing_) finish_release();
  facts_.log_lines_dropped = sink_.dropped();
  flush_at_ = snapshots_.flush(now_.mono, facts_);
  if (link_.wants_write() != writing_) {
    writing_ = link_.wants_write();
    static_cast<void>(loop_.modify(link_.fd(), writing_ ? EPOLLIN | EPOLLOUT : EPOLLIN));
  }
}

void Speaker::serve_deadlines() {
  // Bounded: a router whose deadline is always due must not keep the others from the loop.
  for (std::size_t served = 0; served <= slots_.size() * 2; ++served) {
    now_ = runtime::now();
    const auto due = deadlines_.due(now_.mono);
    if (!due) return;
    auto* router = find(*due);
    if (router == nullptr) {
      deadlines_.set(*due, std::nullopt);
      continue;
    }
    if (router->state() == State::kBackup && router->segment()) {
      // What reached the socket since the loop last looked may be the very advertisement that was waited for.
      const auto found = interfaces_.find(router->segment()->index);
      if (found != interfaces_.end()) {
        const auto family = router->desired().family;
        if (found->second->sockets(family).repeat_plan.holding()) read_repeats(*found->second, family);
        read_advertisements(*found->second, family);
      }
      router = find(*due);
      if (router == nullptr) continue;
    }
    const auto deadline = router->deadline();
    if (deadline && *deadline <= now_.mono) facts_.lateness.observe(now_.mono - *deadline);
    drive(*due, [this](router::VirtualRouter& r) { r.on_deadline(now_); });
    snapshots_.mark_counted(now_.mono);
  }
}

void Speaker::tell_followers(router::RouterIndex index) {
  auto& slot = slots_[index];
  const auto state = slot.router->lead_state();
  if (state == slot.lead_told) return;
  slot.lead_told = state;
  for (const auto follower : slot.followers) {
    drive(follower, [&](router::VirtualRouter& r) { r.on_lead(now_, state); });
  }
}

// A member of a group, not the other family of one VirtualIP alone: that one stays where its lead is.
void Speaker::tell_lead(router::RouterIndex index) {
  auto& slot = slots_[index];
  if (!slot.lead || slot.router->desired().group.empty() || slot.retiring) return;
  auto state = slot.router->member_state();
  if (state == slot.member_told) return;
  slot.member_told = state;
  drive(*slot.lead, [&](router::VirtualRouter& r) { r.on_member(now_, index, state); });
}

router::VirtualRouter* Speaker::find(router::RouterIndex index) {
  return index < slots_.size() ? slots_[index].router.get() : nullptr;
}

// ---- from the supervisor
// ------------------------------------------------------------------------------------

void Speaker::on_message(const channel::v1::ToSpeaker& message, std::vector<sys::UniqueFd> fds) {
  using Body = channel::v1::ToSpeaker::BodyCase;
  switch (message.body_case()) {
    case Body::kHello:
      if (const auto status = channel::check_hello(message.hello(), channel::v1::ROLE_SUPERVISOR); !status) {
        log_.error("speaker.supervisor_refused", {{"error", status.error().what}});
        supervisor_gone_ = true;
      }
      break;
    case Body::kHandles:
      on_handles(message.handles(), fds);
      break;
    case Body::kHandleOpened:
      on_handle(message.handle_opened().handle(), fds.empty() ? sys::UniqueFd{} : std::move(fds.front()),
                message.handle_opened().error(), false);
      break;
    case Body::kDesiredState:
      if (!fds.empty()) on_desired_state(message.desired_state(), fds.front());
      break;
    case Body::kContributionSet:
      if (!fds.empty()) on_contribution_set(message.contribution_set(), fds.front());
      break;
    case Body::kContributionDelta:
      on_contribution_delta(message.contribution_delta());
      break;
    case Body::kResync:
      snapshots_.request_resync();
      break;
    case Body::kRelease:
      begin_release();
      break;
    case Body::BODY_NOT_SET:
      break;
  }
}

void Speaker::on_handles(const channel::v1::HandleTable& table, std::vector<sys::UniqueFd>& fds) {
  for (int i = 0; i < table.handles_size() && static_cast<std::size_t>(i) < fds.size(); ++i) {
    on_handle(table.handles(i), std::move(fds[static_cast<std::size_t>(i)]), {}, true);
  }
  if (table.last()) handles_complete_ = true;
}

void Speaker::on_handle(const channel::v1::Handle& handle, sys::UniqueFd fd, const std::string& error,
                        bool inherited) {
  using namespace channel::v1;
  if (handle.kind() == HANDLE_KIND_OWNED_PAGE) {
    if (const auto status = page_.map(fd); !status) {
      log_.error("speaker.page_refused", {{"error", status.error().what}});
    }
    return;
  }
  if (handle.kind() == HANDLE_KIND_HANG_ALARM) {
    alarm_ = HangAlarm{std::move(fd)};
    return;
  }
  if (handle.kind() == HANDLE_KIND_NEIGHBOUR_GUARD) {
    devices_.on_socket(std::move(fd), error, inherited, now_.mono);
    interfaces_dirty_ = true;
    return;
  }
  const bool v6 = handle.kind() == HANDLE_KIND_VRRP_IPV6 || handle.kind() == HANDLE_KIND_NEIGHBOUR_IPV6 ||
                  handle.kind() == HANDLE_KIND_REPEATS_IPV6;
  const auto family = v6 ? Family::kIpv6 : Family::kIpv4;
  const auto index = static_cast<int>(handle.interface_index());
  auto& owner = interface(index);
  auto& sockets = owner.sockets(family);
  if (handle.kind() == HANDLE_KIND_REPEATS_IPV4 || handle.kind() == HANDLE_KIND_REPEATS_IPV6) {
    // Without it every advertisement wakes the speaker; the supervisor's log says why.
    if (fd) take_repeats_socket(owner, family, std::move(fd));
    return;
  }
  interfaces_dirty_ = true;
  if (!error.empty() || !fd) {
    sockets.error = error.empty() ? "the supervisor sent no descriptor" : error;
    log_.error("speaker.socket_failed",
               {{"interface_index", index}, {"family", to_string(family)}, {"error", sockets.error}});
    return;
  }
  const int raw = fd.get();
  Status watched;
  if (handle.kind() == HANDLE_KIND_VRRP_IPV4 || handle.kind() == HANDLE_KIND_VRRP_IPV6) {
    sockets.vrrp.emplace(std::move(fd), family, index);
    // The last speaker may have left it hearing news alone.
    if (const auto done = net::detach_filter(raw); !done)
      log_.error("speaker.repeats_not_released", {{"interface_index", index}, {"error", done.error().what}});
    sockets.joined = inherited;  // memberships belong to the socket, which outlived the last speaker
    watched = loop_.watch(raw, EPOLLIN, [this, &owner, family](std::uint32_t) {
      now_ = runtime::now();
      read_advertisements(owner, family);
    });
  } else {
    sockets.neighbours.emplace(std::move(fd), family, index);
    watched = loop_.watch(raw, EPOLLIN, [this, &owner, family](std::uint32_t) {
      now_ = runtime::now();
      read_claims(owner, family);
    });
  }
  if (!watched) log_.error("speaker.watch_failed", {{"error", watched.error().what}});
}

void Speaker::on_desired_state(const channel::v1::DesiredStateRef& ref, const sys::UniqueFd& fd) {
  auto state = channel::read_desired_state_file(fd.get(), ref);
  if (!state) {
    log_.error("speaker.desired_state_refused",
               {{"generation", ref.generation()}, {"error", state.error().what}});
    return;
  }
  if (releasing_) return;
  apply_plan(std::make_shared<const plan::DesiredState>(std::move(*state)));
}

void Speaker::begin_release() {
  if (releasing_) return;
  log_.info("speaker.releasing", {{"routers", by_id_.size()}});
  releasing_ = true;
  std::vector<router::RouterIndex> all;
  for (router::RouterIndex i = 0; i < slots_.size(); ++i) {
    if (slots_[i].router) all.push_back(i);
  }
  release(all, Reason::kShutdown);
}

void Speaker::finish_release() {
  for (const auto& slot : slots_) {
    if (slot.router && !slot.router->finished()) return;
  }
  channel::v1::FromSpeaker message;
  message.mutable_released();
  link_.request(message);
  released_ = true;
}

// ---- ports of the routers
// -----------------------------------------------------------------------------------

bool Speaker::send(const ownership::Segment& segment, std::span<const std::uint8_t> message,
                   const vrrp::Endpoints& endpoints) {
  const auto found = interfaces_.find(segment.index);
  if (found == interfaces_.end()) return false;
  auto& socket = found->second->sockets(endpoints.source.family()).vrrp;
  return socket && socket->transmit(message, endpoints.source, endpoints.destination) == 0;
}

void Speaker::start(router::RouterIndex index, const Instant& now) {
  const auto* router = find(index);
  if (router == nullptr || !router->segment()) return;
  auto& on = interface(router->segment()->index);
  on.start_announcing(*router, now.mono);
  on.announce_due(now.mono);
}

void Speaker::evidence(router::RouterIndex index, const Instant& now) {
  const auto* router = find(index);
  if (router == nullptr || !router->segment()) return;
  interface(router->segment()->index).add_evidence(index, now.mono);
}

void Speaker::defend(router::RouterIndex index, std::size_t address, const Instant& now) {
  const auto* router = find(index);
  if (router == nullptr || !router->segment()) return;
  interface(router->segment()->index).defend(index, static_cast<std::uint32_t>(address), now.mono);
}

void Speaker::stop(router::RouterIndex index) {
  for (auto& [ifindex, on] : interfaces_) on->stop_announcing(index);
}

void Speaker::on_warning(const router::VirtualRouter& router) {
  const auto& desired = router.desired();
  if (const auto* warning = router.warning()) {
    log_.warning("router.warning", {{"router", desired.id},
                                    {"vrid", desired.vrid.value()},
                                    {"reason", to_string(warning->reason)},
                                    {"detail", warning->detail}});
  } else {
    log_.info("router.warning_over", {{"router", desired.id}, {"vrid", desired.vrid.value()}});
  }
}

void Speaker::on_transition(const router::VirtualRouter& router, const election::Transition& transition) {
  const auto& desired = router.desired();
  const auto detail = router.detail();
  const auto level = transition.to == State::kFault ? log::Level::kWarning : log::Level::kInfo;
  log_.write(
      level, "router.transition",
      {{"router", desired.id},
       {"virtual_ip", desired.addresses.empty() ? std::string_view{} : desired.addresses.front().virtual_ip},
       {"vrid", desired.vrid.value()},
       {"interface", router.segment() ? std::string_view{router.segment()->name} : std::string_view{}},
       {"from", to_string(transition.from)},
       {"to", to_string(transition.to)},
       {"reason", to_string(transition.reason)},
       {"priority", router.effective_priority()},
       {"detail", detail}});
  if (transition.reason == Reason::kStalled) ++facts_.stalls;
  if (transition.from == State::kBackup && router.segment()) {
    const auto found = interfaces_.find(router.segment()->index);
    if (found != interfaces_.end())
      found->second->sockets(desired.family).repeat_plan.forget(desired.vrid.value(), now_.mono);
  }
  snapshots_.on_transition(router, transition, runtime::unix_now_ns());
}

}  // namespace vipra::agent
