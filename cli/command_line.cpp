#include "cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>
#include <sstream>

#include "definitions/duration.hpp"

namespace vipra::cli {
namespace {

constexpr const char* kDefaultSocket = "/run/vipra/vipctl.sock";

constexpr const char* kRootFooter = R"(Examples:
  vipctl get                       who owns what, as this node sees it
  vipctl explain web               why the VirtualIP web is where it is
  vipctl watch                     one line for every change of state
  vipctl segments                  which other virtual routers this node hears
  vipctl validate definitions/     judge files before the agent reads them
  vipctl switchover web            hand web over to the other nodes
  vipctl maintenance on --for 1h   hand everything over, and take nothing for an hour

Exit status:
  0  success
  1  there is no such VirtualIP, an object is not valid, or the agent refuses
  2  the command line is wrong
  3  the agent cannot be asked: it does not run, or this user may not)";

constexpr const char* kGetFooter =
    R"(Columns: STATE is this node's own. PRIORITY is the effective one, after checks. MASTER is who is heard as
master, "self" for this node. SINCE is the age of the state. Where IPv4 and IPv6 differ, both are shown:
Master/Backup. Below the table: which VirtualIPs move together and after whom (spec.vrrp.group), what puts the answer
into doubt, warnings, definitions that were refused.

Examples:
  vipctl get
  vipctl get web -o json
  vipctl get --no-headers | awk '$3 == "Master" {print $1}')";

constexpr const char* kExplainFooter =
    R"(For each virtual router (one for each address family): its state, since when and why; whom it goes with, or
who goes with it; how its priority comes about; whom it hears; its addresses in the kernel. Then the checks, the
recent changes of state and what to do.
With -o json: the same facts as `get VIP -o json`.

Examples:
  vipctl explain web
  vipctl --socket /run/vipra/vipctl.sock explain web)";

constexpr const char* kWatchFooter =
    R"(First how things are, then a line for every change: time, VirtualIP, family, from -> to, reason, detail. Goes on
when the agent is restarted, and says so. Ends with Ctrl-C. With -o json every line is a JSON object.

Examples:
  vipctl watch
  vipctl watch -o json | jq -r 'select(.to == "Master") | .virtualIp')";

constexpr const char* kSegmentsFooter =
    R"(A row for each virtual router of others: whoever is heard on an interface of this node's routers with a VRID that
this node does not run there. They are no mistake; a VRID that is free is one that nobody has here. One of them that
advertises an address of this node is a conflict, and a warning of `vipctl get`.

Examples:
  vipctl segments
  vipctl segments -o json | jq '.[].foreignRouters[].virtualRouterId')";

constexpr const char* kValidateFooter =
    R"(Judges the objects as the agent would, without an agent: syntax, schema, rules, duplicate names and addresses
that two of them claim. Folders are read as the agent reads its folder: *.yaml, *.yml and *.json.

Examples:
  vipctl validate web.yaml
  vipctl validate /etc/vipra/definitions
  kubectl get vip -o json | vipctl validate -)";

constexpr const char* kSwitchoverFooter =
    R"(For the owner of the VirtualIP. It resigns and keeps the addresses until the next best node has announced them, so
that no packet is lost; then it stays away for a while, whatever happens to the others: if no other node is there,
nobody owns the VirtualIP until then. With preemption it may come back afterwards. Waits until it is handed over.

Examples:
  vipctl switchover web
  vipctl switchover web --for 10m
  vipctl switchover web --cancel)";

constexpr const char* kMaintenanceFooter =
    R"(All VirtualIPs of this node, as `vipctl switchover` does it with one; this node takes none until maintenance ends.
Kept over restarts of the agent and of the machine. If no other node is there, nobody owns them.

Examples:
  vipctl maintenance on --for 2h
  vipctl maintenance off)";

constexpr const char* kDefaultHold = "30s";

struct Given {
  std::string socket;
  std::string output;
};

void add_output(CLI::App& app, Given& given) {
  app.add_option("-o,--output", given.output, "table for people (default), json for machines")
      ->check(CLI::IsMember({"table", "json"}).description(""))
      ->type_name("table|json");
}

void add_socket(CLI::App& app, Given& given) {
  app.add_option("--socket", given.socket,
                 std::string{"Unix socket of the agent; default: $VIPRA_SOCKET, else "} + kDefaultSocket)
      ->type_name("PATH");
}

std::unique_ptr<CLI::App> make_app() {
  auto app = std::make_unique<CLI::App>("Asks the Vipra agent of this node about its virtual IP addresses.",
                                        "vipctl");
  app->require_subcommand(1);
  app->set_version_flag("--version", std::string{"vipctl "} + VIPRA_VERSION, "print the version and exit");
  app->set_help_flag("-h,--help", "print this help and exit");
  app->get_formatter()->column_width(28);
  return app;
}

// The options of the agent may stand before or after the command; after it wins.
std::string chosen(const std::string& after, const std::string& before, const std::string& otherwise) {
  if (!after.empty()) return after;
  return before.empty() ? otherwise : before;
}

EarlyExit wrong(const std::string& what) {
  return {kExitUsage, "vipctl: " + what + "\nRun \"vipctl --help\" to see what is possible.\n"};
}

EarlyExit leave(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream out;
  std::ostringstream err;
  if (app.exit(error, out, err) == 0) return {kExitOk, out.str()};
  return wrong(error.what());
}

}  // namespace

std::variant<CommandLine, EarlyExit> parse_command_line(
    std::vector<std::string> arguments, const std::optional<std::string>& socket_from_environment) {
  CommandLine line;
  Given before;
  Given after;
  const auto app = make_app();
  add_socket(*app, before);
  add_output(*app, before);
  app->footer(kRootFooter);

  auto* get = app->add_subcommand("get", "Show one VirtualIP or all: a row each")->footer(kGetFooter);
  get->add_option("VIP", line.virtual_ip, "name of a VirtualIP; all without it")->type_name("");
  bool no_headers = false;
  get->add_flag("--no-headers", no_headers, "only the rows, without heading and remarks");

  auto* explain =
      app->add_subcommand("explain", "Say why a VirtualIP is where it is")->footer(kExplainFooter);
  explain->add_option("VIP", line.virtual_ip, "name of a VirtualIP")->type_name("")->required();

  auto* watch = app->add_subcommand("watch", "Print changes as they happen")->footer(kWatchFooter);

  auto* segments = app->add_subcommand("segments", "Show which other virtual routers this node hears")
                       ->footer(kSegmentsFooter);
  segments->add_flag("--no-headers", no_headers, "only the rows, without heading and remarks");

  auto* validate = app->add_subcommand("validate", "Judge definition files")->footer(kValidateFooter);
  validate->add_option("PATH", line.paths, "files and folders; - is standard input")
      ->type_name("")
      ->required();

  std::string hold;
  auto* switchover =
      app->add_subcommand("switchover", "Hand a VirtualIP of this node over")->footer(kSwitchoverFooter);
  switchover->add_option("VIP", line.virtual_ip, "name of a VirtualIP")->type_name("")->required();
  switchover
      ->add_option("--for", hold, std::string{"how long this node stays away (default "} + kDefaultHold + ")")
      ->type_name("DURATION");
  switchover->add_flag("--cancel", line.end, "stay away no longer");

  std::string mode;
  auto* maintenance = app->add_subcommand("maintenance", "Hand everything over, and take nothing")
                          ->footer(kMaintenanceFooter);
  maintenance->add_option("MODE", mode, "on or off")
      ->check(CLI::IsMember({"on", "off"}).description(""))
      ->type_name("")
      ->required();
  maintenance->add_option("--for", hold, "for how long (default: until it is turned off)")
      ->type_name("DURATION");

  for (auto* command : {get, explain, watch, segments, switchover, maintenance}) add_socket(*command, after);
  for (auto* command : {get, explain, watch, segments, validate}) add_output(*command, after);

  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
    app->parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return leave(*app, error);
  }
  line.command = *explain       ? Command::kExplain
                 : *watch       ? Command::kWatch
                 : *segments    ? Command::kSegments
                 : *validate    ? Command::kValidate
                 : *switchover  ? Command::kSwitchover
                 : *maintenance ? Command::kMaintenance
                                : Command::kGet;
  line.end = line.end || mode == "off";
  if (line.end && !hold.empty())
    return wrong("--for says how long this node stays away: it is not for the end");
  if (line.command == Command::kSwitchover && hold.empty()) hold = kDefaultHold;
  if (!hold.empty()) {
    const auto parsed = definitions::parse_duration(hold);
    if (!parsed || *parsed <= Duration::zero())
      return wrong("--for " + hold + ": a duration such as 30s, 10m or 1h30m is expected");
    line.hold = *parsed;
  }
  line.headers = !no_headers;
  const std::string fallback =
      socket_from_environment.value_or("").empty() ? kDefaultSocket : *socket_from_environment;
  line.socket = chosen(after.socket, before.socket, fallback);
  line.output = chosen(after.output, before.output, "table") == "json" ? Output::kJson : Output::kTable;
  return line;
}

}  // namespace vipra::cli
