#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <string>
#include <utility>

#include "checks/probe.hpp"

namespace vipra::checks {
namespace {

using Outcome = ProbeResult::Outcome;
using Endpoints = definitions::ServiceProbe::Endpoints;

ProbeResult judge(const definitions::ServiceProbe& probe, const ServiceBoard& services) {
  const auto target = "service " + probe.name_space + "/" + probe.name;
  const auto ready = services.find({probe.name_space, probe.name});
  if (!ready) {
    return {Outcome::kDiscarded, Reason::kCheckPending, target + ": the endpoints are not known yet", {}};
  }
  const bool here = probe.endpoints == Endpoints::kNode;
  const int count = here ? ready->on_node : ready->in_cluster;
  const auto detail = target + " has " + std::to_string(count) + " ready endpoints" +
                      (here ? " on this node" : "") + ", expected at least " + std::to_string(probe.minimum);
  if (count >= probe.minimum) return {Outcome::kPassed, Reason::kCheckPassed, detail, {}};
  return {Outcome::kFailed, Reason::kCheckTooFewEndpoints, detail, {}};
}

// The answer is there already; it is only never given from inside start().
class ServiceLookup final : public Probe {
 public:
  ServiceLookup(boost::asio::io_context& io, definitions::ServiceProbe probe, const ServiceBoard& services)
      : io_{io}, probe_{std::move(probe)}, services_{services} {}

  void start(Done done) override {
    boost::asio::post(
        io_, [alive = std::weak_ptr{alive_}, done = std::move(done), probe = probe_, &services = services_] {
          if (!alive.expired()) done(judge(probe, services));
        });
  }

 private:
  boost::asio::io_context& io_;
  definitions::ServiceProbe probe_;
  const ServiceBoard& services_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace

std::unique_ptr<Probe> make_service_probe(boost::asio::io_context& io, const definitions::ServiceProbe& probe,
                                          const ServiceBoard& services) {
  return std::make_unique<ServiceLookup>(io, probe, services);
}

}  // namespace vipra::checks
