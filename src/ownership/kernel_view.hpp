// What is known of the kernel's links and addresses: a dump, kept true by events. Pure bookkeeping; one
// thread. Ours are kept apart from the others: of ours there may be thousands, and each is looked up; the
// others are looked through.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ownership/links.hpp"

namespace vipra::ownership {

class KernelView {
 public:
  void replace(const KernelDump& dump);
  void set_link(const Link& link);
  void remove_link(int index);
  void set_address(const InterfaceAddress& address);
  void remove_address(const InterfaceAddress& address);
  // The one with our mark.
  void remove_ours(int index, const IpAddress& ip);

  [[nodiscard]] const std::map<int, Link>& links() const noexcept { return links_; }
  [[nodiscard]] const Link* link(int index) const;
  // Those without our mark, in the kernel's order.
  [[nodiscard]] const std::vector<InterfaceAddress>& others(int index) const;
  // Those with our mark, sorted.
  [[nodiscard]] std::vector<IpAddress> ours(int index) const;
  // The kernel lets one IPv4 address stand on an interface several times, with different prefix lengths. Ours
  // comes first: a stranger's beside it changes nothing until ours is gone.
  [[nodiscard]] const InterfaceAddress* address(int index, const IpAddress& ip) const;

  // What advertisements are sent from (RFC 9568 section 5.1.1.1 and 5.1.2.1): the interface's first IPv4
  // address that is not ours, or its first usable link-local IPv6 address that is not ours.
  [[nodiscard]] std::optional<IpAddress> primary(int index, Family family) const;

 private:
  std::map<int, Link> links_;
  struct Addresses {
    std::vector<InterfaceAddress> others;                                 // in the kernel's order
    std::map<std::pair<IpAddress, std::uint8_t>, InterfaceAddress> ours;  // by address and prefix length
  };
  static void forget(Addresses& all, const InterfaceAddress& address);

  std::map<int, Addresses> addresses_;
};

}  // namespace vipra::ownership
