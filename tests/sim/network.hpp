// The links of the two segments: who hears whom, when, and in what shape. Every ordered pair of nodes is a
// link of its own, so that what one hears says nothing about the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip_address.hpp"
#include "tests/sim/clock.hpp"
#include "tests/sim/event_queue.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/random.hpp"
#include "tests/sim/role.hpp"
#include "vrrp/types.hpp"

namespace vipra::sim {

// Somebody who is none of the nodes.
inline constexpr NodeId kStranger = 100;

struct Packet {
  enum class Kind : std::uint8_t { kAdvertisement, kNeighbour };
  Kind kind = Kind::kAdvertisement;
  Role role = Role::kIpv4;
  NodeId sender = 0;
  NodeId port = 0;  // where it enters the segment: the sender's, or beside which node a stranger stands
  IpAddress source;
  IpAddress destination;
  int ttl = 255;
  std::optional<NodeId> only_to;  // a frame to one host: nobody else gets it
  std::array<std::uint8_t, 96> bytes{};
  std::size_t size = 0;
  int copies = 0;

  [[nodiscard]] std::span<const std::uint8_t> view() const noexcept { return {bytes.data(), size}; }
  void set(std::span<const std::uint8_t> content);
  [[nodiscard]] int priority() const noexcept { return bytes[2]; }
  [[nodiscard]] vrrp::Path path() const noexcept {
    return only_to ? vrrp::Path::kUnicast : vrrp::Path::kMulticast;
  }
};

class Network {
 public:
  // `misses`: so many copies in a row are lost before a node may take over.
  Network(std::size_t nodes, Duration least_delay, Duration most_delay, int misses, std::uint64_t seed)
      : nodes_{nodes}, least_{least_delay}, most_{most_delay}, misses_{misses}, random_{seed} {}

  void fault_begins(const Fault& fault);
  void fault_ends(const Fault& fault);

  void transmit(WorldTime now, const Packet& packet, EventQueue& queue);
  [[nodiscard]] const Packet& packet(std::uint32_t index) const { return packets_[index]; }
  void arrived(std::uint32_t index);

  // Whether advertisements of `from` can reach `to` at all: chance aside.
  [[nodiscard]] bool advertisements_pass(NodeId from, NodeId to, Role role = Role::kIpv4,
                                         vrrp::Path path = vrrp::Path::kMulticast) const;
  [[nodiscard]] bool frames_pass(NodeId from, NodeId to, Role role = Role::kIpv4) const;
  [[nodiscard]] bool duplicates() const;
  // How many of the resignations to come go astray.
  [[nodiscard]] int lost_resignations() const;
  // How often a node went so long without any advertisement, by loss alone, that it must take over (I9).
  [[nodiscard]] int silences() const noexcept { return silences_; }
  [[nodiscard]] std::uint64_t effects(FaultKind kind) const noexcept {
    return effects_[static_cast<std::size_t>(kind)];
  }

 private:
  struct Active {
    Fault fault;
    std::array<std::uint8_t, kMaxNodes> bad{};  // burst loss: bit of the receiver, by sender
  };
  struct Shape {
    bool lost = false;
    bool corrupt = false;
    bool duplicate = false;
    bool overtakes = false;
    Duration more_delay{};
  };
  [[nodiscard]] Shape shape(const Packet& packet, NodeId to);
  void deliver(WorldTime at, std::uint32_t index, NodeId to, EventQueue& queue);
  void count_silence(const Packet& packet, NodeId to, bool lost);
  [[nodiscard]] std::uint32_t keep(const Packet& packet);
  void count(FaultKind kind) noexcept { ++effects_[static_cast<std::size_t>(kind)]; }

  std::size_t nodes_;
  Duration least_;
  Duration most_;
  int misses_;
  Random random_;
  std::vector<Active> active_;
  std::vector<Packet> packets_;
  std::vector<std::uint32_t> free_;
  // First in, first out, unless reordered; on each segment, by each path.
  std::array<std::array<std::array<std::array<WorldTime, kMaxNodes>, kMaxNodes>, 2>, 2> last_{};
  std::array<std::array<std::array<int, kRoles>, kMaxNodes>, kMaxNodes>
      lost_in_a_row_{};                                                 // by sender, receiver, role
  std::array<std::array<int, kRoles>, kMaxNodes> all_lost_in_a_row_{};  // by receiver, role
  std::array<std::uint64_t, kFaultKinds> effects_{};
  int silences_ = 0;
};

}  // namespace vipra::sim
