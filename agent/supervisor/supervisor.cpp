#include "agent/supervisor/supervisor.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "agent/supervisor/process_setup.hpp"
#include "channel/protocol.hpp"
#include "runtime/clock.hpp"

namespace vipra::supervisor {

namespace wire = channel::v1;

namespace {

wire::Hello own_hello() {
  const auto epoch =
      static_cast<std::uint64_t>(runtime::unix_now_ns()) ^ static_cast<std::uint64_t>(::getpid());
  return channel::make_hello(wire::ROLE_SUPERVISOR, VIPRA_VERSION, epoch);
}

}  // namespace

Supervisor::Supervisor(const Options& options, SpeakerKeeper::Command speaker, OwnedMemory page,
                       Surroundings surroundings)
    : options_{options},
      loop_{surroundings.loop},
      sink_{surroundings.sink},
      log_{surroundings.log},
      notifier_{surroundings.notifier},
      own_{own_hello()},
      page_{std::move(page)},
      children_{loop_, log_, [this] { status_due_ = true; }},
      speaker_{loop_, children_, kept_, page_, signer_, log_, std::move(speaker), own_, speaker_events()},
      control_server_{loop_, log_, options.control_uid, own_, control_events()} {}

Status Supervisor::begin() {
  if (auto status = prepare_run_dir(options_); !status) {
    // Where the folder was made by others (a container's volume) its rights are theirs to set.
    if (status.error().code != Errc::kIo) return status;
    log_.warning("supervisor.run_dir_not_prepared", {{"error", status.error().what}});
  }
  if (auto status = control_server_.listen(options_.agent_socket()); !status) return status;
  const auto now = runtime::now().mono;
  if (const auto period = notifier_.watchdog_period()) next_watchdog_ = now + *period;
  speaker_.start(now);
  if (options_.start_control) {
    if (const auto status = prepare_state_dir(options_); !status) {
      log_.warning("supervisor.state_dir_not_prepared", {{"error", status.error().what}});
    }
    control_.emplace(children_, options_, log_, [this] { finished_ = true; });
    control_->start(now);
  }
  return {};
}

SpeakerKeeper::Events Supervisor::speaker_events() {
  return {
      [this](const wire::Hello&) {
        if (!std::exchange(ready_, true)) tell_systemd("running", true);
        announce_speaker();
        if (control_server_.connected()) request_resync();
      },
      [this](std::span<const std::uint8_t> serialised) { control_server_.relay(serialised); },
      [this] {
        status_due_ = true;
        if (control_) {
          control_->stop(runtime::now().mono);
        } else {
          finished_ = true;
        }
      },
  };
}

ControlServer::Events Supervisor::control_events() {
  return {
      [this] {
        announce_speaker();
        last_status_.Clear();
        status_due_ = true;
      },
      [this] {
        last_status_.Clear();
        status_due_ = true;
        announce_speaker();
        request_resync();
      },
      [this](const wire::ControlMessage& message, std::vector<sys::UniqueFd> fds) {
        on_control_message(message, std::move(fds));
      },
  };
}

void Supervisor::on_control_message(const wire::ControlMessage& message, std::vector<sys::UniqueFd> fds) {
  if (message.has_desired_state()) {
    on_desired_state(message.desired_state(), std::move(fds));
  } else if (message.has_contribution_set()) {
    on_contribution_set(message.contribution_set(), fds);
  } else if (message.has_contribution_delta()) {
    on_contribution_delta(message.contribution_delta());
  } else if (message.has_resync()) {
    request_resync();
  }
}

void Supervisor::on_desired_state(const wire::DesiredStateRef& ref, std::vector<sys::UniqueFd> fds) {
  if (fds.size() != 1) {
    log_.error("desired_state.refused", {{"error", "not exactly one descriptor came with it"}});
    return;
  }
  const auto summary = kept_.replace_desired(std::move(fds.front()), ref);
  if (!summary) {
    log_.error("desired_state.refused", {{"generation", ref.generation()}, {"error", summary.error().what}});
    return;
  }
  log_.info("desired_state.accepted", {{"generation", summary->generation}, {"routers", summary->routers}});
  status_due_ = true;
  if (auto* link = speaker_.link()) link->send_desired();
}

void Supervisor::on_contribution_set(const wire::ContributionSetRef& ref,
                                     const std::vector<sys::UniqueFd>& fds) {
  if (fds.size() != 1) {
    log_.error("contributions.refused", {{"error", "not exactly one descriptor came with them"}});
    return;
  }
  const auto replaced = kept_.replace_contributions(fds.front().get(), ref, runtime::now().mono);
  if (!replaced) {
    log_.error("contributions.refused", {{"error", replaced.error().what}});
    return;
  }
  if (auto* link = speaker_.link()) link->send_contributions();
}

void Supervisor::on_contribution_delta(const wire::ContributionDelta& delta) {
  const bool were_stale = kept_.stale();
  if (const auto merged = kept_.merge(delta, runtime::now().mono); !merged) {
    log_.error("contributions.refused", {{"error", merged.error().what}});
    return;
  }
  if (were_stale) log_.info("contributions.confirmed", {{"contributions", kept_.contribution_count()}});
  auto* const link = speaker_.link();
  if (link == nullptr) return;
  if (were_stale) {
    link->send_contributions();
  } else if (delta.upserts_size() > 0 || delta.removals_size() > 0) {
    link->send_delta(delta);
  }
}

void Supervisor::mark_stale(TimePoint now) {
  if (!kept_.grow_stale(now)) return;
  log_.warning(
      "contributions.stale",
      {{"contributions", kept_.contribution_count()},
       {"control_connected", control_server_.connected()},
       {"consequence", "the last verdicts stay as they are until control confirms or changes them"}});
  if (auto* link = speaker_.link()) link->send_contributions();
}

void Supervisor::announce_speaker() {
  if (!speaker_.hello()) return;
  wire::AgentMessage message;
  *message.mutable_hello() = *speaker_.hello();
  control_server_.send(message);
}

void Supervisor::request_resync() {
  if (auto* link = speaker_.link()) link->request_resync();
}

Status Supervisor::run() {
  while (!finished_) {
    if (auto status = loop_.run_once(deadline()); !status) return status;
    step(runtime::now().mono);
  }
  tell_systemd("stopped");
  return {};
}

void Supervisor::stop() {
  const auto now = runtime::now().mono;
  if (std::exchange(stopping_, true)) {
    log_.warning("supervisor.stopping_at_once", {});
    if (control_) control_->hurry(now);
    speaker_.abort();
    return;
  }
  log_.info("supervisor.stopping", {});
  notifier_.notify("STOPPING=1\nSTATUS=releasing addresses");
  speaker_.release(now);
}

void Supervisor::step(TimePoint now) {
  speaker_.step(now);
  if (control_) control_->step(now);
  mark_stale(now);
  feed_watchdog(now);
  send_status(now);
}

void Supervisor::feed_watchdog(TimePoint now) {
  if (!next_watchdog_ || now < *next_watchdog_) return;
  next_watchdog_ = now + *notifier_.watchdog_period();
  // A release ends in bounded time; until then only the turning of this loop counts.
  if (stopping_ || speaker_.healthy(now)) notifier_.notify("WATCHDOG=1");
}

void Supervisor::send_status(TimePoint now) {
  if (!status_due_ && now < next_status_) return;
  next_status_ = now + kStatusPeriod;
  status_due_ = false;
  if (!control_server_.connected()) return;
  wire::AgentMessage message;
  auto& status = *message.mutable_supervisor();
  children_.report(status);
  status.set_desired_generation(kept_.has_desired() ? kept_.desired_ref().generation() : 0);
  status.set_control_messages_dropped(control_server_.dropped());
  status.set_log_lines_dropped(sink_.dropped());
  status.set_resignations_for_speaker(speaker_.resignations());
  if (message.SerializeAsString() == last_status_.SerializeAsString()) return;
  control_server_.send(message);
  last_status_ = std::move(message);
}

TimePoint Supervisor::deadline() const {
  auto next = next_status_;
  const auto sooner = [&next](std::optional<TimePoint> at) {
    if (at) next = std::min(next, *at);
  };
  sooner(speaker_.deadline());
  sooner(kept_.stale_at());
  if (control_) sooner(control_->deadline());
  sooner(next_watchdog_);
  return next;
}

void Supervisor::tell_systemd(std::string_view status, bool ready) {
  std::string text = ready ? "READY=1\nSTATUS=" : "STATUS=";
  notifier_.notify(text.append(status));
}

}  // namespace vipra::supervisor
