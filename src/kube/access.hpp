// Where the API server is and how to be believed there. Values only: files are read when they are needed, so
// that rotated tokens and certificates need no restart. Nothing here is ever logged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vipra::kube {

struct Server {
  std::string host;  // a name, or an address; IPv6 without brackets
  std::uint16_t port = 443;
  std::string path;  // a prefix of every path, without a final slash; nearly always empty
  bool operator==(const Server&) const = default;
};
[[nodiscard]] std::string to_string(const Server& server);  // "[::1]:6443"

// "https://HOST[:PORT][/PATH]" (port 443) or "HOST[:PORT]" (port 6443, where API servers listen on nodes);
// IPv6 in brackets, or bare without a port. http:// is refused.
[[nodiscard]] Result<Server> parse_server(std::string_view text);

// A file, or its content. The file is read each time.
struct Material {
  std::string file;
  std::string data;
  [[nodiscard]] bool empty() const noexcept { return file.empty() && data.empty(); }
  [[nodiscard]] Result<std::string> read() const;  // at most 1 MB
};

struct Access {
  std::vector<Server> servers;  // tried in turn
  std::string server_name;      // that the server's certificate must have; empty: the host
  Material ca;                  // PEM; the only authorities that are trusted
  Material client_certificate;  // PEM
  Material client_key;
  Material token;          // a bearer token
  std::string name_space;  // our own, or the context's; may be empty
};

inline constexpr const char* kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

// As a pod. `host`, `port`: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT. Errors: kNotFound if this is
// no pod.
[[nodiscard]] Result<Access> in_cluster(std::string_view host, std::string_view port,
                                        const std::filesystem::path& folder = kServiceAccountFolder);
[[nodiscard]] Result<Access> in_cluster();  // from the environment

// `context` empty: the current one. Understands token, tokenFile, client-certificate(-data),
// client-key(-data), certificate-authority(-data), tls-server-name; refuses exec and auth-provider plugins,
// passwords, impersonation, proxies and insecure-skip-tls-verify by name.
[[nodiscard]] Result<Access> from_kubeconfig(const std::filesystem::path& file,
                                             std::string_view context = {});

// `access` with these servers instead of its own (--api-endpoint, repeated). The certificate may be for the
// service's name, which such an address is not: then set server_name to "kubernetes.default.svc".
[[nodiscard]] Result<Access> with_endpoints(Access access, const std::vector<std::string>& endpoints);

// What a command line asks for: the kubeconfig, or as a pod where that is empty; with these servers, if any.
[[nodiscard]] Result<Access> find_access(const std::string& kubeconfig,
                                         const std::vector<std::string>& endpoints);

}  // namespace vipra::kube
