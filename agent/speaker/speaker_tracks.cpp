// What the speaker's routers track besides their own interface: the kernel's words and neighbours' answers
// in, questions out, and what follows from the verdicts.
#include <set>
#include <string>
#include <utility>

#include "agent/speaker/speaker.hpp"
#include "vrrp/neighbour_frame.hpp"

namespace vipra::agent {

void Speaker::apply_track_plan(const plan::DesiredState& next) {
  tracker_.keep_only([&](const plan::RouterId& id) { return by_id_.contains(id); });
  for (const auto& router : next.routers) {
    const auto found = by_id_.find(router.id);
    if (found == by_id_.end()) continue;
    const auto& slot = slots_[found->second];
    tracker_.set_router(router, slot.left_behind ? slot.left_behind->failed_tracks : 0);
    if (!router.tracks.empty()) on_owned(*slot.router);
  }
  routes_.want(tracker_.destinations(), now_.mono);
}

void Speaker::judge_tracks() {
  tracks_dirty_ = false;
  if (tracker_.empty() || !kernel_->synchronised()) return;
  for (const auto& [id, index] : by_id_) {
    const auto& router = *slots_[index].router;
    if (router.desired().tracks.empty() || !router.segment()) continue;
    tracker_.set_place(id, {router.segment()->index, router.segment()->name});
  }
  tracker_.judge(kernel_->view(), routes_.view());
  take_track_changes();
}

void Speaker::probe_gateways() {
  const auto at = tracker_.deadline(now_.mono);
  if (!at || *at > now_.mono) return;
  tracker_.step(now_.mono, *this);
  take_track_changes();
}

void Speaker::take_track_changes() {
  std::set<router::RouterIndex> leads, judged;
  tracker_.drain_changes([&](const plan::RouterId& id, const track::Tracked& tracked, auto before) {
    const auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    snapshots_.mark_changed(found->second);
    leads.insert(lead_of(found->second));
    judged.insert(found->second);
    const bool failed = tracked.verdict.failed();
    if (failed == (before == track::Verdict::Outcome::kFailed)) return;
    log_.write(failed ? log::Level::kWarning : log::Level::kInfo, failed ? "track.failed" : "track.recovered",
               {{"router", id},
                {"track", tracked.track.name},
                {"reason", to_string(tracked.verdict.reason)},
                {"detail", tracked.verdict.detail}});
  });
  for (const auto lead : leads) share_contributions(lead);
  for (const auto index : judged) on_owned(*slots_[index].router);
}

bool Speaker::send(const track::Probe& probe) {
  const auto family = probe.target.family();
  const auto found = interfaces_.find(probe.index);
  const auto* link = kernel_->view().link(probe.index);
  if (found == interfaces_.end() || link == nullptr || !link->up) return false;
  auto& socket = found->second->sockets(family).neighbours;
  const auto source = kernel_->view().primary(probe.index, family);
  if (!socket || !source) return false;
  const auto frame = family == Family::kIpv4
                         ? vrrp::arp_request(probe.target, *source, link->mac, probe.to)
                         : vrrp::neighbour_solicitation(probe.target, *source, link->mac, probe.to);
  const auto sent = socket->send({&frame, 1});
  return sent && *sent == 1;
}

}  // namespace vipra::agent
