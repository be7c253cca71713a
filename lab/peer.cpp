#include "lab/peer.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <utility>

namespace vipra::lab {
namespace {

constexpr const char* kKeepalived = "/usr/sbin/keepalived";
constexpr const char* kZebra = "/usr/lib/frr/zebra";
constexpr const char* kVrrpd = "/usr/lib/frr/vrrpd";

bool is_ipv6(const PeerDefinition& definition) {
  return definition.addresses.at(0).find(':') != std::string::npos;
}

std::string keepalived_instance(const std::string& name, const PeerDefinition& definition, int id,
                                const std::vector<std::string>& addresses) {
  // Interval as "0.1": keepalived takes decimals of a second.
  char interval[16];
  std::snprintf(interval, sizeof interval, "%g", static_cast<double>(definition.interval.count()) / 1000);
  std::string text = "vrrp_instance " + name + " {\n  state BACKUP\n  interface eth0\n";
  text += "  version " + std::to_string(definition.version) + "\n";
  text += "  virtual_router_id " + std::to_string(id) + "\n";
  text += "  priority " + std::to_string(definition.priority) + "\n  advert_int " + interval + "\n";
  if (!definition.preempt) text += "  nopreempt\n";
  if (definition.virtual_mac) text += "  use_vmac\n";
  if (!definition.password.empty())
    text += "  authentication {\n    auth_type PASS\n    auth_pass \"" + definition.password + "\"\n  }\n";
  text += "  virtual_ipaddress {\n";
  for (const auto& address : addresses) text += "    " + address + "\n";
  return text + "  }\n}\n";
}

std::string keepalived_configuration(const Node& node, const PeerDefinition& definition) {
  std::string text =
      "global_defs {\n  router_id " + node.name() + "\n  vrrp_garp_master_delay 1\n}\n" +
      keepalived_instance("peer", definition, definition.virtual_router_id, definition.addresses);
  std::string members = "    peer\n";
  for (const auto& [id, address] : definition.sync_group) {
    const auto name = "peer-" + std::to_string(id);
    text += keepalived_instance(name, definition, id, {address});
    members += "    " + name + "\n";
  }
  if (definition.sync_group.empty()) return text;
  return text + "vrrp_sync_group all {\n  group {\n" + members + "  }\n}\n";
}

std::string frr_configuration(const PeerDefinition& definition) {
  const auto vrrp = " vrrp " + std::to_string(definition.virtual_router_id) + " ";
  std::string text = "log stdout\ndebug vrrp protocol\ninterface eth0\n";
  text += vrrp + "version " + std::to_string(definition.version) + "\n";
  text += vrrp + "priority " + std::to_string(definition.priority) + "\n";
  text += vrrp + "advertisement-interval " + std::to_string(definition.interval.count()) + "\n";
  if (!definition.preempt) text += " no" + vrrp + "preempt\n";
  for (const auto& address : definition.addresses)
    text += vrrp + (is_ipv6(definition) ? "ipv6 " : "ip ") + address + "\n";
  return text + "exit\n";
}

// vrrpd announces from, and puts the addresses on, a device that has the virtual MAC address; as a backup it
// takes the device's carrier away. The node must then not answer for the addresses on another device
// (arp_ignore).
Status make_frr_device(Node& node, const PeerDefinition& definition) {
  const bool v6 = is_ipv6(definition);
  const std::string device = v6 ? "vrrp6" : "vrrp4";
  char mac[18];
  std::snprintf(mac, sizeof mac, "00:00:5e:00:0%d:%02x", v6 ? 2 : 1,
                static_cast<unsigned>(definition.virtual_router_id));
  for (const auto* scope : {"all", "eth0"})
    if (auto done = set_sysctl(node.net(), std::string{"ipv4/conf/"} + scope + "/arp_ignore", "1"); !done)
      return done;
  static_cast<void>(node.run({"ip", "link", "del", device}));  // of an earlier peer on this node
  std::vector<std::vector<std::string>> commands{
      {"ip", "link", "add", device, "link", "eth0", "type", "macvlan", "mode", "bridge"},
      {"ip", "link", "set", device, "address", mac, "addrgenmode", "none"},
  };
  for (const auto& address : definition.addresses)
    commands.push_back({"ip", "addr", "add", address + (v6 ? "/64" : "/32"), "dev", device});
  if (v6) {
    // Where advertisements come from: it must differ from node to node, so it is not made of the MAC address.
    // The youngest is the one that vrrpd takes.
    auto own = node.facts().link_local.to_string();
    own.insert(own.find("::") + 2, "f:");
    commands.push_back({"ip", "addr", "add", own + "/64", "dev", device});
  }
  commands.push_back({"ip", "link", "set", device, "up"});
  for (const auto& command : commands)
    if (auto done = must_run(node.net(), command); !done) return done;
  return {};
}

// "$1" is the configuration.
constexpr const char* kPrivateFolders =
    "set -e; mount -t tmpfs tmpfs /run; mount -t tmpfs -o mode=1777 tmpfs /var/tmp; ";
constexpr const char* kKeepalivedScript =
    "exec /usr/sbin/keepalived --dont-fork --log-console --no-syslog --log-detail --vrrp --use-file \"$1\" "
    "--pid /run/keepalived.pid --vrrp_pid /run/vrrp.pid";
constexpr const char* kPlainKeepalivedScript =
    "exec /usr/sbin/keepalived --dont-fork --log-console --no-syslog --vrrp --use-file \"$1\" "
    "--pid /run/keepalived.pid --vrrp_pid /run/vrrp.pid";
// vrrpd asks zebra for everything about devices, so zebra comes first. Both drop their privileges but for the
// capabilities that they need, and read the configuration after that.
constexpr const char* kFrrScript =
    "mkdir /run/frr; cp \"$1\" /run/frr/frr.conf; chown -R frr:frr /run/frr; "
    "/usr/lib/frr/zebra -u frr -g frr -P 0 -f /dev/null & "
    "n=0; while ! [ -S /run/frr/zserv.api ]; do n=$((n + 1)); [ $n -lt 500 ] || exit 1; sleep 0.01; done; "
    "exec /usr/lib/frr/vrrpd -u frr -g frr -P 0 -f /run/frr/frr.conf";

}  // namespace

bool have_keepalived() {
  return ::access(kKeepalived, X_OK) == 0;
}
bool have_frr() {
  return ::access(kZebra, X_OK) == 0 && ::access(kVrrpd, X_OK) == 0;
}

Result<Peer> Peer::execute(Lab& lab, Node& node, const char* name, const std::string& script,
                           const std::string& configuration) {
  const auto file = node.directory() / (std::string{name} + ".conf");
  {
    std::ofstream out{file, std::ios::trunc};
    out << configuration;
    if (!out.flush()) return fail(Errc::kIo, "write " + file.string());
  }
  const auto log = node.directory() / (std::string{name} + ".log");
  auto child = lab.spawner().execute(node.net(),
                                     {"/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh",
                                      "-c", kPrivateFolders + script, name, file.string()},
                                     {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "VIPRA_LAB=" + lab.id()}, log);
  if (!child) return tl::unexpected{std::move(child).error()};
  Peer out{std::move(*child), log};
  out.group_ = out.child_.pid();
  return out;
}

Result<Peer> Peer::start_keepalived(Lab& lab, Node& node, const PeerDefinition& definition) {
  if (!have_keepalived()) return fail(Errc::kNotFound, "keepalived is missing: scripts/setup test");
  return execute(lab, node, "keepalived", kKeepalivedScript, keepalived_configuration(node, definition));
}

Result<Peer> Peer::start_keepalived(Lab& lab, Node& node, const std::string& configuration) {
  if (!have_keepalived()) return fail(Errc::kNotFound, "keepalived is missing: scripts/setup test");
  return execute(lab, node, "keepalived", kPlainKeepalivedScript, configuration);
}

Result<Peer> Peer::start_frr(Lab& lab, Node& node, const PeerDefinition& definition) {
  if (!have_frr()) return fail(Errc::kNotFound, "FRR is missing: scripts/setup test");
  if (auto made = make_frr_device(node, definition); !made) return tl::unexpected{std::move(made).error()};
  return execute(lab, node, "frr", kFrrScript, frr_configuration(definition));
}

Peer::Peer(Peer&& other) noexcept
    : child_{std::move(other.child_)}, group_{std::exchange(other.group_, -1)}, log_{std::move(other.log_)} {}

Peer& Peer::operator=(Peer&& other) noexcept {
  if (this == &other) return *this;
  kill();
  child_ = std::move(other.child_);
  group_ = std::exchange(other.group_, -1);
  log_ = std::move(other.log_);
  return *this;
}

Peer::~Peer() {
  kill();
}

Status Peer::stop(Duration within) {
  child_.signal(SIGTERM);
  if (!child_.wait(within))
    return fail(Errc::kTimeout, "the peer does not end after SIGTERM; see " + log_.string());
  return {};
}

void Peer::kill() noexcept {
  // A session of its own (Spawner::execute), so its group is all that it started.
  if (group_ > 0) ::kill(-group_, SIGKILL);
  group_ = -1;
  child_.kill_and_reap();
}

std::string Peer::log_text() const {
  std::ifstream file{log_, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

}  // namespace vipra::lab
