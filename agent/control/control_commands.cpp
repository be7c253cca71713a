// What somebody on the node asks for: that it hands a VirtualIP over, or everything.
#include <algorithm>
#include <utility>

#include "agent/control/after.hpp"
#include "agent/control/control.hpp"
#include "base/utc.hpp"
#include "channel/convert.hpp"
#include "runtime/clock.hpp"
#include "vipra/report/v1/report.pb.h"

namespace vipra::control {
namespace {

using Refusal = report::CommandAnswer::Refusal;

// The wall clock may be set meanwhile: it is looked at this often at least.
constexpr Duration kLookAtLeast = std::chrono::minutes{1};
constexpr std::int64_t kLongest = std::chrono::nanoseconds{std::chrono::hours{24 * 366}}.count();

}  // namespace

void Control::on_command(const report::v1::StandAsideRequest& request,
                         const report::CommandAnswerPtr& answer) {
  const auto& virtual_ip = request.virtual_ip();
  if (request.end()) {
    if (!wishes_.end(virtual_ip)) {
      return answer->refuse(Refusal::kNotFound, virtual_ip.empty()
                                                    ? "this node is not in maintenance"
                                                    : "this node does not stay away from " + virtual_ip);
    }
    log_.info(virtual_ip.empty() ? "maintenance.ended" : "switchover.ended", {{"virtual_ip", virtual_ip}});
    on_wishes();
    return answer->accept({});
  }
  if (request.for_ns() < 0 || request.for_ns() > kLongest)
    return answer->refuse(Refusal::kInvalid, "a time of at most 366 days is expected");
  if (!virtual_ip.empty() && plan::routers_of(plan_.state, virtual_ip).empty())
    return answer->refuse(Refusal::kNotFound, "this node takes no part in " + virtual_ip);
  if (!contributions_open_ || !agent_.connected())
    return answer->refuse(Refusal::kNotNow, "the agent is just starting; try again in a moment");

  report::v1::StandAsideReply reply;
  for (const auto& spec : definitions_.specs()) {
    if (!virtual_ip.empty() && spec.name != virtual_ip) continue;
    for (const auto& id : plan::routers_of(plan_.state, spec.name)) {
      const auto found = view_.routers().find(id);
      if (found == view_.routers().end() || channel::from_proto(found->second.state()) != State::kMaster)
        continue;
      reply.add_virtual_ips(spec.name);
      break;
    }
  }
  if (!virtual_ip.empty() && reply.virtual_ips().empty())
    return answer->refuse(Refusal::kNotNow, "this node does not own " + virtual_ip + ": ask its owner");
  const auto until = request.for_ns() == 0 ? 0 : runtime::unix_now_ns() + request.for_ns();
  if (!wishes_.set({virtual_ip, until}))
    return answer->refuse(Refusal::kNotNow, "there are too many switchovers at a time: use maintenance");
  log_.info(virtual_ip.empty() ? "maintenance.begun" : "switchover.begun",
            {{"virtual_ip", virtual_ip},
             {"until", until == 0 ? std::string{"ended"} : utc_text(until / 1'000'000'000)}});
  on_wishes();
  reply.set_until_unix_ns(until);
  answer->accept(reply);
}

void Control::on_wishes() {
  offer_contributions();
  save_last_good();
  publish_within(Duration::zero());
  watch_wishes();
}

void Control::watch_wishes() {
  const auto end = wishes_.next_end_unix_ns();
  if (!end) {
    wishes_timer_.cancel();
    return;
  }
  const auto wait =
      std::clamp<Duration>(Duration{*end - runtime::unix_now_ns()}, Duration::zero(), kLookAtLeast);
  after(wishes_timer_, wait, [this] {
    if (stopped_) return;
    const auto over = wishes_.expire(runtime::unix_now_ns());
    for (const auto& wish : over)
      log_.info(wish.virtual_ip.empty() ? "maintenance.over" : "switchover.over",
                {{"virtual_ip", wish.virtual_ip}});
    if (!over.empty()) return on_wishes();
    watch_wishes();
  });
}

}  // namespace vipra::control
