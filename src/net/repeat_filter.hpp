// Which advertisements say only what their sender said last, told by the kernel: a classic packet filter on a
// raw socket of protocol 112. With two sockets on one interface, one that hears the repeats and one that
// hears everything else, a backup is woken for news alone and reads the repeats when it needs to know of
// them.
//
// What a filter compares are the sender and the first six bytes of the message (version and type, VRID,
// priority, count, interval). The rest of a repeat, its checksum among it, is judged when it is read, like
// any other packet's.
#pragma once

#include <linux/filter.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace vipra::net {

struct RepeatedAdvertisement {
  static constexpr std::size_t kHead = 6;

  IpAddress source;
  std::array<std::uint8_t, kHead> head{};

  bool operator==(const RepeatedAdvertisement&) const = default;
  // What the message says: centiseconds in version 3, seconds in version 2.
  [[nodiscard]] Duration interval() const noexcept;
};

enum class Hears : std::uint8_t { kRepeats, kOthers };

// The filter of a socket of this family that hears the repeats of these advertisements, or everything but
// them: at most one advertisement of each VRID. 1 instruction for each, and 9 (IPv6: 18) for all of one
// sender and interval. Pure.
[[nodiscard]] std::vector<sock_filter> repeat_filter(std::span<const RepeatedAdvertisement> repeats,
                                                     Family family, Hears hears);

// EINVAL when it has more than BPF_MAXINSNS instructions (of 216 IPv6 senders and more), ENOMEM when it is
// longer than net.core.optmem_max permits. Whatever was attached before is replaced at
// once, and stays after an error.
[[nodiscard]] Status attach_filter(int fd, std::span<const sock_filter> filter);
// None: success too.
[[nodiscard]] Status detach_filter(int fd);

}  // namespace vipra::net
