// Up to kSlots datagrams by one system call, with the control data and age of each; memory is allocated once,
// with the object. Not movable: the headers point into it.
#pragma once

#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "net/receive_age.hpp"

namespace vipra::net {

template <std::size_t kSlots, std::size_t kSlotSize>
class ReceiveBatch {
 public:
  ReceiveBatch() noexcept {
    for (std::size_t i = 0; i < kSlots; ++i) vectors_[i] = {slots_[i].bytes.data(), kSlotSize};
  }
  ReceiveBatch(const ReceiveBatch&) = delete;
  ReceiveBatch& operator=(const ReceiveBatch&) = delete;

  // The number of datagrams (0: nothing there), or a negative errno.
  [[nodiscard]] int receive(int fd) noexcept {
    for (std::size_t i = 0; i < kSlots; ++i) {
      auto& header = messages_[i].msg_hdr;
      header = {};
      header.msg_name = &slots_[i].from;
      header.msg_namelen = sizeof(slots_[i].from);
      header.msg_iov = &vectors_[i];
      header.msg_iovlen = 1;
      header.msg_control = slots_[i].control.data();
      header.msg_controllen = slots_[i].control.size();
    }
    int count = 0;
    do {
      count = ::recvmmsg(fd, messages_.data(), kSlots, MSG_DONTWAIT, nullptr);
    } while (count < 0 && errno == EINTR);
    const int error = count < 0 ? errno : 0;
    if (error != 0 && error != EAGAIN) return -error;
    emptied_before_ = emptied_;
    read_at_ = read_clocks();
    if (count < static_cast<int>(kSlots)) emptied_ = read_at_;
    return std::max(count, 0);
  }

  [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t i) const noexcept {
    return {slots_[i].bytes.data(), std::min<std::size_t>(messages_[i].msg_len, kSlotSize)};
  }
  [[nodiscard]] bool truncated(std::size_t i) const noexcept {
    return (messages_[i].msg_hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  }
  [[nodiscard]] const sockaddr_storage& from(std::size_t i) const noexcept { return slots_[i].from; }

  // False, and `value` as it was, without a control message of this kind.
  template <class Value>
  [[nodiscard]] bool control(std::size_t i, int level, int type, Value& value) const noexcept {
    auto header = messages_[i].msg_hdr;
    for (auto* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
      if (item->cmsg_level != level || item->cmsg_type != type) continue;
      if (item->cmsg_len < CMSG_LEN(sizeof(Value))) return false;
      std::memcpy(&value, CMSG_DATA(item), sizeof(Value));
      return true;
    }
    return false;
  }

  // Since the kernel took the datagram in; within [0, maximum], and not before the socket was last empty,
  // even if somebody set the wall clock meanwhile.
  [[nodiscard]] Duration age(std::size_t i, Duration maximum) const noexcept {
    timespec stamp{};
    if (!control(i, SOL_SOCKET, SCM_TIMESTAMPNS, stamp)) return Duration{0};
    return receive_age(to_duration(stamp), read_at_, emptied_before_, maximum);
  }

 private:
  static Duration to_duration(const timespec& time) noexcept {
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
  }
  static ClockReading read_clocks() noexcept {
    timespec wall{};
    timespec monotonic{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    ::clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return {to_duration(wall), to_duration(monotonic)};
  }

  struct Slot {
    sockaddr_storage from;
    alignas(cmsghdr) std::array<std::uint8_t, 256> control;
    std::array<std::uint8_t, kSlotSize> bytes;
  };
  std::array<Slot, kSlots> slots_{};
  std::array<iovec, kSlots> vectors_{};
  std::array<mmsghdr, kSlots> messages_{};
  ClockReading read_at_{};
  std::optional<ClockReading> emptied_;         // when the socket was last found or left empty
  std::optional<ClockReading> emptied_before_;  // the same, before what was read last
};

}  // namespace vipra::net
