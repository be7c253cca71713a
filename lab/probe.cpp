#include "lab/probe.hpp"

#include "base/check.hpp"
#include "lab/clock.hpp"
#include "lab/probe_analysis.hpp"
#include "lab/probe_loop.hpp"

namespace vipra::lab {

Probe::Probe(std::unique_ptr<ProbeLoop> loop) : loop_{std::move(loop)} {}
Probe::~Probe() = default;

Result<std::unique_ptr<Probe>> Probe::start(const Station& from, const std::vector<IpAddress>& targets,
                                            const IpAddress& control,
                                            const std::vector<std::string>& node_names,
                                            const ProbeOptions& options) {
  auto loop = ProbeLoop::start(from, targets, control, node_names, options);
  if (!loop) return tl::unexpected{loop.error()};
  return std::unique_ptr<Probe>{new Probe{std::move(*loop)}};
}

std::optional<LastAnswer> Probe::last_answer(std::size_t target) const {
  VIPRA_CHECK(target < loop_->target_count());
  const auto& stream = loop_->stream(target);
  const auto tick = stream.last_answered.load(std::memory_order_acquire);
  if (tick == 0) return std::nullopt;
  const auto answer = stream.answer(tick - 1);
  if (!answer) return std::nullopt;
  return LastAnswer{loop_->name_of(answer->node),
                    loop_->start_time() + stream.sent(tick - 1) + answer->round_trip};
}

bool Probe::answered_by(const std::string& node, TimePoint since, std::size_t target) const {
  const auto last = last_answer(target);
  return last && last->at >= since && (node.empty() || last->node == node);
}

ProbeReport Probe::report(std::size_t target, TimePoint from, TimePoint to) const {
  VIPRA_CHECK(target < loop_->target_count());
  return analyse(*loop_, target, from, to, now());
}

ProbeReport Probe::settled_report(TimePoint from, TimePoint to, std::size_t target) const {
  const TimePoint decided = to + loop_->options().late_after;
  // Bounded by the caller's own `to`: a time in the future is waited for.
  [[maybe_unused]] const bool settled = wait_until([&] { return loop_->finished() || now() > decided; },
                                                   decided - now() + std::chrono::milliseconds{5});
  return report(target, from, to);
}

bool Probe::realtime() const {
  return loop_->realtime();
}
void Probe::stop() {
  loop_->stop();
}

}  // namespace vipra::lab
