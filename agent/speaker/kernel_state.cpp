#include "agent/speaker/kernel_state.hpp"

#include <utility>

namespace vipra::agent {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

Result<std::unique_ptr<KernelState>> KernelState::make(KernelListener& listener, const log::Logger& log) {
  // Subscribed before the first dump is asked for: nothing in between is lost.
  auto events = net::NetlinkEvents::make();
  if (!events) return tl::unexpected{events.error()};
  auto writer = net::KernelWriter::make();
  if (!writer) return tl::unexpected{writer.error()};
  return std::unique_ptr<KernelState>{new KernelState{listener, log, std::move(*writer), std::move(*events)}};
}

Status KernelState::start() {
  under_way_.reserve(net::KernelWriter::kCapacity);
  if (auto status = writer_->start(); !status) return status;
  request_dump();
  return {};
}

bool KernelState::post(const net::KernelCommand& command, const Target& target) {
  if (!writer_->post(command)) return false;
  under_way_.emplace(next_token_++, target);
  return true;
}

bool KernelState::add(int index, const IpAddress& ip) {
  return post(net::AddAddress{next_token_, index, ip}, {index, ip, ip.family()});
}

bool KernelState::remove(int index, const IpAddress& ip) {
  if (!post(net::RemoveAddress{next_token_, index, ip}, {index, ip, ip.family()})) return false;
  view_.remove_ours(index, ip);  // as good as gone; after a failure its owner asks for a dump
  return true;
}

bool KernelState::join_group(int fd, int index, Family family, std::optional<IpAddress> group) {
  return post(net::JoinGroup{next_token_, fd, index, family, group}, {index, {}, family, group});
}

bool KernelState::make_device(const ownership::DeviceSpec& spec) {
  Target target;
  target.device = spec;
  return post(net::MakeDevice{next_token_, spec}, target);
}

bool KernelState::remove_device(int index) {
  Target target;
  target.index = index;
  return post(net::RemoveDevice{next_token_, index}, target);
}

bool KernelState::set_guard(int fd, std::shared_ptr<const ownership::NeighbourGuard> guard) {
  return post(net::SetNeighbourGuard{next_token_, fd, std::move(guard)}, {});
}

void KernelState::request_dump() {
  if (dump_under_way_) {
    dump_wanted_again_ = true;
    return;
  }
  since_dump_request_.clear();
  dump_under_way_ = post(net::DumpKernel{next_token_}, {});
  dump_wanted_again_ = !dump_under_way_;
}

// ---- events
// -------------------------------------------------------------------------------------------------

void KernelState::read_events() {
  if (const auto status = events_.read(*this); !status) {
    log_.error("kernel.events_failed", {{"error", status.error().what}});
    request_dump();
  }
}

void KernelState::on_link(const net::Link& link) {
  take(link);
}
void KernelState::on_link_removed(int index) {
  take(LinkGone{index});
}
void KernelState::on_address(const net::InterfaceAddress& address) {
  take(address);
}
void KernelState::on_address_removed(const net::InterfaceAddress& address) {
  take(AddressGone{address});
}
void KernelState::on_overrun() {
  log_.warning("kernel.events_lost", {{"action", "reads everything anew"}});
  request_dump();
}

void KernelState::take(Event event) {
  if (dump_under_way_) since_dump_request_.push_back(event);
  apply(event);
}

void KernelState::apply(const Event& event) {
  std::visit(Overloaded{
                 [this](const ownership::Link& link) {
                   const auto* known = view_.link(link.index);
                   if (known != nullptr && *known == link) return;
                   view_.set_link(link);
                   listener_.on_interfaces_changed();
                 },
                 [this](const LinkGone& gone) {
                   view_.remove_link(gone.index);
                   listener_.on_interfaces_changed();
                 },
                 [this](const ownership::InterfaceAddress& address) {
                   view_.set_address(address);
                   tell(address);
                 },
                 [this](const AddressGone& gone) {
                   view_.remove_address(gone.address);
                   tell(gone.address);
                 },
             },
             event);
}

void KernelState::tell(const ownership::InterfaceAddress& changed) {
  if (!changed.is_ours()) listener_.on_interfaces_changed();
  listener_.on_address_event(changed.index, changed.ip,
                             ownership::judge(view_.address(changed.index, changed.ip)));
}

// ---- results
// ------------------------------------------------------------------------------------------------

void KernelState::read_results() {
  writer_->drain([this](net::KernelResult&& result) { on_result(std::move(result)); });
  if (dump_wanted_again_ && !dump_under_way_) request_dump();
}

void KernelState::on_result(net::KernelResult&& result) {
  const auto found = under_way_.find(result.token);
  if (found == under_way_.end()) return;
  const auto target = found->second;
  under_way_.erase(found);
  const bool failed = result.outcome == net::CommandOutcome::kFailed;
  switch (result.kind) {
    case net::CommandKind::kAddAddress:
      if (failed) {
        listener_.on_address_failed(target.index, target.ip, true, result.error.what);
      } else {
        listener_.on_address_added(target.index, target.ip,
                                   result.outcome == net::CommandOutcome::kAlreadyThere);
      }
      break;
    case net::CommandKind::kRemoveAddress:
      if (failed) {
        listener_.on_address_failed(target.index, target.ip, false, result.error.what);
      } else {
        listener_.on_address_removed(target.index, target.ip);
      }
      break;
    case net::CommandKind::kDump:
      dump_under_way_ = false;
      if (failed) {
        log_.error("kernel.dump_failed", {{"error", result.error.what}});
        dump_wanted_again_ = true;
      } else {
        on_dump(std::move(result.dump));
      }
      break;
    case net::CommandKind::kJoinGroup:
      if (target.group) {
        if (failed) log_.warning("kernel.join_failed", {{"error", result.error.what}});
        break;
      }
      listener_.on_group_joined(target.index, target.family,
                                failed ? Status{tl::unexpected{result.error}} : Status{});
      break;
    case net::CommandKind::kMakeDevice:
      listener_.on_device_made(target.device, failed ? Status{tl::unexpected{result.error}} : Status{});
      break;
    case net::CommandKind::kRemoveDevice:
      if (failed) log_.error("device.not_removed", {{"error", result.error.what}});
      listener_.on_device_removed(failed ? Status{tl::unexpected{result.error}} : Status{});
      break;
    case net::CommandKind::kSetNeighbourGuard:
      listener_.on_guard_set(failed ? Status{tl::unexpected{result.error}} : Status{});
      break;
    case net::CommandKind::kRemoveAllMarked:
    case net::CommandKind::kDumpRoutes:
      break;
  }
}

void KernelState::on_dump(std::unique_ptr<net::KernelDump> dump) {
  if (!synchronised_ && !dump->marks_visible()) {
    log_.warning("kernel.no_address_marks",
                 {{"effect", "an address left by a killed agent looks like a stranger's"},
                  {"action", "use a kernel of 5.18 or newer"}});
  }
  view_.replace(*dump);
  const auto events = std::exchange(since_dump_request_, {});
  synchronised_ = true;
  for (const auto& event : events) apply(event);
  listener_.on_interfaces_changed();
  listener_.on_synchronised();
}

}  // namespace vipra::agent
