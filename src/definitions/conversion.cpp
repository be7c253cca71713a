#include "definitions/conversion.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/ip_prefix.hpp"
#include "definitions/duration.hpp"

namespace vipra::definitions {
namespace {

using nlohmann::json;

// Validation has seen to it that there is one; a hole between the two costs this object only.
template <class T>
T required(std::optional<T> value) {
  if (!value) throw std::invalid_argument{"a value that validation let through cannot be converted"};
  return *std::move(value);
}

std::string text_or(const json& object, const char* key, std::string otherwise = {}) {
  return object.contains(key) ? object.at(key).get<std::string>() : std::move(otherwise);
}

Duration to_duration(const json& value) {
  return required(parse_duration(value.get_ref<const std::string&>()));
}

LabelRequirement::Operator to_operator(const std::string& text) {
  if (text == "In") return LabelRequirement::Operator::kIn;
  if (text == "NotIn") return LabelRequirement::Operator::kNotIn;
  if (text == "Exists") return LabelRequirement::Operator::kExists;
  return LabelRequirement::Operator::kDoesNotExist;
}

LabelSelector to_selector(const json& parent) {
  LabelSelector out;
  if (!parent.contains("nodeSelector")) return out;
  const auto& selector = parent.at("nodeSelector");
  const auto labels = selector.value("matchLabels", json::object());
  for (const auto& [key, value] : labels.items()) {
    out.requirements.push_back({key, LabelRequirement::Operator::kIn, {value.get<std::string>()}});
  }
  for (const auto& expression : selector.value("matchExpressions", json::array())) {
    out.requirements.push_back({expression.at("key").get<std::string>(),
                                to_operator(expression.at("operator").get<std::string>()),
                                expression.value("values", std::vector<std::string>{})});
  }
  return out;
}

plan::InterfaceSelector to_interface(const json& object) {
  using Kind = plan::InterfaceSelector::Kind;
  if (object.contains("name")) return {Kind::kByName, object.at("name").get<std::string>()};
  if (object.contains("pattern")) return {Kind::kByPattern, object.at("pattern").get<std::string>()};
  return {};
}

plan::Preemption to_preemption(const json& preemption) {
  const auto policy = preemption.at("policy").get<std::string>();
  if (policy == "Immediate") return {plan::PreemptionPolicy::kImmediate, {}};
  if (policy == "Delayed") return {plan::PreemptionPolicy::kDelayed, to_duration(preemption.at("delay"))};
  return {};
}

plan::ChecksumMode to_checksum(const std::string& text) {
  if (text == "RFC9568") return plan::ChecksumMode::kRfc9568;
  if (text == "RFC5798") return plan::ChecksumMode::kRfc5798;
  return plan::ChecksumMode::kAuto;
}

TransportSpec to_transport(const json& transport) {
  TransportSpec out;
  const auto& mode = transport.at("mode").get_ref<const std::string&>();
  if (mode == "Unicast") out.mode = plan::TransportMode::kUnicast;
  if (mode == "Both") out.mode = plan::TransportMode::kBoth;
  for (const auto& peer : transport.value("peers", json::array())) {
    out.peers.push_back(required(IpAddress::parse(peer.get<std::string>())));
  }
  return out;
}

// What interval and misses are where they are not given. The schema cannot say it (a structural default
// depends on nothing), so it is said here and in the description of the field.
struct Pace {
  Duration interval;
  int misses;
};
Pace to_pace(const json& vrrp) {
  const bool v2 = vrrp.at("version").get<int>() == 2;
  const auto profile = text_or(vrrp, "profile", v2 ? "Safe" : "Fast");
  if (profile == "Safe") return {std::chrono::seconds{1}, 3};
  if (profile == "Turbo") return {std::chrono::milliseconds{10}, 5};
  return {std::chrono::milliseconds{100}, 3};
}

plan::Track to_track(const json& track) {
  plan::Track out;
  out.name = track.at("name").get<std::string>();
  if (track.contains("link")) {
    out.what = plan::LinkTrack{track.at("link").at("interface").get<std::string>()};
  } else if (track.contains("gateway")) {
    const auto& gateway = track.at("gateway");
    plan::GatewayTrack what{{}, to_duration(gateway.at("interval")), gateway.at("misses").get<int>()};
    if (gateway.contains("address"))
      what.address = required(IpAddress::parse(gateway.at("address").get<std::string>()));
    out.what = what;
  } else {
    const auto& destination = track.at("route").at("destination").get_ref<const std::string&>();
    const auto prefix = required(IpPrefix::parse(destination));
    out.what = plan::RouteTrack{prefix.address, prefix.length};
  }
  const auto& effect = track.at("onFailure");
  if (effect.contains("priorityDelta")) out.delta = effect.at("priorityDelta").get<int>();
  return out;
}

VrrpSpec to_vrrp(const json& vrrp) {
  VrrpSpec out;
  out.virtual_router_id = required(vrrp::Vrid::make(vrrp.at("virtualRouterID").get<int>()));
  out.version = vrrp.at("version").get<int>() == 2 ? vrrp::Version::kV2 : vrrp::Version::kV3;
  const auto pace = to_pace(vrrp);
  out.advertisement_interval =
      vrrp.contains("advertisementInterval") ? to_duration(vrrp.at("advertisementInterval")) : pace.interval;
  out.misses = vrrp.value("advertisementMisses", pace.misses);
  out.startup_delay = to_duration(vrrp.at("startupDelay"));
  out.link_up_delay = to_duration(vrrp.at("linkUpDelay"));
  out.recovery_delay = to_duration(vrrp.at("recoveryDelay"));
  out.priority = vrrp.at("priority").get<int>();
  for (const auto& entry : vrrp.value("priorities", json::array())) {
    out.priorities.push_back({to_selector(entry), entry.at("priority").get<int>()});
  }
  out.preemption = to_preemption(vrrp.at("preemption"));
  out.checksum = to_checksum(vrrp.at("ipv4Checksum").get<std::string>());
  if (vrrp.contains("authentication")) {
    const auto& password = vrrp.at("authentication").at("simplePassword").get_ref<const std::string&>();
    out.password = required(vrrp::SimplePassword::make(password));
  }
  if (vrrp.contains("linkLocal"))
    out.link_local = required(IpAddress::parse(vrrp.at("linkLocal").get<std::string>()));
  out.transport = to_transport(vrrp.at("transport"));
  out.group = text_or(vrrp, "group");
  out.virtual_mac = vrrp.at("virtualMAC").get<bool>();
  for (const auto& track : vrrp.value("track", json::array())) out.tracks.push_back(to_track(track));
  return out;
}

std::vector<Duration> to_durations(const json& list) {
  std::vector<Duration> out;
  for (const auto& item : list) out.push_back(to_duration(item));
  return out;
}

AnnouncementSpec to_announcement(const json& announcement) {
  return {announcement.at("arpReply").get<bool>(), to_durations(announcement.at("arpRepeats")),
          to_durations(announcement.at("neighborAdvertisementRepeats")),
          to_duration(announcement.at("refresh")), to_duration(announcement.at("evidenceInterval"))};
}

std::variant<TcpProbe, HttpProbe, ServiceProbe> to_probe(const json& check) {
  if (check.contains("service")) {
    const auto& service = check.at("service");
    const bool anywhere = service.at("endpoints").get_ref<const std::string&>() == "Cluster";
    return ServiceProbe{service.at("namespace").get<std::string>(), service.at("name").get<std::string>(),
                        anywhere ? ServiceProbe::Endpoints::kCluster : ServiceProbe::Endpoints::kNode,
                        service.at("minimum").get<int>()};
  }
  if (check.contains("tcp")) {
    const auto& tcp = check.at("tcp");
    return TcpProbe{tcp.at("host").get<std::string>(), tcp.at("port").get<std::uint16_t>()};
  }
  const auto& http = check.at("http");
  const auto& status = http.at("expectedStatus");
  return HttpProbe{http.at("host").get<std::string>(), http.at("port").get<std::uint16_t>(),
                   http.at("path").get<std::string>(), text_or(http, "hostHeader"),
                   status.at("min").get<int>(),        status.at("max").get<int>()};
}

CheckSpec to_check(const json& check) {
  CheckSpec out;
  out.name = check.at("name").get<std::string>();
  out.probe = to_probe(check);
  out.interval = to_duration(check.at("interval"));
  out.timeout = to_duration(check.at("timeout"));
  out.rise = check.at("rise").get<int>();
  out.fall = check.at("fall").get<int>();
  const auto& effect = check.at("onFailure");
  if (effect.contains("fault")) {
    out.on_failure = FaultOnFailure{};
  } else {
    out.on_failure = PriorityDelta{effect.at("priorityDelta").get<int>()};
  }
  return out;
}

// Two digits, or as many as asked for; nothing else.
std::optional<int> digits(std::string_view text, std::size_t from, std::size_t count) noexcept {
  if (from + count > text.size()) return std::nullopt;
  int out = 0;
  for (const char c : text.substr(from, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}

// "Z" or "+hh:mm"; minutes east of UTC.
std::optional<int> offset_of(std::string_view zone) noexcept {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hours = digits(zone, 1, 2);
  const auto minutes = digits(zone, 4, 2);
  if (!hours || !minutes) return std::nullopt;
  return (zone[0] == '-' ? -1 : 1) * (*hours * 60 + *minutes);
}

}  // namespace

std::optional<std::int64_t> parse_timestamp(std::string_view text) noexcept {
  constexpr std::size_t kSecondsEnd = 19;  // 2026-01-31T12:34:56
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't')) return std::nullopt;
  if (text[13] != ':' || text[16] != ':' || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  auto zone = text.substr(kSecondsEnd);
  if (!zone.empty() && zone[0] == '.')
    zone.remove_prefix(std::min(zone.find_first_not_of("0123456789", 1), zone.size()));
  const auto offset = offset_of(zone);
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!offset || !date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute - *offset) * 60 + *second;
}

VirtualIpSpec to_spec(const json& object) {
  VirtualIpSpec out;
  const auto& metadata = object.at("metadata");
  const auto& spec = object.at("spec");
  out.name = metadata.at("name").get<std::string>();
  if (const auto at = metadata.find("generation"); at != metadata.end() && at->is_number_integer()) {
    out.object_generation = at->get<std::int64_t>();
  }
  out.seniority.name = out.name;
  if (const auto at = metadata.find("creationTimestamp"); at != metadata.end() && at->is_string()) {
    out.seniority.created_unix_s = parse_timestamp(at->get_ref<const std::string&>());
  }
  for (const auto& address : spec.at("addresses")) {
    out.addresses.push_back(required(IpAddress::parse(address.get<std::string>())));
  }
  out.interface = to_interface(spec.at("interface"));
  for (const auto& entry : spec.at("interface").value("overrides", json::array())) {
    out.interface_overrides.push_back({to_selector(entry), to_interface(entry)});
  }
  out.node_selector = to_selector(spec);
  out.vrrp = to_vrrp(spec.at("vrrp"));
  for (const auto& check : spec.value("checks", json::array())) out.checks.push_back(to_check(check));
  out.announcement = to_announcement(spec.at("announcement"));
  return out;
}

}  // namespace vipra::definitions
