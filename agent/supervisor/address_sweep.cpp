#include "agent/supervisor/address_sweep.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <system_error>
#include <utility>

#include "net/route_socket.hpp"

namespace vipra::supervisor {
namespace {

Result<std::size_t> sweep() {
  auto socket = net::RouteSocket::open();
  if (!socket) return tl::unexpected{std::move(socket).error()};
  return socket->remove_all_marked();
}

}  // namespace

AddressSweep::~AddressSweep() {
  if (event_) loop_.unwatch(event_.get());
  if (thread_.joinable()) thread_.join();
}

void AddressSweep::start(std::function<void(Result<std::size_t>)> done) {
  done_ = std::move(done);
  if (!start_thread()) std::exchange(done_, nullptr)(sweep());
}

bool AddressSweep::start_thread() {
  event_.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event_ || !loop_.watch(event_.get(), EPOLLIN, [this](std::uint32_t) { finish(); })) return false;
  try {
    thread_ = std::thread{[this] {
      result_ = sweep();
      const std::uint64_t one = 1;
      (void)!::write(event_.get(), &one, sizeof one);
    }};
  } catch (const std::system_error&) {
    loop_.unwatch(event_.get());
    return false;
  }
  return true;
}

void AddressSweep::finish() {
  thread_.join();
  loop_.unwatch(event_.get());
  event_.reset();
  auto result = std::exchange(result_, std::nullopt);
  std::exchange(done_, nullptr)(std::move(*result));
}

}  // namespace vipra::supervisor
