// One simulated node: its kernel, its clocks, its sockets, the writer that runs kernel commands one by one,
// and the supervisor, which starts the speaker again or gives its addresses up (the real RestartPolicy
// decides).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "agent/supervisor/restart_policy.hpp"
#include "plan/desired_state.hpp"
#include "tests/sim/clock.hpp"
#include "tests/sim/kernel.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/speaker.hpp"
#include "vrrp/neighbour_frame.hpp"

namespace vipra::sim {

class World;

struct ReceivedPacket {
  Packet packet;
  TimePoint received_at{};
};

// What lies upon a host's time and kernel; counted, because faults overlap.
struct Burden {
  int paused = 0;
  int suspended = 0;
  int slow = 0;
  int short_queue = 0;
  int kernel_refuses = 0;
  int kernel_busy = 0;
  int kernel_slow = 0;
  int results_lost = 0;
  int events_lost = 0;
};

class Host final : private Kernel::Listener {
 public:
  Host(World& world, NodeId id, const NodePlan& plan, std::uint64_t seed);
  ~Host() override = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // ---- what happens to it ----
  void power_on();
  void power_off();
  void start_agent();
  void kill_agent();
  void release_agent();
  void pause();
  void resume();
  void suspend();
  void wake_up();
  void crash_at_action(int n);
  void crash_loop() { crashes_to_come_ = 2; }
  // To the VirtualIP of this role's router.
  void contribute(Role role, int delta, bool fault);
  void wish_to_stand_aside(bool begins);
  void fail_members_socket(bool begins);
  void reconfigure(int variant);
  void drop_all_events(bool begins);
  void kernel_free();
  void scheduler_free();
  Burden burden;

  // ---- from the queue of the world ----
  void on_delivery(const Packet& packet);
  void on_wake();
  void on_kernel(std::uint32_t number);
  void on_supervisor(std::uint32_t what);

  // ---- for its speaker ----
  [[nodiscard]] Instant instant() const;
  [[nodiscard]] Random& random() noexcept { return random_; }
  [[nodiscard]] Page& page() noexcept { return page_; }
  [[nodiscard]] const ReceivedPacket* next_advertisement();
  [[nodiscard]] const ReceivedPacket* next_claim();
  [[nodiscard]] std::optional<Notice> next_notice();
  [[nodiscard]] std::optional<KernelResult> next_result();
  // One advertisement goes out in as many copies as it has destinations.
  [[nodiscard]] bool send(const vrrp::Endpoints& endpoints, std::span<const std::uint8_t> message,
                          bool first_copy);
  [[nodiscard]] bool post(const KernelCommand& command);
  void announce(const IpAddress& ip, const vrrp::NeighbourFrame& frame);
  void heard(Role role, const IpAddress& source, int priority, vrrp::Path path);
  void warned(Reason reason);
  void count_drops(const router::Counters& counters);
  void transition(Role role, const election::Transition& transition);
  void died_at(Boundary boundary);

  // ---- what it is ----
  [[nodiscard]] NodeId id() const noexcept { return id_; }
  [[nodiscard]] Kernel& kernel() noexcept { return kernel_; }
  [[nodiscard]] const Kernel& kernel() const noexcept { return kernel_; }
  [[nodiscard]] bool powered() const noexcept { return powered_; }
  // A speaker runs and its time goes on.
  [[nodiscard]] bool runs() const noexcept { return speaker_ && burden.paused == 0 && burden.suspended == 0; }
  [[nodiscard]] bool agent_runs() const noexcept { return agent_; }
  [[nodiscard]] const router::VirtualRouter* router(Role role) const {
    return speaker_ ? speaker_->router(role) : nullptr;
  }
  [[nodiscard]] State state(Role role) const;
  // Runs, and takes part in the election of this router.
  [[nodiscard]] bool stands(Role role) const;
  [[nodiscard]] const std::vector<plan::VirtualRouter>& desired() const noexcept { return desired_; }
  [[nodiscard]] const plan::VirtualRouter& desired(Role role) const;
  // Commands that were begun while the kernel was slow are not through yet.
  [[nodiscard]] bool slow_backlog() const noexcept { return slow_backlog_; }
  [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }
  // What its peers know it by.
  [[nodiscard]] IpAddress primary(Role role) const;
  // Somebody else than us gave it to one of its interfaces.
  [[nodiscard]] bool answers_at(const IpAddress& ip) const {
    return powered_ && kernel_.has(ip) && !kernel_.has_ours(ip);
  }
  void change_primary(Role role);

 private:
  template <class T>
  struct Pending {
    WorldTime at;
    T what;
  };
  enum class Supervisor : std::uint8_t { kStartsSpeaker, kResigns, kSweeps };

  void on_notice(const Notice& notice) override;
  void on_change(const IpAddress& ip, bool ours_is_there) override;

  void start_speaker();
  void end_speaker();
  void speaker_crashed();
  void speaker_released();
  [[nodiscard]] std::vector<PageSlot> voices_left() const;
  void give_up(Duration pause);
  void resign_for(const PageSlot& voice);
  void after_turn();
  void wake(WorldTime at);
  void schedule(Supervisor what, Duration after);
  void run_next_command();
  [[nodiscard]] Duration lateness();
  void forget_processes();
  void deliver_configuration();

  World& world_;
  const NodeId id_;
  Random random_;
  NodeClock clock_;
  MacAddress mac_;
  std::array<IpAddress, kRoles> primaries_;
  Kernel kernel_;
  std::vector<plan::VirtualRouter> desired_;
  std::vector<plan::Contribution> contributions_;
  int wishes_ = 0;
  int members_socket_fails_ = 0;
  std::unique_ptr<Speaker> speaker_;
  Page page_{};
  std::vector<PageSlot> voices_;  // that the supervisor resigns for
  supervisor::RestartPolicy policy_;
  TimePoint speaker_started_{};
  std::uint32_t generation_ = 0;  // of processes: what was scheduled for dead ones does not happen
  int rounds_left_ = 0;
  int crashes_to_come_ = 0;
  bool powered_ = false;
  bool agent_ = false;
  bool releasing_ = false;
  bool configuration_waits_ = false;
  WorldTime suspended_at_{};
  std::optional<WorldTime> wake_at_;

  std::deque<ReceivedPacket> advertisements_;
  std::deque<ReceivedPacket> claims_;
  ReceivedPacket current_{};
  std::deque<Pending<Notice>> notices_;
  std::deque<Pending<KernelResult>> results_;
  std::deque<KernelCommand> commands_;
  bool command_runs_ = false;
  bool slow_backlog_ = false;
  std::uint32_t command_number_ = 0;
};

}  // namespace vipra::sim
