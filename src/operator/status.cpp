#include "operator/status.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/utc.hpp"

namespace vipra::cluster {
namespace {

using nlohmann::json;

void put(json& out, const char* key, const std::string& value) {
  if (!value.empty()) out[key] = value;
}

void put_time(json& out, const char* key, const std::optional<std::int64_t>& value) {
  if (value) out[key] = utc_text(*value);
}

std::string text_of(const json& from, const char* key, std::size_t max = kMaxMessage) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_string()) return {};
  return truncated(found->get_ref<const std::string&>(), max);
}

std::optional<std::int64_t> number_of(const json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::optional<std::int64_t> time_of(const json& from, const char* key) {
  return parse_time(text_of(from, key, 64));
}

// Calls `read` with the objects of a list, at most `max` of them.
template <class Read>
void each(const json& from, const char* key, std::size_t max, const Read& read) {
  const auto found = from.find(key);
  if (found == from.end() || !found->is_array()) return;
  for (const auto& item : *found) {
    if (max-- == 0) return;
    read(item);
  }
}

RouterRow router_of(const json& item) {
  RouterRow row;
  row.family = text_of(item, "family") == to_string(Family::kIpv6) ? Family::kIpv6 : Family::kIpv4;
  row.virtual_router_id =
      static_cast<int>(std::clamp<std::int64_t>(number_of(item, "virtualRouterID").value_or(0), 0, 255));
  row.owner = text_of(item, "owner");
  row.since = time_of(item, "ownerSince");
  row.reason = text_of(item, "reason");
  return row;
}

Condition condition_of(const json& item) {
  Condition out;
  out.type = text_of(item, "type");
  out.status = text_of(item, "status");
  out.observed_generation = number_of(item, "observedGeneration").value_or(0);
  out.last_transition = time_of(item, "lastTransitionTime").value_or(0);
  out.reason = text_of(item, "reason");
  out.message = text_of(item, "message");
  return out;
}

NodeRow node_of(const json& item) {
  NodeRow row;
  row.name = text_of(item, "name");
  row.state = text_of(item, "state");
  if (const auto priority = number_of(item, "priority"))
    row.priority = static_cast<int>(std::clamp<std::int64_t>(*priority, 0, 255));
  row.reason = text_of(item, "reason");
  row.message = text_of(item, "message");
  row.last_report = time_of(item, "lastReport");
  return row;
}

json to_json(const RouterRow& row) {
  json out{{"family", to_string(row.family)}, {"virtualRouterID", row.virtual_router_id}};
  put(out, "owner", row.owner);
  put_time(out, "ownerSince", row.since);
  put(out, "reason", row.reason);
  return out;
}

json to_json(const Condition& condition) {
  return {{"type", condition.type},
          {"status", condition.status},
          {"observedGeneration", condition.observed_generation},
          {"lastTransitionTime", utc_text(condition.last_transition)},
          {"reason", condition.reason},
          {"message", condition.message}};
}

json to_json(const NodeRow& row) {
  json out{{"name", row.name}};
  put(out, "state", row.state);
  if (row.priority) out["priority"] = *row.priority;
  put(out, "reason", row.reason);
  put(out, "message", row.message);
  put_time(out, "lastReport", row.last_report);
  return out;
}

template <class Row>
void put_rows(json& out, const char* key, const std::vector<Row>& rows) {
  if (rows.empty()) return;
  auto& list = out[key] = json::array();
  for (const auto& row : rows) list.push_back(to_json(row));
}

std::string without_numbers(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) out += c;
    if (digit && (out.empty() || out.back() != '#')) out += '#';
  }
  return out;
}

// "dd" at `at`, or -1.
int two_digits(std::string_view text, std::size_t at) {
  int value = -1;
  const auto* first = text.data() + at;
  const auto [end, error] = std::from_chars(first, first + 2, value);
  return error == std::errc{} && end == first + 2 ? value : -1;
}

}  // namespace

const Condition* Status::condition(std::string_view type) const {
  const auto found =
      std::find_if(conditions.begin(), conditions.end(), [&](const auto& c) { return c.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

const NodeRow* Status::node(std::string_view name) const {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const auto& row) { return row.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

json to_json(const Status& status) {
  json out = json::object();
  put(out, "owner", status.owner);
  put_time(out, "ownerSince", status.owner_since);
  put(out, "state", status.state);
  put(out, "reason", status.reason);
  if (!status.addresses.empty()) out["addresses"] = status.addresses;
  put_rows(out, "routers", status.routers);
  put_rows(out, "conditions", status.conditions);
  put_rows(out, "nodes", status.nodes);
  return out;
}

Status status_from_json(const json& from) {
  Status out;
  if (!from.is_object()) return out;
  out.owner = text_of(from, "owner");
  out.owner_since = time_of(from, "ownerSince");
  out.state = text_of(from, "state");
  out.reason = text_of(from, "reason");
  each(from, "addresses", kMaxAddresses, [&](const json& item) {
    if (item.is_string()) out.addresses.push_back(truncated(item.get_ref<const std::string&>(), 64));
  });
  each(from, "routers", kMaxRouterRows, [&](const json& item) {
    if (item.is_object()) out.routers.push_back(router_of(item));
  });
  each(from, "conditions", 16, [&](const json& item) {
    if (item.is_object()) out.conditions.push_back(condition_of(item));
  });
  each(from, "nodes", kMaxNodeRows, [&](const json& item) {
    if (item.is_object()) out.nodes.push_back(node_of(item));
  });
  return out;
}

bool same_but_for_numbers_in_messages(const Status& a, const Status& b) {
  const auto masked = [](Status status) {
    for (auto& condition : status.conditions) condition.message = without_numbers(condition.message);
    for (auto& row : status.nodes) row.message = without_numbers(row.message);
    return status;
  };
  return a == b || masked(a) == masked(b);
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  using namespace std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  if (text.size() > 20 && (text[19] != '.' || text.find_first_not_of("0123456789", 20) != text.size() - 1))
    return std::nullopt;
  const int century = two_digits(text, 0), years = two_digits(text, 2), months = two_digits(text, 5);
  const int day_of_month = two_digits(text, 8), hours_ = two_digits(text, 11),
            minutes_ = two_digits(text, 14);
  const int seconds_ = two_digits(text, 17);
  if (std::min({century, years, months, day_of_month, hours_, minutes_, seconds_}) < 0 || hours_ > 23 ||
      minutes_ > 59 || seconds_ > 60) {
    return std::nullopt;
  }
  const year_month_day date{year{century * 100 + years}, month{static_cast<unsigned>(months)},
                            day{static_cast<unsigned>(day_of_month)}};
  if (!date.ok()) return std::nullopt;
  return (sys_seconds{sys_days{date}} + hours{hours_} + minutes{minutes_} + seconds{seconds_})
      .time_since_epoch()
      .count();
}

std::string truncated(std::string_view text, std::size_t max) {
  if (text.size() <= max) return std::string{text};
  constexpr std::string_view kEnd = "...";
  std::size_t end = max > kEnd.size() ? max - kEnd.size() : 0;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return std::string{text.substr(0, end)} + std::string{kEnd.substr(0, std::min(kEnd.size(), max))};
}

}  // namespace vipra::cluster
