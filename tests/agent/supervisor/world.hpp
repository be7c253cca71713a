// A small world for one agent: a network namespace with a cable (near0 - far0), a folder for everything, and
// the means to watch: the agent's log, the scripted speaker's journal, the packets at the far end.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip_address.hpp"
#include "base/time.hpp"
#include "channel/framing.hpp"
#include "sys/seqpacket.hpp"
#include "vipra/channel/v1/channel.pb.h"

namespace vipra::supervisor {

// True as soon as `condition` is; false after `within`.
[[nodiscard]] bool eventually(const std::function<bool()>& condition,
                              Duration within = std::chrono::seconds{15});

// An agent that runs; killed, with all its children, at the end.
class Agent {
 public:
  struct Plan {
    std::vector<std::string> arguments = {};
    std::map<std::string, std::string> environment = {};
    int stdout_fd = -1;                  // in place of the log file
    bool elsewhere = false;              // in a network namespace of its own
    std::uint64_t capabilities = ~0ULL;  // its bounding set
  };
  Agent(const std::string& folder, const std::string& log, const Plan& plan);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void signal(int signal) const;
  // The exit status, 128 + signal if killed; nullopt if it still runs after `within`.
  [[nodiscard]] std::optional<int> wait(Duration within = std::chrono::seconds{15});
  [[nodiscard]] std::string log() const;
  // How many lines of the log are about this event.
  [[nodiscard]] int logged(const std::string& event) const;
  // Waits until there are that many: the log is written behind what it tells.
  [[nodiscard]] bool logs(const std::string& event, int count) const;

 private:
  std::string log_path_;
  pid_t pid_ = -1;
};

struct Advert {
  int priority = 0;
  int vrid = 0;
  TimePoint at;
  IpAddress destination{};
  bool verifies = false;  // by the ladder, with the addresses of its own IP header
};

class World : public testing::Test {
 protected:
  static void SetUpTestSuite();
  World();
  ~World() override;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string run_dir() const { return folder_ + "/run"; }
  [[nodiscard]] std::string agent_socket() const { return run_dir() + "/agent.sock"; }
  [[nodiscard]] std::uint32_t near_index() const { return near_index_; }

  // Without control, unless the arguments say otherwise.
  Agent& start_agent(Agent::Plan plan = {});
  Agent& agent() { return *agents_.back(); }

  // A file that makes the next speakers misbehave, or no longer.
  void tell_speakers(const char* what) const;
  void forgive_speakers(const char* what) const;
  // To the speaker that runs; waits until it is done.
  void order(const std::string& text);
  // Lines of the journal that contain `text`.
  [[nodiscard]] int journal_lines(const std::string& text) const;
  [[nodiscard]] std::string journal() const;
  // Waits until `count` speakers have read their handle table.
  [[nodiscard]] bool speakers_ready(int count) const;
  // Of the speaker that started last.
  [[nodiscard]] pid_t speaker_pid() const;

  // Adds an address with our mark; tells whether there are any.
  void add_marked(const char* address) const;
  [[nodiscard]] bool has_marked() const;
  // Advertisements at the far end since the last call.
  [[nodiscard]] std::vector<Advert> heard();

 private:
  void open_tap();

  std::string folder_;
  std::uint32_t near_index_ = 0;
  sys::UniqueFd tap_;
  std::vector<std::unique_ptr<Agent>> agents_;
};

// Control's end of agent.sock.
class FakeControl {
 public:
  explicit FakeControl(const std::string& path, std::uint32_t version = 1);

  void send(const channel::v1::ControlMessage& message, std::span<const int> fds = {});
  void send_desired(std::uint64_t generation);
  void send_contributions(const std::map<std::string, int>& delta_by_source);
  void send_delta(const std::string& source, int delta);
  // Messages until `wanted` says true of one, which is returned; nullopt after 15 s, or when the agent hangs
  // up.
  std::optional<channel::v1::AgentMessage> receive(
      const std::function<bool(const channel::v1::AgentMessage&)>& wanted);
  [[nodiscard]] bool hung_up();

 private:
  sys::SeqPacket socket_;
  channel::Encoder encoder_;
};

}  // namespace vipra::supervisor
