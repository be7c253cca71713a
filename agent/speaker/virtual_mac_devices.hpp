// The devices with virtual MAC addresses as the speaker keeps them: made when a router first needs one, kept
// over every change of mastership, removed when nobody wants it any more; and the packet filter that keeps
// the node from contradicting them.
//
// Each evaluation of the routers says anew what is wanted: begin(), want() and keep(), set_guard(); then
// prepare() for each router that is placed, and remove_orphans().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "agent/speaker/kernel_state.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ownership/virtual_mac.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::agent {

class VirtualMacDevices {
 public:
  explicit VirtualMacDevices(const log::Logger& log) : log_{log} {}

  void begin(const ownership::KernelView& kernel);
  // By a router on this segment (without a device yet).
  void want(const ownership::Segment& segment, const plan::VirtualRouter& router);
  // Whose router is on its way out, or has no segment now.
  void keep(const std::string& name) { wanted_.insert(name); }
  // Whether a socket for the packet filter has to be asked for.
  [[nodiscard]] bool needs_socket(TimePoint now) const noexcept {
    return guard_.devices && !socket_ && !socket_requested_ && !(guard_retry_at_ && now < *guard_retry_at_);
  }
  void note_socket_requested() noexcept { socket_requested_ = true; }
  // Brings the packet filter to what is wanted.
  void set_guard(KernelState& kernel, TimePoint now);
  // The device, or why there is none (yet: `pending` tells a device in the making from one that cannot be
  // made).
  struct Missing {
    ownership::NoSegment why;
    bool pending = false;
  };
  [[nodiscard]] tl::expected<ownership::VirtualMacDevice, Missing> prepare(KernelState& kernel,
                                                                           const ownership::Segment& segment,
                                                                           const plan::VirtualRouter& router,
                                                                           TimePoint now);
  void remove_orphans(KernelState& kernel);

  // Inherited: the rules of the last speaker hold, until they are replaced.
  void on_socket(sys::UniqueFd fd, const std::string& error, bool inherited, TimePoint now);
  void on_device_made(const ownership::DeviceSpec& spec, const Status& status, TimePoint now);
  // Tried again at the next evaluation where it failed; gone when the kernel no longer shows it.
  void on_device_removed(const Status& status) {
    if (!status) removing_.reset();
  }
  void on_guard_set(const Status& status, TimePoint now);
  // When what failed, or did not come up, is tried again.
  [[nodiscard]] std::optional<TimePoint> deadline() const;

 private:
  static constexpr Duration kRetry = std::chrono::seconds{5};
  // Each holds up the kernel writer, and whoever is promoted meanwhile.
  static constexpr int kMakingAtOnce = 4;

  struct Making {
    bool under_way = false;
    bool wanted = true;  // in the last evaluation
    TimePoint retry_at{};
    std::string error;
  };

  const log::Logger& log_;
  std::set<std::string> wanted_;
  std::map<std::string, Making> making_;
  std::optional<int> removing_;

  ownership::NeighbourGuard guard_;  // wanted
  std::shared_ptr<const ownership::NeighbourGuard> posted_;
  bool guard_under_way_ = false;
  std::shared_ptr<const ownership::NeighbourGuard> applied_;
  bool inherited_ = false;
  std::optional<TimePoint> guard_retry_at_;
  std::string guard_error_;
  sys::UniqueFd socket_;
  bool socket_requested_ = false;
};

}  // namespace vipra::agent
