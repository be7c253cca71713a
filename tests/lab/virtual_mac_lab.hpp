// Nodes whose VIP has a virtual MAC address, and what the segment shows of it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/lab/agent_lab.hpp"

namespace vipra::lab {

class VirtualMacLab : public AgentLab {
 protected:
  static constexpr MacAddress kMac4{{0x00, 0x00, 0x5e, 0x00, 0x01, 0x33}};
  static constexpr MacAddress kMac6{{0x00, 0x00, 0x5e, 0x00, 0x02, 0x33}};

  static VipDefinition with_virtual_mac(VipDefinition definition, bool on = true) {
    definition.extra_vrrp += std::string{"    virtualMAC: "} + (on ? "true" : "false") + "\n";
    return definition;
  }

  [[nodiscard]] static std::string port_of(const char* name) { return "p-" + std::string{name}; }

  // The ports from which frames with this source came, in turn: each entry is a move in a switch's table.
  [[nodiscard]] static std::vector<std::string> moves(const Capture& capture, const MacAddress& mac,
                                                      TimePoint from = {}) {
    std::vector<std::string> out;
    for (const auto& packet : capture.packets(from, TimePoint::max())) {
      if (packet.source() != mac) continue;
      if (out.empty() || out.back() != packet.port) out.push_back(packet.port);
    }
    return out;
  }

  // The frames behind moves(), for people.
  [[nodiscard]] static std::string story(const Capture& capture, const MacAddress& mac, TimePoint from) {
    std::string out;
    for (const auto& packet : capture.packets(from, TimePoint::max())) {
      if (packet.source() != mac) continue;
      out += std::to_string(to_ms(packet.at - from)) + " ms " + packet.port + ":";
      for (const auto byte : packet.frame) {
        constexpr const char* kDigits = "0123456789abcdef";
        (out += kDigits[byte >> 4]) += kDigits[byte & 15];
      }
      out += '\n';
    }
    return out;
  }

  struct ArpSeen {
    bool request = false;
    MacAddress ethernet_source;
    MacAddress sender_mac;
    IpAddress sender;
    std::string port;
  };
  [[nodiscard]] static std::vector<ArpSeen> arps(const Capture& capture, TimePoint from = {}) {
    std::vector<ArpSeen> out;
    for (const auto& packet : capture.packets(from, TimePoint::max())) {
      const auto body = packet.payload();
      if (packet.ethertype() != kEtherArp || body.size() < 28) continue;
      ArpSeen seen;
      seen.request = body[7] == 1;
      seen.ethernet_source = packet.source();
      std::copy_n(body.begin() + 8, 6, seen.sender_mac.bytes.begin());
      seen.sender = *IpAddress::from_bytes(body.subspan(14, 4));
      seen.port = packet.port;
      out.push_back(seen);
    }
    return out;
  }

  // The MAC address at which a station finds `ip`, asked anew; empty where nobody answers.
  static std::string resolve(const Station& station, const IpAddress& ip) {
    static_cast<void>(station.run({"ip", "neigh", "flush", "to", ip.to_string(), "dev", "eth0"}));
    static_cast<void>(station.run({"bash", "-c", "echo > /dev/udp/" + ip.to_string() + "/9 || true"}));
    std::string mac;
    static_cast<void>(wait_until(
        [&] {
          const auto shown = station.run({"ip", "neigh", "show", "to", ip.to_string(), "dev", "eth0"});
          if (!shown) return false;
          const auto at = shown->out.find("lladdr ");
          if (at != std::string::npos) mac = shown->out.substr(at + 7, 17);
          return at != std::string::npos;
        },
        std::chrono::seconds{3}, ms{10}));
    return mac;
  }

  static std::string shown(const Station& station, const std::vector<std::string>& command) {
    const auto output = station.run(command);
    return output ? output->out : output.error().what;
  }
  // Of the device, in this incarnation; -1: there is none.
  static int device_index(const Station& station, const std::string& name) {
    const auto text = shown(station, {"ip", "-o", "link", "show", "dev", name});
    return text.find("macvlan") == std::string::npos && text.find(name + "@") == std::string::npos
               ? -1
               : std::stoi(text);
  }
  // "vip4-51-2": eth0's index is the node's own affair.
  static std::string device_name(const Station& station, const char* prefix = "vip4-51-") {
    const auto text = shown(station, {"ip", "-o", "link", "show"});
    const auto at = text.find(prefix);
    return at == std::string::npos ? std::string{} : text.substr(at, text.find('@', at) - at);
  }
  [[nodiscard]] static bool has_device(const Station& station, const char* prefix = "vip4-51-") {
    return !device_name(station, prefix).empty();
  }
};

}  // namespace vipra::lab
