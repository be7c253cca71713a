#include "tests/sim/kernel_mirror.hpp"

#include <utility>

namespace vipra::sim {

void KernelMirror::request_dump() {
  if (dump_under_way_) {
    dump_wanted_again_ = true;
    return;
  }
  since_dump_request_.clear();
  dump_under_way_ = owner_.post({KernelCommand::Kind::kDump, {}});
  dump_wanted_again_ = !dump_under_way_;
}

void KernelMirror::take(const Notice& notice) {
  if (dump_under_way_) since_dump_request_.push_back(notice);
  apply(notice);
}

void KernelMirror::apply(const Notice& notice) {
  if (const auto* link = std::get_if<ownership::Link>(&notice)) {
    const auto* known = view_.link(link->index);
    if (known != nullptr && *known == *link) return;
    view_.set_link(*link);
    owner_.on_interfaces_changed();
  } else if (const auto* address = std::get_if<ownership::InterfaceAddress>(&notice)) {
    view_.set_address(*address);
    tell(*address);
  } else {
    const auto& gone = std::get<AddressGone>(notice).address;
    view_.remove_address(gone);
    tell(gone);
  }
}

void KernelMirror::tell(const ownership::InterfaceAddress& changed) {
  if (!changed.is_ours()) owner_.on_interfaces_changed();
  owner_.on_address_event(changed.ip, ownership::judge(view_.address(changed.index, changed.ip)));
}

void KernelMirror::take(const KernelResult& result) {
  if (result.command.kind == KernelCommand::Kind::kDump) {
    dump_under_way_ = false;
    if (result.outcome == KernelResult::Outcome::kFailed) {
      dump_wanted_again_ = true;
    } else {
      view_.replace(*result.dump);
      const auto notices = std::exchange(since_dump_request_, {});
      synchronised_ = true;
      for (const auto& notice : notices) apply(notice);
      owner_.on_interfaces_changed();
      owner_.on_synchronised();
    }
  } else {
    owner_.on_result(result);
  }
  if (dump_wanted_again_ && !dump_under_way_) request_dump();
}

}  // namespace vipra::sim
