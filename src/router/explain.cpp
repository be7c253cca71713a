#include "router/virtual_router.hpp"

namespace vipra::router {

std::string VirtualRouter::detail() const {
  if (const auto* current = fault()) return current->detail;
  if (aside_) return aside_->detail;
  if (machine_.reason() == Reason::kGroupMember)
    return "another node is better for a member of the group, which moves as a whole";
  const auto heard = machine_.heard_master();
  if (!heard) {
    return machine_.listens_first()
               ? "nobody is heard yet; it listens first, for startupDelay, linkUpDelay or recoveryDelay"
               : "";
  }
  const auto own = std::to_string(machine_.priority());
  const auto other = std::to_string(machine_.heard_priority()) + " of " + heard->to_string();
  const auto why = machine_.reason();
  if (why == Reason::kLowerPriority) return "priority " + own + " < " + other;
  if (why == Reason::kLowerAddress)
    return "priority " + own + " = " + other + ", which is the greater address";
  if (why == Reason::kNotPreempting)
    return "priority " + own + " > " + other + ", but the policy does not preempt";
  if (why == Reason::kHighestPriority)
    return "priority " + own + " > " + other + ": takes over when its time has come";
  if (why == Reason::kMasterWorsened) return "the master fell to priority " + other + ", ours is " + own;
  return {};
}

}  // namespace vipra::router
