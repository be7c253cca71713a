#include "tests/cluster/vipra_programs.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include "lab/kube/files.hpp"
#include "tests/cluster/api_fixture.hpp"

namespace vipra::lab::kube {
namespace {

constexpr const char* kAddress = "10.99.9.1";

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

reason::v1::Reason reason_of(reason::v1::State state) {
  return state == reason::v1::STATE_MASTER ? reason::v1::REASON_HIGHEST_PRIORITY
                                           : reason::v1::REASON_LOWER_PRIORITY;
}

test::wire::RouterSnapshot snapshot_of(const plan::VirtualRouter& router, reason::v1::State state,
                                       std::int64_t since) {
  test::wire::RouterSnapshot out;
  out.set_router(router.id);
  out.set_family(router.family == Family::kIpv6 ? 6 : 4);
  out.set_vrid(router.vrid.value());
  out.set_state(state);
  out.set_reason(reason_of(state));
  out.set_since_unix_ns(since);
  out.set_base_priority(router.base_priority);
  out.set_effective_priority(router.base_priority);
  out.set_interface("eth0");
  out.set_interval_ns(router.interval.count());
  out.set_misses(static_cast<std::uint32_t>(router.misses));
  for (const auto& address : router.addresses) {
    auto& item = *out.add_addresses();
    const auto bytes = address.ip.bytes();
    item.set_ip(std::string{bytes.begin(), bytes.end()});
    item.set_virtual_ip(address.virtual_ip);
    item.set_present(state == reason::v1::STATE_MASTER);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Stage>> Stage::make() {
  auto workspace = Workspace::make(false);
  if (!workspace) return tl::unexpected{workspace.error()};
  auto net = NetNamespace::make();
  if (!net) return tl::unexpected{net.error()};
  std::unique_ptr<Stage> out{new Stage{std::move(*workspace), std::move(*net)}};
  if (const auto built = out->build(); !built) return tl::unexpected{built.error()};
  return out;
}

Status Stage::build() {
  if (const auto done = workspace_->guard({&net_}); !done) return done;
  if (const auto done = must_run(net_, {"ip", "address", "add", std::string{kAddress} + "/24", "dev", "lo"});
      !done) {
    return done;
  }
  auto binaries = Binaries::find(VIPRA_SOURCE_DIR, Level::kApi);
  if (!binaries) return tl::unexpected{binaries.error()};
  ApiServerOptions options{.binaries = *binaries};
  options.addresses = {*IpAddress::parse(kAddress)};
  auto api = ApiServer::start_in(place("api"), std::move(options));
  if (!api) return tl::unexpected{api.error()};
  api_ = std::move(*api);
  if (const auto done = apply(read_file(VIPRA_SOURCE_DIR "/deploy/manifests/install.yaml")); !done)
    return done;
  const auto waited =
      kubectl({"wait", "--for=condition=Established", "--timeout=60s", "crd/virtualips.vipra.dev"});
  if (waited.find("condition met") == std::string::npos) return fail(Errc::kIo, waited);
  return {};
}

Place Stage::place(const std::string& folder) {
  const auto directory = workspace_->directory() / folder;
  (void)make_folder(directory);
  return Place{spawner_, net_, directory, workspace_->id()};
}

std::string Stage::kubectl(const std::vector<std::string>& arguments, const std::string& input) {
  return trimmed(said(api_->kubectl(arguments, input, std::chrono::seconds{60})));
}

Status Stage::add_node(const std::string& name, const std::string& address, const std::string& labels) {
  const auto node = [&](const std::string& more) {
    return "apiVersion: v1\nkind: Node\nmetadata: {name: " + name + more;
  };
  if (const auto done = apply(node(", labels: {" + labels + "}}\n")); !done) return done;
  const auto said = kubectl({"apply", "--server-side", "--subresource=status", "-f", "-"},
                            node("}\nstatus: {addresses: [{type: InternalIP, address: " + address + "}]}\n"));
  if (said.find("serverside-applied") == std::string::npos) return fail(Errc::kIo, said);
  return {};
}

Status Stage::add_pod(const std::string& name, const std::string& account, const std::string& node) {
  return apply("apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + ", namespace: " + kSystem +
               "}\nspec:\n  serviceAccountName: " + account +
               (node.empty() ? std::string{} : "\n  nodeName: " + node) +
               "\n  containers: [{name: main, image: none}]\n");
}

Result<std::string> Stage::token(const std::string& account, const std::string& audience,
                                 const std::string& pod) {
  std::vector<std::string> arguments{"create", "token", account, "-n", kSystem};
  if (!audience.empty()) arguments.insert(arguments.end(), {"--audience", audience});
  if (!pod.empty()) {
    arguments.insert(arguments.end(), {"--bound-object-kind", "Pod", "--bound-object-name", pod});
    const auto uid = kubectl({"get", "pod", pod, "-n", kSystem, "-o", "jsonpath={.metadata.uid}"});
    arguments.insert(arguments.end(), {"--bound-object-uid", uid});
  }
  const auto token = kubectl(arguments);
  if (token.starts_with("exit")) return fail(Errc::kIo, token);
  return token;
}

Result<std::string> Stage::kubeconfig(const std::string& account, const std::string& pod) {
  const auto granted = token(account, "", pod);
  if (!granted) return tl::unexpected{granted.error()};
  const auto path = workspace_->directory() / (account + pod + ".kubeconfig");
  const auto text = make_kubeconfig(api_->url(), api_->authority().certificate(), *granted);
  if (const auto done = write_file(path, text, 0600); !done) return tl::unexpected{done.error()};
  return path.string();
}

std::string Stage::page(const std::string& address, const std::string& path) {
  const auto answer = run_command(net_, {"curl", "-sS", "-m", "5", "http://" + address + path});
  return answer && answer->exit_status == 0 ? answer->out : std::string{};
}

std::vector<std::string> Stage::audit() const {
  std::ifstream file{api_->audit_log()};
  std::vector<std::string> out;
  for (std::string line; std::getline(file, line);) out.push_back(line);
  return out;
}

ControlNode::ControlNode(Stage& stage, Options options) : stage_{stage}, options_{std::move(options)} {
  const auto place = stage.place(options_.address);
  folder_ = place.directory;
  (void)run_command(stage.net(), {"ip", "address", "add", options_.address + "/24", "dev", "lo"});
  const auto file = [&](const char* name) { return (folder_ / name).string(); };
  (void)make_folder(folder_ / "state");
  agent_ = std::make_unique<test::FakeAgent>(file("agent.sock"));
  std::vector<std::string> command{VIPRA_BINARY_DIR "/bin/vipra-control",
                                   "--node",
                                   options_.node,
                                   "--agent-socket",
                                   file("agent.sock"),
                                   "--vipctl-socket",
                                   file("vipctl.sock"),
                                   "--state-dir",
                                   file("state"),
                                   "--listen",
                                   options_.address + ":9112",
                                   "--kubeconfig",
                                   options_.kubeconfig};
  command.insert(command.end(), options_.flags.begin(), options_.flags.end());
  control_ = std::make_unique<Daemon>(place, "control", std::move(command));
}

Status ControlNode::restart() {
  control_->kill();
  return control_->start();
}

void ControlNode::poll() {
  agent_->poll();
  speak();
}

// As a live speaker would: at once after each change.
void ControlNode::speak() {
  if (!agent_->connected() || agent_->desired.empty() || agent_->order.size() < 2) return;
  const auto& desired = agent_->last();
  const auto now = std::to_string(agent_->accepted) + " " + std::to_string(told()) + " " +
                   std::to_string(static_cast<int>(state_));
  if (now == said_) return;
  said_ = now;
  std::vector<test::wire::RouterSnapshot> snapshots;
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
  for (const auto& router : desired.routers) snapshots.push_back(snapshot_of(router, state_, since));
  agent_->answer_resync_with = snapshots;
  agent_->answer_applied = desired.generation;
  agent_->tell(snapshots, desired.generation);
}

std::string ControlNode::routers() const {
  std::string out;
  if (agent_->desired.empty()) return "nothing";
  for (const auto& router : agent_->last().routers) {
    out += (out.empty() ? "" : " ") + router.id + ":" + std::to_string(router.base_priority);
  }
  return out;
}

std::string ControlNode::peers() const {
  std::string out;
  if (agent_->desired.empty()) return "nothing";
  for (const auto& peer : agent_->last().peers) {
    out += (out.empty() ? "" : " ") + peer.node + "@";
    for (const auto& address : peer.addresses) out += address.to_string();
  }
  return out;
}

int ControlNode::delta(const std::string& router) const {
  // As the agent adds them up: the last whole set, and what was said since. Tests ask after one connection.
  std::map<std::pair<std::string, std::string>, int> now;
  if (!agent_->sets.empty()) {
    for (const auto& part : agent_->sets.back()) now[{part.consumer, part.source}] = part.delta;
  }
  for (const auto& delta : agent_->deltas) {
    for (const auto& part : delta.upserts) now[{part.consumer, part.source}] = part.delta;
    for (const auto& key : delta.removals) now.erase({key.consumer, key.source});
  }
  int sum = 0;
  for (const auto& [key, value] : now) sum += key.first == router ? value : 0;
  return sum;
}

std::string ControlNode::log() const {
  return end_of_file(control_->log_path(), 6000);
}

double resident_megabytes(pid_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/status"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) * 1024 / 1e6;
  }
  return 0;
}

std::string virtual_ip(const std::string& name, int vrid, const std::string& more) {
  return "apiVersion: vipra.dev/v1alpha1\nkind: VirtualIP\nmetadata: {name: " + name +
         "}\nspec:\n  addresses: [198.51.100." + std::to_string(vrid) + "]\n" +
         (more.find("vrrp:") == std::string::npos
              ? "  vrrp: {virtualRouterID: " + std::to_string(vrid) + "}\n"
              : "") +
         more;
}

}  // namespace vipra::lab::kube
