// Netlink messages made by hand, and a visitor that writes down what it was told.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/netlink_events.hpp"

namespace vipra::net {

class MessageBuilder {
 public:
  template <class Body>
  MessageBuilder(std::uint16_t type, const Body& body) {
    append(nlmsghdr{0, type, 0, 0, 0});
    append(body);
  }
  MessageBuilder& attribute(std::uint16_t type, std::span<const std::uint8_t> value) {
    append(nlattr{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type});
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    pad();
    return *this;
  }
  MessageBuilder& attribute(std::uint16_t type, std::string_view value) {
    return attribute(type, {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()});
  }
  MessageBuilder& attribute(std::uint16_t type, const IpAddress& ip) { return attribute(type, ip.bytes()); }
  template <class Number>
    requires std::is_integral_v<Number>
  MessageBuilder& attribute(std::uint16_t type, Number value) {
    return attribute(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof(value)});
  }
  [[nodiscard]] std::vector<std::uint8_t> build() const {
    auto bytes = bytes_;
    const auto size = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &size, sizeof(size));
    return bytes;
  }

 private:
  template <class T>
  void append(const T& value) {
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof(value));
    pad();
  }
  void pad() { bytes_.resize(NLMSG_ALIGN(bytes_.size())); }

  std::vector<std::uint8_t> bytes_;
};

class Recorder final : public NetlinkVisitor {
 public:
  void on_link(const Link& link) override { links.push_back(link); }
  void on_link_removed(int index) override { removed_links.push_back(index); }
  void on_address(const InterfaceAddress& address) override { addresses.push_back(address); }
  void on_address_removed(const InterfaceAddress& address) override { removed_addresses.push_back(address); }
  void on_overrun() override { ++overruns; }

  [[nodiscard]] bool empty() const {
    return links.empty() && removed_links.empty() && addresses.empty() && removed_addresses.empty() &&
           overruns == 0;
  }
  void clear() { *this = Recorder{}; }

  std::vector<Link> links;
  std::vector<int> removed_links;
  std::vector<InterfaceAddress> addresses;
  std::vector<InterfaceAddress> removed_addresses;
  int overruns = 0;
};

}  // namespace vipra::net
