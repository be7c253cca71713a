// Input: an Ethernet frame. Whatever is taken as a claim is one that we could have to contradict.
#include "vrrp/neighbour_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.hpp"
#include "vrrp/packet.hpp"

namespace {

using namespace vipra;

void check_claim(std::span<const std::uint8_t> frame) {
  const auto claim = vrrp::parse_neighbour_frame(frame);
  if (!claim) return;
  VIPRA_CHECK(!claim->ip.is_unspecified() && !claim->ip.is_multicast());
  VIPRA_CHECK((claim->mac.bytes[0] & 1) == 0);
  const auto answer = claim->ip.is_v4() ? vrrp::gratuitous_arp(claim->ip, claim->mac, vrrp::ArpForm::kRequest)
                                        : vrrp::unsolicited_na(claim->ip, claim->mac, false);
  const auto again = vrrp::parse_neighbour_frame(answer.view());
  VIPRA_CHECK(again && again->ip == claim->ip && again->mac == claim->mac && again->gratuitous);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_claim({data, size});
  // Once more with a right ICMPv6 checksum, so that the options behind it are reached.
  std::vector<std::uint8_t> frame{data, data + size};
  if (size < 58 || frame[12] != 0x86) return 0;
  const std::size_t payload = static_cast<std::size_t>(frame[18] << 8 | frame[19]);
  if (payload < 4 || payload > size - 54) return 0;
  const std::span whole{frame};
  frame[56] = frame[57] = 0;
  auto sum = vrrp::checksum_add(0, whole.subspan(22, 32));
  sum = vrrp::checksum_add(sum + static_cast<std::uint32_t>(payload) + 58, whole.subspan(54, payload));
  const auto field = vrrp::checksum_fold(sum);
  frame[56] = static_cast<std::uint8_t>(field >> 8), frame[57] = static_cast<std::uint8_t>(field & 0xff);
  check_claim(frame);
  return 0;
}
