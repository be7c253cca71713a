#include "agent/control/options.hpp"

#include <CLI/CLI.hpp>
#include <utility>

namespace vipra::control {
namespace {

constexpr std::size_t kMaxNodeName = 253;

constexpr const char* kAbout =
    "vipra-control reads definitions, runs checks and tells what happens, for the agent of this node.\n"
    "It has no privilege and no part in an election: stop it, and every VIP stays where it is.\n"
    "vipra-agent starts it; start it yourself only where the agent runs with --no-control.\n";

constexpr const char* kAfter =
    "On --listen: /metrics for Prometheus, /livez (this process works), /readyz (the definitions are\n"
    "read, and the agent runs them). SIGTERM ends it at once and takes nothing away.";

void add_notify_flags(CLI::App& app, Options& options) {
  app.add_option("--notify-fifo", options.notify_fifo,
                 "FIFO for a JSON line of every transition; made if it is not there")
      ->type_name("PATH");
  app.add_option("--notify-socket", options.notify_socket,
                 "The same as datagrams to this Unix socket, which somebody else makes")
      ->type_name("PATH");
  app.add_option("--notify-hook", options.notify_hook,
                 "Program that is run for every transition, with the line as its input; nobody waits for it "
                 "(default: none)")
      ->type_name("PATH");
}

void add_flags(CLI::App& app, Options& options) {
  app.add_option("--definitions", options.definitions,
                 "Folder of definitions, *.yaml, *.yml or *.json; edits are seen at once (default "
                 "/etc/vipra/definitions; none in a cluster)")
      ->type_name("DIR");
  app.add_flag(
      "--kubernetes", options.in_cluster,
      "Read VirtualIPs, Nodes and EndpointSlices from the cluster of which this is a pod; files are read "
      "too if --definitions is given");
  app.add_option("--kubeconfig", options.kubeconfig, "The same, by this kubeconfig")->type_name("FILE");
  app.add_option("--api-endpoint", options.api_endpoints,
                 "API server to ask instead, may be repeated; they are tried in turn")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  app.add_option("--controller-service", options.controller_service,
                 "Service of vipra-controller, which gets reports (default: none)")
      ->type_name("NAMESPACE/NAME");
  app.add_option("--controller-ca-configmap", options.controller_ca_config_map,
                 "ConfigMap with the CA of its certificate, key ca.crt")
      ->type_name("NAMESPACE/NAME");
  app.add_option("--controller-token-file", options.controller_token_file,
                 "Token for the audience vipra-controller (default /var/run/secrets/vipra/token)")
      ->type_name("FILE");
  app.add_option("--node", options.node, "Name of this node (default: the host name)")->type_name("NAME");
  app.add_option("--label", options.labels,
                 "Label of this node, may be repeated; definitions select nodes by labels")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--labels-file", options.labels_file, "Labels, one KEY=VALUE a line; edits are seen at once")
      ->type_name("FILE");
  app.add_option("--state-dir", options.state_dir,
                 "Keeps the last good definitions, for a start without the folder (default /var/lib/vipra)")
      ->type_name("DIR");
  app.add_option("--agent-socket", options.agent_socket,
                 "Socket of the agent (default /run/vipra/agent.sock)")
      ->type_name("PATH");
  app.add_option("--vipctl-socket", options.vipctl_socket,
                 "Socket that is made here for vipctl (default /run/vipra/vipctl.sock)")
      ->type_name("PATH");
  app.add_option("--listen", options.listen,
                 "Address of /metrics, /livez and /readyz; [::] takes IPv4 too (default [::]:9112)")
      ->type_name("ADDR:PORT");
  add_notify_flags(app, options);
  flags::add_log_level(app, options.log_level);
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine out;
  out.options.node = flags::host_name();
  CLI::App app{kAbout, "vipra-control"};
  app.footer(kAfter);
  add_flags(app, out.options);
  auto parsed = flags::parse(app, VIPRA_VERSION, argc, argv);
  if (!parsed) return tl::unexpected{std::move(parsed).error()};
  out.flags = std::move(*parsed);
  if (out.flags.request == flags::Parsed::Request::kPrintAndExit) return out;
  if (out.options.in_cluster && !out.options.kubeconfig.empty()) {
    return fail(Errc::kInvalid, "--kubernetes and --kubeconfig exclude each other");
  }
  if (out.options.has_cluster() && !out.options.labels_file.empty()) {
    return fail(Errc::kInvalid,
                "--labels-file is for nodes outside of a cluster: there the Node has the labels");
  }
  if (!out.options.has_cluster() &&
      !(out.options.api_endpoints.empty() && out.options.controller_service.empty())) {
    return fail(Errc::kInvalid,
                "--api-endpoint and --controller-service need --kubernetes or --kubeconfig beside them");
  }
  if (out.options.controller_service.empty() != out.options.controller_ca_config_map.empty()) {
    return fail(Errc::kInvalid, "--controller-service and --controller-ca-configmap go together");
  }
  for (const auto& path : {out.options.notify_fifo, out.options.notify_socket, out.options.notify_hook}) {
    if (!path.empty() && path.front() != '/')
      return fail(Errc::kInvalid, "--notify-... " + path + ": an absolute path is expected");
  }
  if (out.options.has_cluster() && app.count("--definitions") == 0) out.options.definitions.clear();
  if (out.options.node.empty() || out.options.node.size() > kMaxNodeName) {
    return fail(Errc::kInvalid, "the host name is no node name: say --node NAME (1 to 253 characters)");
  }
  return out;
}

}  // namespace vipra::control
