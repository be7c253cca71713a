#include "controller/options.hpp"

#include <CLI/CLI.hpp>
#include <utility>

namespace vipra::controller {
namespace {

constexpr const char* kAbout =
    "vipra-controller writes down what the nodes of a cluster report about their VirtualIPs: status, "
    "events,\n"
    "metrics. It has no part in an election: without it every VIP stays where it is, and moves as it "
    "should.\n";

constexpr const char* kAfter =
    "Of several replicas the one that holds the Lease writes. On --metrics: /metrics, /livez, /readyz.\n"
    "SIGTERM gives the Lease up and ends.";

void add_flags(CLI::App& app, Options& options) {
  app.add_option("--namespace", options.name_space,
                 "Namespace of the Lease, the Secret, the ConfigMap and the Service (default vipra-system)")
      ->type_name("NAME");
  app.add_option("--lease-name", options.lease_name, "Lease of the leader (default vipra-controller)")
      ->type_name("NAME");
  app.add_option("--service-name", options.service_name,
                 "Service by which the agents find the replicas; the certificate is for "
                 "NAME.NAMESPACE.svc (default vipra-controller)")
      ->type_name("NAME");
  app.add_option("--listen", options.listen, "Address for the reports of the agents (default [::]:9443)")
      ->type_name("ADDR:PORT");
  app.add_option("--metrics", options.metrics, "Address of /metrics, /livez and /readyz (default [::]:9113)")
      ->type_name("ADDR:PORT");
  app.add_option(
         "--tls-secret", options.tls_secret,
         "Secret with the serving certificate; an empty one is filled with a certificate that is made "
         "here, and renewed (default vipra-controller-tls)")
      ->type_name("NAME");
  app.add_option("--ca-configmap", options.ca_config_map,
                 "ConfigMap that tells the agents the CA (default vipra-controller-ca)")
      ->type_name("NAME");
  app.add_option("--audience", options.audience,
                 "Audience that the agents' tokens are for (default vipra-controller)")
      ->type_name("NAME");
  app.add_option(
         "--agent-service-account", options.agent_service_account,
         "ServiceAccount of the agents, in the same namespace; nobody else may report (default vipra-agent)")
      ->type_name("NAME");
  app.add_option("--kubeconfig", options.kubeconfig, "Reach the cluster by this file (default: as its pod)")
      ->type_name("FILE");
  app.add_option("--api-endpoint", options.api_endpoints,
                 "API server to ask instead, may be repeated; they are tried in turn")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  app.add_option("--identity", options.identity, "Name of this replica in the Lease (default: the host name)")
      ->type_name("NAME");
  flags::add_log_level(app, options.log_level);
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  CommandLine out;
  out.options.identity = flags::host_name();
  CLI::App app{kAbout, "vipra-controller"};
  app.footer(kAfter);
  add_flags(app, out.options);
  auto parsed = flags::parse(app, VIPRA_VERSION, argc, argv);
  if (!parsed) return tl::unexpected{std::move(parsed).error()};
  out.flags = std::move(*parsed);
  if (out.flags.request == flags::Parsed::Request::kPrintAndExit) return out;
  if (out.options.identity.empty()) return fail(Errc::kInvalid, "there is no host name: say --identity NAME");
  return out;
}

}  // namespace vipra::controller
