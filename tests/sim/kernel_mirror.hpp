// What a speaker believes of its kernel: agent/speaker/kernel_state without threads and sockets. Commands go
// to the writer's queue, a dump is the whole truth of its moment, and notices that came after it was asked
// for are applied again on top.
#pragma once

#include <vector>

#include "ownership/address_set.hpp"
#include "ownership/kernel_view.hpp"
#include "tests/sim/kernel.hpp"

namespace vipra::sim {

class KernelMirror {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_interfaces_changed() = 0;
    virtual void on_address_event(const IpAddress& ip, ownership::AddressSet::Kernel state) = 0;
    virtual void on_synchronised() = 0;
    virtual void on_result(const KernelResult& result) = 0;
    [[nodiscard]] virtual bool post(const KernelCommand& command) = 0;
  };

  explicit KernelMirror(Owner& owner) : owner_{owner} {}

  [[nodiscard]] const ownership::KernelView& view() const noexcept { return view_; }
  [[nodiscard]] bool synchronised() const noexcept { return synchronised_; }

  void removing(const IpAddress& ip) { view_.remove_ours(interface_of(role_of(ip)), ip); }
  void request_dump();
  void take(const Notice& notice);
  void take(const KernelResult& result);
  void events_lost() { request_dump(); }
  // Results of others were read: what found the queue full is asked for again.
  void retry() {
    if (dump_wanted_again_ && !dump_under_way_) request_dump();
  }

 private:
  void apply(const Notice& notice);
  void tell(const ownership::InterfaceAddress& changed);

  Owner& owner_;
  ownership::KernelView view_;
  std::vector<Notice> since_dump_request_;
  bool synchronised_ = false;
  bool dump_under_way_ = false;
  bool dump_wanted_again_ = false;
};

}  // namespace vipra::sim
