#include "agent/supervisor/resignation.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>

namespace vipra::supervisor {

Resignation::Resignation(const std::vector<OwnedVoice>& voices, const HandleTable& handles,
                         vrrp::PacketSigner& signer, const log::Logger& log, TimePoint now)
    : signer_{signer}, log_{log}, next_{now} {
  std::map<HandleTable::Key, net::VrrpSocket*> opened;
  for (const auto& voice : voices) {
    const HandleTable::Key key{HandleTable::vrrp_kind(voice.family), voice.interface_index};
    const auto handle = handles.find(key);
    if (!handle || voice.message.size() > vrrp::kMaxMessage) {
      log_.warning("supervisor.cannot_resign",
                   {{"router", voice.router}, {"detail", "no socket for its interface"}});
      continue;
    }
    auto& socket = opened[key];
    if (socket == nullptr) {
      sys::UniqueFd copy{::fcntl(*handle, F_DUPFD_CLOEXEC, 0)};
      sockets_.push_back(std::make_unique<net::VrrpSocket>(std::move(copy), voice.family,
                                                           static_cast<int>(voice.interface_index)));
      socket = sockets_.back().get();
    }
    auto& farewell = farewells_.emplace_back(Farewell{socket, voice});
    vrrp::set_priority(farewell.voice.message, vrrp::kResign);
  }
}

bool Resignation::step(TimePoint now) {
  if (farewells_.empty()) return false;
  if (rounds_left_ > 0 && now >= next_) {
    send_round();
    --rounds_left_;
    next_ = now + kSpacing;
  }
  return rounds_left_ > 0;
}

void Resignation::send_round() {
  for (auto& farewell : farewells_) send(farewell);
}

void Resignation::send(const Farewell& farewell) {
  const auto& [router, family, interface_index, destinations, message, form] = farewell.voice;
  std::array<std::uint8_t, vrrp::kMaxMessage> wire;
  bool sent = false;
  for (const auto& to : destinations) {
    std::copy(message.begin(), message.end(), wire.begin());
    vrrp::set_endpoints(std::span{wire}.first(message.size()), form, destinations.front(), to);
    const auto size = signer_.sign(wire, message.size());
    const auto status = farewell.socket->send(std::span{wire}.first(size), to.source, to.destination);
    if (status) {
      sent = true;
    } else {
      log_.warning("supervisor.resignation_not_sent", {{"router", router}, {"error", status.error().what}});
    }
  }
  if (sent) ++sent_;
}

}  // namespace vipra::supervisor
