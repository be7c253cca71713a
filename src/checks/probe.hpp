// One try of one check: connect, ask, judge. One file for each kind; probe.cpp is the table of kinds.
//
// Everything runs on the thread of the io_context. The timeout covers all of a run, from the first system
// call to the judgement. Memory and reading are bounded whatever the other side sends.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/reason.hpp"
#include "base/time.hpp"
#include "checks/service_board.hpp"
#include "definitions/virtual_ip.hpp"

namespace boost::asio {
class io_context;
}

namespace vipra::checks {

struct ProbeResult {
  enum class Outcome : std::uint8_t {
    kPassed,
    kFailed,
    // Says nothing about the service: this process stood still (its own timer came late), or it has no
    // descriptor or memory left. A run like that is not counted.
    kDiscarded,
  };
  Outcome outcome = Outcome::kFailed;
  Reason reason = Reason::kNone;
  std::string detail;  // one sentence that names the target
  Duration duration{};
};

// Destroying a probe cancels it; `done` is then never called.
class Probe {
 public:
  using Done = std::function<void(ProbeResult)>;

  virtual ~Probe() = default;
  // Once for each object. `done` is called once, never from inside start(); it may destroy the probe.
  virtual void start(Done done) = 0;
};

// `services` must outlive the probe.
[[nodiscard]] std::unique_ptr<Probe> make_probe(boost::asio::io_context& io,
                                                const definitions::CheckSpec& check,
                                                const ServiceBoard& services);
[[nodiscard]] std::unique_ptr<Probe> make_tcp_probe(boost::asio::io_context& io,
                                                    const definitions::TcpProbe& probe, Duration timeout);
[[nodiscard]] std::unique_ptr<Probe> make_http_probe(boost::asio::io_context& io,
                                                     const definitions::HttpProbe& probe, Duration timeout);

[[nodiscard]] std::unique_ptr<Probe> make_service_probe(boost::asio::io_context& io,
                                                        const definitions::ServiceProbe& probe,
                                                        const ServiceBoard& services);

[[nodiscard]] std::string_view kind_of(const definitions::CheckSpec& check) noexcept;  // "tcp", "http"...

}  // namespace vipra::checks
