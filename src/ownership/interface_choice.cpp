#include "ownership/interface_choice.hpp"

#include <regex>

namespace vipra::ownership {
namespace {

tl::unexpected<NoSegment> none(Reason reason, std::string detail, int index = 0) {
  return tl::unexpected<NoSegment>{NoSegment{reason, std::move(detail), index}};
}

tl::expected<const Link*, NoSegment> by_name(const KernelView& kernel, const std::string& name) {
  for (const auto& [index, link] : kernel.links()) {
    if (link.name == name && !link.ours) return &link;
  }
  return none(Reason::kInterfaceMissing, "there is no interface named " + name);
}

tl::expected<const Link*, NoSegment> by_pattern(const KernelView& kernel, const std::string& pattern) {
  // Interface names have at most 15 characters, so that no pattern of bounded length can run away.
  std::regex expression;
  try {
    expression = std::regex{pattern, std::regex::ECMAScript};
  } catch (const std::regex_error&) {
    return none(Reason::kInvalidValue, "the interface pattern is no regular expression: " + pattern);
  }
  const Link* match = nullptr;
  for (const auto& [index, link] : kernel.links()) {
    if (link.loopback || link.ours || !std::regex_match(link.name, expression)) continue;
    if (match != nullptr) {
      return none(Reason::kInterfaceAmbiguous, "the interface pattern " + pattern + " matches " +
                                                   match->name + " and " + link.name + ": make it match one");
    }
    match = &link;
  }
  if (match == nullptr) return none(Reason::kInterfaceMissing, "no interface matches the pattern " + pattern);
  return match;
}

tl::expected<const Link*, NoSegment> by_subnet(const KernelView& kernel, const plan::VirtualRouter& router) {
  const auto& wanted = router.addresses.front().ip;
  const Link* best = nullptr;
  int best_length = -1;
  for (const auto& [index, link] : kernel.links()) {
    if (link.loopback || link.ours) continue;
    for (const auto& address : kernel.others(index)) {
      if (address.ip == wanted) continue;
      if (!address.ip.shares_prefix(wanted, address.prefix_length)) continue;
      if (address.prefix_length > best_length) best = &link, best_length = address.prefix_length;
    }
  }
  if (best == nullptr) {
    return none(Reason::kInterfaceMissing, "no interface has a subnet that holds " + wanted.to_string() +
                                               ": name one in spec.interface, or configure the subnet");
  }
  return best;
}

}  // namespace

tl::expected<Segment, NoSegment> choose_segment(const KernelView& kernel, const plan::VirtualRouter& router) {
  using Kind = plan::InterfaceSelector::Kind;
  const auto& selector = router.interface;
  const auto link = selector.kind == Kind::kByName      ? by_name(kernel, selector.text)
                    : selector.kind == Kind::kByPattern ? by_pattern(kernel, selector.text)
                                                        : by_subnet(kernel, router);
  if (!link) return tl::unexpected{link.error()};
  const auto& chosen = **link;
  if (!chosen.up) return none(Reason::kInterfaceDown, "interface " + chosen.name + " is down", chosen.index);
  const auto primary = kernel.primary(chosen.index, router.family);
  if (!primary) {
    return none(Reason::kNoPrimaryAddress,
                "interface " + chosen.name + " has no " +
                    (router.family == Family::kIpv4 ? "IPv4 address" : "usable link-local IPv6 address") +
                    " to send advertisements from",
                chosen.index);
  }
  Segment segment{chosen.index, chosen.name, chosen.mac, chosen.mtu, *primary};
  if (router.transport.unicast()) {
    segment.unicast = reach_peers(kernel, chosen.index, *primary, router.transport);
  }
  return segment;
}

}  // namespace vipra::ownership
