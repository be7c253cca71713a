// One datagram per millisecond from a station to each target, numbered, answered by the UDP responder of
// whoever owns the target with its name; and the same to a control address that never moves. One thread
// (SCHED_FIFO where permitted) does all of it, so that a tick that is late, or a control answer that is late
// or missing, says that the host stalled and not the VIP.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "lab/probe_report.hpp"
#include "lab/station.hpp"

namespace vipra::lab {

inline constexpr std::uint16_t kProbePort = 9300;

struct ProbeOptions {
  Duration interval = std::chrono::milliseconds{1};
  Duration limit = std::chrono::seconds{60};  // stops by itself then
  Duration late_after =
      std::chrono::milliseconds{50};  // an answer later than this counts as lost: it sat in a queue
  Duration stall_after =
      std::chrono::milliseconds{5};  // tick or control answer later than this: the host stalled
};

struct LastAnswer {
  std::string node;
  TimePoint at{};
};

class ProbeLoop;

// Thread-safe.
class Probe {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Probe>> start(const Station& from,
                                                            const std::vector<IpAddress>& targets,
                                                            const IpAddress& control,
                                                            const std::vector<std::string>& node_names,
                                                            const ProbeOptions& options = {});
  ~Probe();
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  // Who answered last, and when the answer came. Live.
  [[nodiscard]] std::optional<LastAnswer> last_answer(std::size_t target = 0) const;
  // The target answers now, from this node ("" for any): the last answer came after `since`.
  [[nodiscard]] bool answered_by(const std::string& node, TimePoint since, std::size_t target = 0) const;

  // Probes sent in [from, to). Those sent less than late_after ago are left out: nobody knows yet. Live.
  [[nodiscard]] ProbeReport report(std::size_t target = 0, TimePoint from = {},
                                   TimePoint to = TimePoint::max()) const;
  // Waits until every probe sent before `to` is decided, then reports [from, to).
  [[nodiscard]] ProbeReport settled_report(TimePoint from, TimePoint to, std::size_t target = 0) const;

  [[nodiscard]] bool realtime() const;  // SCHED_FIFO was permitted
  void stop();                          // waits late_after for the last answers

 private:
  explicit Probe(std::unique_ptr<ProbeLoop> loop);
  std::unique_ptr<ProbeLoop> loop_;
};

}  // namespace vipra::lab
