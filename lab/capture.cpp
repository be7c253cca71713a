#include "lab/capture.hpp"

#include <algorithm>
#include <array>

#include "lab/capture_tap.hpp"

namespace vipra::lab {

MacAddress Packet::destination() const {
  MacAddress mac;
  if (frame.size() >= 6) std::copy_n(frame.begin(), 6, mac.bytes.begin());
  return mac;
}
MacAddress Packet::source() const {
  MacAddress mac;
  if (frame.size() >= 12) std::copy_n(frame.begin() + 6, 6, mac.bytes.begin());
  return mac;
}
std::uint16_t Packet::ethertype() const {
  return frame.size() < 14 ? std::uint16_t{0} : static_cast<std::uint16_t>(frame[12] << 8U | frame[13]);
}
ByteSpan Packet::payload() const {
  return frame.size() < 14 ? ByteSpan{} : ByteSpan{frame}.subspan(14);
}

Capture::Capture(std::unique_ptr<CaptureTap> tap) : tap_{std::move(tap)} {}
Capture::~Capture() = default;

Result<std::unique_ptr<Capture>> Capture::open(const NetNamespace& net, const std::string& interface,
                                               const CaptureOptions& options) {
  auto tap = CaptureTap::open(net, interface, options);
  if (!tap) return tl::unexpected{tap.error()};
  return std::unique_ptr<Capture>{new Capture{std::move(*tap)}};
}

Result<std::unique_ptr<Capture>> Capture::on_switch(const Switch& network, const CaptureOptions& options) {
  return open(network.net(), "", options);
}
Result<std::unique_ptr<Capture>> Capture::at_port(const Switch& network, const Station& station,
                                                  const CaptureOptions& options) {
  return open(network.net(), station.facts().port, options);
}
Result<std::unique_ptr<Capture>> Capture::in_station(const Station& station, const CaptureOptions& options) {
  return open(station.net(), Station::kInterface, options);
}

std::vector<Packet> Capture::packets() const {
  return packets({}, TimePoint::max());
}
std::vector<Packet> Capture::packets(TimePoint from, TimePoint to) const {
  return tap_->packets(from, to);
}
std::size_t Capture::dropped() const {
  return tap_->dropped();
}
void Capture::stop() {
  tap_->stop();
}

std::vector<VrrpSeen> Capture::adverts(std::uint8_t vrid, TimePoint from, TimePoint to) const {
  std::vector<VrrpSeen> seen;
  for (const auto& packet : packets(from, to))
    if (auto advert = as_vrrp(packet.frame); advert && advert->vrid == vrid)
      seen.push_back(std::move(*advert));
  return seen;
}

std::size_t Capture::gratuitous_arps(const IpAddress& address, TimePoint from, TimePoint to) const {
  const auto all = packets(from, to);
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& packet) {
    const auto arp = as_gratuitous_arp(packet.frame);
    return arp && arp->address == address;
  }));
}

std::size_t Capture::unsolicited_advertisements(const IpAddress& target, TimePoint from, TimePoint to) const {
  const auto all = packets(from, to);
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& packet) {
    const auto na = as_neighbour_advertisement(packet.frame);
    return na && !na->solicited && na->target == target;
  }));
}

}  // namespace vipra::lab
