// The kernel of a simulated node: an interface for each segment, and their addresses. What it does is the
// truth of the data plane; what the speaker learns of it comes later, as notices and results.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "base/ip_address.hpp"
#include "ownership/links.hpp"
#include "tests/sim/role.hpp"

namespace vipra::sim {

struct AddressGone {
  ownership::InterfaceAddress address;
};
using Notice = std::variant<ownership::Link, ownership::InterfaceAddress, AddressGone>;

struct KernelCommand {
  enum class Kind : std::uint8_t { kAdd, kRemove, kDump } kind = Kind::kDump;
  IpAddress ip;
};
struct KernelResult {
  enum class Outcome : std::uint8_t { kDone, kAlreadyThere, kFailed } outcome = Outcome::kDone;
  KernelCommand command;
  std::shared_ptr<const ownership::KernelDump> dump;
};

class Kernel {
 public:
  // Told of every change, at once.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_notice(const Notice& notice) = 0;
    virtual void on_change(const IpAddress& ip, bool ours_is_there) = 0;
  };

  // `primaries`: of those roles that this node has.
  Kernel(Listener& listener, const MacAddress& mac, std::vector<IpAddress> primaries);

  // As after power on: the link is up, the primary addresses are there.
  void boot();
  void lose_everything();

  [[nodiscard]] KernelResult execute(const KernelCommand& command);
  void set_link(Role role, bool up);
  // An administrator takes the interface down: IPv6 addresses go.
  void drop_ipv6();
  void change_primary(const IpAddress& from, const IpAddress& to);
  void add_strangers(const IpAddress& ip);
  void remove_strangers(const IpAddress& ip);
  // By somebody else, whoever put it there.
  void remove_ours(const IpAddress& ip);
  void remove_all_ours();

  [[nodiscard]] bool up(Role role) const noexcept;
  [[nodiscard]] bool has_ours(const IpAddress& ip) const;
  [[nodiscard]] bool has(const IpAddress& ip) const;

 private:
  void add(const ownership::InterfaceAddress& address);
  template <class Predicate>
  void remove_if(Predicate&& matches);

  Listener& listener_;
  std::vector<ownership::Link> links_;
  std::vector<ownership::InterfaceAddress> addresses_;
  std::vector<IpAddress> primaries_;
};

}  // namespace vipra::sim
