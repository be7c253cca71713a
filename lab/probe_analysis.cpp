#include "lab/probe_analysis.hpp"

#include <algorithm>

namespace vipra::lab {
namespace {

enum class Fate : std::uint8_t { kSkipped, kOpen, kLost, kAnswered };

class Analysis {
 public:
  Analysis(const ProbeLoop& loop, std::size_t target, TimePoint from, TimePoint to, TimePoint now)
      : loop_{loop}, stream_{loop.stream(target)}, from_{from}, to_{to}, now_{now}, ticks_{loop.ticks()} {
    report_.target = stream_.address().to_string();
  }

  ProbeReport run() {
    for (std::size_t tick = 0; tick < ticks_; ++tick) {
      look_for_stall(tick);
      if (!stream_.was_sent(tick) || sent_at(stream_, tick) < from_) continue;
      if (sent_at(stream_, tick) >= to_) {
        close_outage_beyond(tick);
        break;
      }
      judge(tick);
    }
    for (auto& outage : report_.outages) mark(outage);
    return std::move(report_);
  }

 private:
  TimePoint sent_at(const ProbeStream& stream, std::size_t tick) const {
    return loop_.start_time() + stream.sent(tick);
  }

  Fate fate(const ProbeStream& stream, std::size_t tick) const {
    if (!stream.was_sent(tick)) return Fate::kSkipped;
    const Duration late = loop_.options().late_after;
    if (const auto answer = stream.answer(tick))
      return answer->round_trip > late ? Fate::kLost : Fate::kAnswered;
    return loop_.finished() || now_ > sent_at(stream, tick) + late ? Fate::kLost : Fate::kOpen;
  }

  void judge(std::size_t tick) {
    switch (fate(stream_, tick)) {
      case Fate::kSkipped:
      case Fate::kOpen:
        return;
      case Fate::kLost:
        return lose(tick);
      case Fate::kAnswered:
        if (const auto answer = stream_.answer(tick)) count_answer(tick, *answer);
        return;
    }
  }

  void lose(std::size_t tick) {
    ++report_.sent, ++report_.lost;
    const auto at = sent_at(stream_, tick);
    if (report_.outages.empty() || report_.outages.back().answered)
      report_.outages.push_back({at, {}, {}, 0, false});
    auto& outage = report_.outages.back();
    ++outage.lost;
    outage.length = at - outage.first_lost + loop_.options().interval;
  }

  void count_answer(std::size_t tick, const ProbeAnswer& answer) {
    ++report_.sent, ++report_.answered;
    const auto at = sent_at(stream_, tick);
    close_outage(at + answer.round_trip);
    report_.longest_round_trip = std::max(report_.longest_round_trip, answer.round_trip);
    const auto& node = loop_.name_of(answer.node);
    if (report_.owners.empty() || report_.owners.back().node != node)
      report_.owners.push_back({node, at, at, 0});
    report_.owners.back().to = at;
    ++report_.owners.back().answers;
  }

  void close_outage(TimePoint answered) {
    if (report_.outages.empty() || report_.outages.back().answered) return;
    report_.outages.back().answered = answered;
    report_.outages.back().length = answered - report_.outages.back().first_lost;
  }

  // An outage that began inside the window is as long as it is, even where its end lies behind the window.
  void close_outage_beyond(std::size_t tick) {
    if (report_.outages.empty() || report_.outages.back().answered) return;
    for (; tick < ticks_; ++tick) {
      const auto answer = stream_.answer(tick);
      if (answer && fate(stream_, tick) == Fate::kAnswered)
        return close_outage(sent_at(stream_, tick) + answer->round_trip);
    }
  }

  void look_for_stall(std::size_t tick) {
    const Duration limit = loop_.options().stall_after;
    const auto& control = loop_.control();
    const TimePoint due = loop_.start_time() + tick * loop_.options().interval;
    if (fate(control, tick) == Fate::kSkipped) return add_stall(due, due + loop_.options().interval);
    const auto at = sent_at(control, tick);
    if (at - due > limit) add_stall(due, at);
    const auto answer = control.answer(tick);
    if (answer && answer->round_trip > limit) add_stall(at, at + answer->round_trip);
    if (!answer && fate(control, tick) == Fate::kLost) add_stall(at, at + loop_.options().late_after);
  }

  void add_stall(TimePoint from, TimePoint to) {
    if (to < from_ || from >= to_) return;
    if (!report_.stalls.empty() && from <= report_.stalls.back().to)
      report_.stalls.back().to = std::max(report_.stalls.back().to, to);
    else
      report_.stalls.push_back({from, to});
  }

  void mark(Outage& outage) const {
    const auto end = outage.answered.value_or(outage.first_lost + outage.length);
    outage.host_stalled = std::any_of(report_.stalls.begin(), report_.stalls.end(), [&](const Stall& stall) {
      return stall.from <= end && stall.to >= outage.first_lost;
    });
  }

  const ProbeLoop& loop_;
  const ProbeStream& stream_;
  TimePoint from_;
  TimePoint to_;
  TimePoint now_;
  std::size_t ticks_;
  ProbeReport report_;
};

}  // namespace

ProbeReport analyse(const ProbeLoop& loop, std::size_t target, TimePoint from, TimePoint to, TimePoint now) {
  return Analysis{loop, target, from, to, now}.run();
}

}  // namespace vipra::lab
