#include "operator/ownership.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace vipra::cluster {
namespace {

using Key = std::pair<Family, int>;
constexpr std::int64_t kNanoseconds = 1'000'000'000;
// A node tells its time of transition with every report; a clock that was set meanwhile is no new transition.
constexpr std::int64_t kSameSince = 2;

std::string claim_name(Family family, const std::string& node) {
  return std::string{to_string(family)} + '/' + node;
}

const RouterFact* router_of(const NodeView& view, const Key& key) {
  if (view.kind != NodeView::Kind::kTold) return nullptr;
  const auto& routers = view.said.routers;
  const auto found = std::find_if(routers.begin(), routers.end(), [&](const auto* router) {
    return Key{router->family, router->virtual_router_id} == key;
  });
  return found == routers.end() ? nullptr : *found;
}

const RouterRow* row_of(const Status& status, const Key& key) {
  const auto found = std::find_if(status.routers.begin(), status.routers.end(), [&](const auto& row) {
    return Key{row.family, row.virtual_router_id} == key;
  });
  return found == status.routers.end() ? nullptr : &*found;
}

bool owned_before(const Status& before, const std::string& node, Family family) {
  return std::any_of(before.routers.begin(), before.routers.end(),
                     [&](const auto& row) { return row.family == family && row.owner == node; });
}

bool has_owner(const Status& before, Family family) {
  return std::any_of(before.routers.begin(), before.routers.end(),
                     [&](const auto& row) { return row.family == family && !row.owner.empty(); });
}

struct Claim {
  const NodeView* view = nullptr;
  const RouterFact* fact = nullptr;  // null: held from before
  TimePoint first_seen{};

  [[nodiscard]] bool live() const { return view->fresh && fact != nullptr; }
  // The newest claim wins: an owner that crashed never takes its own back.
  [[nodiscard]] auto rank() const {
    return std::tuple{live(), first_seen, fact == nullptr ? 0 : fact->since_unix_ns, view->name};
  }
};

class Judge {
 public:
  Judge(const Status& before, const Views& views, const Input& input, ObjectMemory& memory)
      : before_{before}, views_{views}, input_{input}, memory_{memory}, first_time_{memory.claims.empty()} {}

  std::set<Key> keys() const {
    std::set<Key> told;
    for (const auto& view : views_.nodes) {
      if (view.kind != NodeView::Kind::kTold) continue;
      for (const auto* router : view.said.routers) told.emplace(router->family, router->virtual_router_id);
    }
    if (told.empty()) {
      for (const auto& row : before_.routers) told.emplace(row.family, row.virtual_router_id);
    }
    while (told.size() > kMaxRouterRows) told.erase(std::prev(told.end()));
    return told;
  }

  // Of one router, the best first.
  std::vector<Claim> claims(const Key& key) {
    std::vector<Claim> out;
    for (const auto& view : views_.nodes) {
      const auto* fact = router_of(view, key);
      const bool says_so = fact != nullptr && fact->state == State::kMaster;
      const auto* row = row_of(before_, key);
      const bool held = view.kind == NodeView::Kind::kHeld && row != nullptr && row->owner == view.name;
      if (says_so || held) out.push_back({&view, fact, first_seen(key.first, view)});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.rank() > b.rank(); });
    return out;
  }

  // The owner of before does not report. Somebody who hears it, or nobody to ask: then it still is the owner.
  bool silent_owner_stays(const Key& key, const std::string& owner) const {
    bool is_silent = false, asked = false, heard = false;
    for (const auto& view : views_.nodes) {
      const bool unknown = view.kind == NodeView::Kind::kSilent || view.kind == NodeView::Kind::kVague;
      if (view.name == owner) is_silent = unknown;
      if (const auto* fact = router_of(view, key)) {
        asked = true;
        heard = heard || fact->state == State::kBackup;
      }
    }
    return is_silent && (heard || !asked);
  }

  // Forgets the claims that nobody makes any more.
  void finish() { memory_.claims = std::move(seen_); }

 private:
  TimePoint first_seen(Family family, const NodeView& view) {
    const auto name = claim_name(family, view.name);
    auto at = view.kind == NodeView::Kind::kTold ? view.heard : input_.now;
    if (const auto found = memory_.claims.find(name); found != memory_.claims.end()) {
      at = found->second.first_seen;
    } else if (first_time_ && has_owner(before_, family) && !owned_before(before_, view.name, family)) {
      at = TimePoint::min();  // a new leader changes nothing between two that were there before it
    }
    seen_[name] = {at};
    return at;
  }

  const Status& before_;
  const Views& views_;
  const Input& input_;
  ObjectMemory& memory_;
  bool first_time_;
  std::map<std::string, ObjectMemory::Claim> seen_;
};

std::optional<std::int64_t> since_of(const Claim& claim, const RouterRow* before) {
  const bool same = before != nullptr && before->owner == claim.view->name && before->since;
  if (claim.fact == nullptr) return same ? before->since : std::nullopt;
  const auto since = claim.fact->since_unix_ns / kNanoseconds;
  if (same && std::abs(*before->since - since) <= kSameSince) return before->since;
  return since;
}

RouterRow make_row(const Key& key, const std::vector<Claim>& claims, const RouterRow* before,
                   bool silent_owner) {
  RouterRow row;
  row.family = key.first;
  row.virtual_router_id = key.second;
  if (!claims.empty()) {
    row.owner = claims.front().view->name;
    row.since = since_of(claims.front(), before);
    if (claims.front().fact != nullptr) {
      row.reason = to_string(claims.front().fact->reason);
    } else if (before != nullptr) {
      row.reason = before->reason;
    }
  } else if (silent_owner) {
    row.owner = before->owner;
    row.since = before->since;
    row.reason = before->reason;
  }
  return row;
}

// Nodes that must be masters at the same time: all that have reported after the newest of them began. An
// owner that has crashed never does, although its stream may not have been found dead yet.
int concurrent(const std::vector<Claim>& claims) {
  std::set<std::string_view> nodes;
  TimePoint newest = TimePoint::min();
  for (const auto& claim : claims) {
    if (claim.live()) newest = std::max(newest, claim.first_seen);
  }
  for (const auto& claim : claims) {
    if (claim.live() && claim.view->heard >= newest) nodes.insert(claim.view->name);
  }
  return claims.empty() ? 0 : std::max(1, static_cast<int>(nodes.size()));
}

void sum_up(Ownership& out) {
  std::size_t owned = 0;
  std::set<std::string> owners;
  for (const auto& family : out.families) {
    out.claimants = std::max(out.claimants, family.claimants);
    out.two = out.two || family.claimants > 1;
    if (family.owner.empty()) continue;
    ++owned;
    owners.insert(family.owner);
    out.unverified = out.unverified || !family.verified;
  }
  out.none = owned == 0;
  if (!out.none && owned == out.families.size() && owners.size() == 1) out.owner = *owners.begin();
  out.split = !out.none && out.owner.empty();
}

}  // namespace

Ownership ownership_of(const Object& object, const Status& before, const Views& views, const Input& input,
                       ObjectMemory& memory) {
  Ownership out;
  Judge judge{before, views, input, memory};
  std::map<Family, std::vector<Claim>> by_family;
  std::map<Family, std::string> silent;
  for (const auto& text : object.addresses) {
    if (const auto address = IpAddress::parse(text)) by_family[address->family()];
  }
  for (const auto& key : judge.keys()) {
    const auto claims = judge.claims(key);
    const auto* row = row_of(before, key);
    const bool silent_owner =
        claims.empty() && row != nullptr && !row->owner.empty() && judge.silent_owner_stays(key, row->owner);
    out.rows.push_back(make_row(key, claims, row, silent_owner));
    auto& of_family = by_family[key.first];
    of_family.insert(of_family.end(), claims.begin(), claims.end());
    if (silent_owner) silent[key.first] = row->owner;
  }
  judge.finish();
  for (auto& [family, claims] : by_family) {
    std::sort(claims.begin(), claims.end(), [](const auto& a, const auto& b) { return a.rank() > b.rank(); });
    FamilyOwner item;
    item.family = family;
    item.claimants = concurrent(claims);
    if (!claims.empty()) {
      item.owner = claims.front().view->name;
      item.fact = claims.front().fact;
      item.verified = true;
    } else if (const auto found = silent.find(family); found != silent.end()) {
      item.owner = found->second;
    }
    out.families.push_back(std::move(item));
  }
  sum_up(out);
  return out;
}

}  // namespace vipra::cluster
