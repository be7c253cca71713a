// A machine on the lab's switch: a namespace of its own with `eth0` (veth to a switch port), 10.99.0.n/24,
// 2001:db8:99::n/64 and a link-local address that is usable at once (no DAD).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/mac_address.hpp"
#include "base/result.hpp"
#include "lab/addresses.hpp"
#include "lab/command.hpp"
#include "lab/frames.hpp"
#include "lab/net_namespace.hpp"

namespace vipra::lab {

struct StationFacts {
  std::string name;  // "node-a", "client-1"
  std::string port;  // of the switch: "p-node-a"
  MacAddress mac;    // of eth0; 02:99:00:00:00:n
  IpAddress v4;
  IpAddress v6;
  IpAddress link_local;
};

class Station {
 public:
  static constexpr const char* kInterface = "eth0";

  Station(StationFacts facts, NetNamespace net) : facts_{std::move(facts)}, net_{std::move(net)} {}
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;
  virtual ~Station() = default;

  [[nodiscard]] const std::string& name() const noexcept { return facts_.name; }
  [[nodiscard]] const StationFacts& facts() const noexcept { return facts_; }
  [[nodiscard]] const NetNamespace& net() const noexcept { return net_; }

  // Any program inside the namespace, e.g. {"ip", "link", "set", "eth0", "down"}.
  [[nodiscard]] Result<CommandOutput> run(const std::vector<std::string>& argv, std::string_view input = {},
                                          Duration within = std::chrono::seconds{10}) const {
    return run_command(net_, argv, input, within);
  }
  [[nodiscard]] Result<std::vector<KernelAddress>> addresses() const { return list_addresses(net_); }
  [[nodiscard]] std::optional<KernelAddress> find_address(const IpAddress& address) const;
  [[nodiscard]] bool owns(const IpAddress& address) const { return find_address(address).has_value(); }

  // Sends a whole Ethernet frame out of eth0, exactly as given (see frames.hpp for builders).
  [[nodiscard]] Status inject(std::span<const std::uint8_t> frame) const;
  [[nodiscard]] Status inject(std::span<const Bytes> frames) const;  // many, in order, as fast as they go

 private:
  StationFacts facts_;
  NetNamespace net_;
};

}  // namespace vipra::lab
