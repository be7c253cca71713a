// A station that runs a vipra-agent, a UDP responder that answers with the node's name (kProbePort), and a
// web responder. Everything in the node's namespace dies in crash().
#pragma once

#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "lab/child.hpp"
#include "lab/spawner.hpp"
#include "lab/station.hpp"
#include "lab/switch.hpp"
#include "lab/web_responder.hpp"

namespace vipra::lab {

struct AgentOptions {
  std::filesystem::path binary{};  // vipra-agent
  bool control = true;             // false: --no-control
  std::vector<std::pair<std::string, std::string>> labels{};
  std::string log_level = "info";
  std::vector<std::string> extra{};  // appended as they are
};

enum class Role : std::uint8_t { kSupervisor, kSpeaker, kControl };
[[nodiscard]] std::string_view to_string(Role role) noexcept;

// One thread at a time.
class Node final : public Station {
 public:
  Node(StationFacts facts, NetNamespace net, Spawner& spawner, const Switch& network,
       std::filesystem::path directory, std::string lab_id);
  ~Node() override;

  // Files
  [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
  [[nodiscard]] std::filesystem::path run_dir() const { return directory_ / "run"; }
  [[nodiscard]] std::filesystem::path state_dir() const { return directory_ / "state"; }
  [[nodiscard]] std::filesystem::path definitions_dir() const { return directory_ / "definitions"; }
  [[nodiscard]] std::filesystem::path log_path() const { return directory_ / "agent.log"; }
  [[nodiscard]] std::filesystem::path vipctl_socket() const { return run_dir() / "vipctl.sock"; }
  [[nodiscard]] std::string log_text() const;
  // Atomic: written under a hidden name, then renamed.
  [[nodiscard]] Status write_definition(std::string_view file_name, std::string_view text) const;
  [[nodiscard]] Status remove_definition(std::string_view file_name) const;

  // The agent
  [[nodiscard]] Status start_agent(const AgentOptions& options);
  [[nodiscard]] bool agent_running();
  // SIGTERM, then waits. Fails (and leaves it running) when it is not gone in time.
  [[nodiscard]] Result<ExitStatus> stop_agent(Duration within = std::chrono::seconds{5});
  // Process id of a part of the agent that runs now: found below the supervisor in /proc by its command line.
  [[nodiscard]] Result<pid_t> process(Role role) const;
  // SIGKILL, SIGSTOP, SIGCONT... to that part. The supervisor's death leaves its children to die by
  // themselves.
  [[nodiscard]] Status signal(Role role, int number) const;
  // SIGKILL to all parts at once, link untouched: the kernel goes on answering.
  [[nodiscard]] Status kill_agent();

  // The machine
  // Switch port down first (a dead process' kernel would go on answering), then SIGKILL to every process in
  // the namespace. Returns when none is left.
  [[nodiscard]] Status crash();
  // After crash(): addresses, neighbours and routes as after a boot, port up, responders run again. The agent
  // does not: start_agent() again.
  [[nodiscard]] Status power_on();
  [[nodiscard]] bool powered() const noexcept { return powered_; }
  // Pulls and plugs the cable.
  [[nodiscard]] Status cut_link() { return network_.port_down(*this); }
  [[nodiscard]] Status heal_link() { return network_.port_up(*this); }

  [[nodiscard]] WebResponder& web() { return *web_; }

  // Called by Lab once, and by power_on().
  [[nodiscard]] Status start_responders();

 private:
  [[nodiscard]] Status kill_everyone();

  Spawner& spawner_;
  const Switch& network_;
  std::filesystem::path directory_;
  std::string lab_id_;
  Child agent_;
  Child udp_;
  std::unique_ptr<WebResponder> web_;
  bool powered_ = true;
};

}  // namespace vipra::lab
