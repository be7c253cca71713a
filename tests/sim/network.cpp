#include "tests/sim/network.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace vipra::sim {
namespace {

bool has(std::uint32_t mask, NodeId node) {
  return (mask >> node & 1U) != 0;
}

}  // namespace

void Packet::set(std::span<const std::uint8_t> content) {
  VIPRA_CHECK(content.size() <= bytes.size());
  std::copy(content.begin(), content.end(), bytes.begin());
  size = content.size();
}

void Network::fault_begins(const Fault& fault) {
  active_.push_back({fault, {}});
}

void Network::fault_ends(const Fault& fault) {
  const auto found = std::find_if(active_.begin(), active_.end(), [&](const Active& active) {
    return active.fault.kind == fault.kind && active.fault.begin == fault.begin && active.fault.a == fault.a;
  });
  if (found != active_.end()) active_.erase(found);
}

bool Network::frames_pass(NodeId from, NodeId to, Role role) const {
  const bool members = role == Role::kMember;
  const auto cut = members ? FaultKind::kMemberCut : FaultKind::kCut;
  const auto split = members ? FaultKind::kMemberSplit : FaultKind::kSplit;
  return std::none_of(active_.begin(), active_.end(), [&](const Active& active) {
    const auto& fault = active.fault;
    return (fault.kind == cut && fault.a == from && fault.b == to) ||
           (fault.kind == split && has(fault.mask, from) != has(fault.mask, to));
  });
}

bool Network::advertisements_pass(NodeId from, NodeId to, Role role, vrrp::Path path) const {
  if (!frames_pass(from, to, role)) return false;
  const bool multicast = path == vrrp::Path::kMulticast;
  return role == Role::kMember || std::none_of(active_.begin(), active_.end(), [&](const Active& active) {
           const auto& fault = active.fault;
           return (fault.kind == FaultKind::kMulticastFilter && multicast && fault.a == to) ||
                  (fault.kind == FaultKind::kGroupPruned && multicast && has(fault.mask, to)) ||
                  (fault.kind == FaultKind::kUnicastFilter && !multicast && fault.a == to);
         });
}

bool Network::duplicates() const {
  return std::any_of(active_.begin(), active_.end(),
                     [](const Active& active) { return active.fault.kind == FaultKind::kDuplicate; });
}

int Network::lost_resignations() const {
  return static_cast<int>(std::count_if(active_.begin(), active_.end(), [](const Active& active) {
    return active.fault.kind == FaultKind::kLostResignation;
  }));
}

Network::Shape Network::shape(const Packet& packet, NodeId to) {
  Shape shape;
  const auto microseconds = [&](int most) {
    return random_.between(Duration{}, std::chrono::microseconds{most});
  };
  for (auto& active : active_) {
    const auto& fault = active.fault;
    const bool ours = has(fault.mask, packet.port) || has(fault.mask, to);
    const auto percent = static_cast<std::uint32_t>(fault.amount) * 10'000;
    switch (fault.kind) {
      case FaultKind::kLoss:
        if (ours && random_.chance_per_million(percent)) shape.lost = true, count(fault.kind);
        break;
      case FaultKind::kBurstLoss: {
        // Gilbert's model: a bad spell begins seldom, and lasts.
        if (!ours) break;
        const auto bit = static_cast<std::uint8_t>(1U << to);
        auto& bad = active.bad[packet.port];
        const bool turns = random_.chance_per_million((bad & bit) != 0 ? 200'000 : percent / 4);
        if (turns) bad = static_cast<std::uint8_t>(bad ^ bit);
        if ((bad & bit) != 0) shape.lost = true, count(fault.kind);
        break;
      }
      case FaultKind::kDelay:
        if (ours) shape.more_delay += std::chrono::microseconds{fault.amount}, count(fault.kind);
        break;
      case FaultKind::kJitter:
        if (ours) shape.more_delay += microseconds(fault.amount), count(fault.kind);
        break;
      case FaultKind::kReorder:
        if (ours) shape.more_delay += microseconds(fault.amount), shape.overtakes = true, count(fault.kind);
        break;
      case FaultKind::kDuplicate:
        if (ours && random_.chance_per_million(percent)) shape.duplicate = true, count(fault.kind);
        break;
      case FaultKind::kCorrupt:
        if (ours && random_.chance_per_million(percent)) shape.corrupt = true, count(fault.kind);
        break;
      default:
        break;
    }
  }
  return shape;
}

void Network::transmit(WorldTime now, const Packet& packet, EventQueue& queue) {
  const bool advertisement = packet.kind == Packet::Kind::kAdvertisement;
  if (advertisement && packet.priority() == 0) {
    const auto waiting = std::find_if(active_.begin(), active_.end(), [](const Active& active) {
      return active.fault.kind == FaultKind::kLostResignation;
    });
    if (waiting != active_.end()) {
      count(FaultKind::kLostResignation);
      active_.erase(waiting);
      return;
    }
  }
  const auto index = keep(packet);
  for (NodeId to = 0; to < nodes_; ++to) {
    if (packet.only_to.value_or(to) != to) continue;
    if (to == packet.sender) {
      const bool echoes = std::any_of(active_.begin(), active_.end(), [&](const Active& active) {
        return active.fault.kind == FaultKind::kSelfEcho && active.fault.a == to;
      });
      if (echoes) {
        count(FaultKind::kSelfEcho);
        deliver(now + random_.between(least_, most_), index, to, queue);
      }
      continue;
    }
    if (advertisement ? !advertisements_pass(packet.port, to, packet.role, packet.path())
                      : !frames_pass(packet.port, to, packet.role)) {
      for (const auto& active : active_) {
        if (class_of(active.fault) == FaultClass::kTopology) count(active.fault.kind);
      }
      continue;
    }
    const auto shaped = shape(packet, to);
    if (advertisement && packet.priority() != 0) count_silence(packet, to, shaped.lost);
    if (shaped.lost) continue;
    auto at = now + random_.between(least_, most_) + shaped.more_delay;
    auto& last =
        last_[packet.role == Role::kMember ? 1 : 0][static_cast<std::size_t>(packet.path())][packet.port][to];
    if (!shaped.overtakes) at = std::max(at, last);
    last = std::max(last, at);
    if (shaped.corrupt) {
      auto copy = packets_[index];
      copy.copies = 0;
      copy.bytes[random_.below(copy.size)] ^= static_cast<std::uint8_t>(1U << random_.below(8));
      deliver(at, keep(copy), to, queue);
    } else {
      deliver(at, index, to, queue);
    }
    if (shaped.duplicate) deliver(at + random_.between(Duration{}, most_), index, to, queue);
  }
  if (packets_[index].copies == 0) free_.push_back(index);
}

void Network::count_silence(const Packet& packet, NodeId to, bool lost) {
  const auto role = index_of(packet.role);
  // Of this sender, whom others may drown out; and of all, when the master changes meanwhile.
  auto& of_sender = lost_in_a_row_[packet.port][to][role];
  auto& of_all = all_lost_in_a_row_[to][role];
  for (auto* row : {&of_sender, &of_all}) *row = lost ? *row + 1 : 0;
  if (packet.role != Role::kMember && (of_sender == misses_ || of_all == misses_)) ++silences_;
}

void Network::deliver(WorldTime at, std::uint32_t index, NodeId to, EventQueue& queue) {
  ++packets_[index].copies;
  queue.push(at, EventKind::kDelivery, index, to);
}

void Network::arrived(std::uint32_t index) {
  if (--packets_[index].copies == 0) free_.push_back(index);
}

std::uint32_t Network::keep(const Packet& packet) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(packets_.size());
    packets_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  packets_[index] = packet;
  packets_[index].copies = 0;
  return index;
}

}  // namespace vipra::sim
