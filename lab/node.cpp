#include "lab/node.hpp"

#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "lab/clock.hpp"
#include "lab/processes.hpp"
#include "lab/responder.hpp"
#include "lab/station_setup.hpp"

namespace vipra::lab {
namespace {

namespace fs = std::filesystem;

bool is_role(const ProcessInfo& process, Role role, bool root) {
  if (root) return role == Role::kSupervisor;
  const auto in_name = [&](std::string_view word) { return process.name.find(word) != std::string::npos; };
  const bool control = in_name("control") ||
                       (!process.argv.empty() &&
                        fs::path{process.argv[0]}.filename().string().find("control") != std::string::npos);
  if (role == Role::kControl) return control;
  const bool said = process.argv.size() > 1 &&
                    std::find_if(process.argv.begin() + 1, process.argv.end(), [](const auto& word) {
                      return word == "speaker" || word == "--speaker";
                    }) != process.argv.end();
  return role == Role::kSpeaker && !control && (said || in_name("speaker"));
}

std::vector<std::string> environment_of_lab(const std::string& id) {
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) all.emplace_back(*variable);
  all.push_back("VIPRA_LAB=" + id);
  return all;
}

}  // namespace

std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::kSupervisor:
      return "supervisor";
    case Role::kSpeaker:
      return "speaker";
    case Role::kControl:
      return "control";
  }
  return "?";
}

Node::Node(StationFacts facts, NetNamespace net, Spawner& spawner, const Switch& network, fs::path directory,
           std::string lab_id)
    : Station{std::move(facts), std::move(net)},
      spawner_{spawner},
      network_{network},
      directory_{std::move(directory)},
      lab_id_{std::move(lab_id)} {}

Node::~Node() {
  [[maybe_unused]] const auto done = kill_everyone();
}

std::string Node::log_text() const {
  std::ifstream file{log_path(), std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

Status Node::write_definition(std::string_view file_name, std::string_view text) const {
  const auto target = definitions_dir() / file_name;
  const auto hidden = definitions_dir() / ("." + std::string{file_name} + ".new");
  {
    std::ofstream file{hidden, std::ios::binary | std::ios::trunc};
    file << text;
    if (!file.flush()) return fail(Errc::kIo, "write " + hidden.string());
  }
  std::error_code error;
  fs::rename(hidden, target, error);
  if (error) return fail_errno("rename to " + target.string(), error.value());
  return {};
}

Status Node::remove_definition(std::string_view file_name) const {
  std::error_code error;
  if (!fs::remove(definitions_dir() / file_name, error))
    return fail(Errc::kNotFound, "no definition " + std::string{file_name} + " on " + name());
  return {};
}

Status Node::start_agent(const AgentOptions& options) {
  if (!powered_) return fail(Errc::kConflict, name() + " is without power");
  if (agent_running()) return fail(Errc::kConflict, name() + " has an agent already");
  std::vector<std::string> argv{options.binary.string(),
                                "--node",
                                name(),
                                "--run-dir",
                                run_dir().string(),
                                "--state-dir",
                                state_dir().string(),
                                "--definitions",
                                definitions_dir().string(),
                                "--log-level",
                                options.log_level};
  if (!options.control) argv.emplace_back("--no-control");
  for (const auto& [key, value] : options.labels) {
    argv.emplace_back("--label");
    argv.push_back(std::string{key}.append("=").append(value));
  }
  argv.insert(argv.end(), options.extra.begin(), options.extra.end());
  auto child = spawner_.execute(net(), argv, environment_of_lab(lab_id_), log_path());
  if (!child) return tl::unexpected{child.error()};
  agent_ = std::move(*child);
  return {};
}

bool Node::agent_running() {
  return agent_.running();
}

Result<ExitStatus> Node::stop_agent(Duration within) {
  if (agent_.pid() <= 0) return fail(Errc::kNotFound, "no agent on " + name());
  agent_.signal(SIGTERM);
  const auto status = agent_.wait(within);
  if (!status) return fail(Errc::kTimeout, "the agent of " + name() + " does not end after SIGTERM");
  return *status;
}

Result<pid_t> Node::process(Role role) const {
  if (agent_.pid() > 0) {
    for (const auto& process : process_tree(agent_.pid()))
      if (is_role(process, role, process.pid == agent_.pid())) return process.pid;
  }
  return fail(Errc::kNotFound, "no " + std::string{to_string(role)} + " on " + name());
}

Status Node::signal(Role role, int number) const {
  const auto pid = process(role);
  if (!pid) return tl::unexpected{pid.error()};
  if (::kill(*pid, number) < 0) return fail_errno("signal the " + std::string{to_string(role)}, errno);
  return {};
}

Status Node::kill_agent() {
  if (agent_.pid() <= 0) return fail(Errc::kNotFound, "no agent on " + name());
  agent_.signal(SIGSTOP);  // it must not start children while they are counted
  for (const auto& process : process_tree(agent_.pid())) ::kill(process.pid, SIGKILL);
  agent_.kill_and_reap();
  return {};
}

Status Node::kill_everyone() {
  const bool gone = wait_until(
      [&] {
        const auto left = processes_in(net().inode());
        for (const pid_t pid : left) ::kill(pid, SIGKILL);
        return left.empty();
      },
      std::chrono::seconds{5});
  agent_.kill_and_reap();
  udp_.kill_and_reap();
  web_.reset();
  if (!gone) return fail(Errc::kTimeout, "processes of " + name() + " survive SIGKILL");
  return {};
}

Status Node::crash() {
  if (const auto down = network_.port_down(*this); !down) return down;
  powered_ = false;
  return kill_everyone();
}

Status Node::power_on() {
  if (powered_) return fail(Errc::kConflict, name() + " has power");
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{run_dir(), ignored}) fs::remove_all(entry.path(), ignored);
  if (const auto done = reset_station(*this); !done) return done;
  if (const auto done = start_responders(); !done) return done;
  if (const auto done = network_.port_up(*this); !done) return done;
  powered_ = true;
  return {};
}

Status Node::start_responders() {
  auto udp = start_responder(spawner_, net(), name());
  if (!udp) return tl::unexpected{udp.error()};
  udp_ = std::move(*udp);
  auto web = WebResponder::start(spawner_, net(), name());
  if (!web) return tl::unexpected{web.error()};
  web_ = std::move(*web);
  return {};
}

}  // namespace vipra::lab
