#include "definitions/rules.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>

#include "base/ip_address.hpp"
#include "base/ip_prefix.hpp"
#include "definitions/duration.hpp"

namespace vipra::definitions {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string& text(const json& value) {
  return value.get_ref<const std::string&>();
}

// As isIP() of the API server: neither zone nor IPv4-mapped.
std::optional<IpAddress> ip(const json& value) {
  auto parsed = IpAddress::parse(text(value));
  return parsed && parsed->is_v4_mapped() ? std::nullopt : parsed;
}
bool is_ip(const json& self) {
  return ip(self).has_value();
}
bool is_canonical(const json& self) {
  const auto address = ip(self);
  return !address || address->to_string() == text(self);
}
bool is_unicast(const json& self) {
  const auto address = ip(self);
  return !address || !(address->is_multicast() || address->is_loopback() || address->is_unspecified() ||
                       address->is_v4_broadcast());
}
bool is_not_ipv6_link_local(const json& self) {
  const auto address = ip(self);
  return !address || address->is_v4() || !address->is_link_local();
}
bool is_ipv6_link_local(const json& self) {
  const auto address = ip(self);
  return address && !address->is_v4() && address->is_link_local();
}

template <Family kFamily>
std::ptrdiff_t count_of_family(const json& addresses) {
  return std::count_if(addresses.begin(), addresses.end(), [](const json& item) {
    const auto address = ip(item);
    return address && address->family() == kFamily;
  });
}
bool link_local_has_ipv6(const json& self) {
  return !self.at("vrrp").contains("linkLocal") || count_of_family<Family::kIpv6>(self.at("addresses")) > 0;
}

// Every family of the addresses has peers, and no other.
template <Family kFamily>
bool peers_where_addresses(const json& self) {
  const auto& vrrp = self.at("vrrp");
  if (!vrrp.contains("transport") || !vrrp.at("transport").contains("peers")) return true;
  const bool peers = count_of_family<kFamily>(vrrp.at("transport").at("peers")) > 0;
  return peers == (count_of_family<kFamily>(self.at("addresses")) > 0);
}
bool peers_with_unicast_only(const json& self) {
  return text(self.at("mode")) != "Multicast" || !self.contains("peers");
}

bool is_version_2(const json& vrrp) {
  return vrrp.at("version").get<std::int64_t>() == 2;
}
bool version_2_has_ipv4_only(const json& self) {
  return !is_version_2(self.at("vrrp")) || count_of_family<Family::kIpv6>(self.at("addresses")) == 0;
}

bool not_name_and_pattern(const json& self) {
  return !(self.contains("name") && self.contains("pattern"));
}

bool is_repetition(char c) {
  return c == '*' || c == '+' || c == '?';
}
bool repeats_atoms_only(const json& self) {
  const auto& pattern = text(self);
  if (pattern.find("(?") != std::string::npos) return false;
  return std::adjacent_find(pattern.begin(), pattern.end(), [](char a, char b) {
           return (a == ')' || is_repetition(a)) && is_repetition(b);
         }) == pattern.end();
}
bool repeats_four_times_at_most(const json& self) {
  const auto& pattern = text(self);
  return std::count_if(pattern.begin(), pattern.end(), is_repetition) <= 4;
}
bool is_regular_expression(const json& self) {
  try {
    return std::regex{text(self), std::regex::ECMAScript}.mark_count() <= text(self).size();  // it compiled
  } catch (const std::regex_error&) {
    return false;
  }
}

std::size_t number_of_values(const json& self) {
  return self.contains("values") ? self.at("values").size() : 0;
}
bool set_operator_has_values(const json& self) {
  const auto& op = text(self.at("operator"));
  return (op != "In" && op != "NotIn") || number_of_values(self) > 0;
}
bool existence_operator_has_no_values(const json& self) {
  const auto& op = text(self.at("operator"));
  return (op != "Exists" && op != "DoesNotExist") || number_of_values(self) == 0;
}

Duration duration(const json& value) {
  return parse_duration(text(value)).value_or(Duration::zero());
}
bool is_advertisement_interval(const json& self) {
  return duration(self) >= milliseconds{10} && duration(self) <= seconds{255};
}
bool is_multiple_of_10ms(const json& self) {
  return duration(self) % milliseconds{10} == Duration::zero();
}
// 12 bits of hundredths of a second.
bool fits_version_3(const json& self) {
  if (is_version_2(self) || !self.contains("advertisementInterval")) return true;
  return duration(self.at("advertisementInterval")) <= milliseconds{40950};
}
bool whole_seconds_with_version_2(const json& self) {
  if (!is_version_2(self) || !self.contains("advertisementInterval")) return true;
  return duration(self.at("advertisementInterval")) % seconds{1} == Duration::zero();
}
bool slow_profile_with_version_2(const json& self) {
  if (!is_version_2(self) || self.contains("advertisementInterval") || !self.contains("profile")) return true;
  return text(self.at("profile")) == "Safe";
}
bool authentication_with_version_2_only(const json& self) {
  return is_version_2(self) || !self.contains("authentication");
}
bool at_most_1h(const json& self) {
  return duration(self) <= hours{1};
}
bool is_check_interval(const json& self) {
  return duration(self) >= milliseconds{50} && duration(self) <= hours{1};
}
bool at_least_10ms(const json& self) {
  return duration(self) >= milliseconds{10};
}
bool timeout_within_interval(const json& self) {
  return duration(self.at("timeout")) <= duration(self.at("interval"));
}

bool delay_with_delayed_only(const json& self) {
  return (text(self.at("policy")) == "Delayed") == self.contains("delay");
}
bool one_probe(const json& self) {
  return int{self.contains("tcp")} + int{self.contains("http")} + int{self.contains("service")} == 1;
}
bool one_kind_of_track(const json& self) {
  return int{self.contains("link")} + int{self.contains("gateway")} + int{self.contains("route")} == 1;
}
bool is_track_interval(const json& self) {
  return duration(self) >= milliseconds{100} && duration(self) <= hours{1};
}
bool is_prefix(const json& self) {
  return IpPrefix::parse(text(self)).has_value();
}
bool is_masked_prefix(const json& self) {
  const auto prefix = IpPrefix::parse(text(self));
  return !prefix || prefix->is_masked();
}
// A gateway is asked by the virtual router of its family.
template <Family kFamily>
bool gateways_where_addresses(const json& self) {
  const auto tracks = self.at("vrrp").value("track", json::array());
  const bool gateways = std::any_of(tracks.begin(), tracks.end(), [](const json& track) {
    const auto gateway = track.value("gateway", json::object());
    const auto address = gateway.contains("address") ? ip(gateway.at("address")) : std::nullopt;
    return address && address->family() == kFamily;
  });
  return !gateways || count_of_family<kFamily>(self.at("addresses")) > 0;
}

bool is_in_order(const json& self) {
  return std::is_sorted(self.begin(), self.end(),
                        [](const json& a, const json& b) { return duration(a) < duration(b); });
}
bool from_10ms_to_1h(const json& self) {
  return duration(self) >= milliseconds{10} && duration(self) <= hours{1};
}
bool from_1s_to_1h(const json& self) {
  return duration(self) >= seconds{1} && duration(self) <= hours{1};
}
bool from_1s_to_24h(const json& self) {
  return duration(self) >= seconds{1} && duration(self) <= hours{24};
}

bool one_effect(const json& self) {
  return self.contains("priorityDelta") != self.contains("fault");
}
bool not_zero(const json& self) {
  return self.get<std::int64_t>() != 0;
}
bool min_within_max(const json& self) {
  return self.at("min").get<std::int64_t>() <= self.at("max").get<std::int64_t>();
}

constexpr std::string_view kNotNameAndPattern = "!(has(self.name) && has(self.pattern))";
constexpr std::string_view kInOrder = "self.map(d, duration(d)).isSorted()";
constexpr std::string_view kAtomsOnly = "!self.contains('(?') && !self.matches('[)*+?][*+?]')";
constexpr std::string_view kFourTimes = "self.matches('^[^*+?]*([*+?][^*+?]*){0,4}$')";
constexpr std::string_view kRegularExpression = "['eth0'.matches(self)].size() == 1";
constexpr std::string_view kSetOperator =
    "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)";
constexpr std::string_view kExistenceOperator =
    "!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || self.values.size() == 0";

constexpr std::array kRules{
    RuleCounterpart{"spec",
                    "!has(self.vrrp.linkLocal) || self.addresses.exists(a, isIP(a) && ip(a).family() == 6)",
                    link_local_has_ipv6},
    RuleCounterpart{"spec",
                    "!has(self.vrrp.transport) || !has(self.vrrp.transport.peers) || "
                    "self.vrrp.transport.peers.exists(p, isIP(p) && ip(p).family() == 4)"
                    " == self.addresses.exists(a, isIP(a) && ip(a).family() == 4)",
                    peers_where_addresses<Family::kIpv4>},
    RuleCounterpart{"spec",
                    "!has(self.vrrp.transport) || !has(self.vrrp.transport.peers) || "
                    "self.vrrp.transport.peers.exists(p, isIP(p) && ip(p).family() == 6)"
                    " == self.addresses.exists(a, isIP(a) && ip(a).family() == 6)",
                    peers_where_addresses<Family::kIpv6>},
    RuleCounterpart{"spec",
                    "self.vrrp.version != 2 || self.addresses.all(a, !isIP(a) || ip(a).family() == 4)",
                    version_2_has_ipv4_only},
    RuleCounterpart{
        "spec",
        "!has(self.vrrp.track) || !self.vrrp.track.exists(t, has(t.gateway) && "
        "has(t.gateway.address) && isIP(t.gateway.address) && ip(t.gateway.address).family() == 4)"
        " || self.addresses.exists(a, isIP(a) && ip(a).family() == 4)",
        gateways_where_addresses<Family::kIpv4>},
    RuleCounterpart{
        "spec",
        "!has(self.vrrp.track) || !self.vrrp.track.exists(t, has(t.gateway) && "
        "has(t.gateway.address) && isIP(t.gateway.address) && ip(t.gateway.address).family() == 6)"
        " || self.addresses.exists(a, isIP(a) && ip(a).family() == 6)",
        gateways_where_addresses<Family::kIpv6>},
    RuleCounterpart{"spec.addresses[]", "isIP(self)", is_ip},
    RuleCounterpart{"spec.addresses[]", "!isIP(self) || ip.isCanonical(self)", is_canonical},
    RuleCounterpart{"spec.addresses[]",
                    "!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLinkLocalUnicast()", is_unicast},
    RuleCounterpart{"spec.addresses[]",
                    "!isIP(self) || ip(self).family() == 4 || !ip(self).isLinkLocalUnicast()",
                    is_not_ipv6_link_local},
    RuleCounterpart{"spec.interface", kNotNameAndPattern, not_name_and_pattern},
    RuleCounterpart{"spec.interface.pattern", kAtomsOnly, repeats_atoms_only},
    RuleCounterpart{"spec.interface.pattern", kFourTimes, repeats_four_times_at_most},
    RuleCounterpart{"spec.interface.pattern", kRegularExpression, is_regular_expression},
    RuleCounterpart{"spec.interface.overrides[]", kNotNameAndPattern, not_name_and_pattern},
    RuleCounterpart{"spec.interface.overrides[].pattern", kAtomsOnly, repeats_atoms_only},
    RuleCounterpart{"spec.interface.overrides[].pattern", kFourTimes, repeats_four_times_at_most},
    RuleCounterpart{"spec.interface.overrides[].pattern", kRegularExpression, is_regular_expression},
    RuleCounterpart{"spec.interface.overrides[].nodeSelector.matchExpressions[]", kSetOperator,
                    set_operator_has_values},
    RuleCounterpart{"spec.interface.overrides[].nodeSelector.matchExpressions[]", kExistenceOperator,
                    existence_operator_has_no_values},
    RuleCounterpart{"spec.nodeSelector.matchExpressions[]", kSetOperator, set_operator_has_values},
    RuleCounterpart{"spec.nodeSelector.matchExpressions[]", kExistenceOperator,
                    existence_operator_has_no_values},
    RuleCounterpart{"spec.vrrp.priorities[].nodeSelector.matchExpressions[]", kSetOperator,
                    set_operator_has_values},
    RuleCounterpart{"spec.vrrp.priorities[].nodeSelector.matchExpressions[]", kExistenceOperator,
                    existence_operator_has_no_values},
    RuleCounterpart{"spec.vrrp",
                    "self.version == 2 || !has(self.advertisementInterval) || "
                    "duration(self.advertisementInterval) <= duration('40s950ms')",
                    fits_version_3},
    RuleCounterpart{"spec.vrrp",
                    "self.version != 2 || !has(self.advertisementInterval) || "
                    "duration(self.advertisementInterval).getMilliseconds() % 1000 == 0",
                    whole_seconds_with_version_2},
    RuleCounterpart{"spec.vrrp",
                    "self.version != 2 || has(self.advertisementInterval) || !has(self.profile) || "
                    "self.profile == 'Safe'",
                    slow_profile_with_version_2},
    RuleCounterpart{"spec.vrrp", "self.version == 2 || !has(self.authentication)",
                    authentication_with_version_2_only},
    RuleCounterpart{"spec.vrrp.advertisementInterval",
                    "duration(self) >= duration('10ms') && duration(self) <= duration('255s')",
                    is_advertisement_interval},
    RuleCounterpart{"spec.vrrp.advertisementInterval", "duration(self).getMilliseconds() % 10 == 0",
                    is_multiple_of_10ms},
    RuleCounterpart{"spec.vrrp.preemption", "self.policy == 'Delayed' ? has(self.delay) : !has(self.delay)",
                    delay_with_delayed_only},
    RuleCounterpart{"spec.vrrp.preemption.delay", "duration(self) <= duration('1h')", at_most_1h},
    RuleCounterpart{"spec.vrrp.startupDelay", "duration(self) <= duration('1h')", at_most_1h},
    RuleCounterpart{"spec.vrrp.linkUpDelay", "duration(self) <= duration('1h')", at_most_1h},
    RuleCounterpart{"spec.vrrp.recoveryDelay", "duration(self) <= duration('1h')", at_most_1h},
    RuleCounterpart{"spec.vrrp.linkLocal",
                    "isIP(self) && ip(self).family() == 6 && ip(self).isLinkLocalUnicast()",
                    is_ipv6_link_local},
    RuleCounterpart{"spec.vrrp.linkLocal", "!isIP(self) || ip.isCanonical(self)", is_canonical},
    RuleCounterpart{"spec.vrrp.transport", "self.mode != 'Multicast' || !has(self.peers)",
                    peers_with_unicast_only},
    RuleCounterpart{"spec.vrrp.transport.peers[]", "isIP(self)", is_ip},
    RuleCounterpart{"spec.vrrp.transport.peers[]", "!isIP(self) || ip.isCanonical(self)", is_canonical},
    RuleCounterpart{"spec.vrrp.transport.peers[]",
                    "!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLinkLocalUnicast()", is_unicast},
    RuleCounterpart{"spec.vrrp.track[]",
                    "[has(self.link), has(self.gateway), has(self.route)].exists_one(kind, kind)",
                    one_kind_of_track},
    RuleCounterpart{"spec.vrrp.track[].gateway.address", "isIP(self)", is_ip},
    RuleCounterpart{"spec.vrrp.track[].gateway.address",
                    "!isIP(self) || ip(self).isGlobalUnicast() || ip(self).isLinkLocalUnicast()", is_unicast},
    RuleCounterpart{"spec.vrrp.track[].gateway.interval",
                    "duration(self) >= duration('100ms') && duration(self) <= duration('1h')",
                    is_track_interval},
    RuleCounterpart{"spec.vrrp.track[].route.destination", "isCIDR(self)", is_prefix},
    RuleCounterpart{"spec.vrrp.track[].route.destination",
                    "!isCIDR(self) || cidr(self).masked() == cidr(self)", is_masked_prefix},
    RuleCounterpart{"spec.vrrp.track[].onFailure", "has(self.priorityDelta) != has(self.fault)", one_effect},
    RuleCounterpart{"spec.vrrp.track[].onFailure.priorityDelta", "self != 0", not_zero},
    RuleCounterpart{"spec.announcement.arpRepeats", kInOrder, is_in_order},
    RuleCounterpart{"spec.announcement.arpRepeats[]",
                    "duration(self) >= duration('10ms') && duration(self) <= duration('1h')",
                    from_10ms_to_1h},
    RuleCounterpart{"spec.announcement.neighborAdvertisementRepeats", kInOrder, is_in_order},
    RuleCounterpart{"spec.announcement.neighborAdvertisementRepeats[]",
                    "duration(self) >= duration('1s') && duration(self) <= duration('1h')", from_1s_to_1h},
    RuleCounterpart{"spec.announcement.refresh",
                    "duration(self) >= duration('1s') && duration(self) <= duration('24h')", from_1s_to_24h},
    RuleCounterpart{"spec.announcement.evidenceInterval",
                    "duration(self) >= duration('1s') && duration(self) <= duration('1h')", from_1s_to_1h},
    RuleCounterpart{"spec.checks[]",
                    "[has(self.tcp), has(self.http), has(self.service)].exists_one(kind, kind)", one_probe},
    RuleCounterpart{"spec.checks[]", "duration(self.timeout) <= duration(self.interval)",
                    timeout_within_interval},
    RuleCounterpart{"spec.checks[].tcp.host", "isIP(self)", is_ip},
    RuleCounterpart{"spec.checks[].http.host", "isIP(self)", is_ip},
    RuleCounterpart{"spec.checks[].http.expectedStatus", "self.min <= self.max", min_within_max},
    RuleCounterpart{"spec.checks[].interval",
                    "duration(self) >= duration('50ms') && duration(self) <= duration('1h')",
                    is_check_interval},
    RuleCounterpart{"spec.checks[].timeout", "duration(self) >= duration('10ms')", at_least_10ms},
    RuleCounterpart{"spec.checks[].onFailure", "has(self.priorityDelta) != has(self.fault)", one_effect},
    RuleCounterpart{"spec.checks[].onFailure.priorityDelta", "self != 0", not_zero},
};

}  // namespace

std::span<const RuleCounterpart> rule_counterparts() noexcept {
  return kRules;
}

}  // namespace vipra::definitions
