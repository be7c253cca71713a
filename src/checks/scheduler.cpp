#include "checks/scheduler.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <tuple>
#include <utility>

#include "checks/probe.hpp"
#include "checks/verdict.hpp"
#include "runtime/clock.hpp"

namespace vipra::checks {
namespace {

using boost::system::error_code;
using Outcome = ProbeResult::Outcome;

constexpr std::size_t kStartsAtOnce = 32;  // new checks that begin together; the next ones kStartStep later
constexpr Duration kStartStep = std::chrono::milliseconds{5};
constexpr Duration kStoodStill = std::chrono::milliseconds{200};  // a timer this late was not merely late
constexpr Duration kLongestSpread = std::chrono::seconds{1};

// In [0, 1), the same in every life of the process.
double fraction_of(std::string_view virtual_ip, std::string_view check) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;  // FNV-1a
  const auto mix = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211ULL;
  };
  mix(virtual_ip), mix("/"), mix(check);
  // FNV leaves names that differ in their last letter close together; the finaliser of MurmurHash3 parts
  // them.
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdULL;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  hash ^= hash >> 33;
  return static_cast<double>(hash >> 40) / static_cast<double>(1ULL << 24);
}

Duration scaled(Duration duration, double factor) {
  return Duration{static_cast<Duration::rep>(static_cast<double>(duration.count()) * factor)};
}

bool says_the_same(const CheckState& a, const CheckState& b) {
  return std::tie(a.decided, a.passing, a.reason, a.detail, a.successes, a.failures) ==
         std::tie(b.decided, b.passing, b.reason, b.detail, b.successes, b.failures);
}

void count(RunCounts& runs, const ProbeResult& result) {
  if (result.outcome == Outcome::kDiscarded) {
    ++runs.discarded;
    return;
  }
  ++(result.outcome == Outcome::kPassed ? runs.passed : runs.failed);
  const auto bucket = std::lower_bound(kDurationBounds.begin(), kDurationBounds.end(), result.duration);
  ++runs.buckets[static_cast<std::size_t>(bucket - kDurationBounds.begin())];
  runs.duration_sum += result.duration;
}

}  // namespace

struct Scheduler::Running : std::enable_shared_from_this<Running> {
  Running(boost::asio::io_context& io_context, const ServiceBoard& service_board,
          definitions::CheckSpec check, std::optional<bool> prior)
      : io{io_context},
        services{service_board},
        spec{std::move(check)},
        verdict{spec.rise, spec.fall, prior},
        timer{io_context} {
    state.name = spec.name;
    state.kind = kind_of(spec);
    state.rise = spec.rise;
    state.fall = spec.fall;
    state.decided = verdict.decided();
    state.passing = verdict.passing();
    if (prior) state.detail = "not asked yet; the verdict is from before vipra-control started";
  }

  void arm(TimePoint at, TimePoint now) {
    due = at;
    timer.expires_after(std::max(at - now, Duration{}));
    timer.async_wait([weak = weak_from_this()](const error_code& error) {
      const auto self = weak.lock();
      if (!error && self && !self->removed) self->on_due();
    });
  }

  void on_due() {
    const auto now = runtime::now().mono;
    const double fraction = fraction_of(state.virtual_ip, state.name);
    if (now - due > kStoodStill) {
      arm(now + scaled(std::min(spec.interval, kLongestSpread), fraction), now);
      return;
    }
    const auto gap = first ? scaled(spec.interval, 0.5 + fraction / 2) : spec.interval;
    first = false;
    arm(std::max(due + gap, now), now);
    run_now();
  }

  void run_now() {
    if (probe) {
      run_after_this = true;
    } else {
      run();
    }
  }

  void run() {
    run_after_this = false;
    probe = make_probe(io, spec, services);
    probe->start([weak = weak_from_this()](ProbeResult result) {
      const auto self = weak.lock();
      if (self && !self->removed) self->on_result(std::move(result));
    });
  }

  void on_result(ProbeResult result) {
    probe.reset();
    const CheckState before = state;
    count(state.runs, result);
    state.last_duration = result.duration;
    bool verdict_changed = false;
    if (result.outcome != Outcome::kDiscarded) {
      const bool success = result.outcome == Outcome::kPassed;
      verdict_changed = verdict.step(success);
      if (!success) last_failure = result.detail;
      state.reason = result.reason;
      state.detail = std::move(result.detail);
      state.decided = verdict.decided();
      state.passing = verdict.passing();
      state.successes = verdict.successes();
      state.failures = verdict.failures();
      if (verdict_changed) state.since_unix_ns = runtime::unix_now_ns();
    }
    if (run_after_this) run();
    on_run(state, verdict_changed, !says_the_same(before, state));
  }

  [[nodiscard]] plan::Contribution contribution(const plan::RouterId& router) const {
    plan::Contribution out;
    out.consumer = router;
    out.source = contribution_source(spec.name);
    if (const auto* delta = std::get_if<definitions::PriorityDelta>(&spec.on_failure)) {
      out.delta = delta->delta;
    } else {
      out.fault = true;
    }
    out.reason = Reason::kCheckFailed;
    out.detail = last_failure.empty() ? "the check failed before vipra-control started" : last_failure;
    if (state.successes > 0) {
      out.detail +=
          "; since then " + std::to_string(state.successes) + " of " + std::to_string(spec.rise) + " passed";
    } else if (state.failures > 0) {
      out.detail += "; " + std::to_string(state.failures) + " of " + std::to_string(spec.fall) + " failed";
    }
    return out;
  }

  boost::asio::io_context& io;
  const ServiceBoard& services;
  definitions::CheckSpec spec;
  Verdict verdict;
  CheckState state;
  std::vector<plan::RouterId> routers;
  OnRun on_run;
  boost::asio::steady_timer timer;
  std::unique_ptr<Probe> probe;  // while a run is under way
  TimePoint due{};
  std::string last_failure;
  bool first = true;
  bool run_after_this = false;
  bool removed = false;
};

struct Scheduler::Shared {
  using Key = std::pair<std::string, std::string>;  // VirtualIP, check

  Shared(boost::asio::io_context& io_context, OnRun callback) : io{io_context}, on_run{std::move(callback)} {}

  std::shared_ptr<Running> make(const Key& key, const definitions::CheckSpec& check, const Running* old,
                                const Prior& prior) {
    auto known = old ? old->verdict.known() : std::nullopt;
    if (!known && prior) known = prior(key.first, key.second);
    auto running = std::make_shared<Running>(io, services, check, known);
    if (old && old->verdict.decided()) {
      running->state.reason = old->state.reason;
      running->state.detail = old->state.detail;
      running->state.since_unix_ns = old->state.since_unix_ns;
      running->last_failure = old->last_failure;
    }
    running->state.virtual_ip = key.first;
    running->on_run = on_run;
    return running;
  }

  static void remove(Running& running) {
    running.removed = true;
    running.probe.reset();
    error_code ignored;
    running.timer.cancel(ignored);
  }

  boost::asio::io_context& io;
  OnRun on_run;
  ServiceBoard services;
  std::map<Key, std::shared_ptr<Running>> checks;
};

Scheduler::Scheduler(boost::asio::io_context& io, OnRun on_run)
    : shared_{std::make_unique<Shared>(io, std::move(on_run))} {}

Scheduler::~Scheduler() {
  stop();
}

void Scheduler::apply(const std::vector<Watched>& watched, const Prior& prior) {
  auto old = std::exchange(shared_->checks, {});
  const auto now = runtime::now().mono;
  std::size_t started = 0;
  for (const auto& virtual_ip : watched) {
    for (const auto& check : virtual_ip.checks) {
      const Shared::Key key{virtual_ip.virtual_ip, check.name};
      const auto found = old.find(key);
      auto running = found == old.end() ? nullptr : found->second;
      if (!running || running->spec != check) {
        auto fresh = shared_->make(key, check, running.get(), prior);
        fresh->arm(now + kStartStep * static_cast<int>(started++ / kStartsAtOnce), now);
        if (running) Shared::remove(*running);
        running = std::move(fresh);
      }
      if (found != old.end()) old.erase(found);
      running->routers = virtual_ip.routers;
      shared_->checks.insert_or_assign(key, std::move(running));
    }
  }
  for (const auto& [key, running] : old) Shared::remove(*running);
}

void Scheduler::set_services(ServiceBoard::Counts counts) {
  const auto before = shared_->services;
  shared_->services.replace(std::move(counts));
  for (const auto& [key, running] : shared_->checks) {
    const auto* probe = std::get_if<definitions::ServiceProbe>(&running->spec.probe);
    if (probe == nullptr) continue;
    const ServiceBoard::Service service{probe->name_space, probe->name};
    // One that was not asked at all yet is not hurried: it would be asked twice at once.
    if (!running->first && before.find(service) != shared_->services.find(service)) running->run_now();
  }
}

void Scheduler::stop() {
  for (const auto& [key, running] : shared_->checks) Shared::remove(*running);
  shared_->checks.clear();
}

std::vector<CheckState> Scheduler::states() const {
  std::vector<CheckState> out;
  out.reserve(shared_->checks.size());
  for (const auto& [key, running] : shared_->checks) out.push_back(running->state);
  return out;
}

std::vector<plan::Contribution> Scheduler::contributions() const {
  std::vector<plan::Contribution> out;
  for (const auto& [key, running] : shared_->checks) {
    if (!running->state.decided || running->state.passing) continue;
    for (const auto& router : running->routers) out.push_back(running->contribution(router));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.consumer, a.source) < std::tie(b.consumer, b.source);
  });
  return out;
}

std::string contribution_source(std::string_view check) {
  return "check/" + std::string{check};
}

}  // namespace vipra::checks
