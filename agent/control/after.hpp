// A timer and what to do when it is due. Arming it again, or cancelling it, forgets the old task, unless that
// one was due already and only waits for its turn: a handler must be harmless when it comes late.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "base/time.hpp"

namespace vipra::control {

template <class Handler>
void after(boost::asio::steady_timer& timer, Duration delay, Handler handler) {
  timer.expires_after(delay);
  timer.async_wait([handler = std::move(handler)](const boost::system::error_code& error) {
    if (!error) handler();
  });
}

}  // namespace vipra::control
