// One virtual router: the election machine, its addresses, its announcements and its packets, put together.
// It does no IO of its own: time and events come in, ports are called. One thread. After configuration,
// receiving and sending advertisements allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/reason.hpp"
#include "base/time.hpp"
#include "election/machine.hpp"
#include "ownership/address_set.hpp"
#include "ownership/interface_choice.hpp"
#include "ownership/kernel_view.hpp"
#include "plan/desired_state.hpp"
#include "router/conflict_watch.hpp"
#include "router/group_members.hpp"
#include "router/path_watch.hpp"
#include "router/ports.hpp"
#include "vrrp/neighbour_frame.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/receive.hpp"

namespace vipra::router {

// Everything that can keep a router from electing, in the order in which it is shown.
enum class FaultSource : std::uint8_t {
  kSegment,
  kSocket,
  kVridConflict,
  kAddressInUse,
  kInstall,
  kContribution,
  kGroup
};
inline constexpr std::size_t kFaultSources = 7;
// Everything that wants attention though a router elects, the most important first: that one is shown.
enum class WarningSource : std::uint8_t {
  kClaimant,
  kOtherRouter,
  kSilentPath,
  kNoPeers,
  kChecksumForms,
  kPriorityGap,
};
inline constexpr std::size_t kWarningSources = 6;
struct FaultInfo {
  Reason reason = Reason::kNone;
  std::string detail;
  bool operator==(const FaultInfo&) const = default;
};

struct Counters {
  std::uint64_t advertisements_sent = 0;
  std::uint64_t resignations_sent = 0;
  std::uint64_t advertisements_received = 0;
  std::array<std::uint64_t, kAllDropReasonValues.size()> drops{};
  std::uint64_t announcements_sent = 0;
  std::uint64_t address_restores = 0;
  std::uint64_t send_errors = 0;
  std::uint64_t address_list_mismatches = 0;
  std::uint64_t interval_mismatches = 0;
  std::uint64_t checksum_form_mixed = 0;
  std::uint64_t conflicting_claims = 0;
};

class VirtualRouter {
 public:
  VirtualRouter(RouterIndex index, const plan::VirtualRouter& desired, const Ports& ports);

  // ---- configuration ----
  void reconfigure(const Instant& now, const plan::VirtualRouter& desired);
  void set_contributions(const Instant& now, std::vector<plan::Contribution> contributions);
  // Before the first segment: what the last speaker left. It is used once. `sent` is the checksum form that
  // it sent: what its peers were heard to send must survive it, or they would take its heir for silent.
  void set_adoption(const election::Adoption& adoption,
                    std::optional<vrrp::ChecksumForm> sent = std::nullopt) {
    adoption_ = adoption;
    adopted_form_ = sent;
  }

  // ---- events ----
  void set_segment(const Instant& now, const tl::expected<ownership::Segment, ownership::NoSegment>& segment);
  void set_fault(const Instant& now, FaultSource source, std::optional<FaultInfo> fault);
  // Begins to elect, or shows why it cannot; called once the kernel's state is known.
  void start(const Instant& now);
  // Rungs 1 and 2 of the ladder: by which path an advertisement came, and whether this router hears it there.
  [[nodiscard]] tl::expected<vrrp::Arrival, DropReason> admit(const vrrp::IpMeta& meta) const noexcept;
  // One that was admitted, and decoded with what the arrival demands. False: it was dropped, and counted.
  bool on_advertisement(const Instant& now, const vrrp::IpMeta& meta, const vrrp::Arrival& arrival,
                        const vrrp::Advertisement& advertisement, TimePoint received_at);
  void count_drop(DropReason reason) noexcept { ++counters_.drops[static_cast<std::size_t>(reason)]; }
  void on_claim(const Instant& now, const vrrp::NeighbourClaim& claim, TimePoint received_at);
  // Under another virtual router id somebody advertises an address of this router; forgotten after
  // `patience`.
  void on_foreign_advertisement(const Instant& now, const ConflictWatch::OtherRouter& other,
                                Duration patience);
  void on_kernel_address(const Instant& now, const IpAddress& ip, ownership::AddressSet::Kernel state);
  // What the kernel has of its addresses; call it between set_segment() and start() too.
  void sync_kernel(const Instant& now, const ownership::KernelView& kernel);
  void on_address_added(const Instant& now, const IpAddress& ip, bool already_there);
  void on_address_failed(const Instant& now, const IpAddress& ip, bool adding, std::string error);
  void on_address_removed(const Instant& now, const IpAddress& ip);
  void on_lead(const Instant& now, election::LeadState lead);
  // To the lead of a group: who its members are (sorted), and what one of them says.
  void set_members(const Instant& now, const std::vector<RouterIndex>& members);
  void on_member(const Instant& now, RouterIndex member, const MemberState& state);
  void release(const Instant& now, Reason reason);
  void on_stall(const Instant& now, Duration duration);
  void on_deadline(const Instant& now);
  [[nodiscard]] std::optional<TimePoint> deadline() const;
  void count_announcement() noexcept { ++counters_.announcements_sent; }

  // ---- what it is ----
  [[nodiscard]] RouterIndex index() const noexcept { return index_; }
  [[nodiscard]] const plan::VirtualRouter& desired() const noexcept { return desired_; }
  [[nodiscard]] const std::optional<ownership::Segment>& segment() const noexcept { return segment_; }
  [[nodiscard]] State state() const noexcept { return machine_.state(); }
  [[nodiscard]] election::LeadState lead_state() const noexcept;
  // What it is to the lead of its group.
  [[nodiscard]] MemberState member_state() const;
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] const ownership::AddressSet& addresses() const noexcept { return addresses_; }
  [[nodiscard]] const std::vector<plan::Contribution>& contributions() const noexcept {
    return contributions_;
  }
  [[nodiscard]] int effective_priority() const noexcept { return machine_.priority(); }
  [[nodiscard]] const election::Machine& machine() const noexcept { return machine_; }
  [[nodiscard]] Reason reason() const noexcept {
    return aside_ && state() == State::kInit ? aside_->reason : machine_.reason();
  }
  [[nodiscard]] std::string detail() const;  // one sentence for people
  [[nodiscard]] const FaultInfo* fault() const noexcept;
  // It elects, but something wants attention.
  [[nodiscard]] const FaultInfo* warning() const noexcept;
  // The last advertisement built, for the shared page: unsigned, as the first of destinations() gets it.
  [[nodiscard]] std::span<const std::uint8_t> message() const noexcept { return outgoing_.message; }
  [[nodiscard]] vrrp::ChecksumForm message_form() const noexcept { return outgoing_.form; }
  // Between whom its advertisements go: to the group, to each peer.
  [[nodiscard]] const std::vector<vrrp::Endpoints>& destinations() const noexcept {
    return outgoing_.destinations;
  }
  [[nodiscard]] const Instant& last_advert() const noexcept { return last_advert_; }
  // Gone for good: released, and nothing of it is left in the kernel.
  [[nodiscard]] bool finished() const noexcept;

 private:
  struct Outgoing {
    std::vector<std::uint8_t> message;  // as large as it is: there may be a thousand routers
    vrrp::ChecksumForm form = vrrp::ChecksumForm::kRfc9568;
    std::vector<vrrp::Endpoints> destinations;
  };
  // What is left of a resignation, by the router that resigned: this one is another to the segment since.
  struct Farewell {
    Outgoing as;
    int left = 0;
    TimePoint next_at{};
  };

  void step(const Instant& now, const election::Event& event);
  void act(const Instant& now, const election::Action& action);
  void send(const Instant& now, vrrp::Priority priority);
  [[nodiscard]] bool transmit(Outgoing& out, vrrp::Priority priority);
  [[nodiscard]] bool send_copy(const Outgoing& out, const vrrp::Endpoints& to, bool as_device);
  void keep_farewell(const Instant& now);
  void send_farewell(TimePoint until);
  [[nodiscard]] bool from_device(const vrrp::Endpoints& to) const noexcept;
  void build_message();
  void build_destinations();
  [[nodiscard]] FaultInfo no_peers() const;
  [[nodiscard]] std::optional<FaultInfo> missing_peers() const;
  void watch_paths(const vrrp::IpMeta& meta, const vrrp::Arrival& arrival,
                   const vrrp::Advertisement& advertisement, TimePoint received_at);
  void judge_warnings(const Instant& now);
  [[nodiscard]] bool gap_is_too_small(const Instant& now);
  [[nodiscard]] FaultInfo words_for(WarningSource source) const;
  void apply_addresses(const Instant& now);
  void apply_fault(const Instant& now);
  void apply_priority(const Instant& now);
  void stand_aside(const Instant& now, std::optional<FaultInfo> why);
  void judge_group(const Instant& now);
  void note_contest(const vrrp::Advertisement& advertisement, const IpAddress& source, TimePoint received_at);
  [[nodiscard]] Duration down_interval() const;
  void note_checksum_form(vrrp::ChecksumForm form);
  void note_mismatches(const vrrp::Advertisement& advertisement);
  [[nodiscard]] vrrp::ChecksumForm form_to_send() const noexcept;
  [[nodiscard]] std::size_t overhead() const noexcept;

  static constexpr Duration kInstallRetry = std::chrono::seconds{5};
  // Priorities that pass each other while checks change them are no mistake of a definition.
  static constexpr Duration kGapPatience = std::chrono::seconds{10};
  // After the kernel's queue was full: its results go to whoever posted, so that this router would wait for
  // ever.
  static constexpr Duration kCommandRetry = std::chrono::milliseconds{5};

  const RouterIndex index_;
  plan::VirtualRouter desired_;
  const IpAddress group_;  // where its advertisements go
  Ports ports_;
  election::Machine machine_;
  ownership::AddressSet addresses_;
  std::optional<ownership::Segment> segment_;
  std::array<std::optional<FaultInfo>, kFaultSources> faults_;
  std::vector<plan::Contribution> contributions_;
  std::optional<FaultInfo> aside_;  // handed over on somebody's wish, and until that ends
  std::optional<election::Adoption> adoption_;
  std::optional<vrrp::ChecksumForm> heard_form_;
  std::optional<vrrp::ChecksumForm> adopted_form_;
  std::optional<TimePoint> install_retry_at_;
  std::optional<TimePoint> command_retry_at_;
  bool started_ = false;
  bool releasing_for_good_ = false;
  bool announce_when_complete_ = false;
  Counters counters_;
  PathWatch paths_;
  GroupMembers members_;
  // Who beats a member of a group, which says so to its lead.
  struct Contest {
    IpAddress by;
    TimePoint until{};
  };
  std::optional<Contest> contest_;
  bool had_peers_ = false;  // with unicast alone
  ConflictWatch conflicts_;
  // The priority of the master heard, while it is too close.
  struct Closeness {
    int own = 0;
    int other = 0;
    TimePoint since{};
  };
  std::optional<Closeness> close_since_;
  std::array<std::optional<FaultInfo>, kWarningSources> warnings_;
  std::optional<ConflictWatch::Claimant> claimant_told_;  // whom the words name
  std::optional<ConflictWatch::OtherRouter> other_told_;
  Instant last_advert_{};
  Outgoing outgoing_;
  std::optional<Farewell> farewell_;
};

}  // namespace vipra::router
