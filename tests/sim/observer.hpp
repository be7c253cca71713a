// Who watches a simulated world: the invariants, each by itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip_address.hpp"
#include "election/machine.hpp"
#include "tests/sim/clock.hpp"
#include "tests/sim/faults.hpp"
#include "tests/sim/network.hpp"

namespace vipra::sim {

class World;

class Observer {
 public:
  explicit Observer(World& world) : world_{world} {}
  virtual ~Observer() = default;
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  // `target`: the node that is hit, where one is.
  virtual void before_fault(const Fault& /*fault*/, NodeId /*target*/) {}
  virtual void before_lift(const Fault& /*fault*/) {}
  virtual void after_fault(const Fault& /*fault*/, NodeId /*target*/) {}
  // Something else happened that moves an election: a start, a crash, a recovery.
  virtual void on_disturbance() {}
  virtual void on_transition(NodeId /*node*/, Role /*role*/, const election::Transition& /*what*/) {}
  // Once, whatever its copies.
  virtual void on_sent(NodeId /*node*/, Role /*role*/, int /*priority*/) {}
  virtual void on_heard(NodeId /*node*/, Role /*role*/, const IpAddress& /*source*/, int /*priority*/,
                        vrrp::Path /*path*/) {}
  virtual void on_announced(const Packet& /*packet*/, const IpAddress& /*ip*/) {}
  virtual void on_address(NodeId /*node*/, const IpAddress& /*ip*/, bool /*present*/) {}
  virtual void on_turn(NodeId /*node*/) {}
  virtual void on_look() {}  // now and then, and at the end

 protected:
  void fail(const std::string& what) const;
  World& world_;
};

}  // namespace vipra::sim
