// The speaker: elections of all virtual routers of this node, in one thread on one epoll. It wires the pure
// parts to the kernel and to the supervisor, and decides nothing itself.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/hang_alarm.hpp"
#include "agent/speaker/deadline_queue.hpp"
#include "agent/speaker/interface.hpp"
#include "agent/speaker/kernel_state.hpp"
#include "agent/speaker/link.hpp"
#include "agent/speaker/owned_page_writer.hpp"
#include "agent/speaker/read_pace.hpp"
#include "agent/speaker/route_watch.hpp"
#include "agent/speaker/snapshots.hpp"
#include "agent/speaker/virtual_mac_devices.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "plan/desired_state.hpp"
#include "plan/diff.hpp"
#include "router/ports.hpp"
#include "router/virtual_router.hpp"
#include "runtime/event_loop.hpp"
#include "runtime/log_sink.hpp"
#include "track/tracker.hpp"
#include "vrrp/ethernet_frame.hpp"

namespace vipra::agent {

struct SpeakerSetup {
  sys::UniqueFd link;
  std::string node;
  bool realtime = false;
  std::string realtime_detail;
  bool memory_locked = false;
  AnnounceLimit announce_limit;
};

class Speaker final : private RouterDirectory,
                      private SegmentDirectory,
                      private KernelListener,
                      private router::AdvertisementPort,
                      private router::AnnouncementPort,
                      private track::ProbePort,
                      private router::Journal {
 public:
  Speaker(SpeakerSetup setup, runtime::EventLoop loop, runtime::LogSink& sink, const log::Logger& log);

  // Until released, or until the supervisor is gone. The value is the exit status of the process.
  [[nodiscard]] Result<int> run();

 private:
  struct Slot {
    std::unique_ptr<router::VirtualRouter> router;
    std::vector<router::RouterIndex> followers;
    std::optional<router::RouterIndex> lead;
    election::LeadState lead_told = election::LeadState::kAway;
    router::MemberState member_told;
    std::optional<LeftBehind> left_behind;
    bool retiring = false;
  };

  // ---- the loop ----
  Status watch_all();
  void turn();
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  void serve_deadlines();
  void finish_release();

  // ---- from the supervisor ----
  void on_message(const channel::v1::ToSpeaker& message, std::vector<sys::UniqueFd> fds);
  void on_handles(const channel::v1::HandleTable& table, std::vector<sys::UniqueFd>& fds);
  void on_handle(const channel::v1::Handle& handle, sys::UniqueFd fd, const std::string& error,
                 bool inherited);
  void on_desired_state(const channel::v1::DesiredStateRef& ref, const sys::UniqueFd& fd);
  void on_contribution_set(const channel::v1::ContributionSetRef& ref, const sys::UniqueFd& fd);
  void on_contribution_delta(const channel::v1::ContributionDelta& delta);
  void apply_contributions(const std::set<std::string>& consumers);
  void share_contributions(router::RouterIndex lead);
  [[nodiscard]] router::RouterIndex lead_of(router::RouterIndex index) const;
  void begin_release();

  // ---- routers ----
  void apply_plan(plan::DesiredStatePtr next);
  void add_router(const plan::VirtualRouter& desired);
  void retire(const std::vector<router::RouterIndex>& routers);
  void release(const std::vector<router::RouterIndex>& routers, Reason reason);
  void erase(router::RouterIndex index);
  void connect_followers();
  void leave_old_leads(const plan::Diff& difference);
  // Runs `change` on a router, then whatever follows from it: its deadline, its followers, its lead.
  template <class Change>
  void drive(router::RouterIndex index, Change&& change);
  void tell_followers(router::RouterIndex index);
  void tell_lead(router::RouterIndex index);

  // ---- tracks ----
  void apply_track_plan(const plan::DesiredState& next);
  void judge_tracks();
  void probe_gateways();
  void take_track_changes();
  bool send(const track::Probe& probe) override;

  // ---- interfaces ----
  void evaluate_interfaces();
  void place(router::RouterIndex index);
  [[nodiscard]] bool prepare_sockets(Interface& interface, Family family);
  void judge_vrid_conflicts();
  void remove_orphans();
  void go_on_with_orphans() noexcept { interfaces_dirty_ |= std::exchange(orphans_left_, false); }
  void close_unused();
  void want_devices();
  [[nodiscard]] std::optional<tl::expected<ownership::Segment, ownership::NoSegment>> segment_for(
      const router::VirtualRouter& router);
  void join_solicited_node_groups(Interface& on, const plan::VirtualRouter& desired);
  // The interface that a device of ours is on; any other index is its own home.
  [[nodiscard]] int home_of(int index) const;
  // Some router has this address on this interface or device.
  [[nodiscard]] bool is_carried(int index, const IpAddress& ip) const;
  [[nodiscard]] Interface& interface(int index);
  void send_request(channel::v1::HandleKind kind, int index, bool open);
  void read_advertisements(Interface& interface, Family family);
  void on_datagram(Interface& interface, Family family, const net::ReceivedDatagram& datagram, Duration age);
  void note_repeat(FamilySockets& sockets, router::RouterIndex index, const vrrp::IpMeta& meta,
                   std::span<const std::uint8_t> message);
  void forget_absent_repeats();
  void read_repeats();
  void read_repeats(Interface& interface, Family family);
  void serve_repeats();
  void serve_repeats(Interface& interface, Family family);
  void release_repeats(Interface& interface, Family family, bool again);
  void take_repeats_socket(Interface& interface, Family family, sys::UniqueFd fd);
  void read_claims(Interface& interface, Family family);
  void on_nobodys(Interface& interface, Family family, const vrrp::IpMeta& meta,
                  std::span<const std::uint8_t> message, Duration age);
  void on_foreign(Interface& interface, Family family, const IpAddress& source,
                  const vrrp::Advertisement& advertisement, TimePoint received_at);
  void tell_foreign(Interface& interface, std::string_view event, const router::ForeignRouter& foreign);
  void expire_foreign();
  void count_drop(DropReason reason);  // before a router was found

  // RouterDirectory
  router::VirtualRouter* find(router::RouterIndex index) override;
  // SegmentDirectory
  bool fill(const SegmentKey& key, channel::v1::SegmentSnapshot& out) override;
  // KernelListener
  void on_interfaces_changed() override;
  void on_address_event(int index, const IpAddress& ip, ownership::AddressSet::Kernel state) override;
  void on_synchronised() override;
  void on_address_added(int index, const IpAddress& ip, bool already_there) override;
  void on_address_failed(int index, const IpAddress& ip, bool adding, const std::string& error) override;
  void on_address_removed(int index, const IpAddress& ip) override;
  void on_group_joined(int index, Family family, const Status& status) override;
  void on_device_made(const ownership::DeviceSpec& spec, const Status& status) override;
  void on_device_removed(const Status& status) override;
  void on_guard_set(const Status& status) override;
  template <class Change>
  void for_owners(int index, const IpAddress& ip, Change&& change);
  // router ports
  bool send(const ownership::Segment& segment, std::span<const std::uint8_t> message,
            const vrrp::Endpoints& endpoints) override;
  bool send_from_device(const ownership::Segment& segment, std::span<const std::uint8_t> message,
                        const vrrp::Endpoints& endpoints) override;
  void start(router::RouterIndex router, const Instant& now) override;
  void evidence(router::RouterIndex router, const Instant& now) override;
  void defend(router::RouterIndex router, std::size_t address, const Instant& now) override;
  void stop(router::RouterIndex router) override;
  void on_transition(const router::VirtualRouter& router, const election::Transition& transition) override;
  void on_warning(const router::VirtualRouter& router) override;
  void on_change(const router::VirtualRouter& router) override { snapshots_.mark_changed(router.index()); }
  void on_owned(const router::VirtualRouter& router) override {
    // Called for each advertisement: who has no tracks is not looked for.
    page_.update(router, router.desired().tracks.empty() ? 0 : tracker_.failed_tracks(router.desired().id));
  }

  SpeakerSetup setup_;
  runtime::EventLoop loop_;
  runtime::LogSink& sink_;
  const log::Logger& log_;
  Link link_;
  OwnedPageWriter page_;
  HangAlarm alarm_;
  std::unique_ptr<KernelState> kernel_;
  vrrp::NoSignature signer_;
  track::Tracker tracker_;
  Snapshots snapshots_;
  SpeakerFacts facts_;
  RouteWatch routes_;
  plan::DesiredStatePtr desired_;
  std::vector<Slot> slots_;
  std::vector<router::RouterIndex> free_slots_;
  std::map<std::string, router::RouterIndex> by_id_;  // not the retiring ones
  std::map<int, std::unique_ptr<Interface>> interfaces_;
  VirtualMacDevices devices_{log_};
  std::map<int, int> homes_;  // of devices: the interface that each is on
  std::array<std::uint8_t, vrrp::kMaxFrame> frame_{};
  std::map<std::string, std::map<std::string, plan::Contribution>> contributions_;
  DeadlineQueue deadlines_;
  ReadPace pace_;
  std::optional<TimePoint> flush_at_;
  Instant now_{};
  bool interfaces_dirty_ = true;
  bool orphans_left_ = false;  // to be removed after the results of those under way
  bool tracks_dirty_ = false;
  bool handles_complete_ = false;
  bool releasing_ = false;
  bool released_ = false;
  bool supervisor_gone_ = false;
  bool writing_ = false;
};

template <class Change>
void Speaker::drive(router::RouterIndex index, Change&& change) {
  auto* router = find(index);
  if (router == nullptr) return;
  change(*router);
  deadlines_.set(index, router->deadline());
  tell_followers(index);
  tell_lead(index);
}

}  // namespace vipra::agent
