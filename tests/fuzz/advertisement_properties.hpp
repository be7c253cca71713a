// What holds of everything that the advertisement decoder accepts, whoever sent it and in which version.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/check.hpp"
#include "vrrp/packet.hpp"
#include "vrrp/receive.hpp"

namespace vipra::fuzz {

// What was decoded of `message`, into which it points; nullopt if it was refused.
inline std::optional<vrrp::Advertisement> check_accepted(const vrrp::IpMeta& meta,
                                                         std::span<const std::uint8_t> message) {
  const auto got = vrrp::parse_advertisement(meta, message);
  if (!got) {
    VIPRA_CHECK(got.error() != DropReason::kNone);
    return std::nullopt;
  }
  VIPRA_CHECK(got->vrid != 0 && got->address_count >= 1 && got->address_count <= vrrp::kMaxAddresses);
  VIPRA_CHECK(got->version == vrrp::Version::kV2 || got->interval > Duration::zero());
  std::vector<IpAddress> addresses;
  for (std::size_t i = 0; i < got->address_count; ++i) addresses.push_back(got->address(i));
  (void)vrrp::check_policy(*got, {.version = got->version, .vrid = *vrrp::Vrid::make(got->vrid)});

  std::vector<std::uint8_t> changed{message.begin(), message.end()};
  vrrp::set_priority(changed, vrrp::kResign);
  const auto resigned = vrrp::parse_advertisement(meta, changed);
  VIPRA_CHECK(resigned && resigned->priority == vrrp::kResign);

  changed.assign(message.begin(), message.end());
  const vrrp::Endpoints unicast{meta.destination, meta.source};
  vrrp::set_endpoints(changed, got->checksum_form, {meta.source, meta.destination}, unicast);
  const vrrp::IpMeta carrier{unicast.source, unicast.destination, 64};
  VIPRA_CHECK(vrrp::parse_advertisement(carrier, changed, 1).has_value());

  // What we would send for the same fields is understood as the same fields.
  if (got->interval == Duration::zero()) return *got;
  if (got->family == Family::kIpv6 && addresses.size() > vrrp::kMaxIpv6AddressesInFrame) return *got;
  std::array<std::uint8_t, vrrp::kMaxMessage> out{};
  const auto size = vrrp::build_advertisement({.version = got->version,
                                               .family = got->family,
                                               .vrid = *vrrp::Vrid::make(got->vrid),
                                               .priority = got->priority,
                                               .interval = got->interval,
                                               .checksum_form = got->checksum_form,
                                               .addresses = addresses,
                                               .auth_type = got->auth_type,
                                               .auth_data = got->auth_data},
                                              meta.source, meta.destination, out);
  VIPRA_CHECK(size == message.size());
  const auto again = vrrp::parse_advertisement(meta, std::span{out}.first(size));
  VIPRA_CHECK(again && again->priority == got->priority && again->interval == got->interval);
  VIPRA_CHECK(std::equal(again->addresses.begin(), again->addresses.end(), got->addresses.begin()));
  return *got;
}

}  // namespace vipra::fuzz
