#include "notify/transition.hpp"

#include <climits>

#include "base/log.hpp"

namespace vipra::notify {
namespace {

static_assert(log::kMaxLine <= PIPE_BUF);

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ",") + name;
  return out;
}

}  // namespace

std::string to_line(const Transition& transition) {
  char buffer[log::kMaxLine];
  return std::string{log::format_line(buffer, transition.unix_ns, "control", log::Level::kInfo,
                                      "router.transition",
                                      {{"sequence", transition.sequence},
                                       {"node", transition.node},
                                       {"router", transition.router},
                                       {"from", to_string(transition.from)},
                                       {"to", to_string(transition.to)},
                                       {"reason", to_string(transition.reason)},
                                       {"family", transition.family},
                                       {"vrid", transition.virtual_router_id},
                                       {"interface", transition.interface},
                                       {"detail", transition.detail},
                                       {"virtual_ips", joined(transition.virtual_ips)}})};
}

std::vector<std::string> to_environment(const Transition& transition) {
  return {"VIPRA_NODE=" + transition.node,
          "VIPRA_ROUTER=" + transition.router,
          "VIPRA_VIRTUAL_IPS=" + joined(transition.virtual_ips),
          "VIPRA_FAMILY=" + transition.family,
          "VIPRA_VRID=" + std::to_string(transition.virtual_router_id),
          "VIPRA_INTERFACE=" + transition.interface,
          "VIPRA_FROM=" + std::string{to_string(transition.from)},
          "VIPRA_TO=" + std::string{to_string(transition.to)},
          "VIPRA_REASON=" + std::string{to_string(transition.reason)}};
}

}  // namespace vipra::notify
