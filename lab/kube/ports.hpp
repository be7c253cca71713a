// Ports on the loopback interface that two runs side by side never share. A number stays reserved also while
// nobody listens (a server that is stopped and started again comes back to its own).
#pragma once

#include <cstdint>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "lab/net_namespace.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab::kube {

class ReservedPort {
 public:
  // Free for TCP on that address now, below the range that the kernel gives to clients, and held against
  // every other lab in this network namespace by an abstract socket of the same number.
  [[nodiscard]] static Result<ReservedPort> take(const NetNamespace& net, const IpAddress& address);
  [[nodiscard]] std::uint16_t number() const noexcept { return number_; }

 private:
  ReservedPort(UniqueFd held, std::uint16_t number) : held_{std::move(held)}, number_{number} {}
  UniqueFd held_;
  std::uint16_t number_;
};

}  // namespace vipra::lab::kube
