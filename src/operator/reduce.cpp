#include "operator/reduce.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>
#include <utility>

#include "operator/conditions.hpp"
#include "operator/ownership.hpp"
#include "operator/views.hpp"

namespace vipra::cluster {
namespace {

constexpr double kEventBurst = 10;
constexpr Duration kEventRefill = std::chrono::seconds{30};
constexpr Duration kDefaultElection = std::chrono::seconds{4};  // of nodes that do not tell: 1 s x 3

// The longest election of an object's routers, and the margin.
Duration bound_of(const Views& views, const Options& options) {
  Duration longest{};
  for (const auto& view : views.nodes) {
    for (const auto* router : view.said.routers) {
      const auto misses = std::clamp(router->misses, 0, 100);
      longest = std::max(longest,
                         std::clamp<Duration>(router->interval, {}, std::chrono::minutes{1}) * (misses + 1));
    }
  }
  return (longest == Duration{} ? kDefaultElection : longest) + options.margin;
}

// Whether it has been so for longer than the bound.
class Lasting {
 public:
  Lasting(TimePoint now, Duration bound, std::optional<TimePoint>& next)
      : now_{now}, bound_{bound}, next_{next} {}

  bool operator()(bool is_so, std::optional<TimePoint>& since) {
    if (!is_so) {
      since.reset();
      return false;
    }
    if (!since) since = now_;
    if (now_ - *since >= bound_) return true;
    earliest(next_, *since + bound_);
    under_way_ = true;
    return false;
  }
  [[nodiscard]] bool under_way() const { return under_way_; }

 private:
  TimePoint now_;
  Duration bound_;
  std::optional<TimePoint>& next_;
  bool under_way_ = false;
};

void split_addresses(const Object& object, const Status& before, const Ownership& ownership,
                     std::vector<std::string>& present, std::vector<std::string>& missing) {
  for (const auto& text : object.addresses) {
    const auto address = IpAddress::parse(text);
    if (!address || present.size() == kMaxAddresses) continue;
    const auto family = std::find_if(ownership.families.begin(), ownership.families.end(),
                                     [&](const auto& f) { return f.family == address->family(); });
    if (family == ownership.families.end() || family->owner.empty()) continue;
    if (family->fact == nullptr) {  // what was there is taken to be there still
      const auto& old = before.addresses;
      if (std::find(old.begin(), old.end(), text) != old.end()) present.push_back(text);
      continue;
    }
    const auto& facts = family->fact->addresses;
    const bool there = std::any_of(facts.begin(), facts.end(), [&](const auto& fact) {
      return fact.present && fact.address == text && fact.virtual_ip == object.name;
    });
    (there ? present : missing).push_back(text);
  }
}

int importance(const NodeRow& row, const Ownership& ownership) {
  const bool owner = std::any_of(ownership.rows.begin(), ownership.rows.end(),
                                 [&](const auto& router) { return router.owner == row.name; });
  if (owner || row.state == to_string(State::kMaster)) return 0;
  return row.state == to_string(State::kBackup) ? 2 : 1;
}

std::vector<NodeRow> rows_of(const Views& views, const Ownership& ownership) {
  std::vector<NodeRow> rows;
  for (const auto& view : views.nodes) rows.push_back(row_of(view));
  if (rows.size() > kMaxNodeRows) {
    std::stable_sort(rows.begin(), rows.end(), [&](const auto& a, const auto& b) {
      return importance(a, ownership) < importance(b, ownership);
    });
    rows.resize(kMaxNodeRows);
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }
  return rows;
}

const RouterRow* row_of_owner(const std::vector<RouterRow>& rows, const std::string& owner) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const auto& row) { return !owner.empty() && row.owner == owner; });
  return found == rows.end() ? nullptr : &*found;
}

// That nobody claims to be the owner means something.
bool somebody_can_tell(const Judgement& j) {
  const auto& nodes = j.views.nodes;
  return j.reporting && (nodes.empty() || std::any_of(nodes.begin(), nodes.end(), [](const auto& view) {
                           return view.kind == NodeView::Kind::kTold;
                         }));
}

struct Alarms {
  bool none = false, two = false, split = false, under_way = false;
};

std::pair<const char*, std::string> state_of(const Judgement& j, const Alarms& alarms,
                                             const Condition& accepted) {
  const auto text = [](Reason reason) { return std::string{to_string(reason)}; };
  const auto& o = j.ownership;
  const bool runs = std::any_of(j.views.nodes.begin(), j.views.nodes.end(),
                                [](const auto& view) { return !view.said.routers.empty(); });
  const bool told = std::any_of(j.views.nodes.begin(), j.views.nodes.end(), [](const auto& view) {
    return view.kind == NodeView::Kind::kTold || view.kind == NodeView::Kind::kHeld;
  });
  if (o.none && !runs && accepted.status == "False") return {"Refused", accepted.reason};
  if (alarms.two) return {"TwoOwners", text(Reason::kTwoOwners)};
  if (!o.owner.empty()) {
    if (o.unverified) return {"Unknown", text(Reason::kNotReporting)};
    return {"Owned", row_of_owner(o.rows, o.owner)->reason};
  }
  if (!j.reporting || (!j.views.nodes.empty() && !told)) return {"Unknown", text(Reason::kNotReporting)};
  if (o.none && alarms.none)
    return {"NoOwner", text(j.views.nodes.empty() ? Reason::kNoNode : Reason::kNoOwner)};
  if (o.split && alarms.split) return {"Split", text(Reason::kFamiliesSplit)};
  return {"Electing", text(Reason::kElectionUnderWay)};
}

class Reduction {
 public:
  Reduction(const Input& input, const Options& options, Memory& memory)
      : input_{input}, options_{options}, memory_{memory}, reports_{input, options} {}

  Output run() {
    auto old = std::move(memory_.objects);
    memory_.objects.clear();
    for (const auto& object : input_.objects) {
      if (object.deleting) continue;
      auto& memory = memory_.objects[object.uid];
      if (const auto found = old.find(object.uid); found != old.end()) memory = std::move(found->second);
      if (!std::exchange(memory.begun, true)) {
        memory.status = object.status;
        memory.event_tokens = kEventBurst;
        memory.event_refill = input_.now;
      }
      judge(object, memory);
    }
    std::sort(out_.decisions.begin(), out_.decisions.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    std::sort(out_.metrics.objects.begin(), out_.metrics.objects.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    std::sort(out_.events.begin(), out_.events.end(), [](const auto& a, const auto& b) {
      return std::tie(a.object, a.message) < std::tie(b.object, b.message);
    });
    for (const auto& [name, node] : input_.nodes)
      out_.metrics.nodes_reporting += reports_.presence(name).fresh;
    out_.metrics.nodes_silent = static_cast<int>(silent_.size());
    out_.metrics.events_suppressed = memory_.events_suppressed;
    return std::move(out_);
  }

 private:
  void judge(const Object& object, ObjectMemory& memory) {
    const Status before = memory.status;
    const auto views = views_of(object, before, input_, options_, reports_, memory);
    earliest(out_.next, views.next);
    for (const auto& view : views.nodes) {
      if (view.kind == NodeView::Kind::kSilent) silent_.insert(view.name);
    }
    const auto ownership = ownership_of(object, before, views, input_, memory);

    Judgement j{object, before, views, ownership, {}, true, reports_.anybody_reports()};
    Status status;
    split_addresses(object, before, ownership, status.addresses, j.missing);
    Lasting lasting{input_.now, bound_of(views, options_), out_.next};
    Alarms alarms;
    alarms.none = lasting(ownership.none && somebody_can_tell(j), memory.no_owner);
    alarms.two = lasting(ownership.two, memory.two_owners);
    alarms.split = lasting(ownership.split, memory.split);
    (void)lasting(!j.missing.empty(), memory.address_missing);
    const bool all_known = std::none_of(views.nodes.begin(), views.nodes.end(),
                                        [](const auto& view) { return view.kind == NodeView::Kind::kHeld; });
    j.settled = all_known && !lasting.under_way();

    status.routers = ownership.rows;
    if (!alarms.two) status.owner = ownership.owner;
    if (const auto* row = row_of_owner(status.routers, status.owner)) status.owner_since = row->since;
    status.conditions = conditions_of(j, input_.now_unix);
    const auto [state, reason] = state_of(j, alarms, status.conditions.front());
    status.state = state;
    status.reason = truncated(reason, 64);
    status.nodes = rows_of(views, ownership);
    if (same_but_for_numbers_in_messages(before, status)) status = before;

    if (!status.owner.empty() && status.owner != last_owner(memory, before)) ++memory.owner_changes;
    tell_events(object, before, status, memory);
    tell_metrics(object, ownership, alarms, status, memory);
    if (!status.owner.empty()) memory.last_owner = status.owner;
    memory.status = status;
    out_.decisions.push_back({object.name, object.uid, std::move(status)});
  }

  static const std::string& last_owner(const ObjectMemory& memory, const Status& before) {
    return memory.last_owner.empty() ? before.owner : memory.last_owner;
  }

  void tell_events(const Object& object, const Status& before, const Status& status, ObjectMemory& memory) {
    const auto& old_owner = last_owner(memory, before);
    const bool was_alarm = before.state == "NoOwner" || before.state == "TwoOwners" ||
                           before.state == "Split" || before.state == "Refused";
    const auto* ready = status.condition("Ready");
    if (status.state == "Owned" && status.owner != old_owner) {
      std::string message = status.owner + " owns the addresses (" + status.reason + ")";
      if (!old_owner.empty()) message += "; before: " + old_owner;
      tell(object, false, Reason::kOwned, std::move(message), memory);
    } else if (status.state == "Owned" && was_alarm) {
      tell(object, false, Reason::kOwned, status.owner + " owns the addresses again", memory);
    }
    if (status.state == before.state) return;
    const std::string why = ready == nullptr ? "" : ready->message;
    if (status.state == "NoOwner") {
      const bool nobody = status.reason == to_string(Reason::kNoNode);
      tell(object, true, nobody ? Reason::kNoNode : Reason::kNoOwner, why, memory);
    } else if (status.state == "TwoOwners") {
      tell(object, true, Reason::kTwoOwners, why, memory);
    } else if (status.state == "Split") {
      tell(object, true, Reason::kFamiliesSplit, why, memory);
    } else if (status.state == "Refused") {
      tell(object, true, Reason::kRuleViolated, status.conditions.front().message, memory, status.reason);
    }
  }

  void tell(const Object& object, bool warning, Reason reason, std::string message, ObjectMemory& memory,
            const std::string& reason_name = {}) {
    const auto refills = static_cast<double>((input_.now - memory.event_refill) / kEventRefill);
    if (refills >= 1) {
      memory.event_tokens = std::min(kEventBurst, memory.event_tokens + refills);
      memory.event_refill = input_.now;
    }
    if (memory.event_tokens < 1) {
      ++memory_.events_suppressed;
      return;
    }
    memory.event_tokens -= 1;
    for (const auto known : kAllReasonValues) {
      if (to_string(known) == reason_name) reason = known;
    }
    out_.events.push_back({object.name, object.uid, warning, reason, truncated(message, kMaxMessage)});
  }

  void tell_metrics(const Object& object, const Ownership& ownership, const Alarms& alarms,
                    const Status& status, const ObjectMemory& memory) {
    ObjectMetrics item;
    item.name = object.name;
    item.owner = status.owner;
    item.owners = ownership.claimants;
    item.no_owner = alarms.none;
    item.two_owners = alarms.two;
    const auto* ready = status.condition("Ready");
    item.ready = ready != nullptr && ready->status == "True";
    item.owner_changes = memory.owner_changes;
    out_.metrics.objects.push_back(std::move(item));
  }

  const Input& input_;
  const Options& options_;
  Memory& memory_;
  Reports reports_;
  Output out_;
  std::set<std::string> silent_;
};

}  // namespace

Memory begin_to_lead(const Memory& watched) {
  Memory out;
  for (const auto& [uid, object] : watched.objects) out.objects[uid].claims = object.claims;
  return out;
}

Output reduce(const Input& input, const Options& options, Memory& memory) {
  return Reduction{input, options, memory}.run();
}

std::string apply_body(const std::string& name, const std::string& uid, const std::string& resource_version,
                       const Status& status) {
  nlohmann::json metadata{{"name", name}, {"uid", uid}};
  if (!resource_version.empty()) metadata["resourceVersion"] = resource_version;
  const nlohmann::json body{{"apiVersion", "vipra.dev/v1alpha1"},
                            {"kind", "VirtualIP"},
                            {"metadata", std::move(metadata)},
                            {"status", to_json(status)}};
  // Whatever a node wrote: the body is UTF-8.
  return body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace vipra::cluster
