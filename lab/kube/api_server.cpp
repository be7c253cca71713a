#include "lab/kube/api_server.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "lab/clock.hpp"
#include "lab/kube/files.hpp"

namespace vipra::lab::kube {
namespace {

// Every request, without bodies: who did what to which object, and what came of it.
constexpr const char* kAuditPolicy = R"({"apiVersion":"audit.k8s.io/v1","kind":"Policy",
 "omitStages":["RequestReceived"],"rules":[{"level":"Metadata"}]}
)";
constexpr const char* kFirstServiceAddress = "10.96.0.1";

std::string host_of(const IpAddress& address) {
  return address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
}

}  // namespace

struct ApiServer::Home {
  std::unique_ptr<Workspace> workspace;
  NetNamespace net;
  Spawner spawner;
};

ApiServer::ApiServer(const Place& place, ApiServerOptions options, Authority authority)
    : place_{place}, options_{std::move(options)}, authority_{std::move(authority)} {}

ApiServer::~ApiServer() {
  // Without asking politely: the data go too, and a graceful end takes seconds.
  if (api_) api_->kill();
  if (etcd_) etcd_->kill();
}

Result<std::unique_ptr<ApiServer>> ApiServer::start(ApiServerOptions options) {
  auto workspace = Workspace::make(options.keep_files);
  if (!workspace) return tl::unexpected{workspace.error()};
  auto net = NetNamespace::current();
  if (!net) return tl::unexpected{net.error()};
  std::unique_ptr<Home> home{new Home{std::move(*workspace), std::move(*net), {}}};
  auto made = start_in(Place{home->spawner, home->net, home->workspace->directory(), home->workspace->id()},
                       std::move(options));
  if (made) (*made)->home_ = std::move(home);
  return made;
}

Result<std::unique_ptr<ApiServer>> ApiServer::start_in(const Place& place, ApiServerOptions options) {
  auto authority = Authority::make("vipra-lab");
  if (!authority) return tl::unexpected{authority.error()};
  const auto within = options.ready_within;
  std::unique_ptr<ApiServer> made{new ApiServer{place, std::move(options), std::move(*authority)}};
  if (const auto done = made->build(); !done) return tl::unexpected{done.error()};
  if (const auto done = made->wait_ready(within); !done) return tl::unexpected{done.error()};
  return made;
}

IpAddress ApiServer::address() const {
  return options_.addresses.empty() ? options_.loopback : options_.addresses.front();
}

std::string ApiServer::url() const {
  return "https://" + host_of(address()) + ":" + std::to_string(port_);
}

Status ApiServer::build() {
  if (const auto done = make_folder(directory()); !done) return done;
  if (const auto done = take_ports(); !done) return done;
  if (const auto done = write_certificates(); !done) return done;
  if (const auto done = write_users(); !done) return done;
  if (const auto done = write_file(directory() / "audit-policy.json", kAuditPolicy); !done) return done;
  etcd_ = std::make_unique<Daemon>(place_, "etcd", etcd_command());
  api_ = std::make_unique<Daemon>(place_, "kube-apiserver", api_command());
  if (const auto done = etcd_->start(); !done) return done;
  return api_->start();
}

Status ApiServer::take_ports() {
  if (!options_.addresses.empty()) return {};  // alone in its namespace
  for (auto* number : {&port_, &etcd_port_, &peer_port_}) {
    auto taken =
        ReservedPort::take(place_.net, number == &port_ ? options_.loopback : IpAddress::v4(127, 0, 0, 1));
    if (!taken) return tl::unexpected{taken.error()};
    *number = taken->number();
    reserved_.push_back(std::move(*taken));
  }
  return {};
}

Status ApiServer::write_certificates() {
  CertificateRequest serving{
      .common_name = "kube-apiserver",
      .dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
      .addresses = options_.addresses};
  serving.dns_names.insert(serving.dns_names.end(), options_.extra_names.begin(), options_.extra_names.end());
  for (const char* text : {"127.0.0.1", "::1", kFirstServiceAddress})
    serving.addresses.push_back(*IpAddress::parse(text));
  const auto server = authority_.issue(serving);
  if (!server) return tl::unexpected{server.error()};
  // With this it asks kubelets for logs and exec.
  const auto client =
      authority_.issue({.common_name = "kube-apiserver-kubelet-client", .organizations = {"system:masters"}});
  if (!client) return tl::unexpected{client.error()};
  const auto accounts = make_signing_key();
  if (!accounts) return tl::unexpected{accounts.error()};
  if (auto done = write_file(ca_path(), authority_.certificate()); !done) return done;
  if (auto done = write_key_pair(directory() / "serving", *server); !done) return done;
  if (auto done = write_key_pair(directory() / "kubelet-client", *client); !done) return done;
  if (auto done = write_file(directory() / "accounts.pub", accounts->open); !done) return done;
  return write_file(directory() / "accounts.key", accounts->secret, 0600);
}

Status ApiServer::write_users() {
  users_["admin"] = User{random_token(), {"system:masters"}};
  for (const auto& user : options_.users) users_[user.name] = User{random_token(), user.groups};
  std::string table;
  for (const auto& [name, user] : users_) {
    std::string groups;
    for (const auto& group : user.groups) groups += (groups.empty() ? "" : ",") + group;
    table += user.token + "," + name + "," + name + ",\"" + groups + "\"\n";
    const auto text = make_kubeconfig(url(), authority_.certificate(), user.token);
    if (const auto done = write_file(kubeconfig(name), text, 0600); !done) return done;
  }
  return write_file(directory() / "tokens.csv", table, 0600);
}

std::vector<std::string> ApiServer::etcd_command() const {
  const std::string client = "http://127.0.0.1:" + std::to_string(etcd_port_);
  const std::string peer = "http://127.0.0.1:" + std::to_string(peer_port_);
  return {options_.binaries.program("etcd"),
          "--data-dir=" + (directory() / "etcd").string(),
          "--listen-client-urls=" + client,
          "--advertise-client-urls=" + client,
          "--listen-peer-urls=" + peer,
          "--initial-advertise-peer-urls=" + peer,
          "--initial-cluster=default=" + peer,
          "--unsafe-no-fsync",  // it need not survive the machine
          "--log-level=warn"};
}

std::vector<std::string> ApiServer::api_command() const {
  const auto file = [&](const char* name) { return (directory() / name).string(); };
  std::vector<std::string> command{options_.binaries.program("kube-apiserver"),
                                   "--etcd-servers=http://127.0.0.1:" + std::to_string(etcd_port_),
                                   "--secure-port=" + std::to_string(port_),
                                   "--tls-cert-file=" + file("serving.crt"),
                                   "--tls-private-key-file=" + file("serving.key"),
                                   "--client-ca-file=" + file("ca.crt"),
                                   "--cert-dir=" + file("generated"),
                                   "--service-account-issuer=https://kubernetes.default.svc",
                                   "--service-account-key-file=" + file("accounts.pub"),
                                   "--service-account-signing-key-file=" + file("accounts.key"),
                                   std::string{"--service-cluster-ip-range="} + kServiceRange,
                                   "--authorization-mode=Node,RBAC",
                                   "--enable-admission-plugins=NodeRestriction",
                                   "--token-auth-file=" + file("tokens.csv"),
                                   "--allow-privileged",
                                   "--kubelet-preferred-address-types=InternalIP",
                                   "--kubelet-client-certificate=" + file("kubelet-client.crt"),
                                   "--kubelet-client-key=" + file("kubelet-client.key"),
                                   "--audit-policy-file=" + file("audit-policy.json"),
                                   "--audit-log-path=" + file("audit.log"),
                                   "--profiling=false"};
  if (options_.addresses.empty()) {
    command.push_back("--bind-address=" + options_.loopback.to_string());
    // The Service "kubernetes" must not point to a loopback address, so it has no endpoints.
    command.emplace_back("--endpoint-reconciler-type=none");
  } else {
    command.emplace_back("--bind-address=::");
    command.push_back("--advertise-address=" + options_.addresses.front().to_string());
  }
  command.insert(command.end(), options_.api_flags.begin(), options_.api_flags.end());
  return command;
}

std::string ApiServer::token(const std::string& user) const {
  const auto found = users_.find(user);
  VIPRA_CHECK(found != users_.end());
  return found->second.token;
}

std::filesystem::path ApiServer::kubeconfig(const std::string& user) const {
  VIPRA_CHECK(users_.contains(user));
  std::string name = user;  // "system:node:node-a" is fine, a folder is not
  std::replace(name.begin(), name.end(), '/', '_');
  return directory() / (name + ".kubeconfig");
}

Result<CommandOutput> ApiServer::kubectl(const std::vector<std::string>& arguments, std::string_view input,
                                         Duration within) const {
  return kubectl_as("admin", arguments, input, within);
}

Result<CommandOutput> ApiServer::kubectl_as(const std::string& user,
                                            const std::vector<std::string>& arguments, std::string_view input,
                                            Duration within) const {
  // Its caches and preferences live in HOME; a proxy of the user's is not for it.
  std::vector<std::string> command{"/usr/bin/env",
                                   "-i",
                                   "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                   "HOME=" + directory().string(),
                                   options_.binaries.program("kubectl"),
                                   "--kubeconfig=" + kubeconfig(user).string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_command(place_.net, command, input, within);
}

Status ApiServer::apply(std::string_view manifest) const {
  const auto said = kubectl({"apply", "--server-side", "-f", "-"}, manifest);
  if (!said) return tl::unexpected{said.error()};
  if (said->exit_status != 0) return fail(Errc::kInvalid, "kubectl apply: " + said->out);
  return {};
}

bool ApiServer::ready() const {
  const auto said = kubectl({"get", "--raw", "/readyz", "--request-timeout=5s"});
  return said && said->exit_status == 0;
}

Status ApiServer::wait_ready(Duration within) {
  const bool done = wait_until([&] { return !api_->running() || !etcd_->running() || ready(); }, within,
                               std::chrono::milliseconds{50});
  if (!etcd_->running()) return fail(Errc::kIo, "etcd ended: " + etcd_->last_words());
  if (!api_->running()) return fail(Errc::kIo, "the API server ended: " + api_->last_words());
  if (!done) return fail(Errc::kTimeout, "the API server is not ready in time: " + api_->last_words());
  return {};
}

}  // namespace vipra::lab::kube
