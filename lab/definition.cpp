#include "lab/definition.hpp"

namespace vipra::lab {

std::string VipDefinition::yaml() const {
  std::string text =
      "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: " + name + "}\nspec:\n";
  text += "  addresses: [";
  for (std::size_t i = 0; i < addresses.size(); ++i) text += (i == 0 ? "\"" : ", \"") + addresses[i] + "\"";
  text += "]\n  vrrp:\n    virtualRouterID: " + std::to_string(virtual_router_id) + "\n";
  if (interval.count() > 0) text += "    advertisementInterval: " + std::to_string(interval.count()) + "ms\n";
  if (!preemption.empty()) text += "    preemption: {policy: " + preemption + "}\n";
  if (!priorities.empty()) text += "    priorities:\n";
  for (const auto& [node, priority] : priorities) {
    text += "    - {nodeSelector: {matchLabels: {kubernetes.io/hostname: " + node +
            "}}, priority: " + std::to_string(priority) + "}\n";
  }
  return text + extra_vrrp + extra_spec;
}

std::chrono::nanoseconds election_time(std::chrono::nanoseconds interval, int priority, int misses) {
  return misses * interval + interval * (256 - priority) / 256;
}

}  // namespace vipra::lab
