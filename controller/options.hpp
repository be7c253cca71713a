// The command line of vipra-controller.
#pragma once

#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "program_flags/flags.hpp"

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
  std::string agent_service_account = "vipra-agent";
  log::Level log_level = log::Level::kInfo;

  // Whose tokens are taken. The audience alone would not do: every pod may ask for a token for any audience.
  [[nodiscard]] std::string agent_user() const {
    return "system:serviceaccount:" + name_space + ":" + agent_service_account;
  }
  // The name that the agents check the certificate for.
  [[nodiscard]] std::string dns_name() const { return service_name + "." + name_space + ".svc"; }
};

struct CommandLine {
  flags::Parsed flags;  // whether to run at all
  Options options;
};

// Fails with one sentence for people.
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace vipra::controller
