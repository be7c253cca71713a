// A host's kernel commands, notices and configuration, everything that the speaker hears of other than
// packets; and what observers ask of it.
#include <algorithm>
#include <utility>

#include "tests/sim/host.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLongestOnTheWire = Centiseconds{4095};
constexpr const char* kCheck = "check/service";
constexpr const char* kWish = "wish/switchover";

}  // namespace

bool Host::post(const KernelCommand& command) {
  if (burden.kernel_busy > 0) return false;
  commands_.push_back(command);
  run_next_command();
  return true;
}

void Host::run_next_command() {
  if (!command_runs_ && commands_.empty()) slow_backlog_ = false;
  if (command_runs_ || commands_.empty()) return;
  command_runs_ = true;
  slow_backlog_ |= burden.kernel_slow > 0;
  const auto longest = burden.kernel_slow > 0 ? Duration{60ms} : kUsualKernelTime;
  world_.queue().push(world_.now() + random_.between(20us, longest), EventKind::kKernel, id_,
                      ++command_number_);
}

void Host::on_kernel(std::uint32_t number) {
  if (number != command_number_ || !command_runs_) return;
  command_runs_ = false;
  const auto command = commands_.front();
  commands_.pop_front();
  KernelResult result;
  if (burden.kernel_refuses > 0 && command.kind == KernelCommand::Kind::kAdd) {
    result.command = command;
    result.outcome = KernelResult::Outcome::kFailed;
  } else {
    result = kernel_.execute(command);
    if (burden.results_lost > 0 && random_.chance(50)) result.outcome = KernelResult::Outcome::kFailed;
  }
  const auto at = world_.now() + random_.between(5us, kUsualKernelTime);
  results_.push_back({results_.empty() ? at : std::max(at, results_.back().at), std::move(result)});
  wake(results_.back().at + lateness());
  run_next_command();
}

void Host::on_notice(const Notice& notice) {
  if (!speaker_ || burden.events_lost > 0) return;
  const auto at = world_.now() + random_.between(5us, kUsualKernelTime);
  notices_.push_back({notices_.empty() ? at : std::max(at, notices_.back().at), notice});
  wake(notices_.back().at + lateness());
}

void Host::on_change(const IpAddress& ip, bool ours_is_there) {
  world_.address_changed(id_, ip, ours_is_there);
}

std::optional<Notice> Host::next_notice() {
  if (notices_.empty() || notices_.front().at > world_.now()) return std::nullopt;
  auto notice = std::move(notices_.front().what);
  notices_.pop_front();
  return notice;
}

std::optional<KernelResult> Host::next_result() {
  if (results_.empty() || results_.front().at > world_.now()) return std::nullopt;
  auto result = std::move(results_.front().what);
  results_.pop_front();
  return result;
}

void Host::drop_all_events(bool begins) {
  burden.events_lost += begins ? 1 : -1;
  if (burden.events_lost > 0 || !speaker_) return;
  speaker_->events_lost();
  after_turn();
}

void Host::kernel_free() {
  if (--burden.kernel_busy > 0 || !speaker_) return;
  speaker_->retry_kernel();
  after_turn();
}

// ---- configuration
// -----------------------------------------------------------------------------------------------

void Host::contribute(Role role, int delta, bool fault) {
  std::erase_if(contributions_,
                [&](const auto& part) { return part.consumer == name_of(role) && part.source == kCheck; });
  if (delta != 0 || fault) {
    plan::Contribution part;
    part.consumer = std::string{name_of(role)};
    part.source = kCheck;
    part.delta = delta;
    part.fault = fault;
    part.reason = Reason::kCheckFailed;
    contributions_.push_back(part);
  }
  deliver_configuration();
}

void Host::wish_to_stand_aside(bool begins) {
  wishes_ += begins ? 1 : -1;
  std::erase_if(contributions_, [](const auto& part) { return part.source == kWish; });
  if (wishes_ > 0) {
    plan::Contribution part;
    part.consumer = std::string{name_of(world_.scenario().lead())};
    part.source = kWish;
    part.fault = true;
    part.reason = Reason::kSwitchover;
    contributions_.push_back(part);
  }
  deliver_configuration();
}

void Host::fail_members_socket(bool begins) {
  members_socket_fails_ += begins ? 1 : -1;
  deliver_configuration();
}

void Host::reconfigure(int variant) {
  for (auto& router : desired_) {
    if (variant == 0) {
      const auto extra = router.family == Family::kIpv6     ? *IpAddress::parse("2001:db8::101")
                         : role_of(router) == Role::kMember ? IpAddress::v4(10, 0, kMembersNet, 102)
                                                            : IpAddress::v4(10, 0, 2, 102);
      const auto known = std::find_if(router.addresses.begin(), router.addresses.end(),
                                      [&](const auto& address) { return address.ip == extra; });
      if (known == router.addresses.end()) {
        router.addresses.push_back({extra, "vip"});
      } else {
        router.addresses.erase(known);
      }
    } else if (variant == 1) {
      router.interval = std::min(router.interval * 2, kLongestOnTheWire);
    } else if (router.base_priority < 255) {
      router.base_priority = 1 + (router.base_priority + 96) % 254;
    }
  }
  deliver_configuration();
}

// To one that stands still it waits in its socket.
void Host::deliver_configuration() {
  configuration_waits_ = speaker_ && !runs();
  if (!runs()) return;
  if (!releasing_) speaker_->reconfigure(desired_);
  speaker_->set_contributions(contributions_);
  speaker_->set_socket_fault(Role::kMember, members_socket_fails_ > 0);
  after_turn();
}

void Host::change_primary(Role role) {
  auto& primary = primaries_[index_of(role)];
  const auto next = another_primary(primary);
  kernel_.change_primary(primary, next);
  primary = next;
}

// ---- what it is
// --------------------------------------------------------------------------------------------------

State Host::state(Role role) const {
  const auto* found = router(role);
  return found == nullptr ? State::kUnknown : found->state();
}

bool Host::stands(Role role) const {
  const auto now = state(role);
  return runs() && kernel_.up(role) && (now == State::kMaster || now == State::kBackup);
}

IpAddress Host::primary(Role role) const {
  const auto& scenario = world_.scenario();
  const bool by_global_address =
      role == Role::kIpv6 && scenario.transport == plan::TransportMode::kUnicast && scenario.global_peers;
  return by_global_address ? scenario.nodes[id_].global_v6 : primaries_[index_of(role)];
}

const plan::VirtualRouter& Host::desired(Role role) const {
  return *std::find_if(desired_.begin(), desired_.end(),
                       [&](const auto& router) { return role_of(router) == role; });
}

}  // namespace vipra::sim
