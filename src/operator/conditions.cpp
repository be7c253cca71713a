#include "operator/conditions.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>

#include "vrrp/timers.hpp"

namespace vipra::cluster {
namespace {

constexpr const char* kTrue = "True";
constexpr const char* kFalse = "False";
constexpr const char* kUnknown = "Unknown";

Condition make(const char* type, const char* status, Reason reason, std::string message = {}) {
  Condition out;
  out.type = type;
  out.status = status;
  out.reason = to_string(reason);
  out.message = truncated(message, kMaxMessage);
  return out;
}

bool counts(const NodeView& view) {
  return view.kind == NodeView::Kind::kTold && view.said.object != nullptr;
}

// The newest version of the object that a node has judged.
std::int64_t observed_generation(const Judgement& j) {
  std::int64_t newest = 0;
  for (const auto* views : {&j.views.nodes, &j.views.not_selected}) {
    for (const auto& view : *views) {
      if (counts(view)) newest = std::max(newest, view.said.object->object_generation);
    }
  }
  if (newest > 0) return std::min(newest, j.object.generation);
  const auto* accepted = j.before.condition("Accepted");
  return accepted == nullptr ? 0 : accepted->observed_generation;
}

// Every node's word on one condition, as "node: message (and N more nodes)".
Condition first_of(const std::vector<std::pair<const NodeView*, const ConditionFact*>>& found,
                   const char* type, const char* status) {
  const auto& [view, fact] = found.front();
  std::string message = view->name + ": " + fact->message;
  if (found.size() > 1) {
    message = truncated(message, kMaxMessage - 64);
    message += " (and " + std::to_string(found.size() - 1) + " more nodes)";
  }
  return make(type, status, fact->reason, std::move(message));
}

Condition accepted(const Judgement& j, std::int64_t generation) {
  std::vector<std::pair<const NodeView*, const ConditionFact*>> refused;
  bool judged = false;
  for (const auto* views : {&j.views.nodes, &j.views.not_selected}) {
    for (const auto& view : *views) {
      const auto* fact = counts(view) ? view.condition("Accepted") : nullptr;
      if (fact == nullptr || view.said.object->object_generation < generation) continue;
      judged = true;
      if (fact->status == kFalse) refused.emplace_back(&view, fact);
    }
  }
  if (!refused.empty()) return first_of(refused, "Accepted", kFalse);
  if (judged) return make("Accepted", kTrue, Reason::kAccepted);
  if (const auto* before = j.before.condition("Accepted")) return *before;
  return make("Accepted", kUnknown, Reason::kNotJudged, "no node has judged this version yet");
}

std::string list(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out.append(out.empty() ? "" : ", ").append(item);
  return out;
}

std::string claimants(const Judgement& j) {
  std::vector<std::string> names;
  for (const auto& view : j.views.nodes) {
    const auto& routers = view.said.routers;
    const bool says_so =
        view.kind == NodeView::Kind::kTold && view.fresh &&
        std::any_of(routers.begin(), routers.end(), [](const auto* r) { return r->state == State::kMaster; });
    if (says_so) names.push_back(view.name);
  }
  return list(names);
}

std::string families(const Ownership& ownership) {
  std::vector<std::string> parts;
  for (const auto& family : ownership.families) {
    parts.push_back(std::string{to_string(family.family)} + ": " +
                    (family.owner.empty() ? "nobody" : family.owner));
  }
  return list(parts);
}

// What all three of AddressAssigned, Announced and Ready stand on.
Condition ownership_condition(const Judgement& j, const char* type) {
  if (!j.settled) {
    if (const auto* before = j.before.condition(type)) return *before;
    return make(type, kUnknown, Reason::kElectionUnderWay, "an election may still be under way");
  }
  const auto& o = j.ownership;
  if (o.two) return make(type, kFalse, Reason::kTwoOwners, "all of these say that they are: " + claimants(j));
  if (o.none && (!j.reporting || !j.views.nodes.empty())) {
    const bool all_silent = std::all_of(j.views.nodes.begin(), j.views.nodes.end(),
                                        [](const auto& view) { return view.kind != NodeView::Kind::kTold; });
    if (all_silent) return make(type, kUnknown, Reason::kNotReporting, "no node reports");
    return make(type, kFalse, Reason::kNoOwner, "no node owns the addresses");
  }
  if (o.none) return make(type, kFalse, Reason::kNoNode, "no node takes part");
  if (o.unverified)
    return make(type, kUnknown, Reason::kNotReporting, "the owner no longer reports: " + families(o));
  if (o.split) return make(type, kFalse, Reason::kFamiliesSplit, families(o));
  return make(type, kTrue, Reason::kOwned);
}

Condition address_assigned(const Judgement& j) {
  auto out = ownership_condition(j, "AddressAssigned");
  // With an owner for each family it does not matter here that there are two owners, or different ones.
  const bool owned = !j.ownership.none && !j.ownership.unverified && j.settled;
  if (!owned || (out.status != kTrue && out.reason != to_string(Reason::kTwoOwners))) return out;
  if (j.missing.empty()) return make("AddressAssigned", kTrue, Reason::kOwned);
  return make("AddressAssigned", kFalse, Reason::kAddressMissing, "not on its owner: " + list(j.missing));
}

Condition ready(const Judgement& j, const Condition& assigned) {
  auto out = ownership_condition(j, "Ready");
  if (out.status == kTrue && assigned.status != kTrue) {
    out = assigned;
    out.type = "Ready";
  }
  return out;
}

// Two nodes whose priorities, as defined, are so close that both would take over after a crash of a third, or
// when a segment comes up for both at once. Only here are all of them known.
std::string priority_gap(const Judgement& j) {
  struct Stands {
    const std::string* node;
    const RouterFact* router;
  };
  std::map<Family, std::vector<Stands>> all;
  for (const auto& view : j.views.nodes) {
    if (view.kind != NodeView::Kind::kTold) continue;
    for (const auto* router : view.said.routers) {
      if (router->base_priority > 0 && !router->follows) all[router->family].push_back({&view.name, router});
    }
  }
  for (auto& [family, stands] : all) {
    std::stable_sort(stands.begin(), stands.end(), [](const Stands& a, const Stands& b) {
      return a.router->base_priority > b.router->base_priority;
    });
    for (std::size_t i = 1; i < stands.size(); ++i) {
      const auto& a = stands[i - 1];
      const auto& b = stands[i];
      const auto interval = std::min(a.router->interval, b.router->interval);
      const int one = a.router->base_priority;
      const int other = b.router->base_priority;
      if (interval <= Duration{} || !vrrp::are_too_close(one, other, interval)) continue;
      const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(interval).count();
      return *a.node + " (" + std::to_string(one) + ") and " + *b.node + " (" + std::to_string(other) +
             ") have priorities that differ by " + std::to_string(one - other) + ": with an interval of " +
             std::to_string(milliseconds) + "ms they take over at the same time unless they differ by " +
             std::to_string(vrrp::least_priority_gap(interval));
    }
  }
  return {};
}

Condition degraded(const Judgement& j) {
  using Found = std::vector<std::pair<const NodeView*, const ConditionFact*>>;
  Found complaints;
  Found close;  // what a node says of the two that it knows
  std::vector<std::string> silent, faulty;
  for (const auto& view : j.views.nodes) {
    if (view.kind == NodeView::Kind::kSilent || view.kind == NodeView::Kind::kVague) {
      silent.push_back(view.name);
      continue;
    }
    if (view.kind != NodeView::Kind::kTold) continue;
    const auto* fact = view.condition("Degraded");
    if (fact != nullptr && fact->status == kTrue)
      (fact->reason == Reason::kPriorityGap ? close : complaints).emplace_back(&view, fact);
    for (const auto* router : view.said.routers) {
      if (router->state == State::kFault && (faulty.empty() || faulty.back() != view.name))
        faulty.push_back(view.name);
    }
  }
  if (j.settled && j.ownership.split) {
    return make("Degraded", kTrue, Reason::kFamiliesSplit, families(j.ownership));
  }
  if (!faulty.empty()) {
    const auto& view = *std::find_if(j.views.nodes.begin(), j.views.nodes.end(),
                                     [&](const auto& v) { return v.name == faulty.front(); });
    const auto& routers = view.said.routers;
    const auto* router = *std::find_if(routers.begin(), routers.end(),
                                       [](const auto* r) { return r->state == State::kFault; });
    std::string message = view.name + ": " + router->detail;
    if (faulty.size() > 1) message += " (and " + std::to_string(faulty.size() - 1) + " more nodes)";
    return make("Degraded", kTrue, router->reason, std::move(message));
  }
  if (!complaints.empty()) return first_of(complaints, "Degraded", kTrue);
  if (!silent.empty()) return make("Degraded", kTrue, Reason::kNotReporting, "silent: " + list(silent));
  if (auto gap = priority_gap(j); !gap.empty())
    return make("Degraded", kTrue, Reason::kPriorityGap, std::move(gap));
  if (!close.empty()) return first_of(close, "Degraded", kTrue);
  if (!j.reporting) {
    if (const auto* before = j.before.condition("Degraded")) return *before;
    return make("Degraded", kUnknown, Reason::kNotReporting, "no node reports");
  }
  return make("Degraded", kFalse, Reason::kAsExpected);
}

Condition conflict(const Judgement& j) {
  if (j.settled && j.ownership.two)
    return make("Conflict", kTrue, Reason::kTwoOwners, "all of these own addresses: " + claimants(j));
  std::vector<std::pair<const NodeView*, const ConditionFact*>> found;
  for (const auto& view : j.views.nodes) {
    const auto* fact = counts(view) ? view.condition("Conflict") : nullptr;
    if (fact != nullptr && fact->status == kTrue) found.emplace_back(&view, fact);
  }
  if (!found.empty()) return first_of(found, "Conflict", kTrue);
  if (!j.reporting) {
    if (const auto* before = j.before.condition("Conflict")) return *before;
    return make("Conflict", kUnknown, Reason::kNotReporting, "no node reports");
  }
  return make("Conflict", kFalse, Reason::kAsExpected);
}

}  // namespace

std::vector<Condition> conditions_of(const Judgement& j, std::int64_t now_unix) {
  const auto generation = observed_generation(j);
  const auto assigned = address_assigned(j);
  auto announced = ownership_condition(j, "Announced");
  if (announced.status == kTrue && assigned.status != kTrue) {
    announced = assigned;
    announced.type = "Announced";
  }
  std::vector<Condition> out{accepted(j, generation), assigned,    std::move(announced),
                             ready(j, assigned),      degraded(j), conflict(j)};
  for (auto& condition : out) {
    condition.observed_generation = generation;
    condition.last_transition = now_unix;
    const auto* before = j.before.condition(condition.type);
    if (before != nullptr && before->status == condition.status)
      condition.last_transition = before->last_transition;
  }
  return out;
}

}  // namespace vipra::cluster
