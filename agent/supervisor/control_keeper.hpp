// Keeps vipra-control running beside the agent on bare metal: without privileges, with a memory limit of its
// own, and with growing pauses when it keeps ending. Whatever becomes of it, the speaker does not notice.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "agent/supervisor/children.hpp"
#include "agent/supervisor/options.hpp"
#include "base/backoff.hpp"
#include "base/log.hpp"
#include "base/time.hpp"

namespace vipra::supervisor {

class ControlKeeper {
 public:
  static constexpr Duration kFirstPause = std::chrono::milliseconds{100};
  static constexpr Duration kLongestPause = std::chrono::seconds{5};
  static constexpr Duration kProven = std::chrono::seconds{10};   // a life this long forgets the pauses
  static constexpr Duration kPatience = std::chrono::seconds{3};  // after SIGTERM

  // `down` is called once after stop(), when it runs no more.
  ControlKeeper(Children& children, const Options& options, const log::Logger& log,
                std::function<void()> down);

  void start(TimePoint now);
  void stop(TimePoint now);
  // No patience any more, whether it is being stopped already or will be.
  void hurry(TimePoint now);
  void step(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> deadline() const;

 private:
  void launch(TimePoint now);
  void pause(TimePoint now);
  void on_exit(const Exit& exit);

  Children& children_;
  const log::Logger& log_;
  std::function<void()> down_;
  SpawnPlan plan_;
  Children::ChildId child_;
  Backoff backoff_{kFirstPause, kLongestPause};
  TimePoint started_{};
  std::optional<TimePoint> start_at_;
  std::optional<TimePoint> kill_at_;
  Duration patience_ = kPatience;
  bool stopping_ = false;
};

// Its command line; PATH of the executable first.
[[nodiscard]] SpawnPlan control_plan(const Options& options);

}  // namespace vipra::supervisor
