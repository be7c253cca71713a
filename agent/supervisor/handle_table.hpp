// The sockets that outlive a speaker. Opened on the speaker's request, kept until it closes them or their
// interface is gone, handed to every new speaker.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "sys/unique_fd.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::supervisor {

class HandleTable {
 public:
  struct Key {
    channel::v1::HandleKind kind = channel::v1::HANDLE_KIND_UNSPECIFIED;
    std::uint32_t interface_index = 0;
    auto operator<=>(const Key&) const = default;
  };

  // The descriptor stays the table's. Opening what is open answers with the same one.
  [[nodiscard]] Result<int> open(const Key& key);
  void close(const Key& key) { handles_.erase(key); }
  // Those whose interface no longer exists; returns how many went.
  std::size_t drop_vanished();

  [[nodiscard]] std::optional<int> find(const Key& key) const;
  [[nodiscard]] const std::map<Key, sys::UniqueFd>& all() const noexcept { return handles_; }

  [[nodiscard]] static channel::v1::HandleKind vrrp_kind(Family family) noexcept;

 private:
  std::map<Key, sys::UniqueFd> handles_;
};

// Of no interface; what it owns in the kernel goes with its last descriptor.
inline constexpr HandleTable::Key kNeighbourGuardHandle{channel::v1::HANDLE_KIND_NEIGHBOUR_GUARD, 0};

}  // namespace vipra::supervisor
