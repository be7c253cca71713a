// The speaker of a simulated node: agent/speaker with the very same routers, announcer, codec and interface
// choice, on ports that reach a simulated host. Its order of work is the real one: read what came, place the
// routers, serve the deadlines (a Backup's only after its socket was read), announce.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "announce/announcer.hpp"
#include "router/virtual_router.hpp"
#include "tests/sim/clock.hpp"
#include "tests/sim/kernel_mirror.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/role.hpp"

namespace vipra::sim {

class Host;

// What the shared page says of one router.
struct PageSlot {
  bool in_use = false;
  State state = State::kInit;
  BootTimePoint last_advert{};
  Role role = Role::kIpv4;
  std::vector<vrrp::Endpoints> destinations;  // the message is as the first one gets it
  vrrp::ChecksumForm form = vrrp::ChecksumForm::kRfc9568;
  std::array<std::uint8_t, 96> message{};
  std::size_t size = 0;
  [[nodiscard]] bool has_voice() const noexcept {
    return in_use && (state == State::kMaster || state == State::kReleasing) && size > 0;
  }
};
using Page = std::array<PageSlot, kRoles>;

// What a router, or the speaker for it, does to the outside: a process can die before any of them.
enum class Boundary : std::uint8_t { kSend, kAdd, kRemove, kAnnounce, kPage };
inline constexpr std::size_t kBoundaries = 5;

class Speaker final : private router::AdvertisementPort,
                      private ownership::AddressCommands,
                      private router::AnnouncementPort,
                      private router::Journal,
                      private announce::Sink,
                      private KernelMirror::Owner {
 public:
  Speaker(Host& host, const std::vector<plan::VirtualRouter>& desired, const Page& left_behind);
  ~Speaker() override;
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  // One turn of the loop.
  void turn();
  [[nodiscard]] std::optional<TimePoint> deadline() const;

  // What the supervisor sends; served as part of a turn.
  void release();
  // Of the VirtualIPs that are their consumers; what counts for one counts for all.
  void set_contributions(const std::vector<plan::Contribution>& contributions);
  void set_socket_fault(Role role, bool fault);
  void reconfigure(const std::vector<plan::VirtualRouter>& desired);
  void retry_kernel() { mirror_.retry(); }
  void events_lost() { mirror_.events_lost(); }

  // Dies at the n-th action from now: nothing that comes after it reaches the outside.
  void die_at_action(int n) noexcept { dies_in_ = n; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  [[nodiscard]] bool released() const;
  [[nodiscard]] const router::VirtualRouter* router(Role role) const;

 private:
  struct Slot {
    std::unique_ptr<router::VirtualRouter> router;
    std::optional<std::size_t> lead;
    std::vector<std::size_t> followers;
    election::LeadState lead_told = election::LeadState::kAway;
    router::MemberState member_told;
    std::optional<election::Adoption> left_behind;
    bool announced = false;
    std::size_t announced_addresses = 0;
  };
  void read_advertisements();
  void read_claims();
  void read_kernel();
  void place_routers();
  void remove_orphans();
  void serve_deadlines();
  void connect();
  void tell_followers(std::size_t index);
  void tell_lead(std::size_t index);
  template <class Change>
  void drive(std::size_t index, Change&& change);
  template <class Change>
  void for_owners(const IpAddress& ip, Change&& change);
  // False once dead; counts down to the death that was ordered.
  [[nodiscard]] bool acts(Boundary boundary);

  // Ports of the routers.
  bool send(const ownership::Segment& segment, std::span<const std::uint8_t> message,
            const vrrp::Endpoints& endpoints) override;
  bool add(int index, const IpAddress& ip) override;
  bool remove(int index, const IpAddress& ip) override;
  void request_dump() override { mirror_.request_dump(); }
  void start(router::RouterIndex index, const Instant& now) override;
  void evidence(router::RouterIndex index, const Instant& now) override;
  void defend(router::RouterIndex index, std::size_t address, const Instant& now) override;
  void stop(router::RouterIndex index) override;
  void on_transition(const router::VirtualRouter& router, const election::Transition& transition) override;
  void on_change(const router::VirtualRouter&) override {}
  void on_warning(const router::VirtualRouter& router) override;
  void on_owned(const router::VirtualRouter& router) override;
  void announce(std::uint32_t index, std::uint32_t address) override;
  // What its mirror of the kernel says.
  void on_interfaces_changed() override { dirty_ = true; }
  void on_address_event(const IpAddress& ip, ownership::AddressSet::Kernel state) override;
  void on_synchronised() override;
  void on_result(const KernelResult& result) override;
  bool post(const KernelCommand& command) override;

  Host& host_;
  vrrp::NoSignature signer_;
  KernelMirror mirror_;
  announce::Announcer announcer_;
  std::vector<Slot> slots_;
  Instant now_{};
  int dies_in_ = 0;
  bool dead_ = false;
  bool dirty_ = true;
  bool releasing_ = false;
};

template <class Change>
void Speaker::drive(std::size_t index, Change&& change) {
  change(*slots_[index].router);
  tell_followers(index);
  tell_lead(index);
}

template <class Change>
void Speaker::for_owners(const IpAddress& ip, Change&& change) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].router->addresses().contains(ip)) drive(i, change);
  }
}

}  // namespace vipra::sim
