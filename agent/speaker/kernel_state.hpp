// What the speaker knows of the kernel, kept true: events from one socket, dumps and results from the
// writer's thread. A dump is the whole truth of its moment; events that came after it was asked for are
// applied again on top, so that the newest word wins whichever way round they came.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "net/kernel_writer.hpp"
#include "net/netlink_events.hpp"
#include "ownership/address_set.hpp"
#include "ownership/kernel_view.hpp"
#include "ownership/virtual_mac.hpp"

namespace vipra::agent {

class KernelListener {
 public:
  virtual ~KernelListener() = default;
  virtual void on_interfaces_changed() = 0;  // some link, or some address that is not ours
  virtual void on_address_event(int index, const IpAddress& ip, ownership::AddressSet::Kernel state) = 0;
  virtual void on_synchronised() = 0;  // a dump was applied
  virtual void on_address_added(int index, const IpAddress& ip, bool already_there) = 0;
  virtual void on_address_failed(int index, const IpAddress& ip, bool adding, const std::string& error) = 0;
  virtual void on_address_removed(int index, const IpAddress& ip) = 0;
  virtual void on_group_joined(int index, Family family, const Status& status) = 0;
  virtual void on_device_made(const ownership::DeviceSpec& spec, const Status& status) = 0;
  virtual void on_device_removed(const Status& status) = 0;
  virtual void on_guard_set(const Status& status) = 0;
};

class KernelState final : public ownership::AddressCommands, private net::NetlinkVisitor {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KernelState>> make(KernelListener& listener,
                                                                 const log::Logger& log);

  // Starts the writer's thread and asks for the first dump.
  [[nodiscard]] Status start();
  // Runs what is queued, ends the thread.
  void stop() { writer_->stop(); }

  [[nodiscard]] const ownership::KernelView& view() const noexcept { return view_; }
  [[nodiscard]] bool synchronised() const noexcept { return synchronised_; }

  // ownership::AddressCommands
  [[nodiscard]] bool add(int index, const IpAddress& ip) override;
  [[nodiscard]] bool remove(int index, const IpAddress& ip) override;
  void request_dump() override;

  // Without `group`: VRRP's. The failure of another one is logged, and nobody is told.
  [[nodiscard]] bool join_group(int fd, int index, Family family, std::optional<IpAddress> group = {});
  [[nodiscard]] bool make_device(const ownership::DeviceSpec& spec);
  [[nodiscard]] bool remove_device(int index);
  [[nodiscard]] bool set_guard(int fd, std::shared_ptr<const ownership::NeighbourGuard> guard);

  [[nodiscard]] int events_fd() const noexcept { return events_.fd(); }
  [[nodiscard]] int results_fd() const noexcept { return writer_->fd(); }
  void read_events();
  void read_results();

 private:
  struct LinkGone {
    int index;
  };
  struct AddressGone {
    ownership::InterfaceAddress address;
  };
  using Event = std::variant<ownership::Link, LinkGone, ownership::InterfaceAddress, AddressGone>;
  struct Target {
    int index = 0;
    IpAddress ip;
    Family family = Family::kIpv4;
    std::optional<IpAddress> group{};
    ownership::DeviceSpec device{};
  };

  KernelState(KernelListener& listener, const log::Logger& log, std::unique_ptr<net::KernelWriter> writer,
              net::NetlinkEvents events)
      : listener_{listener}, log_{log}, writer_{std::move(writer)}, events_{std::move(events)} {}

  void on_link(const net::Link& link) override;
  void on_link_removed(int index) override;
  void on_address(const net::InterfaceAddress& address) override;
  void on_address_removed(const net::InterfaceAddress& address) override;
  void on_overrun() override;

  void apply(const Event& event);
  void take(Event event);
  void tell(const ownership::InterfaceAddress& changed);
  void on_dump(std::unique_ptr<net::KernelDump> dump);
  void on_result(net::KernelResult&& result);
  [[nodiscard]] bool post(const net::KernelCommand& command, const Target& target);

  KernelListener& listener_;
  const log::Logger& log_;
  std::unique_ptr<net::KernelWriter> writer_;
  net::NetlinkEvents events_;
  ownership::KernelView view_;
  std::unordered_map<net::CommandToken, Target> under_way_;
  net::CommandToken next_token_ = 1;
  bool synchronised_ = false;
  bool dump_under_way_ = false;
  bool dump_wanted_again_ = false;
  std::vector<Event> since_dump_request_;
};

}  // namespace vipra::agent
