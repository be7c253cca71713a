// What is known of the kernel's links and addresses: a dump, kept true by events. Pure bookkeeping; one
// thread.
#pragma once

#include <map>
#include <optional>
#include <string>
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
  [[nodiscard]] const std::vector<InterfaceAddress>& addresses(int index) const;
  // The kernel lets one IPv4 address stand on an interface several times, with different prefix lengths. Ours
  // comes first: a stranger's beside it changes nothing until ours is gone.
  [[nodiscard]] const InterfaceAddress* address(int index, const IpAddress& ip) const;
  // Some interface other than `except` that holds `ip`.
  [[nodiscard]] const InterfaceAddress* elsewhere(const IpAddress& ip, int except) const;

  // What advertisements are sent from (RFC 9568 section 5.1.1.1 and 5.1.2.1): the interface's first IPv4
  // address that is not ours, or its first usable link-local IPv6 address that is not ours.
  [[nodiscard]] std::optional<IpAddress> primary(int index, Family family) const;

 private:
  std::map<int, Link> links_;
  std::map<int, std::vector<InterfaceAddress>> addresses_;  // in the kernel's order
};

}  // namespace vipra::ownership
