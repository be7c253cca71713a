#include "checks/probe.hpp"

#include <variant>

namespace vipra::checks {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

std::unique_ptr<Probe> make_probe(boost::asio::io_context& io, const definitions::CheckSpec& check,
                                  const ServiceBoard& services) {
  return std::visit(
      Overloaded{
          [&](const definitions::TcpProbe& probe) { return make_tcp_probe(io, probe, check.timeout); },
          [&](const definitions::HttpProbe& probe) { return make_http_probe(io, probe, check.timeout); },
          [&](const definitions::ServiceProbe& probe) { return make_service_probe(io, probe, services); }},
      check.probe);
}

std::string_view kind_of(const definitions::CheckSpec& check) noexcept {
  return std::visit(
      Overloaded{[](const definitions::TcpProbe&) -> std::string_view { return "tcp"; },
                 [](const definitions::HttpProbe&) -> std::string_view { return "http"; },
                 [](const definitions::ServiceProbe&) -> std::string_view { return "service"; }},
      check.probe);
}

}  // namespace vipra::checks
