// The addresses of one router: wanted against kernel. Pure; commands go out through a port, their results and
// the kernel's events come back in any order and at any time, and every order ends in the same place.
//
// An address with our mark is ours; any other of the same value is a stranger's and is never touched.
//
// What happens to one of 1,000 addresses costs what one address costs: sums are kept, and reconcile() looks
// at what changed. Few commands are under way at a time, so that the other routers' do not wait behind all of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "ownership/links.hpp"

namespace vipra::ownership {

// Commands are asynchronous: false means that the queue is full, and the set asks again at the next
// reconcile().
class AddressCommands {
 public:
  virtual ~AddressCommands() = default;
  [[nodiscard]] virtual bool add(int index, const IpAddress& ip) = 0;
  [[nodiscard]] virtual bool remove(int index, const IpAddress& ip) = 0;
  // The kernel's state of an address is in doubt.
  virtual void request_dump() = 0;
};

class AddressSet {
 public:
  enum class Kernel : std::uint8_t { kAbsent, kOurs, kStranger };
  struct Entry {
    IpAddress ip;
    Kernel kernel = Kernel::kAbsent;
    enum class Pending : std::uint8_t { kNone, kAdd, kRemove, kDump } pending = Pending::kNone;
    bool heard_since_command = false;  // the kernel spoke of it while a command was under way
    bool was_installed = false;        // since the last want(true): its loss is a loss, not a first install
    bool open = false;                 // the next reconcile() looks at it
    std::string error;                 // of the last failed add
  };

  // `index` is the interface that carries them. A stranger's address stays a stranger's unless `owner`
  // (priority 255: the address is the node's own, and is served as it is).
  void configure(int index, std::vector<IpAddress> ips, bool owner);
  [[nodiscard]] int index() const noexcept { return index_; }
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

  void want(bool wanted);
  [[nodiscard]] bool wanted() const noexcept { return wanted_; }

  // What the kernel says about one address on the interface.
  void on_kernel(const IpAddress& ip, Kernel state);
  // Results of commands. `already_there`: the kernel had one; whose, the next dump tells.
  void on_added(const IpAddress& ip, bool already_there);
  void on_add_failed(const IpAddress& ip, std::string error);
  void on_removed(const IpAddress& ip);
  void on_remove_failed(const IpAddress& ip, std::string error);

  static constexpr int kUnderWay = 64;
  // Issues what is missing, up to kUnderWay commands at a time: call it again after each result. Returns how
  // many lost addresses are being put back.
  int reconcile(AddressCommands& commands);
  // The last reconcile() found the queue full: nobody will say when there is room, so ask again soon.
  [[nodiscard]] bool refused() const noexcept { return refused_; }

  // All wanted addresses are in the kernel.
  [[nodiscard]] bool complete() const noexcept;
  // Nothing of ours is in the kernel or on its way there.
  [[nodiscard]] bool clear() const noexcept;
  [[nodiscard]] const Entry* first_stranger() const noexcept;  // nullptr for an owner
  [[nodiscard]] const Entry* first_failed() const noexcept;
  [[nodiscard]] bool contains(const IpAddress& ip) const noexcept;

 private:
  struct Sums {
    int ours = 0;
    int strangers = 0;
    int adding = 0;
    int under_way = 0;  // additions and removals
    int in_doubt = 0;   // a dump shall tell
  };

  [[nodiscard]] const Entry* find(const IpAddress& ip) const noexcept;
  // Changes the entry of `ip`, if there is one.
  template <class Change>
  void change(const IpAddress& ip, Change&& how);
  void count(const Entry& entry, int by) noexcept;
  void examine_all();
  // False when there is no room for its command: it stays open.
  [[nodiscard]] bool serve(Entry& entry, AddressCommands& commands, int& restored);

  int index_ = 0;
  bool wanted_ = false;
  bool owner_ = false;
  bool refused_ = false;
  std::vector<Entry> entries_;        // in the order of the definition
  std::vector<std::uint32_t> by_ip_;  // indices into entries_, sorted by address
  std::vector<std::uint32_t> open_;   // indices of open entries, oldest first
  Sums sums_;
};

// What an address in the kernel is to us; null: there is none.
[[nodiscard]] AddressSet::Kernel judge(const InterfaceAddress* address) noexcept;

}  // namespace vipra::ownership
