// Keeps a speaker alive: starts it with everything it needs, starts it again the moment it dies, and takes
// its addresses away when it cannot be trusted with them (it dies again and again, or hangs).
//
//   kStopped --start--> kRunning --death--> kRunning (at once), or kGivingUp --done--> kStopped (a pause) or
//   kDown kRunning --hang, broken link, end of patience--> kKilling --death--> kGivingUp
//
// Before anything is done in the name of a speaker it is dead: SIGKILL first, then the resignation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/hang_alarm.hpp"
#include "agent/supervisor/address_sweep.hpp"
#include "agent/supervisor/children.hpp"
#include "agent/supervisor/handle_table.hpp"
#include "agent/supervisor/hang_detector.hpp"
#include "agent/supervisor/kept_state.hpp"
#include "agent/supervisor/owned_memory.hpp"
#include "agent/supervisor/resignation.hpp"
#include "agent/supervisor/restart_policy.hpp"
#include "agent/supervisor/speaker_link.hpp"
#include "base/log.hpp"
#include "runtime/event_loop.hpp"
#include "vrrp/signer.hpp"

namespace vipra::supervisor {

class SpeakerKeeper {
 public:
  struct Events {
    std::function<void(const channel::v1::Hello&)> hello;
    std::function<void(std::span<const std::uint8_t> serialised)> agent_message;
    std::function<void()> down;  // after release() or abort(): it is gone, and holds nothing
  };
  struct Command {
    std::string path;
    std::vector<std::string> argv;  // without --link-fd
  };

  SpeakerKeeper(runtime::EventLoop& loop, Children& children, const KeptState& kept, OwnedMemory& page,
                vrrp::PacketSigner& signer, const log::Logger& log, Command command, channel::v1::Hello own,
                Events events);

  void start(TimePoint now);
  void step(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> deadline() const;

  // Null while no speaker runs: there is nobody to tell, the next one will be told all.
  [[nodiscard]] SpeakerLink* link() noexcept { return state_ == State::kRunning ? link_.get() : nullptr; }

  // Give everything up in good health, then end; bounded by what the page says of intervals. A second call is
  // abort().
  void release(TimePoint now);
  // End at once: killed, resigned for, addresses removed.
  void abort();
  [[nodiscard]] bool down() const noexcept { return state_ == State::kDown; }

  // Runs, said Hello, and its pulse is not overdue.
  [[nodiscard]] bool healthy(TimePoint now) const;
  // Of the speaker that runs now.
  [[nodiscard]] const std::optional<channel::v1::Hello>& hello() const noexcept { return hello_; }
  [[nodiscard]] std::uint64_t resignations() const noexcept { return resignations_; }

 private:
  enum class State { kStopped, kRunning, kKilling, kGivingUp, kDown };

  [[nodiscard]] Status launch(TimePoint now);
  [[nodiscard]] SpeakerLink::Events link_events();
  void kill(Reason reason, std::string_view why);
  void on_exit(const Exit& exit);
  void judge_death(TimePoint now);
  void give_up(TimePoint now);
  void sweep();
  void given_up();
  [[nodiscard]] Status set_up_alarm();
  void watch_pulse(TimePoint now);
  [[nodiscard]] HangDetector::Pulse pulse() const;
  [[nodiscard]] Duration patience() const;

  runtime::EventLoop& loop_;
  Children& children_;
  const KeptState& kept_;
  OwnedMemory& page_;
  vrrp::PacketSigner& signer_;
  const log::Logger& log_;
  Command command_;
  channel::v1::Hello own_;
  Events events_;
  Children::ChildId child_;
  HandleTable handles_;
  AddressSweep sweep_;
  RestartPolicy policy_;
  HangDetector hang_;
  agent::HangAlarm alarm_;

  State state_ = State::kStopped;
  std::unique_ptr<SpeakerLink> link_;
  std::optional<channel::v1::Hello> hello_;
  std::unique_ptr<Resignation> resignation_;
  Belongings left_;       // by the last one that died
  TimePoint start_at_{};  // kStopped
  TimePoint started_{};
  std::optional<TimePoint> died_;          // the one before, until the next said Hello
  std::optional<TimePoint> patience_end_;  // after release()
  bool stopping_ = false;
  bool hung_ = false;
  std::uint64_t resignations_ = 0;
};

}  // namespace vipra::supervisor
