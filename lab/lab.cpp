#include "lab/lab.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/check.hpp"
#include "lab/responder.hpp"
#include "lab/station_setup.hpp"

namespace vipra::lab {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxNodes = 26;
constexpr std::size_t kMaxClients = 20;
constexpr std::size_t kFirstClient = 201;
constexpr ::uid_t kControlUid = 65532;

Status make_folders(const fs::path& node) {
  std::error_code error;
  for (const char* name : {"run", "state", "definitions"}) {
    const auto folder = node / name;
    fs::create_directories(folder, error);
    if (error) return fail_errno("make " + folder.string(), error.value());
    // What a package would prepare: control, without privileges, keeps state and serves a socket there.
    if (std::string_view{name} != "definitions" && ::chown(folder.c_str(), 0, kControlUid) < 0)
      return fail_errno("give away " + folder.string(), errno);
    if (std::string_view{name} != "definitions")
      fs::permissions(folder, fs::perms::owner_all | fs::perms::group_all, error);
  }
  return {};
}

}  // namespace

bool may_build_labs() {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &head, data) < 0) return false;
  const auto has = [&](unsigned cap) { return (data[cap / 32].effective >> (cap % 32) & 1U) != 0; };
  return has(CAP_SYS_ADMIN) && has(CAP_NET_ADMIN) && has(CAP_NET_RAW);
}

Lab::Lab() : timeline_{now()} {}

// Nodes first: each kills everyone in its namespace. The workspace's watchman has the last look.
Lab::~Lab() {
  nodes_.clear();
  control_.kill_and_reap();
}

Result<std::unique_ptr<Lab>> Lab::make(const LabOptions& options) {
  if (options.nodes < 1 || options.nodes > kMaxNodes || options.clients > kMaxClients)
    return fail(Errc::kInvalid, "a lab has 1 to 26 nodes and at most 20 clients");
  if (!may_build_labs()) return fail(Errc::kPermission, "building a lab of network namespaces needs root");
  std::unique_ptr<Lab> lab{new Lab};
  if (const auto built = lab->build(options); !built) return tl::unexpected{built.error()};
  return lab;
}

Result<NetNamespace> Lab::make_station(const StationFacts& facts) {
  auto net = NetNamespace::make();
  if (!net) return net;
  if (const auto done = prepare_station(*net); !done) return tl::unexpected{done.error()};
  if (const auto done = switch_->attach(facts, *net); !done) return tl::unexpected{done.error()};
  if (const auto done = bring_up_station(facts, *net); !done) return tl::unexpected{done.error()};
  return net;
}

Status Lab::build(const LabOptions& options) {
  auto workspace = Workspace::make(options.keep_files);
  if (!workspace) return tl::unexpected{workspace.error()};
  workspace_ = std::move(*workspace);
  auto network = Switch::make(options.multicast_snooping);
  if (!network) return tl::unexpected{network.error()};
  switch_ = std::move(*network);

  for (std::size_t i = 0; i < options.nodes; ++i) {
    const auto facts = station_facts(std::string{"node-"} + static_cast<char>('a' + i), i + 1);
    auto net = make_station(facts);
    if (!net) return tl::unexpected{net.error()};
    const auto folder = directory() / facts.name;
    if (const auto done = make_folders(folder); !done) return done;
    nodes_.push_back(std::make_unique<Node>(facts, std::move(*net), spawner_, *switch_, folder, id()));
  }
  for (std::size_t i = 0; i < options.clients; ++i) {
    const auto facts = station_facts("client-" + std::to_string(i + 1), kFirstClient + i);
    auto net = make_station(facts);
    if (!net) return tl::unexpected{net.error()};
    clients_.push_back(std::make_unique<Station>(facts, std::move(*net)));
  }

  std::vector<const NetNamespace*> all{&switch_->net()};
  for (const auto& node : nodes_) all.push_back(&node->net());
  for (const auto& client : clients_) all.push_back(&client->net());
  if (const auto done = workspace_->guard(all); !done) return done;

  for (const auto& node : nodes_)
    if (const auto done = node->start_responders(); !done) return done;
  auto control = start_responder(spawner_, switch_->net(), "switch");
  if (!control) return tl::unexpected{control.error()};
  control_ = std::move(*control);
  return {};
}

Node& Lab::node(std::size_t index) {
  VIPRA_CHECK(index < nodes_.size());
  return *nodes_[index];
}

Node& Lab::node(std::string_view name) {
  const auto it =
      std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& node) { return node->name() == name; });
  VIPRA_CHECK(it != nodes_.end());
  return **it;
}

Station& Lab::client(std::size_t index) {
  VIPRA_CHECK(index < clients_.size());
  return *clients_[index];
}

std::vector<std::string> Lab::node_names() const {
  std::vector<std::string> names;
  names.reserve(nodes_.size());
  for (const auto& node : nodes_) names.push_back(node->name());
  return names;
}

Status Lab::write_definition(std::string_view file_name, std::string_view text) {
  for (const auto& node : nodes_)
    if (const auto done = node->write_definition(file_name, text); !done) return done;
  return {};
}

Status Lab::remove_definition(std::string_view file_name) {
  for (const auto& node : nodes_)
    if (const auto done = node->remove_definition(file_name); !done) return done;
  return {};
}

Status Lab::start_agents(const AgentOptions& options) {
  for (const auto& node : nodes_)
    if (const auto done = node->start_agent(options); !done) return done;
  return {};
}

std::vector<std::string> Lab::owners(const IpAddress& address) const {
  std::vector<std::string> names;
  for (const auto& node : nodes_)
    if (node->powered() && node->owns(address)) names.push_back(node->name());
  return names;
}

Result<std::string> Lab::wait_for_owner(const IpAddress& address, Duration within) const {
  std::vector<std::string> last;
  const auto single = [&] { return (last = owners(address)).size() == 1; };
  if (wait_until(single, within)) return last.front();
  std::string who;
  for (const auto& name : last) who += " " + name;
  return fail(Errc::kTimeout,
              "owners of " + address.to_string() + " in the end:" + (who.empty() ? " none" : who));
}

bool Lab::wait_for_owner(const IpAddress& address, const std::string& node, Duration within) const {
  return wait_until([&] { return owners(address) == std::vector<std::string>{node}; }, within);
}

Result<std::unique_ptr<Probe>> Lab::probe(const std::vector<IpAddress>& targets,
                                          const ProbeOptions& options) {
  if (clients_.empty() || targets.empty()) return fail(Errc::kInvalid, "a probe needs a client and a target");
  return Probe::start(client(), targets,
                      targets.front().is_v4() ? switch_->control_v4() : switch_->control_v6(), node_names(),
                      options);
}

Result<std::unique_ptr<Capture>> Lab::capture(const CaptureOptions& options) {
  return Capture::on_switch(*switch_, options);
}

Result<std::unique_ptr<AddressWatch>> Lab::watch_addresses() const {
  std::vector<const Station*> stations;
  stations.reserve(nodes_.size());
  for (const auto& node : nodes_) stations.push_back(node.get());
  return AddressWatch::start(stations);
}

}  // namespace vipra::lab
