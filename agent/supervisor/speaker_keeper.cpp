#include "agent/supervisor/speaker_keeper.hpp"

#include <linux/capability.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "agent/supervisor/process_setup.hpp"
#include "runtime/clock.hpp"
#include "sys/seqpacket.hpp"

namespace vipra::supervisor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What the speaker may need; it asks the kernel for nothing else.
constexpr std::uint64_t kCapabilities =
    1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_RAW | 1ULL << CAP_SYS_NICE | 1ULL << CAP_IPC_LOCK;

// How long a release may take beyond the longest interval (the largest skew is below it): the resignations,
// the taker's announcement, and the removal of addresses, which the kernel makes one by one.
constexpr Duration kReleaseMargin = seconds{2};
constexpr Duration kRemovalOfOne = milliseconds{60};
constexpr Duration kMostPatience = seconds{45};

// A speaker that dies this young may not have adopted what its predecessor left.
constexpr Duration kYoung = seconds{1};

std::int64_t microseconds_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

}  // namespace

SpeakerKeeper::SpeakerKeeper(runtime::EventLoop& loop, Children& children, const KeptState& kept,
                             OwnedMemory& page, vrrp::PacketSigner& signer, const log::Logger& log,
                             Command command, channel::v1::Hello own, Events events)
    : loop_{loop},
      children_{children},
      kept_{kept},
      page_{page},
      signer_{signer},
      log_{log},
      command_{std::move(command)},
      own_{std::move(own)},
      events_{std::move(events)},
      child_{children.add("speaker", [this](const Exit& exit) { on_exit(exit); })},
      sweep_{loop} {}

void SpeakerKeeper::start(TimePoint now) {
  hello_.reset();
  hung_ = false;
  if (const auto status = launch(now); !status) {
    link_.reset();
    log_.error("speaker.not_started", {{"error", status.error().what}});
    started_ = now;
    judge_death(now);
  }
}

Status SpeakerKeeper::launch(TimePoint now) {
  auto ends = sys::SeqPacket::pair();
  if (!ends) return tl::unexpected{std::move(ends).error()};
  if (const auto gone = handles_.drop_vanished(); gone != 0)
    log_.info("handle.interface_gone", {{"handles", gone}});
  page_.reset_pulse();
  if (auto status = set_up_alarm(); !status) return status;
  link_ = std::make_unique<SpeakerLink>(std::move(ends->first), loop_, handles_, kept_, log_, link_events());
  if (auto status = link_->watch(); !status) return status;

  SpawnPlan plan;
  plan.path = command_.path;
  plan.argv = command_.argv;
  plan.argv.emplace_back("--link-fd");
  plan.argv.push_back(std::to_string(kLinkFd));
  plan.link_fd = ends->second.get();
  plan.capabilities = kCapabilities;
  if (auto status = children_.start(child_, plan); !status) return status;

  state_ = State::kRunning;
  started_ = now;
  hang_.started(now);
  link_->begin(own_, {page_.fd(), alarm_.fd()});
  return {};
}

Status SpeakerKeeper::set_up_alarm() {
  alarm_.clear();
  if (alarm_.fd() >= 0) return {};
  auto fd = agent::HangAlarm::make();
  if (!fd) return tl::unexpected{std::move(fd).error()};
  auto status = loop_.watch(fd->get(), EPOLLIN, [this](std::uint32_t) {
    if (alarm_.take()) hang_.alarm(runtime::now().mono);
  });
  if (status) alarm_ = agent::HangAlarm{std::move(*fd)};
  return status;
}

SpeakerLink::Events SpeakerKeeper::link_events() {
  return {
      [this](const channel::v1::Hello& hello) {
        const auto now = runtime::now().mono;
        hello_ = hello;
        log_.info("speaker.ready",
                  {{"pid", children_.pid(child_)},
                   {"startup_us", microseconds_of(now - started_)},
                   {"downtime_us", died_ ? microseconds_of(now - *died_) : std::int64_t{0}}});
        died_.reset();
        events_.hello(hello);
      },
      [this](std::span<const std::uint8_t> serialised) { events_.agent_message(serialised); },
      [this] { log_.info("speaker.released", {}); },
      [this](std::string_view why) {
        // One that has ended anyway closes its link too; its exit is on its way, and judged by itself.
        if (stopping_ || why == SpeakerLink::kClosed) {
          log_.debug("speaker.link_closed", {{"detail", why}});
          patience_end_ =
              std::min(patience_end_.value_or(TimePoint::max()), runtime::now().mono + seconds{1});
          return;
        }
        kill(Reason::kKilledBySignal, why);
      },
  };
}

void SpeakerKeeper::kill(Reason reason, std::string_view why) {
  if (state_ != State::kRunning) return;
  state_ = State::kKilling;
  hung_ = true;
  log_.error("speaker.killed",
             {{"pid", children_.pid(child_)}, {"reason", to_string(reason)}, {"detail", why}});
  children_.set_reason(child_, reason);
  children_.signal(child_, SIGKILL);
}

void SpeakerKeeper::on_exit(const Exit& exit) {
  const auto now = runtime::now().mono;
  link_->receive_rest();
  link_.reset();
  died_ = now;
  patience_end_.reset();
  auto belongings = page_.read();
  if (now - started_ < kYoung) inherit(belongings, left_);
  left_ = std::move(belongings);
  if (stopping_) {
    if (exit.clean() && !hung_ && left_.nothing()) left_ = {};
    give_up(now);
    return;
  }
  judge_death(now);
}

void SpeakerKeeper::judge_death(TimePoint now) {
  const bool worked = hello_.has_value() && page_.pulse(true).heartbeat_ns != 0;
  const auto verdict = policy_.judge({started_, now, worked, hung_}, unit_random());
  start_at_ = now + verdict.pause;
  if (verdict.give_up) {
    log_.error("speaker.given_up", {{"pause_ms", verdict.pause.count() / 1'000'000},
                                    {"routers", left_.voices.size()},
                                    {"detail", "its addresses are given up before it is started again"}});
    give_up(now);
  } else {
    start(now);
  }
}

void SpeakerKeeper::give_up(TimePoint now) {
  state_ = State::kGivingUp;
  resignation_ = std::make_unique<Resignation>(left_.voices, handles_, signer_, log_, now);
  step(now);
}

void SpeakerKeeper::sweep() {
  if (resignation_->sent() != 0) {
    resignations_ += resignation_->routers();
    log_.warning("supervisor.resigned",
                 {{"routers", resignation_->routers()}, {"advertisements", resignation_->sent()}});
  }
  resignation_.reset();
  sweep_.start([this](Result<std::size_t> removed) {
    if (!removed) {
      log_.error("supervisor.addresses_not_removed", {{"error", removed.error().what}});
    } else if (*removed != 0) {
      log_.warning("supervisor.addresses_removed", {{"addresses", *removed}});
    }
    // Not before: a device that loses its addresses, or goes, would say so with the virtual MAC address.
    handles_.close(kNeighbourGuardHandle);
    given_up();
  });
}

void SpeakerKeeper::given_up() {
  page_.clear();
  left_ = {};
  state_ = stopping_ ? State::kDown : State::kStopped;
  if (stopping_) events_.down();
}

void SpeakerKeeper::step(TimePoint now) {
  switch (state_) {
    case State::kStopped:
      if (now >= start_at_) start(now);
      break;
    case State::kRunning:
      if (patience_end_ && now >= *patience_end_) {
        kill(Reason::kHung, stopping_ ? "it did not end in time" : "it closed its link and did not end");
      } else if (now >= hang_.next_look()) {
        watch_pulse(now);
      }
      break;
    case State::kGivingUp:
      if (resignation_ && !resignation_->step(now)) sweep();
      break;
    case State::kKilling:
    case State::kDown:
      break;
  }
}

void SpeakerKeeper::watch_pulse(TimePoint now) {
  if (hang_.look(now, pulse())) {
    kill(Reason::kHung, hello_ ? "its loop does not turn" : "it did not come up");
  }
}

HangDetector::Pulse SpeakerKeeper::pulse() const {
  auto pulse = page_.pulse(hello_.has_value());
  pulse.alarm_set = alarm_.is_set();
  return pulse;
}

std::optional<TimePoint> SpeakerKeeper::deadline() const {
  switch (state_) {
    case State::kStopped:
      return start_at_;
    case State::kRunning:
      return std::min(patience_end_.value_or(TimePoint::max()), hang_.next_look());
    case State::kGivingUp:
      if (resignation_) return resignation_->deadline();
      return std::nullopt;
    case State::kKilling:
    case State::kDown:
      break;
  }
  return std::nullopt;
}

Duration SpeakerKeeper::patience() const {
  const auto owned = page_.read();
  const auto removals = kRemovalOfOne * static_cast<Duration::rep>(owned.holders);
  return std::min(kMostPatience, owned.longest_interval + kReleaseMargin + removals);
}

void SpeakerKeeper::release(TimePoint now) {
  if (stopping_) return abort();
  stopping_ = true;
  switch (state_) {
    case State::kRunning:
      if (link_) link_->release();
      patience_end_ = now + patience();
      break;
    case State::kStopped:
      given_up();
      break;
    case State::kKilling:
    case State::kGivingUp:
    case State::kDown:
      break;
  }
}

void SpeakerKeeper::abort() {
  if (!stopping_) {
    stopping_ = true;
    if (state_ == State::kStopped) return given_up();
  }
  kill(Reason::kKilledBySignal, "asked to stop at once");
}

bool SpeakerKeeper::healthy(TimePoint now) const {
  return state_ == State::kRunning && hello_ && !hang_.overdue(now, page_.pulse(true));
}

}  // namespace vipra::supervisor
