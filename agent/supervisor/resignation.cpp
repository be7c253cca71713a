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
    : log_{log}, next_{now} {
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
    auto& farewell = farewells_.emplace_back(Farewell{socket, voice, {}, voice.message.size()});
    std::copy(voice.message.begin(), voice.message.end(), farewell.message.begin());
    vrrp::set_priority(std::span{farewell.message}.first(farewell.size), vrrp::kResign);
    farewell.size = signer.sign(farewell.message, farewell.size);
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
  for (auto& farewell : farewells_) {
    const auto status = farewell.socket->send(std::span{farewell.message}.first(farewell.size),
                                              farewell.voice.source, farewell.voice.destination);
    if (status) {
      ++sent_;
    } else {
      log_.warning("supervisor.resignation_not_sent",
                   {{"router", farewell.voice.router}, {"error", status.error().what}});
    }
  }
}

}  // namespace vipra::supervisor
