// The supervisor: owns everything that must outlive a crash and wires it together. Who may stall whom:
// nobody. The speaker is served whatever control does, and control whatever the log does.
//
// Threading: one thread, the one that starts children.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/supervisor/children.hpp"
#include "agent/supervisor/control_keeper.hpp"
#include "agent/supervisor/control_server.hpp"
#include "agent/supervisor/kept_state.hpp"
#include "agent/supervisor/options.hpp"
#include "agent/supervisor/owned_memory.hpp"
#include "agent/supervisor/sd_notify.hpp"
#include "agent/supervisor/speaker_keeper.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "runtime/event_loop.hpp"
#include "runtime/log_sink.hpp"
#include "vrrp/signer.hpp"

namespace vipra::supervisor {

class Supervisor {
 public:
  struct Surroundings {
    runtime::EventLoop& loop;
    runtime::LogSink& sink;
    const log::Logger& log;
    const Notifier& notifier;
  };

  Supervisor(const Options& options, SpeakerKeeper::Command speaker, OwnedMemory page,
             Surroundings surroundings);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Opens agent.sock and starts the children.
  [[nodiscard]] Status begin();
  // Turns the loop until everything has stopped.
  [[nodiscard]] Status run();
  // The first call releases in good order, the second gives up at once.
  void stop();

 private:
  // Counters that change without an event are looked at this often.
  static constexpr Duration kStatusPeriod = std::chrono::seconds{5};

  [[nodiscard]] SpeakerKeeper::Events speaker_events();
  [[nodiscard]] ControlServer::Events control_events();
  void on_control_message(const channel::v1::ControlMessage& message, std::vector<sys::UniqueFd> fds);
  void on_desired_state(const channel::v1::DesiredStateRef& ref, std::vector<sys::UniqueFd> fds);
  void on_contribution_set(const channel::v1::ContributionSetRef& ref, const std::vector<sys::UniqueFd>& fds);
  void on_contribution_delta(const channel::v1::ContributionDelta& delta);
  void mark_stale(TimePoint now);
  void announce_speaker();
  void request_resync();
  void step(TimePoint now);
  void feed_watchdog(TimePoint now);
  void send_status(TimePoint now);
  [[nodiscard]] TimePoint deadline() const;
  void tell_systemd(std::string_view status, bool ready = false);

  const Options& options_;
  runtime::EventLoop& loop_;
  runtime::LogSink& sink_;
  const log::Logger& log_;
  const Notifier& notifier_;
  channel::v1::Hello own_;
  vrrp::NoSignature signer_;
  KeptState kept_;
  OwnedMemory page_;
  Children children_;
  SpeakerKeeper speaker_;
  ControlServer control_server_;
  std::optional<ControlKeeper> control_;  // unless it runs elsewhere
  channel::v1::AgentMessage last_status_;
  bool status_due_ = true;
  TimePoint next_status_{};
  std::optional<TimePoint> next_watchdog_;
  bool ready_ = false;
  bool stopping_ = false;
  bool finished_ = false;
};

}  // namespace vipra::supervisor
