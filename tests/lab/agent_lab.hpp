// A lab of nodes that run the real vipra-agent, for the tests of everything together.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lab/lab.hpp"
#include "lab/processes.hpp"

namespace vipra::lab {

#define ASSERT_OK(expression)                                 \
  do {                                                        \
    const auto& outcome = (expression);                       \
    ASSERT_TRUE(outcome.has_value()) << outcome.error().what; \
  } while (false)

class AgentLab : public testing::Test {
 protected:
  using ms = std::chrono::milliseconds;
  using s = std::chrono::seconds;

  void TearDown() override {
    if (!HasFailure() || !lab_) return;
    for (std::size_t i = 0; i < lab_->node_count(); ++i) {
      const auto log = lab_->node(i).log_text();
      std::printf("---- log of %s (its end) ----\n%s\n", lab_->node(i).name().c_str(),
                  log.size() > 12'000 ? log.substr(log.size() - 12'000).c_str() : log.c_str());
    }
  }

  static VipDefinition web() {
    VipDefinition definition;
    definition.priorities = {{"node-a", 200}, {"node-b", 150}, {"node-c", 100}};
    return definition;
  }
  static VipDefinition dual_stack() {
    auto definition = web();
    definition.addresses = {"10.99.0.100", "2001:db8:99::100"};
    return definition;
  }

  static AgentOptions agent() {
    AgentOptions options;
    options.binary = VIPRA_BINARY_DIR "/bin/vipra-agent";
    options.log_level = "debug";
    return options;
  }

  // Nodes up, definition everywhere, agents started; nobody is waited for.
  void build(std::size_t nodes) {
    ASSERT_TRUE(may_build_labs()) << "lab tests need root";
    LabOptions options;
    options.nodes = nodes;
    auto made = Lab::make(options);
    ASSERT_OK(made);
    lab_ = std::move(*made);
  }
  void up(std::size_t nodes, const VipDefinition& definition) {
    ASSERT_NO_FATAL_FAILURE(build(nodes));
    ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
    ASSERT_OK(lab_->start_agents(agent()));
  }
  // The best node of web() holds the VIP and has told the others.
  void up_with_owner(std::size_t nodes, const VipDefinition& definition) {
    ASSERT_NO_FATAL_FAILURE(up(1, nodes, definition));
  }
  void up_with_owner(std::size_t nodes) { up_with_owner(nodes, web()); }

  Node& node(const char* name) { return lab_->node(name); }
  bool owns(const char* name, Duration within = std::chrono::seconds{5}) {
    return lab_->wait_for_owner(vip_, name, within);
  }
  bool logged(Node& where, const std::string& text, Duration within = std::chrono::seconds{5}) {
    return wait_until([&] { return where.log_text().find(text) != std::string::npos; }, within, ms{10});
  }
  std::size_t count_logged(Node& where, const std::string& text) {
    const auto log = where.log_text();
    std::size_t count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  }
  // The speaker of `where` is another one than `old`.
  bool respawned(Node& where, pid_t old) {
    return wait_until(
        [&] {
          const auto pid = where.process(Role::kSpeaker);
          return pid && *pid != old;
        },
        s{5});
  }
  // After node-a's agent was stopped, and node-b took over: as it was before.
  void give_back_to_node_a() {
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_OK(node("node-b").stop_agent());
    ASSERT_TRUE(owns("node-a", s{10}));
    ASSERT_OK(node("node-b").start_agent(agent()));
  }
  std::string vipctl(Node& where, std::vector<std::string> arguments, int* status = nullptr) {
    std::vector<std::string> command{VIPRA_BINARY_DIR "/bin/vipctl", "--socket",
                                     where.vipctl_socket().string()};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const auto output = where.run(command);
    if (!output) return output.error().what;
    if (status != nullptr) *status = output->exit_status;
    return output->out;
  }

  // Runs `act` while the VIP is probed, then until `settled`. A run into which the host stalled says nothing
  // of the agent: it is repeated (with `again` in between to restore the start), a few times.
  ProbeReport probed(const std::function<void()>& act, const std::function<bool()>& settled,
                     const std::function<void()>& again = {}) {
    ProbeReport report;
    for (int attempt = 0; attempt < 4; ++attempt) {
      auto probe = lab_->probe({vip_});
      EXPECT_TRUE(probe.has_value()) << probe.error().what;
      if (!probe) return report;
      const auto begin = now();
      EXPECT_TRUE(wait_until([&] { return (*probe)->answered_by("", begin); }, s{5})) << "nobody answers";
      const auto from = now();
      EXPECT_TRUE(wait_until([&] { return (*probe)->answered_by("", from); }, s{5}));
      act();
      EXPECT_TRUE(wait_until(settled, s{20}));
      const auto last = now();
      EXPECT_TRUE(wait_until([&] { return (*probe)->answered_by("", last); }, s{10}));
      report = (*probe)->settled_report(from, now());
      bool stalled = false;
      for (const auto& outage : report.outages) stalled = stalled || outage.host_stalled;
      if (!stalled || !again) break;
      again();
    }
    return report;
  }

  std::unique_ptr<Lab> lab_;
  IpAddress vip_ = *IpAddress::parse("10.99.0.100");
  IpAddress vip6_ = *IpAddress::parse("2001:db8:99::100");

 private:
  void up(int, std::size_t nodes, const VipDefinition& definition) {
    // The best one first: with the policy Never whoever stands first on a busy machine would keep the
    // address.
    ASSERT_NO_FATAL_FAILURE(build(nodes));
    ASSERT_OK(lab_->write_definition("web.yaml", definition.yaml()));
    ASSERT_OK(node("node-a").start_agent(agent()));
    ASSERT_TRUE(lab_->wait_for_owner(vip_, "node-a", s{10})) << "node-a did not become the owner";
    for (std::size_t i = 1; i < nodes; ++i) {
      ASSERT_OK(lab_->node(i).start_agent(agent()));
      ASSERT_TRUE(logged(lab_->node(i), "\"to\":\"Backup\""))
          << lab_->node(i).name() << " does not take part";
    }
  }
};

}  // namespace vipra::lab
