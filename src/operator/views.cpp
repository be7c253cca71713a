#include "operator/views.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace vipra::cluster {
namespace {

constexpr std::size_t kMaxName = 253;

bool is_not_selected(const Said& said) {
  if (!said.routers.empty() || said.object == nullptr) return false;
  const auto& all = said.object->conditions;
  return std::any_of(all.begin(), all.end(), [](const auto& condition) {
    return condition.type == "Ready" && condition.reason == Reason::kNodeNotSelected;
  });
}

bool knows_a_state(const Said& said) {
  return said.routers.empty() ||
         std::any_of(said.routers.begin(), said.routers.end(),
                     [](const auto* router) { return router->state != State::kUnknown; });
}

std::string reason_text(Reason reason) {
  return reason == Reason::kNone ? "" : std::string{to_string(reason)};
}

std::string about_other_family(const RouterFact& lead, const RouterFact& other) {
  if (other.state == lead.state) return "";
  std::string text{to_string(other.family)};
  text.append(": ").append(to_string(other.state));
  if (other.reason != Reason::kNone) text.append(" (").append(to_string(other.reason)).append(")");
  if (!other.detail.empty()) text.append(" ").append(other.detail);
  return text;
}

void fill_told(const NodeView& view, NodeRow& row) {
  if (view.said.routers.empty()) {
    row.state = to_string(State::kInit);
    for (const char* type : {"Accepted", "Ready"}) {
      const auto* condition = view.condition(type);
      if (condition == nullptr || condition->status == "True") continue;
      row.reason = reason_text(condition->reason);
      row.message = truncated(condition->message, kMaxMessage);
      return;
    }
    return;
  }
  const RouterFact& lead = *view.said.routers.front();
  row.state = to_string(lead.state);
  row.priority = std::clamp(lead.priority, 0, 255);
  row.reason = reason_text(lead.reason);
  std::string message = lead.detail;
  for (const auto* other : view.said.routers) {
    const auto text = about_other_family(lead, *other);
    if (text.empty()) continue;
    if (!message.empty()) message += "; ";
    message += text;
  }
  row.message = truncated(message, kMaxMessage);
}

}  // namespace

Reports::Reports(const Input& input, const Options& options) : input_{input}, options_{options} {
  for (const auto& [name, node] : input.nodes) {
    presence_.emplace(name, judge(name, &node));
    if (node.facts == nullptr) continue;
    for (const auto& object : node.facts->virtual_ips) said_[object.name][name].object = &object;
    for (const auto& router : node.facts->routers) {
      for (const auto& object : router.virtual_ips) said_[object][name].routers.push_back(&router);
    }
  }
  for (auto& [object, nodes] : said_) {
    for (auto& [name, said] : nodes) {
      std::sort(said.routers.begin(), said.routers.end(), [](const auto* a, const auto* b) {
        return std::pair{a->family, a->virtual_router_id} < std::pair{b->family, b->virtual_router_id};
      });
    }
  }
}

Presence Reports::judge(const std::string& name, const NodeInput* node) const {
  Presence out;
  const bool connected = node != nullptr && node->connected;
  out.known = node != nullptr && node->facts != nullptr;
  out.left = input_.known_nodes && !input_.known_nodes->contains(name) && !connected;
  TimePoint deadline = input_.started + options_.unknown_after;
  if (node != nullptr) {
    deadline = connected && out.known ? node->heard + options_.silent_after
                                      : std::max(deadline, node->changed + options_.unknown_after);
  }
  out.silent = input_.now >= deadline;
  out.fresh = connected && out.known && !out.silent;
  if (!out.silent) out.deadline = deadline;
  return out;
}

const std::map<std::string_view, Said>& Reports::about(std::string_view object) const {
  static const std::map<std::string_view, Said> nothing;
  const auto found = said_.find(object);
  return found == said_.end() ? nothing : found->second;
}

Presence Reports::presence(std::string_view node) const {
  const auto found = presence_.find(node);
  return found == presence_.end() ? judge(std::string{node}, nullptr) : found->second;
}

const NodeInput* Reports::node(std::string_view name) const {
  const auto found = input_.nodes.find(std::string{name});
  return found == input_.nodes.end() ? nullptr : &found->second;
}

bool Reports::anybody_reports() const {
  return std::any_of(input_.nodes.begin(), input_.nodes.end(), [&](const auto& entry) {
    return presence(entry.first).fresh && entry.second.facts->knows_objects;
  });
}

const RouterFact* NodeView::router(Family family) const {
  const auto found = std::find_if(said.routers.begin(), said.routers.end(),
                                  [&](const auto* router) { return router->family == family; });
  return found == said.routers.end() ? nullptr : *found;
}

const ConditionFact* NodeView::condition(std::string_view type) const {
  if (said.object == nullptr) return nullptr;
  const auto& all = said.object->conditions;
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.type == type; });
  return found == all.end() ? nullptr : &*found;
}

Views views_of(const Object& object, const Status& before, const Input& input, const Options& options,
               const Reports& reports, ObjectMemory& memory) {
  Views out;
  const auto& said = reports.about(object.name);
  std::set<std::string_view> names;
  for (const auto& [name, what] : said) names.insert(name);
  for (const auto& row : before.nodes) names.insert(row.name);
  std::map<std::string, TimePoint> not_yet_told;

  for (const auto name : names) {
    const auto presence = reports.presence(name);
    if (presence.left || name.empty() || name.size() > kMaxName) continue;
    NodeView view;
    view.name = name;
    view.fresh = presence.fresh;
    view.before = before.node(name);
    if (const auto* node = reports.node(name); node != nullptr && node->facts != nullptr) {
      view.heard = node->heard;
      view.heard_unix = node->heard_unix;
    }
    const auto found = said.find(name);
    if (found != said.end()) view.said = found->second;
    if (is_not_selected(view.said)) {
      if (!presence.silent) out.not_selected.push_back(std::move(view));
      continue;
    }
    const bool knows_objects = presence.known && reports.node(name)->facts->knows_objects;
    if (knows_objects && found == said.end()) continue;  // it has no such object any more
    earliest(out.next, presence.deadline);
    if (presence.silent) {
      view.kind = NodeView::Kind::kSilent;
    } else if (!presence.known) {
      view.kind = NodeView::Kind::kHeld;
    } else if (!knows_objects || !knows_a_state(view.said)) {
      const auto remembered = memory.not_yet_told.find(view.name);
      const auto since = remembered == memory.not_yet_told.end() ? input.now : remembered->second;
      not_yet_told.emplace(view.name, since);
      const auto deadline = since + options.unknown_after;
      const bool hold = input.now < deadline;
      view.kind = hold ? NodeView::Kind::kHeld : NodeView::Kind::kVague;
      if (hold) earliest(out.next, deadline);
    }
    out.nodes.push_back(std::move(view));
  }
  memory.not_yet_told = std::move(not_yet_told);
  return out;
}

NodeRow row_of(const NodeView& view) {
  if (view.kind == NodeView::Kind::kHeld && view.before != nullptr) return *view.before;
  NodeRow row;
  row.name = view.name;
  switch (view.kind) {
    case NodeView::Kind::kTold:
      fill_told(view, row);
      break;
    case NodeView::Kind::kHeld:
    case NodeView::Kind::kVague:
      row.state = to_string(State::kUnknown);
      row.reason = to_string(Reason::kNotReporting);
      row.message = "the agent has not told vipra-control its state";
      break;
    case NodeView::Kind::kSilent:
      row.state = to_string(State::kUnknown);
      row.reason = to_string(Reason::kNotReporting);
      row.message = "the node no longer reports";
      row.last_report = view.heard_unix;
      if (!row.last_report && view.before != nullptr) row.last_report = view.before->last_report;
      break;
  }
  return row;
}

}  // namespace vipra::cluster
