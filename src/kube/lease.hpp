// Leader election on a Lease object: LeaseMachine with a Client, timers and a clock. Runs on the Client's
// loop. `on_lost` may come late where the process stood still; whoever writes as leader asks may_write()
// right before each write.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "kube/client.hpp"
#include "kube_core/lease_machine.hpp"

namespace vipra::kube {

struct LeaseClock {
  std::function<BootTimePoint()> boot;    // CLOCK_BOOTTIME
  std::function<std::int64_t()> unix_ns;  // for renewTime, which only people read
};
[[nodiscard]] LeaseClock system_lease_clock();

struct LeaseOptions {
  std::string name_space;
  std::string name;
  std::string identity;  // the pod's name; a random part is added
  LeaseTimes times;
};

class LeaseElection {
 public:
  struct Handlers {
    std::function<void()> on_leading;
    std::function<void()> on_lost;
  };

  // `client` and `log` must outlive it.
  LeaseElection(boost::asio::io_context& loop, Client& client, LeaseOptions options, const log::Logger& log,
                LeaseClock clock = system_lease_clock());
  ~LeaseElection();  // without releasing: the others wait for the Lease to run out
  LeaseElection(const LeaseElection&) = delete;
  LeaseElection& operator=(const LeaseElection&) = delete;

  void start(Handlers handlers);
  // Gives the Lease up, if it is ours, and calls `done` when that is written, or has failed, or has taken too
  // long. on_lost comes first, if it was leading.
  void stop(std::function<void()> done);

  [[nodiscard]] bool leading() const;
  // Whether a write whose deadline is `limit` will be over before the Lease may be somebody else's.
  [[nodiscard]] bool may_write(Duration limit) const;
  [[nodiscard]] const std::string& identity() const noexcept;  // as in the Lease
  [[nodiscard]] std::string holder() const;

 private:
  class Loop;
  std::shared_ptr<Loop> loop_;
};

}  // namespace vipra::kube
