// What the kernel must not say by itself about addresses on devices with a virtual MAC address
// (ownership::NeighbourGuard), kept back by a packet filter: the tables "arp vipra" and "ip6 vipra" of
// nftables. No setting of any interface is touched, and no packet of the data path looks at more than the one
// rule for what leaves through a device of ours.
//
// The tables belong to the netlink socket that made them: nobody else's "flush ruleset" removes them, and the
// kernel itself does when the last descriptor of the socket is closed, however that comes about. The
// supervisor holds one.
//
// Threading: one thread at a time, and one process: answers on a socket that was inherited are told apart by
// their sequence numbers.
#pragma once

#include "base/result.hpp"
#include "ownership/virtual_mac.hpp"
#include "sys/unique_fd.hpp"

namespace vipra::net {

// Close-on-exec; answers are waited for at most some seconds. Needs CAP_NET_ADMIN for what follows.
[[nodiscard]] Result<sys::UniqueFd> open_neighbour_guard();

// Replaces all of what the socket owns, in one transaction: there is no moment without rules. Takes locks of
// the kernel: for the kernel-writer thread.
[[nodiscard]] Status set_neighbour_guard(int fd, const ownership::NeighbourGuard& guard);

}  // namespace vipra::net
