// Runs the checks of all VirtualIPs of this node on one event loop and keeps their verdicts. A verdict
// becomes a contribution to the priority of the VirtualIP's routers; nothing is ever restarted because of
// one.
//
// The first probe of a check starts at once (many new ones a few milliseconds apart), the second after half
// to one interval, by a hash of its name, so that checks with one interval do not all run in the same
// instant; from then on one interval lies between two starts. Runs of one check never overlap. After a time
// in which this process stood still (SIGSTOP, a starved machine) missed runs are dropped, and the overdue
// ones are spread over one interval (one second at most).
//
// Threading: everything on the thread of the io_context. The scheduler must not outlive the io_context.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reason.hpp"
#include "base/time.hpp"
#include "checks/service_board.hpp"
#include "definitions/virtual_ip.hpp"
#include "plan/desired_state.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::checks {

// Upper bounds of the buckets of run times; the last bucket has none.
inline constexpr std::array kDurationBounds{
    std::chrono::microseconds{1'000},     std::chrono::microseconds{2'500},
    std::chrono::microseconds{5'000},     std::chrono::microseconds{10'000},
    std::chrono::microseconds{25'000},    std::chrono::microseconds{50'000},
    std::chrono::microseconds{100'000},   std::chrono::microseconds{250'000},
    std::chrono::microseconds{500'000},   std::chrono::microseconds{1'000'000},
    std::chrono::microseconds{2'500'000}, std::chrono::microseconds{10'000'000}};

// What is counted since the check was started or last edited. Cumulative.
struct RunCounts {
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t discarded = 0;                                      // see ProbeResult::Outcome::kDiscarded
  std::array<std::uint64_t, kDurationBounds.size() + 1> buckets{};  // counts, not cumulative
  Duration duration_sum{};
};

struct CheckState {
  std::string virtual_ip;
  std::string name;
  std::string_view kind;  // "tcp", "http"...
  bool decided = false;   // false until the first verdict
  bool passing = false;
  Reason reason = Reason::kCheckPending;  // of the last run
  std::string detail;                     // of the last run, one sentence
  int rise = 0;
  int fall = 0;
  int successes = 0;               // in a row, at most rise
  int failures = 0;                // in a row, at most fall
  std::int64_t since_unix_ns = 0;  // of the verdict; 0 before the first
  Duration last_duration{};
  RunCounts runs;
};

// A VirtualIP that this node serves.
struct Watched {
  std::string virtual_ip;
  std::vector<definitions::CheckSpec> checks;
  std::vector<plan::RouterId> routers;  // whom its verdicts concern
};

class Scheduler {
 public:
  // `changed` is false when the state says what the run before said (durations and counters aside).
  using OnRun = std::function<void(const CheckState& state, bool verdict_changed, bool changed)>;
  // The verdict that is known of a check that starts now, if any (see Verdict).
  using Prior = std::function<std::optional<bool>(std::string_view virtual_ip, std::string_view check)>;

  Scheduler(boost::asio::io_context& io, OnRun on_run);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // The whole truth. A check that is equal to the one running keeps its counts and its schedule, an edited
  // one starts anew with the old verdict as its prior, one that is not named any more is gone.
  void apply(const std::vector<Watched>& watched, const Prior& prior = {});

  // What is known of the endpoints of Services: the whole truth. The checks of those that changed run at
  // once.
  void set_services(ServiceBoard::Counts counts);
  void stop();

  [[nodiscard]] std::vector<CheckState> states() const;  // by VirtualIP and name
  // Of the checks that fail, for each router; sorted by consumer and source.
  [[nodiscard]] std::vector<plan::Contribution> contributions() const;

 private:
  struct Running;
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

// The source of a check's contributions: "check/<name>".
[[nodiscard]] std::string contribution_source(std::string_view check);

}  // namespace vipra::checks
