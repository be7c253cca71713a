#include "agent/control/settings.hpp"

#include <string>
#include <utility>

namespace vipra::control {
namespace {

Result<std::pair<std::string, std::string>> namespaced(const std::string& flag, const std::string& text) {
  const auto slash = text.find('/');
  if (slash == 0 || slash == std::string::npos || slash + 1 == text.size()) {
    return fail(Errc::kInvalid, flag + " \"" + text + "\": NAMESPACE/NAME is expected");
  }
  return std::pair{text.substr(0, slash), text.substr(slash + 1)};
}

Result<std::optional<Cluster::Settings>> cluster_settings(const Options& options) {
  if (!options.has_cluster()) return std::nullopt;
  auto access = kube::find_access(options.kubeconfig, options.api_endpoints);
  if (!access) return tl::unexpected{std::move(access).error()};
  Cluster::Settings out{std::move(*access), options.node, std::nullopt};
  if (options.controller_service.empty()) return out;
  auto service = namespaced("--controller-service", options.controller_service);
  if (!service) return tl::unexpected{std::move(service).error()};
  auto ca = namespaced("--controller-ca-configmap", options.controller_ca_config_map);
  if (!ca) return tl::unexpected{std::move(ca).error()};
  if (ca->first != service->first) {
    return fail(Errc::kInvalid,
                "--controller-ca-configmap is in another namespace than --controller-service");
  }
  out.controller =
      ControllerSettings{service->first, service->second, ca->second, options.controller_token_file};
  return out;
}

}  // namespace

Result<Settings> understand(const Options& options) {
  Settings out;
  out.options = options;
  for (const auto& text : options.labels) {
    auto label = source::parse_label(text);
    if (!label) return fail(Errc::kInvalid, "--label " + label.error().what);
    out.labels.insert_or_assign(std::move(label->first), std::move(label->second));
  }
  auto listen = metrics::parse_listen_address(options.listen);
  if (!listen) return fail(Errc::kInvalid, "--listen: " + listen.error().what);
  out.listen = std::move(*listen);
  auto cluster = cluster_settings(options);
  if (!cluster) return tl::unexpected{std::move(cluster).error()};
  out.cluster = std::move(*cluster);
  return out;
}

}  // namespace vipra::control
