// Requests to the kernel's tables of addresses and links, one at a time, each waiting for its answer. Every
// call may block on the kernel's routing lock (tens of milliseconds): for the kernel-writer thread, and for
// the supervisor when it cleans up behind a dead speaker; never for the election thread.
//
// How addresses are added: /32 and /128 without prefix route (deleting the first address of a shared subnet
// would delete all others), marked with kAddressProtocol; IPv6 without duplicate address detection and
// deprecated (preferred lifetime 0, so that the node never picks it as a source), valid for ever.
//
// Threading: one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "net/links.hpp"
#include "ownership/routes.hpp"
#include "ownership/virtual_mac.hpp"

struct nl_sock;
struct nl_msg;

namespace vipra::net {

enum class AddOutcome : std::uint8_t {
  kAdded,
  kAlreadyThere,  // ours or a stranger's: the caller's table of addresses knows. Nothing was changed.
};

class RouteSocket {
 public:
  static constexpr std::chrono::milliseconds kUsableWait{20};

  // In the network namespace of the calling thread.
  [[nodiscard]] static Result<RouteSocket> open();

  // Never changes what is there. Returns when the node answers on the address: the kernel acknowledges an
  // IPv6 address before its local route is in place, and drops what comes in between (waits at most
  // kUsableWait). IPv4: an address with another prefix length (10.0.0.1/24 beside our 10.0.0.1/32) does not
  // count as there for the kernel; only the caller's table can tell.
  [[nodiscard]] Result<AddOutcome> add_address(int index, const IpAddress& ip);
  // Removes the /32 or /128, whoever added it: ask the table first. Success also where it, or the interface,
  // is gone.
  [[nodiscard]] Status remove_address(int index, const IpAddress& ip);
  // Consistent: repeated when something changed meanwhile (a few times; then the error is kTimeout).
  [[nodiscard]] Result<KernelDump> dump();
  // The routes of the main table to these destinations (sorted). Reads the whole table, which may be large:
  // for a thread that nobody waits for.
  [[nodiscard]] Result<std::vector<ownership::Route>> dump_routes(const std::vector<IpPrefix>& wanted);
  // Makes the device, or what is there of it complete and right, and sets it up. A stranger's of the same
  // name is not touched: kConflict. The interface below it is as it was. What a device must not do:
  // - answer for addresses of other devices (arp_ignore), or for anybody else (proxy_arp);
  // - refuse what comes by it and would leave by another interface (rp_filter; without an address of its own,
  //   as on a backup, it refuses all the same, so that nothing is forwarded twice);
  // - have addresses, and thereby words, of its own (addr_gen_mode).
  [[nodiscard]] Status make_device(const ownership::DeviceSpec& spec);
  // Blocks for tens of milliseconds. Success also where it is gone, or is not ours (any more).
  [[nodiscard]] Status remove_device(int index);
  // Deletes every address that carries our mark, then every device that does; returns how many addresses.
  // Goes on past one that fails, and reports it.
  [[nodiscard]] Result<std::size_t> remove_all_marked();

 private:
  struct CloseSocket {
    void operator()(nl_sock* socket) const noexcept;
  };
  using SocketPtr = std::unique_ptr<nl_sock, CloseSocket>;

  struct Replies;

  explicit RouteSocket(SocketPtr socket) : socket_{std::move(socket)} {}
  [[nodiscard]] static Result<SocketPtr> connect();
  [[nodiscard]] Status reconnect_if_broken();
  [[nodiscard]] Status remove(int index, const IpAddress& ip, std::uint8_t prefix_length);
  // 0, or the errno of the kernel's answer; negative (an error of libnl) where there was no usable answer.
  [[nodiscard]] int transact(nl_msg& request, Replies& replies);
  [[nodiscard]] bool is_local(int index, const IpAddress& ip);
  void wait_until_usable(int index, const IpAddress& ip);
  [[nodiscard]] int dump_once(KernelDump& into);
  // One that is acknowledged. The error has the kernel's errno, where it is the kernel's.
  [[nodiscard]] Status request(nl_msg& message, const std::string& what);
  [[nodiscard]] Status create_device(const ownership::DeviceSpec& spec, const std::string& what);
  [[nodiscard]] Status set_device(int index, const ownership::DeviceSpec& spec, const std::string& what);
  [[nodiscard]] int dump_routes_once(const std::vector<IpPrefix>& wanted,
                                     std::vector<ownership::Route>& into);

  SocketPtr socket_;  // null after a transport failure: the next call opens a new one
};

}  // namespace vipra::net
