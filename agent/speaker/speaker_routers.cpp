// The speaker's routers: which exist, on which interface they run, who leads whom.
#include <algorithm>
#include <utility>

#include "agent/speaker/speaker.hpp"
#include "channel/convert.hpp"
#include "ownership/interface_choice.hpp"
#include "plan/diff.hpp"

namespace vipra::agent {

// ---- the plan
// -----------------------------------------------------------------------------------------------

void Speaker::apply_plan(plan::DesiredStatePtr next) {
  const auto difference = plan::diff(desired_.get(), *next);
  leave_old_leads(difference);
  std::vector<router::RouterIndex> gone;
  for (const auto& id : difference.removed) {
    if (const auto found = by_id_.find(id); found != by_id_.end()) gone.push_back(found->second);
  }
  retire(gone);
  for (const auto* router : difference.changed) {
    if (const auto found = by_id_.find(router->id); found != by_id_.end()) {
      drive(found->second, [&](router::VirtualRouter& r) { r.reconfigure(now_, *router); });
    }
  }
  for (const auto* router : difference.added) add_router(*router);
  log_.info("speaker.plan_applied", {{"generation", next->generation},
                                     {"routers", next->routers.size()},
                                     {"added", difference.added.size()},
                                     {"changed", difference.changed.size()},
                                     {"removed", difference.removed.size()}});
  desired_ = std::move(next);
  Duration shortest = std::chrono::hours{1};
  for (const auto& router : desired_->routers) shortest = std::min(shortest, router.interval);
  pace_.set_interval(shortest);
  facts_.applied_generation = desired_->generation;
  snapshots_.mark_facts_changed();
  connect_followers();
  apply_track_plan(*desired_);
  // Who shares a lead with whom may be another now.
  for (const auto& [id, index] : by_id_) {
    if (!slots_[index].lead) share_contributions(index);
  }
  interfaces_dirty_ = true;
}

void Speaker::add_router(const plan::VirtualRouter& desired) {
  router::RouterIndex index = 0;
  if (!free_slots_.empty()) {
    index = free_slots_.back();
    free_slots_.pop_back();
  } else {
    index = static_cast<router::RouterIndex>(slots_.size());
    slots_.emplace_back();
  }
  deadlines_.reserve(slots_.size());
  auto& slot = slots_[index];
  slot = {};
  slot.router = std::make_unique<router::VirtualRouter>(
      index, desired, router::Ports{*this, *kernel_, *this, *this, signer_});
  slot.left_behind = page_.take_left_behind(desired.id);
  by_id_[desired.id] = index;
  snapshots_.mark_changed(index);
}

void Speaker::retire(const std::vector<router::RouterIndex>& routers) {
  for (const auto index : routers) {
    by_id_.erase(slots_[index].router->desired().id);
    slots_[index].retiring = true;
  }
  release(routers, Reason::kDeleted);
}

// Followers first: one that sees its lead go would fall with it instead of releasing by itself.
void Speaker::release(const std::vector<router::RouterIndex>& routers, Reason reason) {
  for (const bool follower : {true, false}) {
    for (const auto index : routers) {
      if (slots_[index].router->desired().lead.has_value() != follower) continue;
      drive(index, [&](router::VirtualRouter& r) { r.release(now_, reason); });
    }
  }
}

void Speaker::erase(router::RouterIndex index) {
  auto& slot = slots_[index];
  log_.info("router.removed", {{"router", slot.router->desired().id}});
  if (!by_id_.contains(slot.router->desired().id)) snapshots_.remove(index, slot.router->desired().id);
  for (auto& [ifindex, on] : interfaces_) on->forget_announcements(index);
  page_.remove(index);
  deadlines_.set(index, std::nullopt);
  slot = {};
  free_slots_.push_back(index);
}

// Before anything else changes: who gets another lead, or none, must not fall with the old one.
void Speaker::leave_old_leads(const plan::Diff& difference) {
  for (const auto* next : difference.changed) {
    const auto found = by_id_.find(next->id);
    if (found == by_id_.end() || slots_[found->second].router->desired().lead == next->lead) continue;
    auto& slot = slots_[found->second];
    if (slot.lead) std::erase(slots_[*slot.lead].followers, found->second);
    slot.lead.reset();
  }
}

void Speaker::connect_followers() {
  for (auto& slot : slots_) {
    slot.followers.clear();
    slot.lead.reset();
  }
  for (const auto& [id, index] : by_id_) {
    const auto& lead = slots_[index].router->desired().lead;
    if (!lead) continue;
    const auto found = by_id_.find(*lead);
    if (found == by_id_.end()) continue;
    slots_[index].lead = found->second;
    slots_[found->second].followers.push_back(index);
  }
  for (const auto& [id, index] : by_id_) {
    auto members = slots_[index].followers;
    std::sort(members.begin(), members.end());
    slots_[index].member_told = {};
    drive(index, [&](router::VirtualRouter& r) { r.set_members(now_, members); });
  }
  for (const auto& [id, index] : by_id_) {
    const auto state = slots_[index].router->lead_state();
    slots_[index].lead_told = state;
    for (const auto follower : slots_[index].followers) {
      drive(follower, [&](router::VirtualRouter& r) { r.on_lead(now_, state); });
    }
  }
}

// ---- interfaces
// ---------------------------------------------------------------------------------------------

Interface& Speaker::interface(int index) {
  auto& found = interfaces_[index];
  RouterDirectory& directory = *this;
  if (!found) found = std::make_unique<Interface>(index, directory, setup_.announce_limit);
  return *found;
}

void Speaker::evaluate_interfaces() {
  interfaces_dirty_ = false;
  if (!desired_) return;  // what is there may be wanted
  for (router::RouterIndex i = 0; i < slots_.size(); ++i) {
    if (slots_[i].router && slots_[i].retiring && slots_[i].router->finished()) erase(i);
  }
  want_devices();
  for (router::RouterIndex i = 0; i < slots_.size(); ++i) {
    if (slots_[i].router && !slots_[i].retiring) place(i);
  }
  for (auto& [index, on] : interfaces_) on->clear_routers();
  for (const auto& slot : slots_) {
    if (!slot.router || !slot.router->segment()) continue;
    const auto& segment = *slot.router->segment();
    interface(segment.index).add_router(*slot.router);
    if (segment.device) homes_[segment.device->index] = segment.index;
    snapshots_.begin_segment({segment.index, slot.router->desired().family});
  }
  forget_absent_repeats();
  judge_vrid_conflicts();
  judge_tracks();
  // Only now, with everybody placed and judged, may elections begin.
  // Leads first: a follower that was master before a crash goes on beside a lead that does.
  for (const bool follower : {false, true}) {
    for (router::RouterIndex i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].router || slots_[i].retiring) continue;
      const auto& router = *slots_[i].router;
      if (router.desired().lead.has_value() != follower) continue;
      const auto& segment = router.segment();
      const bool fault = router.fault() != nullptr;
      if (!fault && (!segment || !interface(segment->index).sockets(router.desired().family).ready()))
        continue;
      drive(i, [this](router::VirtualRouter& r) { r.start(now_); });
    }
  }
  remove_orphans();
  close_unused();
}

void Speaker::place(router::RouterIndex index) {
  auto& slot = slots_[index];
  const auto found = segment_for(*slot.router);
  if (!found) return;
  const auto& segment = *found;
  if (!segment) {
    drive(index, [&](router::VirtualRouter& r) { r.set_segment(now_, segment); });
    return;
  }
  const auto family = slot.router->desired().family;
  auto& on = interface(segment->index);
  const bool ready = prepare_sockets(on, family);
  join_solicited_node_groups(on, slot.router->desired());
  const auto& error = on.sockets(family).error;
  drive(index, [&](router::VirtualRouter& r) {
    r.set_fault(
        now_, router::FaultSource::kSocket,
        error.empty() ? std::nullopt : std::optional{router::FaultInfo{Reason::kSocketFailed, error}});
  });
  const bool moves = slot.router->segment() && slot.router->segment()->index != segment->index;
  if (!ready && moves) {
    drive(index, [&](router::VirtualRouter& r) {
      r.set_segment(now_, tl::unexpected{ownership::NoSegment{
                              Reason::kReconfigured, "moves to interface " + segment->name, segment->index}});
    });
    return;
  }
  const bool placed = slot.router->segment() && *slot.router->segment() == *segment;
  if (slot.left_behind && slot.left_behind->interface_index == segment->index) {
    slot.router->set_adoption(slot.left_behind->adoption, slot.left_behind->sent_form);
  }
  slot.left_behind.reset();
  drive(index, [&](router::VirtualRouter& r) {
    r.set_segment(now_, segment);
    if (!placed) r.sync_kernel(now_, kernel_->view());
  });
}

bool Speaker::prepare_sockets(Interface& on, Family family) {
  using namespace channel::v1;
  auto& sockets = on.sockets(family);
  const bool v4 = family == Family::kIpv4;
  if (!sockets.requested) {
    sockets.requested = true;
    if (!sockets.vrrp) send_request(v4 ? HANDLE_KIND_VRRP_IPV4 : HANDLE_KIND_VRRP_IPV6, on.index(), true);
    if (!sockets.neighbours) {
      send_request(v4 ? HANDLE_KIND_NEIGHBOUR_IPV4 : HANDLE_KIND_NEIGHBOUR_IPV6, on.index(), true);
    }
    if (!sockets.repeats)
      send_request(v4 ? HANDLE_KIND_REPEATS_IPV4 : HANDLE_KIND_REPEATS_IPV6, on.index(), true);
  }
  if (sockets.vrrp && !sockets.join_posted) {
    sockets.join_posted = kernel_->join_group(sockets.vrrp->fd(), on.index(), family);
    if (!sockets.join_posted)
      interfaces_dirty_ = true;  // the kernel's queue is full: again when it is less so
  }
  return sockets.ready();
}

void Speaker::send_request(channel::v1::HandleKind kind, int index, bool open) {
  channel::v1::FromSpeaker message;
  auto& handle = open ? *message.mutable_open_handle()->mutable_handle()
                      : *message.mutable_close_handle()->mutable_handle();
  handle.set_kind(kind);
  handle.set_interface_index(static_cast<std::uint32_t>(index));
  link_.request(message);
}

void Speaker::on_group_joined(int index, Family family, const Status& status) {
  const auto found = interfaces_.find(index);
  if (found == interfaces_.end()) return;
  auto& sockets = found->second->sockets(family);
  if (status) {
    sockets.joined = true;
    sockets.error.clear();
  } else if (!sockets.joined) {
    sockets.error = status.error().what;
    sockets.join_failed = true;
    log_.error("speaker.join_failed", {{"interface_index", index}, {"error", sockets.error}});
  }
  interfaces_dirty_ = true;
}

void Speaker::judge_vrid_conflicts() {
  for (auto& [index, on] : interfaces_) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      for (const auto& claimants : on->sockets(family).by_vrid) {
        const router::VirtualRouter* winner = nullptr;
        for (const auto i : claimants) {
          if (slots_[i].retiring) continue;
          const auto* router = slots_[i].router.get();
          if (winner == nullptr ||
              plan::is_senior(router->desired().seniority, winner->desired().seniority)) {
            winner = router;
          }
        }
        for (const auto i : claimants) {
          if (slots_[i].retiring) continue;
          std::optional<router::FaultInfo> fault;
          if (slots_[i].router.get() != winner) {
            fault = router::FaultInfo{Reason::kVridConflict,
                                      "virtual router id " + std::to_string(winner->desired().vrid.value()) +
                                          " on " + winner->segment()->name + " belongs to VirtualIP " +
                                          winner->desired().seniority.name +
                                          ", which is older: give this one another"};
          }
          drive(i, [&](router::VirtualRouter& r) {
            r.set_fault(now_, router::FaultSource::kVridConflict, std::move(fault));
          });
        }
      }
    }
  }
}

// Addresses and devices with our mark that no router of this node knows: left by a killed agent whose
// definitions changed since.
void Speaker::remove_orphans() {
  // Some at a time: whoever is promoted meanwhile shall not wait behind a thousand.
  constexpr std::size_t kAtOnce = 64;
  std::size_t removed = 0;
  for (const auto& [index, link] : kernel_->view().links()) {
    const auto before = removed;
    IpAddress first;
    for (const auto& ip : kernel_->view().ours(index)) {
      if (is_carried(index, ip)) continue;
      orphans_left_ = removed == kAtOnce || !kernel_->remove(index, ip);
      if (orphans_left_) break;
      if (removed++ == before) first = ip;
    }
    if (removed > before) {
      log_.warning(
          "address.orphan_removed",
          {{"interface", link.name}, {"address", first.to_string()}, {"addresses", removed - before}});
    }
    if (orphans_left_) break;
  }
  devices_.remove_orphans(*kernel_);
}

void Speaker::close_unused() {
  using namespace channel::v1;
  for (auto at = interfaces_.begin(); at != interfaces_.end();) {
    auto& on = *at->second;
    const bool gone = kernel_->view().link(at->first) == nullptr;
    bool used = false;
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      if (!gone && on.has_routers(family)) {
        used = true;
        continue;
      }
      auto& sockets = on.sockets(family);
      const bool v4 = family == Family::kIpv4;
      if (sockets.vrrp) loop_.unwatch(sockets.vrrp->fd());
      if (sockets.neighbours) loop_.unwatch(sockets.neighbours->fd());
      if (sockets.vrrp || sockets.requested) {
        send_request(v4 ? HANDLE_KIND_VRRP_IPV4 : HANDLE_KIND_VRRP_IPV6, on.index(), false);
        send_request(v4 ? HANDLE_KIND_NEIGHBOUR_IPV4 : HANDLE_KIND_NEIGHBOUR_IPV6, on.index(), false);
        send_request(v4 ? HANDLE_KIND_REPEATS_IPV4 : HANDLE_KIND_REPEATS_IPV6, on.index(), false);
      }
      sockets = {};
      if (!on.foreign(family).all().empty()) on.foreign(family) = {};
      snapshots_.end_segment({on.index(), family});
    }
    at = used ? std::next(at) : interfaces_.erase(at);
  }
}

}  // namespace vipra::agent
