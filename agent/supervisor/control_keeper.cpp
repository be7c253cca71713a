#include "agent/supervisor/control_keeper.hpp"

#include <csignal>
#include <utility>

#include "agent/supervisor/process_setup.hpp"
#include "runtime/clock.hpp"

namespace vipra::supervisor {
namespace {

// Control is the first to go when memory is short, long before the agent.
constexpr const char* kOomScore = "500";

}  // namespace

SpawnPlan control_plan(const Options& options) {
  SpawnPlan plan;
  plan.path = options.control_binary.empty() ? beside_this_program("vipra-control") : options.control_binary;
  plan.argv = {"vipra-control",
               "--agent-socket",
               options.agent_socket(),
               "--definitions",
               options.definitions,
               "--state-dir",
               options.state_dir,
               "--node",
               options.node,
               "--listen",
               options.listen,
               "--vipctl-socket",
               options.vipctl_socket(),
               "--log-level",
               std::string{flag_value(options.log_level)}};
  for (const auto& label : options.labels) {
    plan.argv.emplace_back("--label");
    plan.argv.push_back(label);
  }
  for (const auto& [flag, value] :
       {std::pair{"--labels-file", &options.labels_file}, std::pair{"--notify-fifo", &options.notify_fifo},
        std::pair{"--notify-socket", &options.notify_socket},
        std::pair{"--notify-hook", &options.notify_hook}}) {
    if (value->empty()) continue;
    plan.argv.emplace_back(flag);
    plan.argv.push_back(*value);
  }
  plan.user = options.control_uid;
  plan.data_limit = control_data_limit();
  plan.oom_score_adj = kOomScore;
  return plan;
}

ControlKeeper::ControlKeeper(Children& children, const Options& options, const log::Logger& log,
                             std::function<void()> down)
    : children_{children},
      log_{log},
      down_{std::move(down)},
      plan_{control_plan(options)},
      child_{children.add("control", [this](const Exit& exit) { on_exit(exit); })} {}

void ControlKeeper::start(TimePoint now) {
  launch(now);
}

void ControlKeeper::launch(TimePoint now) {
  start_at_.reset();
  started_ = now;
  if (!children_.start(child_, plan_)) pause(now);
}

void ControlKeeper::pause(TimePoint now) {
  if (now - started_ >= kProven) backoff_.reset();
  const auto wait = backoff_.next(unit_random());
  start_at_ = now + wait;
  log_.info("control.paused", {{"pause_ms", wait.count() / 1'000'000}});
}

void ControlKeeper::on_exit(const Exit&) {
  if (!stopping_) return pause(runtime::now().mono);
  kill_at_.reset();
  down_();
}

void ControlKeeper::stop(TimePoint now) {
  if (stopping_) return;
  stopping_ = true;
  start_at_.reset();
  if (!children_.runs(child_)) return down_();
  children_.signal(child_, SIGTERM);
  // One that was stopped (SIGSTOP) acts on nothing else.
  children_.signal(child_, SIGCONT);
  kill_at_ = now + patience_;
}

void ControlKeeper::hurry(TimePoint now) {
  patience_ = Duration::zero();
  if (kill_at_) kill_at_ = now;
}

void ControlKeeper::step(TimePoint now) {
  if (start_at_ && now >= *start_at_) launch(now);
  if (kill_at_ && now >= *kill_at_) {
    kill_at_.reset();
    log_.warning("control.killed", {{"pid", children_.pid(child_)}, {"detail", "it did not end in time"}});
    children_.signal(child_, SIGKILL);
  }
}

std::optional<TimePoint> ControlKeeper::deadline() const {
  return start_at_ ? start_at_ : kill_at_;
}

}  // namespace vipra::supervisor
