#include "agent/supervisor/handle_table.hpp"

#include <net/if.h>

#include <array>
#include <cerrno>
#include <string>

#include "channel/protocol.hpp"
#include "net/neighbour_guard.hpp"
#include "net/neighbour_socket.hpp"
#include "net/vrrp_socket.hpp"

namespace vipra::supervisor {
namespace {

Result<std::string> interface_name(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(index, name.data()) == nullptr) {
    return fail_errno("no interface has the index " + std::to_string(index), errno);
  }
  return std::string{name.data()};
}

Result<sys::UniqueFd> open_socket(channel::v1::HandleKind kind, int index, const std::string& name) {
  if (kind == channel::v1::HANDLE_KIND_VRRP_IPV4) return net::open_vrrp_socket(Family::kIpv4, index, name);
  if (kind == channel::v1::HANDLE_KIND_VRRP_IPV6) return net::open_vrrp_socket(Family::kIpv6, index, name);
  if (kind == channel::v1::HANDLE_KIND_NEIGHBOUR_IPV4) {
    return net::open_neighbour_socket(Family::kIpv4, index, name);
  }
  if (kind == channel::v1::HANDLE_KIND_NEIGHBOUR_IPV6) {
    return net::open_neighbour_socket(Family::kIpv6, index, name);
  }
  if (kind == channel::v1::HANDLE_KIND_REPEATS_IPV4)
    return net::open_repeats_socket(Family::kIpv4, index, name);
  if (kind == channel::v1::HANDLE_KIND_REPEATS_IPV6)
    return net::open_repeats_socket(Family::kIpv6, index, name);
  return fail(Errc::kInvalid, "handles of kind " + std::to_string(kind) + " are not opened on request");
}

Result<sys::UniqueFd> open_handle(const HandleTable::Key& key) {
  if (key == kNeighbourGuardHandle) return net::open_neighbour_guard();
  const auto name = interface_name(key.interface_index);
  if (!name) return tl::unexpected{name.error()};
  return open_socket(key.kind, static_cast<int>(key.interface_index), *name);
}

}  // namespace

Result<int> HandleTable::open(const Key& key) {
  if (const auto found = find(key)) return *found;
  if (handles_.size() >= channel::kMaxHandles) return fail(Errc::kInvalid, "too many handles are open");
  auto fd = open_handle(key);
  if (!fd) return tl::unexpected{std::move(fd).error()};
  const int number = fd->get();
  handles_.emplace(key, std::move(*fd));
  return number;
}

std::size_t HandleTable::drop_vanished() {
  return std::erase_if(handles_, [](const auto& entry) {
    if (entry.first == kNeighbourGuardHandle) return false;
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(entry.first.interface_index, name.data()) == nullptr;
  });
}

std::optional<int> HandleTable::find(const Key& key) const {
  const auto found = handles_.find(key);
  if (found == handles_.end()) return std::nullopt;
  return found->second.get();
}

channel::v1::HandleKind HandleTable::vrrp_kind(Family family) noexcept {
  return family == Family::kIpv4 ? channel::v1::HANDLE_KIND_VRRP_IPV4 : channel::v1::HANDLE_KIND_VRRP_IPV6;
}

}  // namespace vipra::supervisor
