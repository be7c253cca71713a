#include <memory>

#include "checks/attempt.hpp"

namespace vipra::checks {
namespace {

// Passes as soon as the connection stands; sends and reads nothing.
class TcpAttempt final : public Attempt {
 public:
  using Attempt::Attempt;

 private:
  void on_connected() override { end(Outcome::kPassed, Reason::kCheckPassed, "accepted the connection"); }
};

}  // namespace

std::unique_ptr<Probe> make_tcp_probe(boost::asio::io_context& io, const definitions::TcpProbe& probe,
                                      Duration timeout) {
  return make_attempt_probe(std::make_shared<TcpAttempt>(
      io, probe.host, probe.port, "tcp " + host_and_port(probe.host, probe.port), timeout));
}

}  // namespace vipra::checks
