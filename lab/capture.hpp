// Packets as the switch (or one station) sees them, in memory and, if asked, in a pcap file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "lab/frames.hpp"
#include "lab/net_namespace.hpp"
#include "lab/station.hpp"
#include "lab/switch.hpp"
#include "lab/unique_fd.hpp"

namespace vipra::lab {

struct Packet {
  TimePoint at;           // the kernel's receive stamp
  std::string port;       // switch port, or "eth0" for a capture in a station
  bool outgoing = false;  // as the interface sees it: on a switch port, true means towards the station
  Bytes frame;            // whole Ethernet frame

  [[nodiscard]] MacAddress destination() const;
  [[nodiscard]] MacAddress source() const;
  [[nodiscard]] std::uint16_t ethertype() const;
  [[nodiscard]] ByteSpan payload() const;  // behind the Ethernet header
};

enum class Direction : std::uint8_t { kIncoming, kOutgoing, kBoth };

struct CaptureOptions {
  // On the switch, kIncoming shows each frame once, as its sender put it on the wire (before any cut);
  // kOutgoing what really leaves towards the stations (behind the cuts).
  Direction direction = Direction::kIncoming;
  bool probes = false;  // keep the lab's own probe datagrams too
  std::optional<std::filesystem::path> pcap{};
  std::size_t max_packets = 200'000;  // further ones are counted in dropped()
};

class CaptureTap;

// Thread-safe. One thread of its own, ended by stop() or the destructor.
class Capture {
 public:
  // Returns once the socket is open: what is sent afterwards is seen.
  [[nodiscard]] static Result<std::unique_ptr<Capture>> on_switch(const Switch& network,
                                                                  const CaptureOptions& options = {});
  [[nodiscard]] static Result<std::unique_ptr<Capture>> at_port(const Switch& network, const Station& station,
                                                                const CaptureOptions& options = {});
  [[nodiscard]] static Result<std::unique_ptr<Capture>> in_station(const Station& station,
                                                                   const CaptureOptions& options = {});
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  [[nodiscard]] std::vector<Packet> packets() const;
  [[nodiscard]] std::vector<Packet> packets(TimePoint from, TimePoint to) const;  // from <= at < to
  [[nodiscard]] std::size_t dropped()
      const;  // by the kernel or by max_packets: a test that counts must see 0

  // Whole-capture counts for the common questions.
  [[nodiscard]] std::vector<VrrpSeen> adverts(std::uint8_t vrid, TimePoint from = {},
                                              TimePoint to = TimePoint::max()) const;
  [[nodiscard]] std::size_t gratuitous_arps(const IpAddress& address, TimePoint from = {},
                                            TimePoint to = TimePoint::max()) const;
  [[nodiscard]] std::size_t unsolicited_advertisements(const IpAddress& target, TimePoint from = {},
                                                       TimePoint to = TimePoint::max()) const;

  void stop();

 private:
  explicit Capture(std::unique_ptr<CaptureTap> tap);
  [[nodiscard]] static Result<std::unique_ptr<Capture>> open(const NetNamespace& net,
                                                             const std::string& interface,
                                                             const CaptureOptions& options);
  std::unique_ptr<CaptureTap> tap_;
};

}  // namespace vipra::lab
