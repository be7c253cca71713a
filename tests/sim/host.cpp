#include "tests/sim/host.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/desired.hpp"
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSocketDepth = 512;

MacAddress mac_of(NodeId id) {
  return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(id + 1)}};
}

}  // namespace

Host::Host(World& world, NodeId id, const NodePlan& plan, std::uint64_t seed)
    : world_{world},
      id_{id},
      random_{seed},
      mac_{mac_of(id)},
      primaries_{plan.primary_v4, plan.primary_v6, plan.member_primary},
      kernel_{*this, mac_, primaries_of(world.scenario(), id)},
      desired_{desired_of(world.scenario(), id)} {
  const auto mono = random_.between(10s, 1000s);
  clock_ = NodeClock{mono, mono + random_.between(0s, 5000s), plan.clock_ppm};
}

// ---- power and processes
// ------------------------------------------------------------------------------------------

void Host::power_on() {
  if (powered_) return;
  powered_ = true;
  kernel_.boot();
  start_agent();
}

void Host::power_off() {
  if (!powered_) return;
  kill_agent();
  powered_ = false;
  kernel_.lose_everything();
}

void Host::start_agent() {
  if (!powered_ || agent_) return;
  agent_ = true;
  releasing_ = false;
  page_ = {};
  voices_.clear();
  policy_ = {};
  schedule(Supervisor::kStartsSpeaker, random_.between(2ms, 8ms));
  world_.disturbed();
}

void Host::kill_agent() {
  end_speaker();
  forget_processes();
  agent_ = false;
  crashes_to_come_ = 0;
  advertisements_.clear();
  claims_.clear();
}

void Host::release_agent() {
  if (!agent_ || releasing_) return;
  releasing_ = true;
  if (speaker_) {
    speaker_->release();
    after_turn();
    return;
  }
  if (rounds_left_ > 0) return;  // it gives up already
  // Nobody is there to hand over: the supervisor gives up what was left.
  for (const auto& slot : page_) {
    if (slot.has_voice()) voices_.push_back(slot);
  }
  give_up({});
}

void Host::forget_processes() {
  ++generation_;
  commands_.clear();
  command_runs_ = false;
  notices_.clear();
  results_.clear();
  wake_at_.reset();
  rounds_left_ = 0;
}

void Host::start_speaker() {
  if (!agent_ || releasing_ || speaker_) return;
  const auto left_behind = std::exchange(page_, {});
  // As the supervisor does: what one that dies young has not adopted is not forgotten with it.
  voices_.clear();
  for (const auto& slot : left_behind) {
    if (slot.has_voice()) voices_.push_back(slot);
  }
  speaker_started_ = instant().mono;
  speaker_ = std::make_unique<Speaker>(*this, desired_, left_behind);
  if (!contributions_.empty()) speaker_->set_contributions(contributions_);
  if (members_socket_fails_ > 0) speaker_->set_socket_fault(Role::kMember, true);
  world_.disturbed();
  world_.note(id_, "speaker starts");
  after_turn();
}

void Host::end_speaker() {
  speaker_.reset();
}

void Host::crash_at_action(int n) {
  if (speaker_) speaker_->die_at_action(n);
}

// What the one that is gone left: a young one also what it has not adopted.
std::vector<PageSlot> Host::voices_left() const {
  auto voices = instant().mono - speaker_started_ < 1s ? voices_ : std::vector<PageSlot>{};
  for (const auto& slot : page_) {
    if (!slot.in_use) continue;
    std::erase_if(voices, [&](const PageSlot& older) { return older.role == slot.role; });
    if (slot.has_voice()) voices.push_back(slot);
  }
  return voices;
}

void Host::speaker_released() {
  world_.note(id_, "speaker is released");
  voices_ = voices_left();
  end_speaker();
  forget_processes();
  if (!voices_.empty()) {
    give_up({});
    return;
  }
  page_ = {};
  agent_ = false;
}

void Host::speaker_crashed() {
  world_.note(id_, "speaker crashes");
  const auto now = instant().mono;
  auto voices = voices_left();
  end_speaker();
  forget_processes();
  world_.disturbed();
  voices_ = std::move(voices);
  if (releasing_) {
    give_up({});
    return;
  }
  const auto verdict = policy_.judge({speaker_started_, now, true, false}, 0.5);
  if (verdict.give_up) {
    give_up(verdict.pause);
  } else {
    schedule(Supervisor::kStartsSpeaker, random_.between(2ms, 8ms));
  }
}

void Host::give_up(Duration pause) {
  world_.note(id_, "supervisor gives up");
  world_.count_resignation();
  rounds_left_ = 3;
  on_supervisor(static_cast<std::uint32_t>(Supervisor::kResigns) | generation_ << 8);
  schedule(Supervisor::kSweeps, 3ms + random_.between(100us, 1ms));
  if (!releasing_) schedule(Supervisor::kStartsSpeaker, 5ms + pause);
}

void Host::schedule(Supervisor what, Duration after) {
  world_.queue().push(world_.now() + after, EventKind::kHost, id_,
                      static_cast<std::uint32_t>(what) | generation_ << 8);
}

void Host::on_supervisor(std::uint32_t what) {
  if (what >> 8 != generation_ || !agent_) return;
  if (burden.paused > 0 || burden.suspended > 0) {
    world_.queue().push(world_.now() + 10ms, EventKind::kHost, id_, what);
    return;
  }
  switch (static_cast<Supervisor>(what & 0xffU)) {
    case Supervisor::kStartsSpeaker:
      start_speaker();
      break;
    case Supervisor::kResigns:
      for (auto& voice : voices_) resign_for(voice);
      if (--rounds_left_ > 0) {
        schedule(Supervisor::kResigns, 1ms);
      } else {
        voices_.clear();
      }
      break;
    case Supervisor::kSweeps:
      kernel_.remove_all_ours();
      page_ = {};
      voices_.clear();
      if (releasing_) {
        agent_ = false;
        forget_processes();
      }
      world_.disturbed();
      break;
  }
}

// As the real one does (agent/supervisor/resignation): the message is as the first destination gets it.
void Host::resign_for(const PageSlot& voice) {
  for (const auto& to : voice.destinations) {
    auto copy = voice.message;
    const std::span message{copy.data(), voice.size};
    vrrp::set_priority(message, vrrp::kResign);
    vrrp::set_endpoints(message, voice.form, voice.destinations.front(), to);
    static_cast<void>(send(to, message, to == voice.destinations.front()));
  }
}

// ---- its time
// -----------------------------------------------------------------------------------------------------

void Host::pause() {
  ++burden.paused;
}

void Host::resume() {
  if (--burden.paused > 0) return;
  wake(world_.now() + lateness());
  if (configuration_waits_) deliver_configuration();
}

// Whatever was kept waiting gets its turn.
void Host::scheduler_free() {
  if (--burden.slow == 0 && wake_at_) wake(world_.now() + lateness());
}

void Host::suspend() {
  if (++burden.suspended == 1) suspended_at_ = world_.now();
}

void Host::wake_up() {
  if (--burden.suspended > 0) return;
  clock_.suspended(suspended_at_, world_.now());
  wake_at_.reset();
  wake(world_.now() + lateness());
  if (configuration_waits_) deliver_configuration();
}

Instant Host::instant() const {
  return clock_.at(world_.now());
}

Duration Host::lateness() {
  const auto usual = random_.between(Duration{}, world_.scenario().most_lateness);
  if (burden.slow == 0) return usual;
  // Pareto's tail: mostly a little late, sometimes by intervals.
  const auto u = 1 + random_.below(1000);
  return std::min<Duration>(world_.scenario().most_lateness * 1000 / static_cast<Duration::rep>(u),
                            world_.scenario().shortest_interval() * 5);
}

void Host::wake(WorldTime at) {
  if (!speaker_ || (wake_at_ && *wake_at_ <= at)) return;
  wake_at_ = at;
  world_.queue().push(at, EventKind::kWake, id_);
}

void Host::on_wake() {
  if (wake_at_ != world_.now()) return;
  wake_at_.reset();
  if (!runs()) return;
  speaker_->turn();
  after_turn();
}

void Host::after_turn() {
  if (!speaker_) return;
  if (speaker_->dead()) {
    speaker_crashed();
    return;
  }
  world_.turned(id_);
  if (crashes_to_come_ > 0 && instant().mono - speaker_started_ > 20ms) {
    --crashes_to_come_;
    speaker_crashed();
    return;
  }
  if (speaker_->released()) {
    speaker_released();
    return;
  }
  if (!advertisements_.empty() || !claims_.empty()) wake(world_.now() + Duration{1000});
  if (!notices_.empty()) wake(std::max(world_.now() + Duration{1000}, notices_.front().at));
  if (!results_.empty()) wake(std::max(world_.now() + Duration{1000}, results_.front().at));
  if (const auto at = speaker_->deadline())
    wake(std::max(clock_.when(*at), world_.now() + Duration{1}) + lateness());
}

// ---- sockets
// -----------------------------------------------------------------------------------------------------

void Host::on_delivery(const Packet& packet) {
  if (!powered_ || !agent_ || !kernel_.up(packet.role) || burden.suspended > 0) return;
  auto& socket = packet.kind == Packet::Kind::kAdvertisement ? advertisements_ : claims_;
  if (socket.size() >= (burden.short_queue > 0 ? 1 : kSocketDepth)) {
    world_.count_overflow();
    return;
  }
  socket.push_back({packet, instant().mono});
  wake(world_.now() + lateness());
}

const ReceivedPacket* Host::next_advertisement() {
  if (advertisements_.empty()) return nullptr;
  current_ = advertisements_.front();
  advertisements_.pop_front();
  return &current_;
}

const ReceivedPacket* Host::next_claim() {
  if (claims_.empty()) return nullptr;
  current_ = claims_.front();
  claims_.pop_front();
  return &current_;
}

bool Host::send(const vrrp::Endpoints& endpoints, std::span<const std::uint8_t> message, bool first_copy) {
  const auto role = role_of(endpoints.source);
  if (!kernel_.up(role)) return false;
  Packet packet;
  packet.role = role;
  packet.sender = packet.port = id_;
  packet.source = endpoints.source;
  packet.destination = endpoints.destination;
  packet.set(message);
  world_.advertisement_sent(packet, first_copy);
  return true;
}

void Host::announce(const IpAddress& ip, const vrrp::NeighbourFrame& frame) {
  if (!kernel_.up(role_of(ip))) return;
  Packet packet;
  packet.kind = Packet::Kind::kNeighbour;
  packet.role = role_of(ip);
  packet.sender = packet.port = id_;
  packet.set(frame.view());
  world_.announcement_sent(packet, ip);
}

void Host::heard(Role role, const IpAddress& source, int priority, vrrp::Path path) {
  world_.heard(id_, role, source, priority, path);
}

void Host::transition(Role role, const election::Transition& transition) {
  world_.transition(id_, role, transition);
}

void Host::warned(Reason reason) {
  world_.warned(reason);
}

void Host::count_drops(const router::Counters& counters) {
  world_.count_drops(counters);
}

void Host::died_at(Boundary boundary) {
  world_.count_boundary(boundary);
}

}  // namespace vipra::sim
