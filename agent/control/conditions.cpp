#include "agent/control/conditions.hpp"

#include <algorithm>

#include "channel/convert.hpp"

namespace vipra::control {
namespace {

using report::v1::Condition;
using Routers = std::vector<const report::v1::RouterReport*>;
namespace reason = reason::v1;

enum class Truth : std::uint8_t { kTrue, kFalse, kUnknown };

Condition make(const char* type, Truth truth, Reason why, std::string message) {
  Condition out;
  out.set_type(type);
  out.set_status(truth == Truth::kTrue ? "True" : truth == Truth::kFalse ? "False" : "Unknown");
  out.set_reason(channel::to_proto(why));
  out.set_message(std::move(message));
  return out;
}

Condition make(const char* type, Truth truth, reason::Reason why, std::string message) {
  return make(type, truth, channel::from_proto(why), std::move(message));
}

const plan::Refusal* refusal_of(const Facts& facts, const std::string& name) {
  const auto& all = facts.plan.refusals;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.virtual_ip == name; });
  return found == all.end() ? nullptr : &*found;
}

Condition accepted(const definitions::ObjectStatus& object, const plan::Refusal* refusal) {
  if (!object.errors.empty()) {
    const auto& first = object.errors.front();
    auto message = (first.path.empty() ? "" : first.path + ": ") + first.message;
    if (object.errors.size() > 1) message += " (and " + std::to_string(object.errors.size() - 1) + " more)";
    if (object.served) message += "; the last good version is served";
    return make("Accepted", Truth::kFalse, first.reason, std::move(message));
  }
  if (refusal && refusal->reason != Reason::kNodeNotSelected) {
    return make("Accepted", Truth::kFalse, refusal->reason, refusal->message);
  }
  return make("Accepted", Truth::kTrue, Reason::kAccepted, "");
}

bool is_conflict(reason::Reason why) {
  return why == reason::REASON_ADDRESS_CONFLICT || why == reason::REASON_VRID_CONFLICT ||
         why == reason::REASON_ADDRESS_IN_USE;
}

Condition conflict(const plan::Refusal* refusal, const Routers& routers) {
  if (refusal && is_conflict(channel::to_proto(refusal->reason))) {
    return make("Conflict", Truth::kTrue, refusal->reason, refusal->message);
  }
  for (const auto* router : routers) {
    if (router->state() == reason::STATE_FAULT && is_conflict(router->reason())) {
      return make("Conflict", Truth::kTrue, router->reason(), router->detail());
    }
    if (router->warning() == reason::REASON_CONFLICT) {
      return make("Conflict", Truth::kTrue, router->warning(),
                  router->id() + ": " + router->warning_detail());
    }
  }
  return make("Conflict", Truth::kFalse, Reason::kNone, "");
}

Condition ready(const Facts& facts, const definitions::ObjectStatus& object, const plan::Refusal* refusal,
                const Routers& routers) {
  if (!object.served)
    return make("Ready", Truth::kFalse, Reason::kInvalidValue, "no valid version of it is known");
  if (refusal) return make("Ready", Truth::kFalse, refusal->reason, refusal->message);
  for (const auto* router : routers) {
    if (router->state() == reason::STATE_FAULT) {
      return make("Ready", Truth::kFalse, router->reason(), router->id() + ": " + router->detail());
    }
  }
  if (!facts.agent_connected)
    return make("Ready", Truth::kUnknown, Reason::kNone, "the agent is not connected");
  const bool told = !routers.empty() && std::all_of(routers.begin(), routers.end(), [](const auto* router) {
    return router->state() != reason::STATE_UNKNOWN;
  });
  if (!told) return make("Ready", Truth::kUnknown, Reason::kNone, "the agent has not reported it yet");
  return make("Ready", Truth::kTrue, routers.front()->reason(), "");
}

// By the reason: what another member of the group tracks has its name before the source.
bool is_track(reason::Reason why) {
  return why == reason::REASON_TRACKED_LINK_DOWN || why == reason::REASON_GATEWAY_UNREACHABLE ||
         why == reason::REASON_ROUTE_MISSING;
}

Condition degraded(const Facts& facts, const definitions::ObjectStatus& object, const Routers& routers) {
  for (const auto& check : facts.checks) {
    if (check.virtual_ip == object.name && check.decided && !check.passing) {
      return make("Degraded", Truth::kTrue, Reason::kCheckFailed,
                  "check " + check.name + ": " + check.detail);
    }
  }
  for (const auto* router : routers) {
    // A conflict has a condition of its own.
    if (router->warning() != reason::REASON_NONE && router->warning() != reason::REASON_CONFLICT) {
      return make("Degraded", Truth::kTrue, router->warning(),
                  router->id() + ": " + router->warning_detail());
    }
    for (const auto& part : router->contributions()) {
      if (is_track(part.reason())) {
        return make("Degraded", Truth::kTrue, part.reason(), part.source() + ": " + part.detail());
      }
      if (part.stale()) {
        return make("Degraded", Truth::kTrue, Reason::kCheckStale,
                    part.source() + " is older than it should be");
      }
    }
  }
  if (object.last_good) {
    const auto why = object.errors.empty() ? Reason::kNotReadable : object.errors.front().reason;
    return make("Degraded", Truth::kTrue, why,
                "what is written now is refused; the last good version is served");
  }
  return make("Degraded", Truth::kFalse, Reason::kNone, "");
}

}  // namespace

std::vector<Condition> conditions_of(const Facts& facts, const definitions::ObjectStatus& object,
                                     const Routers& routers) {
  const auto* refusal = refusal_of(facts, object.name);
  std::vector<Condition> out{accepted(object, refusal), ready(facts, object, refusal, routers),
                             degraded(facts, object, routers), conflict(refusal, routers)};
  for (auto& condition : out) condition.set_observed_generation(object.object_generation);
  return out;
}

void date_conditions(report::v1::VirtualIPReport& report, const report::v1::VirtualIPReport* before,
                     std::int64_t now_unix_ns) {
  for (auto& condition : *report.mutable_conditions()) {
    condition.set_last_transition_unix_ns(now_unix_ns);
    if (before == nullptr) continue;
    for (const auto& old : before->conditions()) {
      if (old.type() == condition.type() && old.status() == condition.status()) {
        condition.set_last_transition_unix_ns(old.last_transition_unix_ns());
      }
    }
  }
}

}  // namespace vipra::control
