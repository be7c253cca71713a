// Who hears whom in a simulated segment, and by which way.
#include "tests/sim/world.hpp"

namespace vipra::sim {
namespace {

// Version 2 hears none but its like (RFC 3768 section 7.1, RFC 2338's passwords).
bool understand(const plan::VirtualRouter& a, const plan::VirtualRouter& b) {
  if (a.version != b.version) return false;
  return a.version == vrrp::Version::kV3 || (a.interval == b.interval && a.password == b.password);
}

}  // namespace

std::bitset<2> World::paths(NodeId at, NodeId from, Role role) const {
  if (!hearing_is_known_) judge_hearing();
  return hearing_[index_of(role)][at][from];
}

void World::judge_hearing() const {
  hearing_is_known_ = true;
  const auto mode = plan::Transport{scenario_.transport, {}};
  const auto lists_anybody = [&](NodeId node) {
    for (NodeId other = 0; other < size(); ++other) {
      if (other != node && scenario_.nodes[node].lists(other)) return true;
    }
    return false;
  };
  for (const auto& router : hosts_.front()->desired()) {
    const auto role = role_of(router);
    // By link-local addresses a neighbour is believed without a list, where multicast would bring him too.
    const bool neighbours = mode.multicast() && role == Role::kIpv6;
    for (NodeId at = 0; at < size(); ++at) {
      for (NodeId from = 0; from < size(); ++from) {
        auto& paths = hearing_[index_of(role)][at][from];
        paths.reset();
        if (at == from || !understand(hosts_[at]->desired(role), hosts_[from]->desired(role))) continue;
        const auto pass = [&](vrrp::Path path) { return network_.advertisements_pass(from, at, role, path); };
        paths[static_cast<std::size_t>(vrrp::Path::kMulticast)] =
            mode.multicast() && pass(vrrp::Path::kMulticast);
        const bool listed = scenario_.nodes[from].lists(at) &&
                            ((neighbours && lists_anybody(at)) || scenario_.nodes[at].lists(from));
        paths[static_cast<std::size_t>(vrrp::Path::kUnicast)] =
            mode.unicast() && listed && pass(vrrp::Path::kUnicast);
      }
    }
  }
}

bool World::whole(Role role) const {
  for (NodeId a = 0; a < size(); ++a) {
    for (NodeId b = 0; b < size(); ++b) {
      if (a != b && !hears(a, b, role)) return false;
    }
  }
  return true;
}

// Where hearing is no equivalence, one decision may have to wait for the one before.
bool World::has_chains() const {
  for (NodeId a = 0; a < size(); ++a) {
    for (NodeId b = 0; b < size(); ++b) {
      if (a == b || !hears(a, b)) continue;
      for (NodeId c = 0; c < size(); ++c) {
        if (c != b && hears(b, c) && c != a && !hears(a, c)) return true;
      }
      if (!hears(b, a)) return true;
    }
  }
  return false;
}

}  // namespace vipra::sim
