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
#include <span>

#include "base/time.hpp"

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
    if (count < 0) return errno == EAGAIN ? 0 : -errno;
    ::clock_gettime(CLOCK_REALTIME, &read_at_);
    return count;
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

  // Since the kernel took the datagram in, by its wall clock; within [0, maximum] even if somebody set that.
  [[nodiscard]] Duration age(std::size_t i, Duration maximum) const noexcept {
    timespec stamp{};
    if (!control(i, SOL_SOCKET, SCM_TIMESTAMPNS, stamp)) return Duration{0};
    const Duration age = std::chrono::seconds{read_at_.tv_sec - stamp.tv_sec} +
                         std::chrono::nanoseconds{read_at_.tv_nsec - stamp.tv_nsec};
    return std::clamp(age, Duration{0}, maximum);
  }

 private:
  struct Slot {
    sockaddr_storage from;
    alignas(cmsghdr) std::array<std::uint8_t, 256> control;
    std::array<std::uint8_t, kSlotSize> bytes;
  };
  std::array<Slot, kSlots> slots_{};
  std::array<iovec, kSlots> vectors_{};
  std::array<mmsghdr, kSlots> messages_{};
  timespec read_at_{};
};

}  // namespace vipra::net
