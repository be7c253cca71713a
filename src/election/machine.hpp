// The election of one virtual router: RFC 9568 section 6.4 (and RFC 3768's for version 2) with its errata,
// plus what a service VIP needs and the RFC does not have: Releasing, holding addresses until the taker has
// announced, the worsened master, adoption after a crash, following a lead, two paths at once.
//
// Pure: no clock, socket, thread or log. step() takes the time and an event and returns what to do;
// deadline() tells when it wants DeadlineReached. A deadline event that comes early, late or twice is
// harmless. Never allocates.
//
// Golden traces: tests/election/traces_test.cpp.
#pragma once

#include <array>
#include <optional>
#include <utility>
#include <variant>

#include "base/inline_vector.hpp"
#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"
#include "plan/desired_state.hpp"
#include "vrrp/timers.hpp"
#include "vrrp/types.hpp"

namespace vipra::election {

struct Config {
  vrrp::Version version = vrrp::Version::kV3;
  Duration interval{std::chrono::milliseconds{100}};
  int misses = vrrp::kDefaultMisses;
  plan::Preemption preemption;
  bool follows_lead = false;  // leaves Backup only while its lead is Master
  // How long to listen before it may claim what nobody is heard to hold, or preempt: after the start, after
  // its link came up (a switch may not forward yet), and after any fault (which may come again). A master
  // that this router leaves in place, or that resigns, ends it; an adopted mastership knows none.
  Duration startup_delay{};
  Duration link_up_delay{};
  Duration recovery_delay{};
  // What a taker needs for many addresses, on top of what the bounds below allow it for a few.
  Duration install_time{};
  bool operator==(const Config&) const = default;
};

// Spacing of the three priority-0 advertisements of a resignation: one lost or overtaken one would cost the
// segment a whole Active_Down_Interval.
inline constexpr int kResignations = 3;
inline constexpr Duration kResignationSpacing = std::chrono::milliseconds{1};
// A taker advertises first, installs second, announces third: addresses go this long after its announcement,
// so that packets in flight still find somebody; and at the latest after the bound.
inline constexpr Duration kHoldAfterAnnouncement = std::chrono::milliseconds{10};
inline constexpr Duration kHoldAfterBetter = std::chrono::milliseconds{20};
// What Releasing allows a taker for installing and announcing, on top of the largest skew.
inline constexpr Duration kReleaseMargin = std::chrono::milliseconds{100};
// Replies to losing advertisements and to resignations in one interval: enough to end a conflict, too few for
// a storm.
inline constexpr int kMaxRepliesPerInterval = 4;

// ---- events
// -------------------------------------------------------------------------------------------------

// The crashed speaker's last word, from the shared page. Its addresses may still be in the kernel.
struct Adoption {
  bool was_master = false;
  BootTimePoint last_advert{};
};
struct Startup {
  std::optional<Adoption> adoption;
};
struct Shutdown {};  // at once: three resignations, addresses removed
struct Release {     // in good health: Releasing
  Reason reason = Reason::kReleased;
  bool for_good =
      false;  // does not stand again, even if the successor resigns at once, unless it is cancelled
};
struct CancelRelease {};
struct DeadlineReached {};
struct AdvertReceived {
  IpAddress source;
  vrrp::Priority priority = 0;
  Duration interval{};
  TimePoint received_at{};  // when it reached the socket, not when it was read
  vrrp::Path path = vrrp::Path::kMulticast;
  // What the sender hears from us on this path, where that is not our primary address: a tie is between
  // these.
  std::optional<IpAddress> own_source{};
};
struct PriorityChanged {
  int priority = vrrp::kDefaultPriority;  // effective, 1-255
};
struct PrimaryAddressChanged {
  IpAddress primary;
};
struct ConfigChanged {
  Config config;
};
struct Faulted {
  Reason reason = Reason::kNone;
};
struct Recovered {};
struct TakerAnnounced {  // another MAC address claims one of our addresses
  TimePoint at{};
};
enum class LeadState : std::uint8_t { kMaster, kBackup, kAway };  // kAway: Init, Fault, Releasing
struct LeadChanged {
  LeadState lead = LeadState::kAway;
};
// Whether the members of this router's group let it stand; told to a lead alone.
struct GroupJudged {
  bool may_stand = true;
};
// The process or the machine stood still, or what came for so long was lost; the driver noticed. (A Master
// also notices by itself, from its own overdue advertisement.)
struct Stalled {
  Duration duration{};
};
// Positive knowledge from another path than the wire. Silence is never evidence.
struct PeerEvidence {
  IpAddress peer;
  enum class Kind : std::uint8_t { kResigned } kind = Kind::kResigned;
};

using Event = std::variant<Startup, Shutdown, Release, CancelRelease, DeadlineReached, AdvertReceived,
                           PriorityChanged, PrimaryAddressChanged, ConfigChanged, Faulted, Recovered,
                           TakerAnnounced, LeadChanged, GroupJudged, Stalled, PeerEvidence>;

// ---- actions
// ------------------------------------------------------------------------------------------------

struct SendAdvert {
  vrrp::Priority priority = 0;
};
struct InstallAddresses {};
struct RemoveAddresses {};
enum class AnnounceCause : std::uint8_t { kPromotion, kEvidence };
struct Announce {
  AnnounceCause cause = AnnounceCause::kPromotion;
};
struct StopAnnouncing {};
struct Transition {
  State from = State::kInit;
  State to = State::kInit;
  Reason reason = Reason::kNone;
  // A takeover: since the last advertisement of the former master was received. Zero where none was heard.
  Duration silence{};
};
using Action =
    std::variant<SendAdvert, InstallAddresses, RemoveAddresses, Announce, StopAnnouncing, Transition>;
using Actions = InlineVector<Action, 12>;

// ---- the machine
// --------------------------------------------------------------------------------------------

class Machine {
 public:
  Machine(const Config& config, int priority, const IpAddress& primary)
      : config_{config}, priority_{priority}, primary_{primary} {}

  [[nodiscard]] Actions step(const Instant& now, const Event& event);
  [[nodiscard]] std::optional<TimePoint> deadline() const;

  // How many advertisements of a resignation are still to come: they are the caller's from here on. For a
  // router that becomes another one on the wire before they are due.
  [[nodiscard]] int take_resignations() noexcept { return std::exchange(resignations_left_, 0); }

  [[nodiscard]] State state() const noexcept;
  // Why it is in that state: for a Backup the comparison with the master heard, else what led here.
  [[nodiscard]] Reason reason() const noexcept;
  [[nodiscard]] int priority() const noexcept { return priority_; }
  // Whom a Backup hears (or, in Releasing, who takes over).
  [[nodiscard]] std::optional<IpAddress> heard_master() const noexcept;
  [[nodiscard]] int heard_priority() const noexcept;
  // Whether a Backup that has heard nobody waits for a delay of its configuration, not for a master to be
  // silent.
  [[nodiscard]] bool listens_first() const noexcept;
  // Whether addresses of this router are meant to be in the kernel now.
  [[nodiscard]] bool holds_addresses() const noexcept;

 private:
  struct Init {};
  struct Fault {
    bool link_was_down = false;
    bool was_real = false;  // not only a new definition, for which a router resigns as the old one first
  };
  struct Backup {
    TimePoint master_down_at{};
    TimePoint heard_at{};  // the last accepted advertisement, or entry: what deadlines are computed from
    Duration master_interval{};
    std::optional<IpAddress> master;
    int master_priority = 0;
    // Whom this router waits for, and until when: the last master heard, and the best of the others. Where
    // two do not hear one another, the resignation of one is none of the other.
    struct Waits {
      IpAddress source;
      int priority = 0;
      TimePoint until{};
      Duration again{};  // within which he speaks again, if nobody better is there
    };
    std::array<Waits, 2> waits_for{};
    bool taking_over = false;               // the master worsened: nothing lower re-arms
    bool waiting_for_lead = false;          // the master is silent, but the lead is not Master, or the group
                                            // does not let this lead stand
    std::optional<TimePoint> listen_until;  // a delay of the configuration; gone with the first master heard
    std::optional<TimePoint> better_since;  // Delayed: the first advertisement of a lower master,
    TimePoint listens_until{};              // and when a delay of the configuration ends that ran then
    std::optional<TimePoint> hold_until;    // addresses are still in the kernel
  };
  struct Master {
    TimePoint next_advert_at{};
    Instant last_advert{};
    TimePoint reply_window{};
    int replies = 0;
    std::optional<AdvertReceived> answered;  // the last one that made us speak
  };
  // A master that sends on both paths and resigned on one: what is still on its way on the other is older.
  struct Resigned {
    IpAddress source;
    std::array<bool, 2> on_path{};  // by vrrp::Path
    TimePoint until{};
  };
  struct Releasing {
    TimePoint give_up_at{};
    std::optional<IpAddress> successor;
    int successor_priority = 0;
    bool for_good = false;
  };

  void start(const Instant& now, const std::optional<Adoption>& adoption, Actions& out);
  void promote(const Instant& now, Reason reason, Actions& out);
  void to_backup(const Instant& now, Backup backup, Reason reason, Actions& out);
  void to_fault(const Instant& now, Reason reason, Actions& out);
  void to_init(Reason reason, Actions& out);
  void resign(const Instant& now, Actions& out);
  void last_word(Actions& out) const;
  void on_deadline(const Instant& now, Actions& out);
  void on_advert(const Instant& now, const AdvertReceived& advert, Actions& out);
  [[nodiscard]] bool is_overtaken(const AdvertReceived& advert);
  void on_advert_in_backup(const Instant& now, const AdvertReceived& advert, Backup& backup);
  void on_resignation_in_backup(const AdvertReceived& advert, Backup& backup);
  void wait_for(Backup& backup, const AdvertReceived& master, TimePoint until) const;
  void on_advert_in_master(const Instant& now, const AdvertReceived& advert, Master& master, Actions& out);
  void on_advert_in_releasing(const Instant& now, const AdvertReceived& advert, Releasing& releasing,
                              Actions& out);
  void on_release(const Instant& now, const Release& release, Actions& out);
  void on_priority(const PriorityChanged& change);
  void on_config(const Instant& now, const ConfigChanged& change);
  void on_taker(const TakerAnnounced& taker);
  void on_lead(const Instant& now, LeadState lead, Actions& out);
  void on_group(const Instant& now, bool may_stand, Actions& out);
  [[nodiscard]] bool may_stand() const noexcept;
  void listen_after_stall(const Instant& now, Actions& out);
  void transition(State to, Reason reason, Actions& out, Duration silence = {});
  template <class NewState>
  void enter(NewState state, State name, Reason reason, Actions& out) {
    transition(name, reason, out);
    state_ = std::move(state);
  }

  [[nodiscard]] Duration skew(Duration interval) const;
  [[nodiscard]] Duration down_interval(Duration interval) const;
  [[nodiscard]] Backup fresh_backup(const Instant& now) const;
  [[nodiscard]] std::optional<TimePoint> end_of_delay(const Instant& now) const;
  [[nodiscard]] Backup quick_backup(const Instant& now) const;
  [[nodiscard]] Duration release_bound() const;
  [[nodiscard]] Duration hold_after_better() const { return kHoldAfterBetter + config_.install_time; }
  [[nodiscard]] bool wins_against(const AdvertReceived& advert) const;
  [[nodiscard]] bool peers_may_have_moved(const Instant& now, const Master& master) const;

  Config config_;
  int priority_;
  IpAddress primary_;
  std::variant<Init, Backup, Master, Releasing, Fault> state_{Init{}};
  Reason entered_because_ = Reason::kNone;
  LeadState lead_ = LeadState::kAway;
  bool group_lets_stand_ = true;
  std::optional<Resigned> resigned_;
  std::optional<TimePoint> began_at_;  // its first Startup or Faulted
  int resignations_left_ = 0;
  TimePoint next_resignation_at_{};
};

}  // namespace vipra::election
