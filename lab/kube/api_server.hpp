// A real Kubernetes API: etcd and kube-apiserver with RBAC, tokens for named users, and an audit log. No
// nodes and no controllers (see Cluster): what is written stays as it was written. Ready in about 3 s.
//
//   auto api = ApiServer::start({.binaries = *Binaries::find(VIPRA_SOURCE_DIR, Level::kApi)});
//   (*api)->apply(crd_yaml);
//   Client client{(*api)->url(), (*api)->ca_path(), (*api)->token("admin")};
//   (*api)->signal(ApiServer::Part::kApi, SIGSTOP);
//
// All of it dies with the object, and with the process. One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.hpp"
#include "base/result.hpp"
#include "lab/command.hpp"
#include "lab/kube/authority.hpp"
#include "lab/kube/binaries.hpp"
#include "lab/kube/daemon.hpp"
#include "lab/kube/ports.hpp"
#include "lab/workspace.hpp"

namespace vipra::lab::kube {

struct UserOptions {
  std::string name;
  std::vector<std::string> groups{};
};

struct ApiServerOptions {
  Binaries binaries;
  // Beside "admin", who may do everything. Each gets a random token. For one that is made later see
  // `kubectl create token` (service accounts), which works.
  std::vector<UserOptions> users{};
  // Where the server is reached. Empty: on the loopback interface of the caller's namespace (127.0.0.1 or
  // `loopback`), at a free port. Else the addresses of `place.net`'s machine, at port 6443, the first one
  // advertised.
  std::vector<IpAddress> addresses{};
  IpAddress loopback = IpAddress::v4(127, 0, 0, 1);
  std::vector<std::string> extra_names{};            // DNS names in the serving certificate
  std::vector<std::string> api_flags{};              // appended: "--feature-gates=..."
  Duration ready_within = std::chrono::seconds{90};  // sanitizers and loaded machines included
  bool keep_files = false;
};

class ApiServer {
 public:
  enum class Part : std::uint8_t { kApi, kEtcd };
  static constexpr std::uint16_t kPort = 6443;
  static constexpr const char* kServiceRange = "10.96.0.0/16";

  // With a workspace of its own, in the caller's network namespace. Returns when it is ready.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start(ApiServerOptions options);
  // As a part of a bigger lab.
  [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start_in(const Place& place,
                                                                   ApiServerOptions options);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  [[nodiscard]] std::string url() const;  // https://127.0.0.1:20123
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return place_.directory; }
  // The CA of the serving certificate, PEM.
  [[nodiscard]] std::filesystem::path ca_path() const { return directory() / "ca.crt"; }
  [[nodiscard]] const Authority& authority() const { return authority_; }
  // Only names given at start and "admin" are known.
  [[nodiscard]] std::string token(const std::string& user) const;
  // Mode 0600, everything inside it (no other file is referred to).
  [[nodiscard]] std::filesystem::path kubeconfig(const std::string& user = "admin") const;

  // The words of kubectl and its exit status; fails only if it is not done in time.
  [[nodiscard]] Result<CommandOutput> kubectl(const std::vector<std::string>& arguments,
                                              std::string_view input = {},
                                              Duration within = std::chrono::seconds{30}) const;
  [[nodiscard]] Result<CommandOutput> kubectl_as(const std::string& user,
                                                 const std::vector<std::string>& arguments,
                                                 std::string_view input = {},
                                                 Duration within = std::chrono::seconds{30}) const;
  // kubectl apply --server-side; an error carries kubectl's words.
  [[nodiscard]] Status apply(std::string_view manifest) const;

  // Outages. Data stay; the address, port and certificates too. start_part() returns when the program runs;
  // wait_ready() when it serves.
  void stop(Part part) { daemon(part).stop(); }
  void kill(Part part) { daemon(part).kill(); }
  void signal(Part part, int number) { daemon(part).signal(number); }
  [[nodiscard]] Status start_part(Part part) { return daemon(part).start(); }
  [[nodiscard]] bool running(Part part) { return daemon(part).running(); }
  [[nodiscard]] bool ready() const;
  [[nodiscard]] Status wait_ready(Duration within);

  // One JSON object a line (audit.k8s.io/v1, level Metadata, every stage but RequestReceived).
  [[nodiscard]] std::filesystem::path audit_log() const { return directory() / "audit.log"; }
  [[nodiscard]] std::filesystem::path log_path(Part part) { return daemon(part).log_path(); }

 private:
  struct Home;  // what start() makes for it
  struct User {
    std::string token;
    std::vector<std::string> groups;
  };

  ApiServer(const Place& place, ApiServerOptions options, Authority authority);
  [[nodiscard]] Status build();
  [[nodiscard]] Status take_ports();
  [[nodiscard]] Status write_certificates();
  [[nodiscard]] Status write_users();
  [[nodiscard]] std::vector<std::string> etcd_command() const;
  [[nodiscard]] std::vector<std::string> api_command() const;
  [[nodiscard]] Daemon& daemon(Part part) { return part == Part::kApi ? *api_ : *etcd_; }
  [[nodiscard]] IpAddress address() const;

  std::unique_ptr<Home> home_;  // first: it outlives the daemons
  Place place_;
  ApiServerOptions options_;
  Authority authority_;
  std::map<std::string, User> users_;
  std::vector<ReservedPort> reserved_;
  std::uint16_t port_ = kPort;
  std::uint16_t etcd_port_ = 2379;
  std::uint16_t peer_port_ = 2380;
  std::unique_ptr<Daemon> etcd_;
  std::unique_ptr<Daemon> api_;
};

// A kubeconfig for a server and a bearer token, as JSON.
[[nodiscard]] std::string make_kubeconfig(const std::string& url, const std::string& ca_pem,
                                          const std::string& token);

}  // namespace vipra::lab::kube
