// The connection to the agent: connects, says Hello, keeps trying, and brings the agent to what control
// wants.
//
// What is to be said is kept as state, not as a queue: the newest desired state and the newest contributions
// win, a slow or absent agent costs no memory, and after every reconnect everything is said anew (resync
// request, full set of contributions, desired state: contributions first, so that a new router starts with
// what is known). Nothing waits: a full socket is tried again when it is writable.
//
// Threading: everything on the thread of the io_context.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/time.hpp"
#include "plan/desired_state.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace boost::asio {
class io_context;
}

namespace vipra::control {

class AgentClient {
 public:
  struct Options {
    std::string socket_path;
    std::string build;
    std::uint64_t epoch = 0;
    std::chrono::milliseconds retry_initial{50};
    std::chrono::milliseconds retry_maximum{2000};
    std::chrono::milliseconds retry_other_version{5000};  // until somebody upgrades one of the two
    std::chrono::milliseconds hello_timeout{2000};
  };
  struct Events {
    std::function<void()> connected;     // the agent's Hello was accepted
    std::function<void()> disconnected;  // after connected()
    std::function<void(const channel::v1::AgentMessage&)> message;
  };

  AgentClient(boost::asio::io_context& io, Options options, const log::Logger& log, Events events);
  ~AgentClient();
  AgentClient(const AgentClient&) = delete;
  AgentClient& operator=(const AgentClient&) = delete;

  void start();
  void stop();

  void set_desired(plan::DesiredStatePtr desired);
  // All of them, sorted by consumer and source. Nothing is said about contributions before the first call.
  void set_contributions(std::vector<plan::Contribution> contributions);

  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] std::uint64_t connects() const noexcept;

 private:
  class Connection;
  std::shared_ptr<Connection> connection_;
};

}  // namespace vipra::control
