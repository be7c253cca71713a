// The command line of vipra-control.
#pragma once

#include <string>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "program_flags/flags.hpp"

namespace vipra::control {

struct Options {
  std::string agent_socket = "/run/vipra/agent.sock";
  std::string vipctl_socket = "/run/vipra/vipctl.sock";
  std::string definitions = "/etc/vipra/definitions";  // empty: none (in a cluster, unless it was asked for)
  std::string state_dir = "/var/lib/vipra";
  std::string node;                 // default: the host name
  std::vector<std::string> labels;  // "KEY=VALUE"
  std::string labels_file;
  std::string listen = "[::]:9112";
  std::string notify_fifo;  // these three: empty, not wanted
  std::string notify_socket;
  std::string notify_hook;
  log::Level log_level = log::Level::kInfo;

  // A cluster: as a pod of it, or by a kubeconfig.
  bool in_cluster = false;
  std::string kubeconfig;
  std::vector<std::string> api_endpoints;  // HOST:PORT, instead of what the two above say
  std::string controller_service;          // NAMESPACE/NAME; empty: no reports to a controller
  std::string controller_ca_config_map;    // NAMESPACE/NAME
  std::string controller_token_file = "/var/run/secrets/vipra/token";
  [[nodiscard]] bool has_cluster() const noexcept { return in_cluster || !kubeconfig.empty(); }
};

struct CommandLine {
  flags::Parsed flags;  // whether to run at all
  Options options;
};

// Fails with one sentence for people.
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace vipra::control
