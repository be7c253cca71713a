// The command line of vipra-controller.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"

namespace vipra::controller {

struct Options {
  std::string kubeconfig;  // empty: as a pod
  std::vector<std::string> api_endpoints;
  std::string name_space = "vipra-system";
  std::string identity;  // default: the host name, which is the pod's name
  std::string lease_name = "vipra-controller";
  std::string service_name = "vipra-controller";
  std::string listen = "[::]:9443";
  std::string metrics = "[::]:9113";
  std::string tls_secret = "vipra-controller-tls";
  std::string ca_config_map = "vipra-controller-ca";
  std::string audience = "vipra-controller";
  std::string agent_account = "vipra-agent";  // ServiceAccount of the agents, in the same namespace
  log::Level log_level = log::Level::kInfo;

  [[nodiscard]] std::string agent_username() const {
    return "system:serviceaccount:" + name_space + ":" + agent_account;
  }
  // The name that the agents check the certificate for.
  [[nodiscard]] std::string dns_name() const { return service_name + "." + name_space + ".svc"; }
};

struct CommandLine {
  enum class Request : std::uint8_t { kRun, kPrintAndExit } request = Request::kRun;
  Options options;
  std::string text;  // what to print: help, version
};

// Fails with one sentence for people.
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace vipra::controller
