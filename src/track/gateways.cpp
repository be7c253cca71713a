#include "track/gateways.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace vipra::track {
namespace {

constexpr Duration kUnsentRetry = std::chrono::seconds{1};
constexpr int kMostCounted = 1'000'000;  // more than anybody allows

bool before(const Gateways::Gateway& gateway, const std::pair<int, IpAddress>& key) {
  return std::tie(gateway.index, gateway.ip) < std::tie(key.first, key.second);
}

}  // namespace

void Gateways::begin() {
  for (auto& gateway : gateways_) gateway.wanted = false;
}

void Gateways::want(int index, const IpAddress& ip, Duration interval, int misses) {
  auto at = std::lower_bound(gateways_.begin(), gateways_.end(), std::pair{index, ip}, before);
  if (at == gateways_.end() || at->index != index || at->ip != ip) {
    at = gateways_.insert(at, Gateway{});
    at->index = index;
    at->ip = ip;
  }
  if (!at->wanted) {
    at->wanted = true;
    at->interval = interval;
    at->misses = misses;
  }
  at->interval = std::min(at->interval, interval);
  at->misses = std::min(at->misses, misses);
  // Somebody new is less patient.
  if (at->next_at) at->next_at = std::min(*at->next_at, at->sent_at + at->interval);
}

void Gateways::end() {
  std::erase_if(gateways_, [](const auto& gateway) { return !gateway.wanted; });
}

void Gateways::presume_silent(int index, const IpAddress& ip, Duration patience, int allowed) {
  auto* gateway = find_mutable(index, ip);
  if (gateway == nullptr || gateway->next_at) return;
  while (!gateway->is_silent(patience, allowed) && gateway->unanswered < kMostCounted) ++gateway->unanswered;
}

const Gateways::Gateway* Gateways::find(int index, const IpAddress& ip) const {
  const auto at = std::lower_bound(gateways_.begin(), gateways_.end(), std::pair{index, ip}, before);
  return at != gateways_.end() && at->index == index && at->ip == ip ? &*at : nullptr;
}

Gateways::Gateway* Gateways::find_mutable(int index, const IpAddress& ip) {
  return const_cast<Gateway*>(find(index, ip));
}

bool Gateways::on_claim(int index, const vrrp::NeighbourClaim& claim) {
  auto* gateway = find_mutable(index, claim.ip);
  if (gateway == nullptr) return false;
  gateway->mac = claim.mac;
  if (claim.gratuitous) return false;
  const bool news = gateway->unanswered > 0 || !gateway->ever_answered;
  gateway->awaited = false;
  gateway->ever_answered = true;
  gateway->unanswered = 0;
  return news;
}

bool Gateways::step(TimePoint now, ProbePort& port) {
  bool asked = false;
  for (auto& gateway : gateways_) {
    if (gateway.next_at && now < *gateway.next_at) continue;
    if (gateway.awaited && gateway.unanswered < kMostCounted) ++gateway.unanswered;
    const bool knows_whom = gateway.mac && gateway.unanswered == 0 && gateway.misses > 1;
    gateway.awaited =
        port.send({gateway.index, gateway.ip, knows_whom ? gateway.mac : std::optional<MacAddress>{}});
    gateway.sent_at = now;
    const auto pause = gateway.awaited ? gateway.interval : std::min(gateway.interval, kUnsentRetry);
    // A late step asks once, not once for each question that it missed.
    const auto planned = gateway.next_at.value_or(now) + pause;
    gateway.next_at = planned > now ? planned : now + pause;
    asked = true;
  }
  return asked;
}

std::optional<TimePoint> Gateways::deadline(TimePoint now) const {
  std::optional<TimePoint> at;
  for (const auto& gateway : gateways_) {
    const auto next = gateway.next_at.value_or(now);
    at = at ? std::min(*at, next) : next;
  }
  return at;
}

}  // namespace vipra::track
