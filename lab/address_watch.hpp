// Every address that comes or goes on the watched stations, with the time at which the kernel said so: finds
// two owners even where the probes see one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "lab/station.hpp"

namespace vipra::lab {

struct AddressChange {
  TimePoint at{};
  std::string station;
  IpAddress address;
  bool added = true;
};

struct HeldInterval {
  std::string station;
  TimePoint from{};
  std::optional<TimePoint> to;  // nullopt: still held
};

// Thread-safe.
class AddressWatch {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AddressWatch>> start(
      const std::vector<const Station*>& stations);
  ~AddressWatch();
  AddressWatch(const AddressWatch&) = delete;
  AddressWatch& operator=(const AddressWatch&) = delete;

  [[nodiscard]] std::vector<AddressChange> changes() const;
  [[nodiscard]] std::vector<HeldInterval> held(const IpAddress& address) const;
  // Longest time during which two stations of those watched had the address at once.
  [[nodiscard]] Duration longest_overlap(const IpAddress& address) const;

 private:
  class Loop;
  explicit AddressWatch(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace vipra::lab
